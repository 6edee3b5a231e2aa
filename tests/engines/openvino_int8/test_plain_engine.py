"""Networks of other people through OpenVINO: the same as PyTorch at every size, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import vidsr
from tests.makers.clips import make_clip
from tests.makers.foreign import State, compact, esrgan, gradient, plksr, span
from vidsr.engines.openvino_int8.plain_engine import OpenVinoPlainEngine, is_traceable
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.models.zoo import load_model

pytest.importorskip("openvino", reason="OpenVINO is not installed")


@pytest.mark.parametrize(
    "state", [compact(scale=3), compact(1, scale=2), span(), esrgan(), plksr(by_pixel=True)]
)
def test_the_same_as_pytorch_at_every_size(state: State, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "net.pth")
    model = load_model(tmp_path / "net.pth")
    ours, theirs = OpenVinoPlainEngine(model), TorchEngine(model, device="cpu", precision="fp32")
    assert (ours.shuffle, ours.halo, ours.dtype) == (theirs.shuffle, theirs.halo, torch.float32)
    for size in ((33, 65), (7, 5), (1, 1)):
        x = gradient(ours.channels, *size)
        assert torch.allclose(ours.run(x), theirs.run(x), atol=5e-5)
    ours.close()


def test_a_run_names_it(tmp_path: Path) -> None:
    torch.save(compact(scale=2), tmp_path / "net.pth")
    make_clip(tmp_path / "in.mkv", frames=2, size=(16, 12), codec="ffv1")
    files = tmp_path / "in.mkv", tmp_path / "out.mkv"
    report = vidsr.upscale(*files, model=tmp_path / "net.pth", engine="openvino")
    assert (report.engine, report.size) == ("openvino", (32, 24))


@pytest.mark.parametrize("state", [esrgan(unshuffle=2), plksr(), plksr(sampled=True)])
def test_what_pads_or_normalises_pictures_is_left_out(state: State, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "net.pth")
    assert not is_traceable(load_model(tmp_path / "net.pth"))
