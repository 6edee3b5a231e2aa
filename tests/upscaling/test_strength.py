"""The network follows what a codec did to each frame, through whole runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.makers.brightening import brightening_model, levels_of
from tests.makers.clips import decode, make_clip, samples
from vidsr.api import upscale
from vidsr.errors import OptionError
from vidsr.models.model import Model
from vidsr.notes import Notes
from vidsr.picture.coding_error import CodingError
from vidsr.picture.frame import Frame
from vidsr.run.report import Report
from vidsr.upscaling.upscaler import Upscaler
from vidsr.video.locator import Locator
from vidsr.video.source.base import SourceRequest
from vidsr.video.source.source_kinds import open_source

ERRORS = (0.0, 3.0, 9.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A network that repeats samples, and one that makes them brighter by an eighth."""
    return brightening_model(tmp_path_factory.mktemp("model"))


def coded(path: Path, **options: str) -> Path:
    """Write a moving picture through H.264, its quantiser changing from frame to frame."""
    settings = {"preset": "ultrafast", "threads": "1"} | (options or {"qp": "34"})
    return make_clip(path, frames=12, codec="libx264", options=settings, gop=5).path


def errors(path: Path) -> list[CodingError | None]:
    with open_source(Locator.of(path), SourceRequest(), Notes()) as source:
        return [item.coding_error for item in source if isinstance(item, Frame)]


def run(source: Path, model: Model, **options: Any) -> tuple[Path, Report]:
    name = "_".join(str(value) for value in options.values()).replace("/", "")
    target = source.with_name(f"{source.stem}_{name or 'auto'}_large.mkv")
    report = upscale(source, target, model=model.path, codec="ffv1", precision="fp32", **options)
    return target, report


def brighter(path: Path, source: Path) -> list[float]:
    """Return how much brighter each frame is than its source's, in levels."""
    pairs = zip(decode(path), decode(source), strict=True)
    return [float(samples(a)[0].mean()) - float(samples(b)[0].mean()) for a, b in pairs]


def test_every_frame_is_upscaled_by_the_network_for_its_error(model: Model, tmp_path: Path) -> None:
    source = coded(tmp_path / "a.mkv")
    assert model.strengths is not None
    steps = [model.strengths.step_of(e.levels if e else 0) for e in errors(source)]
    assert max(steps) > 0
    target, report = run(source, model)
    assert brighter(target, source) == pytest.approx([levels_of(s) for s in steps], abs=0.6)
    counted = {str(step): steps.count(step) for step in sorted(set(steps))}
    assert report.strengths == counted


def test_clean_pictures_have_the_clean_network(model: Model, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv", frames=5, codec="ffv1").path
    target, report = run(source, model)
    assert report.strengths == {"0": 5}
    assert brighter(target, source) == pytest.approx([0] * 5, abs=0.1)


def test_strength_0_takes_every_picture_as_clean(model: Model, tmp_path: Path) -> None:
    source = coded(tmp_path / "a.mkv")
    target, report = run(source, model, strength=0)
    assert report.strengths == {"0": 12}
    assert brighter(target, source) == pytest.approx([0] * 12, abs=0.1)


def test_1_is_auto_and_more_is_stronger(model: Model, tmp_path: Path) -> None:
    source = coded(tmp_path / "a.mkv")
    chosen: list[list[float]] = [
        brighter(run(source, model, strength=s)[0], source) for s in (0.5, 1, "auto", 2.0)
    ]
    assert chosen[1] == chosen[2]
    for weak, middle, strong in zip(chosen[0], chosen[1], chosen[3], strict=True):
        assert weak <= middle + 0.1
        assert middle <= strong + 0.1
    assert sum(chosen[0]) < sum(chosen[3])


@pytest.mark.parametrize("start", [0.0, 0.12, 0.2, 0.36])
def test_a_start_in_the_middle_gives_the_same_frames(
    model: Model, tmp_path: Path, start: float
) -> None:
    """Key frames every 0.2 s: starts at one, between two, and on the last frames."""
    source = coded(tmp_path / "a.mkv")
    whole = [samples(image) for image in decode(run(source, model)[0])]
    part = [samples(image) for image in decode(run(source, model, start=start)[0])]
    rest = whole[-len(part) :]
    assert len(part) == 12 - round(start * 25)
    for one, other in zip(part, rest, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_tiles_of_a_frame_share_a_network(model: Model, tmp_path: Path) -> None:
    source = coded(tmp_path / "a.mkv")
    whole, cut = run(source, model)[0], run(source, model, tile=(16, 16))[0]
    for one, other in zip(decode(whole), decode(cut), strict=True):
        assert np.array_equal(samples(one)[0], samples(other)[0])


def test_frames_side_by_side_have_each_their_own_network(model: Model, tmp_path: Path) -> None:
    """Errors that alternate, on four threads: the brightness of each frame is that of its error."""
    source = make_clip(tmp_path / "a.mkv", frames=24, codec="ffv1").path
    assert model.strengths is not None
    threads = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        with Upscaler(model.path, precision="fp32") as upscaler:
            frames = marked(source)
            found = [float(large.planes[0].float().mean()) for large in upscaler.stream(frames)]
    finally:
        torch.set_num_threads(threads)
    plain = [float(samples(image)[0].mean()) for image in decode(source)]
    wanted = [levels_of(model.strengths.step_of(ERRORS[i % 3])) for i in range(24)]
    assert [a - b for a, b in zip(found, plain, strict=True)] == pytest.approx(wanted, abs=0.6)


def marked(source: Path) -> list[Frame]:
    """Return frames of a clip as if a codec had done something else to each."""
    with open_source(Locator.of(source), SourceRequest(), Notes()) as opened:
        items = [item for item in opened if isinstance(item, Frame)]
    return [
        replace(frame, coding_error=CodingError(ERRORS[i % 3], "quantiser"))
        for i, frame in enumerate(items)
    ]


@pytest.mark.parametrize("strength", [0.5, 1, 2.0])
def test_a_model_with_one_network_has_no_strength(strength: float) -> None:
    with pytest.raises(OptionError, match="one network for all pictures"):
        Upscaler("unet-x1", strength=strength)


@pytest.mark.parametrize("strength", [-0.1, 2.1, float("nan"), "strong", True, None, [1]])
def test_strengths_out_of_range_are_refused(strength: Any) -> None:
    with pytest.raises(OptionError, match="strength"):
        Upscaler("unet-x1", strength=strength)


def test_a_model_with_one_network_counts_every_frame_as_clean(tmp_path: Path) -> None:
    source = coded(tmp_path / "a.mkv")
    report = upscale(source, tmp_path / "b.mkv", model="unet-x1", duration=0.1)
    assert report.strengths == {"0": report.frames}
