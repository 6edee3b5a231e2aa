"""RealPLKSR out of its tensors, against a formula written out here, and its tiles."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.makers.foreign import State, gradient, plksr
from tests.models.foreign.test_recognise import conv, engine_of, picture_of
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.tiling import is_exact, run_tiled
from vidsr.errors import ModelError
from vidsr.models.zoo import load_model
from vidsr.picture.size import Size

SIZES = ((1, 1), (7, 5), (33, 65))


def by_pixel_formula(state: State, name: str, x: Tensor) -> Tensor:
    """Normalise the channels of every pixel with the biased variance."""
    last = x.permute(0, 2, 3, 1)
    weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    return F.layer_norm(last, last.shape[-1:], weight, bias, 1e-6).permute(0, 3, 1, 2)


def by_group_formula(state: State, name: str, x: Tensor) -> Tensor:
    n, width, height, across = x.shape
    groups = x.view(n, 4, -1)
    centred = groups - groups.mean(2, keepdim=True)
    scaled = centred / (groups.var(2, unbiased=False, keepdim=True) + 1e-5).sqrt()
    picture = scaled.view(n, width, height, across)
    return picture * state[f"{name}.weight"].view(-1, 1, 1) + state[f"{name}.bias"].view(-1, 1, 1)


def trunk_formula(state: State, x: Tensor, scale: int) -> Tensor:
    """Return features before the picture is made, the nearest neighbours added."""
    h = conv(state, "feats.0", x)
    blocks = sum("channel_mixer.0.weight" in name for name in state)
    for b in range(1, blocks + 1):
        name, skip = f"feats.{b}", h
        if f"{name}.layer_norm.weight" in state:
            h = by_pixel_formula(state, f"{name}.layer_norm", h)
        h = conv(
            state, f"{name}.channel_mixer.2", F.mish(conv(state, f"{name}.channel_mixer.0", h))
        )
        part = state[f"{name}.lk.conv.weight"].shape[0]
        h = torch.cat((conv(state, f"{name}.lk.conv", h[:, :part]), h[:, part:]), 1)
        if f"{name}.attn.f.0.weight" in state:
            h = h * conv(state, f"{name}.attn.f.0", h).sigmoid()
        h = conv(state, f"{name}.refine", h)
        if f"{name}.norm.weight" in state:
            h = by_group_formula(state, f"{name}.norm", h)
        h = h + skip
    return conv(state, f"feats.{blocks + 2}", h) + x.repeat_interleave(scale**2, dim=1)


def sampled_formula(state: State, x: Tensor, scale: int) -> Tensor:
    """Sample each channel of each picture by hand, at places in pixels."""
    groups, (height, width) = 3 if scale % 2 else 4, x.shape[2:]
    offset = conv(state, "to_img.offset", x)
    scope = F.conv2d(x, state["to_img.scope.weight"]).sigmoid()
    moved = (offset * scope / 2 + state["to_img.init_pos"])[0].view(
        2, groups, scale**2, height, width
    )
    out = torch.zeros(1, x.shape[1], scale * height, scale * width)
    each = x.shape[1] // groups
    for g in range(groups):
        for phase in range(scale**2):
            column = (moved[0, g, phase] + torch.arange(width)).clamp(0, width - 1)
            row = (moved[1, g, phase] + torch.arange(height)[:, None]).clamp(0, height - 1)
            left, top = column.floor().long(), row.floor().long()
            right, below = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
            across, down = column - left, row - top
            part = x[0, g * each : (g + 1) * each]
            upper = part[:, top, left] * (1 - across) + part[:, top, right] * across
            lower = part[:, below, left] * (1 - across) + part[:, below, right] * across
            y, z = divmod(phase, scale)
            out[0, g * each : (g + 1) * each, y::scale, z::scale] = (
                upper * (1 - down) + lower * down
            )
    return conv(state, "to_img.end_conv", out) if scale > 1 else out


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize(("attends", "by_pixel"), [(True, False), (False, False), (True, True)])
def test_it_equals_its_formula(
    attends: bool, by_pixel: bool, scale: int, size: tuple[int, int], tmp_path: Path
) -> None:
    state = plksr(scale=scale, attends=attends, by_pixel=by_pixel)
    engine, x = engine_of(state, tmp_path / "net.pth"), gradient(3, *size)
    wanted = F.pixel_shuffle(trunk_formula(state, x, scale), scale)
    assert (engine.scale, engine.channels, engine.shuffle) == (scale, 3, scale)
    assert torch.allclose(picture_of(engine, x), wanted, atol=5e-6)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", [1, 2, 3])
def test_sampled_pictures_equal_their_formula(
    scale: int, size: tuple[int, int], tmp_path: Path
) -> None:
    state = plksr(scale=scale, sampled=True)
    engine, x = engine_of(state, tmp_path / "net.pth"), gradient(3, *size)
    wanted = sampled_formula(state, trunk_formula(state, x, scale), scale)
    assert (engine.scale, engine.shuffle, engine.halo) == (scale, 1, None)
    assert torch.allclose(picture_of(engine, x), wanted, atol=1e-5)


def test_norms_of_pixels_have_a_reach_and_those_of_pictures_none(tmp_path: Path) -> None:
    whole = engine_of(plksr(), tmp_path / "net.pth")
    assert whole.halo is None
    assert not is_exact(whole, Size(200, 90), Size(32, 32))
    engine = engine_of(plksr(by_pixel=True, kernel=5), tmp_path / "net.pth")
    assert engine.halo == 1 + 2 * (1 + 1 + 2 + 1) + 1
    x, tile = gradient(3, 120, 90), Size(32, 32)
    assert is_exact(engine, Size(120, 90), tile)
    assert torch.equal(run_tiled(engine, x, tile), engine.run(x))


@pytest.mark.parametrize("state", [plksr(), plksr(by_pixel=True), plksr(sampled=True)])
def test_bfloat16_stays_near(state: State, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "net.pth")
    model, x = load_model(tmp_path / "net.pth"), gradient(3, 40, 30)
    full, half = (
        picture_of(TorchEngine(model, device="cpu", precision=precision), x)
        for precision in ("fp32", "bf16")
    )
    assert (full - half).square().mean().sqrt() < 0.01 * full.std().clamp(min=0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"feats.1.lk.conv.weight": torch.zeros(4, 4, 6, 6)}, "under 6x6"),
        ({"feats.4.weight": torch.zeros(13, 8, 3, 3)}, "13 before the shuffle"),
        ({"feats.9.channel_mixer.0.weight": torch.zeros(16, 8, 3, 3)}, "do not follow"),
        ({"feats.1.refine.weight": torch.zeros(8, 9, 1, 1)}, "refine.weight: expected"),
        ({"feats.1.more.weight": torch.zeros(1)}, "beside feats.1.more.weight"),
    ],
)
def test_what_nearly_fits_is_refused_with_a_reason(
    change: State, message: str, tmp_path: Path
) -> None:
    torch.save(plksr() | change, tmp_path / "net.pth")
    with pytest.raises(ModelError, match=message) as raised:
        load_model(tmp_path / "net.pth")
    assert "\n" not in str(raised.value)
