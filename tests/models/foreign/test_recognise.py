"""Compact, ESRGAN and SPAN out of their tensors, against formulas written out here."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from tests.makers.foreign import State, compact, esrgan, gradient, plksr, span
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.tiling import is_exact, run_tiled
from vidsr.errors import ModelError
from vidsr.models.zoo import load_model
from vidsr.picture.size import Size

SIZES = ((1, 1), (7, 5), (33, 65))


def engine_of(state: State, path: Path) -> TorchEngine:
    torch.save(state, path)
    return TorchEngine(load_model(path), device="cpu", precision="fp32")


def picture_of(engine: TorchEngine, x: Tensor) -> Tensor:
    return torch.pixel_shuffle(engine.run(x), engine.shuffle)


def conv(state: State, name: str, x: Tensor) -> Tensor:
    weight = state[f"{name}.weight"]
    return F.conv2d(x, weight, state[f"{name}.bias"], padding=weight.shape[2] // 2)


def compact_formula(state: State, x: Tensor, scale: int) -> Tensor:
    last = max(int(name.split(".")[1]) for name in state)
    h = conv(state, "body.0", x)
    for place in range(1, last, 2):
        h = F.prelu(h, state[f"body.{place}.weight"])
        h = conv(state, f"body.{place + 1}", h)
    return F.pixel_shuffle(h, scale) + F.interpolate(x, scale_factor=scale, mode="nearest")


def esrgan_formula(state: State, x: Tensor, doublings: int, unshuffle: int = 1) -> Tensor:
    def leaky(name: str, h: Tensor) -> Tensor:
        return F.leaky_relu(conv(state, name, h), 0.2)

    x = F.pixel_unshuffle(x, unshuffle)
    head = h = conv(state, "conv_first", x)
    for b in range(1 + max(int(n.split(".")[1]) for n in state if n.startswith("body."))):
        block = h
        for d in (1, 2, 3):
            seen = [h]
            for c in range(1, 5):
                seen.append(leaky(f"body.{b}.rdb{d}.conv{c}", torch.cat(seen, 1)))
            h = h + 0.2 * conv(state, f"body.{b}.rdb{d}.conv5", torch.cat(seen, 1))
        h = block + 0.2 * h
    h = head + conv(state, "conv_body", h)
    for n in range(1, doublings + 1):
        h = leaky(f"conv_up{n}", F.interpolate(h, scale_factor=2, mode="nearest"))
    return conv(state, "conv_last", leaky("conv_hr", h))


def span_formula(state: State, x: Tensor, scale: int) -> Tensor:
    def triple(name: str, h: Tensor) -> Tensor:
        deep = F.conv2d(
            F.pad(h, (1, 1, 1, 1)), state[f"{name}.conv.0.weight"], state[f"{name}.conv.0.bias"]
        )
        deep = F.conv2d(deep, state[f"{name}.conv.1.weight"], state[f"{name}.conv.1.bias"])
        return conv(state, f"{name}.conv.2", deep) + conv(state, f"{name}.sk", h)

    mean = torch.tensor((0.4488, 0.4371, 0.4040)).view(1, 3, 1, 1)
    head = h = triple("conv_1", (x - mean) * 255 if "no_norm" not in state else x)
    made, firsts = [], []
    for b in range(1, 7):
        first = F.silu(triple(f"block_{b}.c1_r", h))
        third = triple(f"block_{b}.c3_r", F.silu(triple(f"block_{b}.c2_r", first)))
        h = (third + h) * (torch.sigmoid(third) - 0.5)
        made.append(h)
        firsts.append(first)
    seen = torch.cat((head, triple("conv_2", h), made[0], firsts[5]), 1)
    return F.pixel_shuffle(conv(state, "upsampler.0", conv(state, "conv_cat", seen)), scale)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("channels", "scale"), [(3, 1), (3, 2), (3, 3), (3, 4), (1, 2)])
def test_compact_equals_its_formula(
    channels: int, scale: int, size: tuple[int, int], tmp_path: Path
) -> None:
    state = compact(channels, scale=scale)
    engine = engine_of(state, tmp_path / "net.pth")
    x = gradient(channels, *size)
    wanted = compact_formula(state, x, scale)
    assert (engine.scale, engine.channels, engine.shuffle) == (scale, channels, scale)
    assert torch.allclose(picture_of(engine, x), wanted, atol=2e-6)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("names", ["old", "bsrgan", "new"])
def test_esrgan_equals_its_formula_under_every_trainers_names(
    names: str, size: tuple[int, int], tmp_path: Path
) -> None:
    engine = engine_of(esrgan(names), tmp_path / "net.pth")
    x = gradient(3, *size)
    assert engine.scale == 4
    assert torch.allclose(picture_of(engine, x), esrgan_formula(esrgan("new"), x, 2), atol=5e-6)


@pytest.mark.parametrize(("doublings", "unshuffle", "scale"), [(2, 2, 2), (2, 4, 1), (1, 1, 2)])
def test_esrgan_of_smaller_scales(
    doublings: int, unshuffle: int, scale: int, tmp_path: Path
) -> None:
    state = esrgan(doublings=doublings, unshuffle=unshuffle)
    engine = engine_of(state, tmp_path / "net.pth")
    x = gradient(3, 16, 12)
    wanted = esrgan_formula(state, x, doublings, unshuffle)
    assert (engine.scale, engine.alignment) == (scale, unshuffle)
    assert torch.allclose(picture_of(engine, x), wanted, atol=5e-6)
    odd = picture_of(engine, x[..., :11, :13])
    mirrored = F.pad(x[..., :11, :13], (0, -13 % unshuffle, 0, -11 % unshuffle), "reflect")
    whole = esrgan_formula(state, mirrored, doublings, unshuffle)
    assert torch.allclose(odd, whole[..., : 11 * scale, : 13 * scale], atol=5e-6)


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_span_equals_its_formula_unfolded(
    norm: bool, size: tuple[int, int], tmp_path: Path
) -> None:
    state = span(norm=norm)
    x = gradient(3, *size)
    found = picture_of(engine_of(state, tmp_path / "net.pth"), x)
    assert torch.allclose(found, span_formula(state, x, 2), atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("state", "reach"),
    [(compact(convs=3), 5), (esrgan(doublings=2, unshuffle=2, blocks=1), None), (span(), 21)],
)
def test_tiles_are_exact_to_the_last_bit(state: State, reach: int | None, tmp_path: Path) -> None:
    engine = engine_of(state, tmp_path / "net.pth")
    x, tile = gradient(3, 150, 90), Size(32, 32)
    assert reach is None or engine.halo == reach
    assert is_exact(engine, Size(150, 90), tile)
    assert torch.equal(run_tiled(engine, x, tile), engine.run(x))


def without(state: State, *names: str) -> State:
    return {name: tensor for name, tensor in state.items() if name not in names}


def test_the_generator_is_found_beside_a_discriminator(tmp_path: Path) -> None:
    others = {f"net_d.{n}": torch.zeros_like(t) for n, t in compact().items()}
    state = {f"net_g.{n}": t for n, t in compact(scale=3).items()} | others
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "net.ckpt")
    assert load_model(tmp_path / "net.ckpt").scale == 3


@pytest.mark.parametrize("nest", ["model_g", "g_ema", "params-ema", "net"])
def test_folders_in_which_trainers_put_weights(nest: str, tmp_path: Path) -> None:
    torch.save({"iter": 7, nest: compact(), "optimizer": {"lr": 1.0}}, tmp_path / "net.pth")
    assert load_model(tmp_path / "net.pth").traits.halo == 4


@pytest.mark.parametrize("state", [compact(), esrgan("old"), esrgan("new"), span()])
def test_a_word_before_all_names_is_left_out(state: State, tmp_path: Path) -> None:
    torch.save({f"model.{n}": t for n, t in state.items()}, tmp_path / "net.pth")
    load_model(tmp_path / "net.pth")


@pytest.mark.parametrize("prefix", ["module.", "netG.", "_orig_mod.", "_orig_mod.module.net_g."])
def test_prefixes_of_trainers_are_left_out(prefix: str, tmp_path: Path) -> None:
    state = {prefix + name: tensor.half() for name, tensor in compact().items()}
    torch.save({"params_ema": state, "iter": 7}, tmp_path / "net.pth")
    assert load_model(tmp_path / "net.pth").traits.halo == 4


def test_safetensors_with_a_licence(tmp_path: Path) -> None:
    save_file(compact(), tmp_path / "net.safetensors", metadata={"license": "CC-BY-NC-4.0"})
    model = load_model(tmp_path / "net.safetensors")
    assert (model.licence, model.file_format, model.scale) == ("CC-BY-NC-4.0", "safetensors", 4)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (compact(channels=4), "Compact of 4 channels"),
        (esrgan(channels=4), "ESRGAN of 4 channels"),
        (without(compact(), "body.2.bias"), "no architecture|Missing key.*body.2.bias"),
        (without(compact(), "body.1.weight", "body.3.weight", "body.5.weight"), "ReLU from Leaky"),
        (
            without(esrgan(), "body.1.rdb2.conv3.weight", "conv_body.bias"),
            r"without body\.1\.rdb2\.conv3\.weight \(and 1 more\)",
        ),
        (without(span(), "conv_cat.bias"), r"SPAN 8 without conv_cat\.bias"),
        (without(plksr(), "feats.1.lk.conv.bias"), r"without feats\.1\.lk\.conv\.bias"),
        (plksr() | {"extra.x": torch.zeros(3)}, r"beside extra\.x, which it does not have"),
        (
            plksr() | {"feats.1.refine.weight": torch.zeros(8, 4, 1, 1)},
            r"with feats\.1\.refine\.weight: expected \[8, 8, 1, 1\], got \[8, 4, 1, 1\]",
        ),
        (
            plksr() | {"feats.1.layer_norm.weight": torch.zeros(8)},
            "two tensors for one layer",
        ),
        (compact() | {"body.6.weight": torch.zeros(47, 8, 3, 3)}, "Compact of 3 channels in"),
        (
            esrgan() | {"conv_hr.weight": torch.zeros(8, 9, 3, 3)},
            "with conv_hr.weight: expected .8, 8, 3, 3., got .8, 9,",
        ),
    ],
)
def test_what_nearly_fits_is_refused_with_a_reason(
    state: State, message: str, tmp_path: Path
) -> None:
    torch.save(state, tmp_path / "net.pth")
    with pytest.raises(ModelError, match=message) as raised:
        load_model(tmp_path / "net.pth")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("state", [compact(), span()])
def test_bfloat16_stays_near(state: State, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "net.pth")
    model = load_model(tmp_path / "net.pth")
    x = gradient(3, 40, 30)
    full, half = (
        picture_of(TorchEngine(model, device="cpu", precision=precision), x)
        for precision in ("fp32", "bf16")
    )
    assert (full - half).square().mean().sqrt() < 0.01 * full.std().clamp(min=0.1)
