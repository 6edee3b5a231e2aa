"""Kinds of model files: the first loader that knows one loads it, and traits come with it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import vidsr
from tests.doubles.nearest_loader import Nearest, NearestLoader
from tests.makers.clips import decode, make_clip, samples
from vidsr import Upscaler
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.errors import ModelError, OptionError
from vidsr.models import loaders
from vidsr.models.loaders import LOADERS, load_file
from vidsr.models.model import Model
from vidsr.models.networks.plain_net import PlainNet
from vidsr.models.networks.traits import NetworkTraits
from vidsr.models.zoo import load_model


@pytest.fixture
def nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of another kind, and its loader in the list."""
    path = tmp_path / "blocks.nearest"
    path.write_text("nearest neighbour 2\n")
    monkeypatch.setattr(loaders, "LOADERS", (NearestLoader(), *LOADERS))
    return path


def test_a_whole_run_with_a_kind_of_model_of_its_own(nearest: Path, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv", size=(30, 18), frames=3, codec="ffv1")
    report = vidsr.upscale(
        clip.path, tmp_path / "out.mkv", model=nearest, codec="ffv1", precision="fp32"
    )
    assert (report.model, report.scale, report.frames) == ("blocks", 2, 3)
    for small, large in zip(clip.pictures, decode(tmp_path / "out.mkv"), strict=True):
        blocks = samples(small)[0].repeat(2, 0).repeat(2, 1)
        assert (samples(large)[0] == blocks).all()


def test_loaders_may_be_given_instead_of_the_list(tmp_path: Path) -> None:
    path = tmp_path / "a.nearest"
    path.write_text("nearest neighbour 4")
    assert load_model(path, loaders=(NearestLoader(),)).scale == 4
    with pytest.raises(ModelError, match=r"of no kind that is known here.*none"):
        load_file(path, ())


def test_what_no_other_loader_knows_is_refused_as_ever(nearest: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.nearest"
    other.write_text("something else")
    with pytest.raises(ModelError, match=r"not a readable checkpoint|not a file of plain tensors"):
        load_model(other)
    nearest.write_text("nearest neighbour much")
    with pytest.raises(ModelError, match="expected a scale, got 'much'"):
        load_model(nearest)


def test_traits_lie_beside_every_model() -> None:
    traits = load_model("lite-x4").traits
    assert (traits.scale, traits.in_channels, traits.out_channels) == (4, 1, 1)
    assert traits.halo == TorchEngine(load_model("lite-x4"), device="cpu").halo
    assert load_model("unet-x1").traits.alignment > 1


def plain(**changes: object) -> PlainNet:
    stated = {"scale": 2, "in_channels": 3, "out_channels": 3, "halo": None} | changes
    return PlainNet(Nearest(2), NetworkTraits(**stated))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"in_channels": 4, "out_channels": 4}, "expected a network of 1 or 3 channels"),
        ({"out_channels": 1}, "got 3 to 1"),
        ({"past_frames": 1}, "expected a network of one picture"),
        ({"extra_planes": 1}, "expected a network of one picture"),
    ],
)
def test_networks_that_nothing_here_feeds_are_refused(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        plain(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": 0}, "scale: expected 1 or more, got 0"),
        ({"halo": -1}, "halo: expected None, 0 or more, got -1"),
        ({"dtypes": (torch.float16,)}, "expected float32"),
    ],
)
def test_traits_that_no_network_has(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plain(**changes)


def test_types_that_are_not_safe_are_not_used(tmp_path: Path) -> None:
    model = Model("safe", plain(dtypes=(torch.float32,)), tmp_path / "a")
    assert TorchEngine(model, device="cpu").dtype == torch.float32
    with pytest.raises(OptionError, match="precision = 'bf16': expected one of float32"):
        TorchEngine(model, device="cpu", precision="bf16")
    assert TorchEngine(model, device="cpu").traits.halo is None


def test_a_foreign_network_has_no_dimensions_of_ours(nearest: Path) -> None:
    model = load_model(nearest)
    with pytest.raises(ModelError, match="no generator of vidsr"):
        _ = model.config
    upscaler = Upscaler(nearest, device="cpu", precision="fp32")
    picture = torch.rand(1, 5, 9).expand(3, -1, -1)
    large = upscaler(picture)
    assert torch.allclose(large, picture.repeat_interleave(2, 1).repeat_interleave(2, 2), atol=0.01)
