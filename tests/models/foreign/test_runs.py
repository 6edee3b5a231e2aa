"""Whole runs with foreign networks: every frame, its time and its sound, as with shipped ones."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import torch

import vidsr
from tests.makers.clips import Tone, decode, make_clip, packet_times
from tests.makers.foreign import compact, ncnn_compact
from vidsr.errors import ModelError, OptionError

UNEVEN = [0, 40, 55, 130, 131, 400]


@pytest.fixture
def network(tmp_path: Path) -> Path:
    end = "Interp last 1 1 sum out 0=3 1=0.75 2=0.75"
    return ncnn_compact(tmp_path / "net-x3", compact(scale=4), 4, end=end)


@pytest.mark.parametrize("kind", ["constant", "uneven", "odd"])
def test_frames_times_and_sound_are_kept(kind: str, network: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "in.mkv", tmp_path / "out.mkv"
    if kind == "constant":
        clip = make_clip(source, frames=6, audio=Tone(codec="flac"))
    elif kind == "uneven":
        base = Fraction(1, 1000)
        clip = make_clip(source, pts=UNEVEN, time_base=base, audio=Tone(codec="flac"))
    else:
        clip = make_clip(source, size=(33, 21), frames=5, codec="ffv1", pix_fmt="yuv444p")
    report = vidsr.upscale(source, target, model=network, precision="fp32")
    width, height = clip.pictures[0].width, clip.pictures[0].height
    assert (report.scale, report.size) == (3, (3 * width, 3 * height))
    assert report.frames == len(clip.pictures)
    assert [frame.time for frame in decode(target)] == [
        pytest.approx(float(time), abs=6e-4) for time in clip.times
    ]
    if kind != "odd":
        assert packet_times(target) == packet_times(source)


@pytest.mark.parametrize("scale", [1, 3, 8])
def test_the_factor_may_be_named_of_any_network(scale: int, tmp_path: Path) -> None:
    torch.save(compact(scale=scale), tmp_path / "net.pth")
    make_clip(tmp_path / "in.mkv", frames=2, size=(16, 12), codec="ffv1")
    files = tmp_path / "in.mkv", tmp_path / "out.mkv"
    report = vidsr.upscale(*files, model=tmp_path / "net.pth", scale=scale)
    assert (report.scale, report.size) == (scale, (16 * scale, 12 * scale))
    with pytest.raises(OptionError, match=rf"scale = 5, but net (keeps|upscales {scale})"):
        vidsr.upscale(*files, model=tmp_path / "net.pth", scale=5, overwrite=True)


def test_a_restorer_runs_before_the_enlarger(network: Path, tmp_path: Path) -> None:
    torch.save(compact(scale=1), tmp_path / "clean.pth")
    make_clip(tmp_path / "in.mkv", frames=2, size=(32, 24), codec="ffv1")
    report = vidsr.upscale(
        tmp_path / "in.mkv",
        tmp_path / "out.mkv",
        model="lite-x2",
        restore=tmp_path / "clean.pth",
        precision="fp32",
    )
    assert (report.model, report.scale, report.frames) == ("clean+lite-x2", 2, 2)
    with pytest.raises(OptionError, match=r"restore = net-x3: expected a model that keeps"):
        vidsr.upscale(tmp_path / "in.mkv", tmp_path / "no.mkv", restore=network)
    with pytest.raises(ModelError, match="does not exist"):
        vidsr.upscale(tmp_path / "in.mkv", tmp_path / "no.mkv", restore="none.pth")
    with pytest.raises(OptionError, match=r"restore = lite-x4: expected a model that keeps"):
        vidsr.upscale(tmp_path / "in.mkv", tmp_path / "no.mkv", restore="lite-x4")


def test_a_restorer_runs_alone_at_scale_1(tmp_path: Path) -> None:
    torch.save(compact(scale=1), tmp_path / "clean.pth")
    make_clip(tmp_path / "in.mkv", frames=2, size=(32, 24), codec="ffv1")
    given = {"precision": "fp32", "device": "cpu", "codec": "ffv1"}
    alone, named = (
        vidsr.upscale(tmp_path / "in.mkv", tmp_path / out, **more, **given)  # type: ignore[arg-type]
        for out, more in (
            ("alone.mkv", {"restore": tmp_path / "clean.pth", "scale": 1}),
            ("named.mkv", {"model": tmp_path / "clean.pth"}),
        )
    )
    assert (alone.model, alone.scale, alone.size) == ("clean", 1, (32, 24))
    assert (named.model, named.scale, named.size) == ("clean", 1, (32, 24))
    ours, theirs = (decode(tmp_path / name) for name in ("alone.mkv", "named.mkv"))
    assert all((a.to_ndarray() == b.to_ndarray()).all() for a, b in zip(ours, theirs, strict=True))
    with pytest.raises(OptionError, match=r"restore = lite-x4: expected a model that keeps"):
        vidsr.upscale(tmp_path / "in.mkv", tmp_path / "no.mkv", restore="lite-x4", scale=1)
    with pytest.raises(OptionError, match=r"scale = 1, but lite-x2 upscales 2 times"):
        vidsr.upscale(
            tmp_path / "in.mkv",
            tmp_path / "no.mkv",
            restore=tmp_path / "clean.pth",
            model="lite-x2",
            scale=1,
        )


@pytest.mark.parametrize("model", ["auto", "lite-x2"])
def test_an_upscaler_loads_a_restorer_alone_or_before(model: str, tmp_path: Path) -> None:
    torch.save(compact(scale=1), tmp_path / "clean.pth")
    scale = 1 if model == "auto" else None
    with vidsr.Upscaler(model, restore=tmp_path / "clean.pth", scale=scale, device="cpu") as made:
        names = {"auto": "clean", "lite-x2": "clean+lite-x2"}
        assert (made.model.name, made.scale) == (names[model], scale or 2)


def test_tiles_of_a_restorer_before_an_enlarger_are_exact(tmp_path: Path) -> None:
    torch.save(compact(scale=1), tmp_path / "clean.pth")
    torch.save(compact(scale=3), tmp_path / "large.pth")
    x = torch.rand(3, 90, 120)
    results = []
    for tile in (None, (32, 48)):
        with vidsr.Upscaler(
            tmp_path / "large.pth", restore=tmp_path / "clean.pth", precision="fp32", tile=tile,
            device="cpu",
        ) as upscaler:  # fmt: skip
            assert upscaler.engine.halo == 8
            results.append(upscaler(x))
    assert torch.allclose(results[0], results[1], atol=1e-6)
