"""Architectures that spandrel builds: the same result as its own call, and reasons for refusals."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.makers.foreign import compact, esrgan, gradient, plksr, span
from tests.models.foreign.test_recognise import picture_of
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.tiling import is_exact, run_tiled
from vidsr.errors import ModelError, OptionError
from vidsr.models import loaders
from vidsr.models.foreign.spandrel_import import has_spandrel, import_spandrel
from vidsr.models.networks.plain_net import PlainNet
from vidsr.models.zoo import load_model
from vidsr.picture.size import Size

if not has_spandrel():
    pytest.skip("spandrel is an extra", allow_module_level=True)
import_spandrel()

import spandrel  # noqa: E402
from spandrel.architectures import RCAN, DnCNN, DRUNet, MoSR, NAFNet, SwinIR  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:.*meshgrid")  # in spandrel's own code

SMALL: dict[str, Any] = {
    "DnCNN": lambda: DnCNN.DnCNN(nb=4, nc=8),
    "DRUNet": lambda: DRUNet.DRUNet(in_nc=4, out_nc=3, nc=[4, 8, 8, 8], nb=4),
    "MoSR": lambda: MoSR.MoSR(upscale=3, n_block=2, dim=8),
    "NAFNet": lambda: NAFNet.NAFNet(width=4, enc_blk_nums=[1], dec_blk_nums=[1]),
    "MoSR dys": lambda: MoSR.MoSR(upscale=2, n_block=1, dim=8, upsampler="dys"),
    "RCAN": lambda: RCAN.RCAN(n_resblocks=1, n_resgroups=1, n_feats=16, scale=2),
    "SwinIR": lambda: SwinIR.SwinIR(
        embed_dim=8, depths=[2], num_heads=[2], window_size=4, upscale=2,
        upsampler="pixelshuffledirect",
    ),
}  # fmt: skip


def saved(name: str, path: Path) -> Path:
    torch.manual_seed(5)
    torch.save(SMALL[name]().state_dict(), path)
    return path


@pytest.mark.parametrize("name", sorted(SMALL))
def test_the_same_as_spandrels_own_call_at_odd_sizes(name: str, tmp_path: Path) -> None:
    path = saved(name, tmp_path / "net.pth")
    engine = TorchEngine(load_model(path), device="cpu", precision="fp32")
    theirs = spandrel.ModelLoader().load_from_state_dict(torch.load(path, weights_only=True))
    for size in ((1, 1), (7, 5), (33, 65)):
        x = gradient(engine.channels, *size)
        wanted = theirs.eval()(x.clone())
        given = x.clone()
        picture_of(engine, given)
        assert torch.equal(given, x)  # a network that works in place has a copy
        assert torch.allclose(picture_of(engine, x).clamp(0, 1), wanted, atol=1e-5)
    x, tile = gradient(engine.channels, 176, 104), Size(32, 32)
    whole, tiles = (picture_of(engine, x), run_tiled(engine, x, tile))
    if is_exact(engine, Size(176, 104), tile):
        assert torch.allclose(whole, tiles, atol=1e-6)


@pytest.mark.parametrize(
    ("state", "scale"),
    [
        (compact(scale=3), 3),
        (esrgan("old", growth=32), 4),
        (span(), 2),
        (plksr(), 2),
        (plksr(scale=3, attends=False, sampled=True), 3),
        (plksr(scale=1, sampled=True), 1),
        (plksr(scale=4, by_pixel=True, sampled=True), 4),
    ],
)
def test_recognisers_of_our_own_agree_with_spandrel(
    state: dict[str, torch.Tensor], scale: int, tmp_path: Path
) -> None:
    torch.save(state, tmp_path / "net.pth")
    model = load_model(tmp_path / "net.pth")
    theirs = spandrel.ModelLoader().load_from_state_dict(dict(state)).eval()
    engine, x = TorchEngine(model, device="cpu", precision="fp32"), gradient(3, 21, 30)
    assert not isinstance(model.module, PlainNet)
    assert model.scale == scale == theirs.scale
    found = picture_of(engine, x).clamp(0, 1)
    assert torch.allclose(found, theirs(x.clone()), atol=2e-4)


def test_what_the_descriptor_states_is_kept(tmp_path: Path) -> None:
    traits = load_model(saved("DRUNet", tmp_path / "net.pth")).traits
    assert (traits.scale, traits.in_channels, traits.multiple) == (1, 3, 8)
    assert torch.float16 not in traits.dtypes
    path = saved("SwinIR", tmp_path / "swin.pth")
    assert load_model(path).traits.alignment == 4
    with pytest.raises(OptionError, match="precision = 'fp16'"):
        TorchEngine(load_model(path), device="cpu", precision="fp16")


def test_the_probe_finds_the_reach_of_plain_layers(tmp_path: Path) -> None:
    assert load_model(saved("DnCNN", tmp_path / "net.pth")).traits.halo == 4
    assert load_model(saved("NAFNet", tmp_path / "net.pth")).traits.halo is None  # means of all


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda: NAFNet.NAFNet(img_channel=4, width=4, enc_blk_nums=[1], dec_blk_nums=[1]),
         "NAFNet: expected a network of 1 or 3 channels.*got 4 to 4"),
        (lambda: DRUNet.DRUNet(in_nc=3, out_nc=3, nc=[4, 8, 8, 8], nb=4), "got 2 to 3"),
    ],
)  # fmt: skip
def test_refusals_have_a_reason(build: Any, reason: str, tmp_path: Path) -> None:
    torch.save(build().state_dict(), tmp_path / "net.pth")
    with pytest.raises(ModelError, match=reason):
        load_model(tmp_path / "net.pth")


def test_faces_and_holes_are_refused() -> None:
    from types import SimpleNamespace

    from vidsr.models.foreign.refusal import Misfit
    from vidsr.models.foreign.spandrel_nets import _check_use

    for purpose, reason in (("FaceSR", "faces"), ("Inpainting", "holes")):
        named = SimpleNamespace(architecture=SimpleNamespace(name="Net"), purpose=purpose)
        with pytest.raises(Misfit, match=reason):
            _check_use(named)


def test_without_spandrel_the_hint_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaders, "has_spandrel", lambda: False)
    with pytest.raises(ModelError, match=r"no architecture that is known.*\.\[models\]"):
        load_model(saved("NAFNet", tmp_path / "net.pth"))


def test_what_spandrel_does_not_know_is_refused_as_ever(tmp_path: Path) -> None:
    torch.save({"first.weight": torch.zeros(3, 3, 3, 3)}, tmp_path / "net.pth")
    with pytest.raises(ModelError, match=r"no architecture that is known.*'first\.weight' of"):
        load_model(tmp_path / "net.pth")


def test_spandrel_is_imported_beside_a_torchvision_that_does_not_fit(tmp_path: Path) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision/__init__.py").write_text(
        "from torchvision import extension\nraise RuntimeError('operator does not exist')\n"
    )
    (tmp_path / "torchvision/extension.py").write_text("")
    program = (
        "import sys; from vidsr.models.foreign.spandrel_import import import_spandrel;"
        "loader, error = import_spandrel(); again = import_spandrel();"
        "assert loader is again[0] and issubclass(error, Exception);"
        "print([n for n in sys.modules if n.startswith('torchvision')])"
    )
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": paths},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_a_layer_that_samples_where_it_is_told_has_no_known_reach(tmp_path: Path) -> None:
    assert load_model(saved("MoSR", tmp_path / "a.pth")).traits.halo is not None
    assert load_model(saved("MoSR dys", tmp_path / "b.pth")).traits.halo is None
