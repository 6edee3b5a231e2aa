"""The network of each frame: for models on RGB, for sessions side by side, for plain pictures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
import torch

from tests.makers.brightening import LAST, LUMA, RGB, brightening_model, levels_of
from tests.makers.clips import picture, samples
from vidsr.engines.engine import EngineTraits
from vidsr.models.model import Model
from vidsr.models.networks.config import GeneratorConfig
from vidsr.picture.coding_error import CodingError
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat
from vidsr.upscaling.upscaler import Upscaler

FORM = VideoFormat(32, 24, PixelFormat("yuv", 8, (2, 2)), ColorSpec(matrix=1, range=1))
GREY = 100


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return brightening_model(tmp_path_factory.mktemp("model"))


def frame(levels: float | None, pts: int = 0) -> Frame:
    """Return a grey frame as if a codec had made that error, or as if nothing were known."""
    planes = tuple(torch.full(size, GREY, dtype=torch.uint8) for size in FORM.plane_sizes)
    error = None if levels is None else CodingError(levels, "quantiser")
    return Frame(planes, FORM, pts, coding_error=error)


def luma(large: Frame) -> float:
    return float(large.planes[0].float().mean())


@pytest.mark.parametrize(
    ("levels", "step"), [(None, 0), (0.0, 0), (1.0, 0), (2.0, 1), (3.0, 2), (5.0, 4), (60.0, 4)]
)
@pytest.mark.parametrize("config", [LUMA, RGB], ids=["luma", "rgb"])
def test_luma_and_rgb_follow_the_error_alike(
    tmp_path: Path, config: GeneratorConfig, levels: float | None, step: int
) -> None:
    with Upscaler(brightening_model(tmp_path, config).path, precision="fp32") as upscaler:
        clean, found = luma(upscaler.enlarge(frame(None))), luma(upscaler.enlarge(frame(levels)))
        assert upscaler.pool.strength.chosen == ({0: 2} if step == 0 else {0: 1, step: 1})
    assert found - clean == pytest.approx(levels_of(step), abs=0.6)


def test_sessions_side_by_side_have_each_the_network_of_its_own_frames(model: Model) -> None:
    """Four threads, each with a session and an error; all start at once."""
    errors, start = (0.0, 2.0, 3.0, 5.0), Barrier(4)

    def run(upscaler: Upscaler, levels: float) -> list[float]:
        with upscaler.session() as session:
            start.wait(60)
            out = [large for pts in range(20) for large in session.push(frame(levels, pts))]
            return [luma(large) for large in out + session.flush()]

    with Upscaler(model.path, precision="fp32") as upscaler, ThreadPoolExecutor(4) as threads:
        found = list(threads.map(run, repeat(upscaler), errors))
        assert upscaler.pool.strength.chosen == {0: 20, 1: 20, 2: 20, 4: 20}
    for step, values in zip((0, 1, 2, 4), found, strict=True):
        assert values == pytest.approx([GREY + levels_of(step)] * 20, abs=0.6)


@pytest.mark.parametrize("strength", ["auto", 2.0])
def test_plain_pictures_stay_with_the_network_for_clean_ones(model: Model, strength: float) -> None:
    """What a caller hands over has no codec, even right after a frame that had one."""
    tensor = torch.full((3, 12, 16), 0.5)
    array = np.full((12, 16, 3), 128, np.uint8)
    image = picture(32, 24, "yuv420p", index=0)
    with Upscaler(model.path, precision="fp32", strength=strength) as upscaler:
        assert luma(upscaler.enlarge(frame(9.0))) > GREY + 20
        assert float(upscaler(tensor).mean()) == pytest.approx(0.5, abs=0.01)
        assert float(upscaler(array).mean()) == pytest.approx(128, abs=1)
        given, large = samples(image)[0], samples(upscaler(image))[0]
        assert float(large.mean()) == pytest.approx(float(given.mean()), abs=0.6)
        streamed = samples(next(iter(upscaler.stream([image]))))[0]
        assert np.array_equal(streamed, large)
        assert upscaler.pool.strength.chosen[LAST] == 1


def test_an_engine_with_one_network_is_noted_and_counted_as_clean(model: Model) -> None:
    """As OpenVINO has it where no 8-bit steps of the other networks lie beside the weights."""
    with Upscaler(model.path, precision="fp32") as upscaler:
        engine = upscaler.engine
        traits: EngineTraits = replace(engine.traits, adjustable=False)
        engine.traits = traits  # type: ignore[misc]
        assert luma(upscaler.enlarge(frame(9.0))) == pytest.approx(GREY, abs=0.6)
        assert upscaler.pool.strength.chosen == {0: 1}
        assert upscaler.pool.last_strength == 0
        said = [note for note in upscaler.notes.said if "takes every picture as clean" in note]
        assert said == [f"{model.name} takes every picture as clean: it has one network"]
