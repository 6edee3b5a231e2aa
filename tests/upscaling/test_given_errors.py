"""Pictures handed over with what their codec did to them, as the caller knows it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import pytest
import torch

from tests.makers.brightening import brightening_model, levels_of
from vidsr.errors import OptionError
from vidsr.models.model import Model
from vidsr.picture.coding_error import CodingError, given_error
from vidsr.upscaling.upscaler import Upscaler

# The curve of the model leads from 1 level (step 0) to 5 (step 4).
CASES = ((None, 0), (0, 0), (1, 0), (3, 2), (5, 4), (64, 4))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A network that repeats samples, and one that makes them brighter by an eighth."""
    return brightening_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def upscaler(model: Model) -> Iterator[Upscaler]:
    with Upscaler(model.path, device="cpu", precision="fp32") as made:
        yield made


def grey(level: int = 100) -> av.VideoFrame:
    image = av.VideoFrame(16, 12, "gray")
    image.planes[0].update(bytes([level]) * image.planes[0].buffer_size)
    image.pts, image.color_range = 0, 1  # limited
    return image


def mean(image: av.VideoFrame) -> float:
    return float(image.to_ndarray().mean())


@pytest.mark.parametrize(("levels", "step"), CASES)
def test_a_call_runs_the_network_for_the_error_that_is_given(
    upscaler: Upscaler, levels: float | None, step: int
) -> None:
    brighter = mean(upscaler(grey(), coding_error=levels)) - 100
    assert brighter == pytest.approx(levels_of(step), abs=0.6)
    picture = np.full((8, 8, 3), 100, np.uint8)
    large = upscaler(picture, coding_error=levels)
    assert float(large.mean()) - 100 == pytest.approx(255 * step / 32, abs=0.6)
    tensor = upscaler(torch.full((3, 8, 8), 0.25), coding_error=levels)
    assert float(tensor.mean()) == pytest.approx(0.25 + step / 32, abs=1e-3)


def test_a_stream_and_a_session_run_it_for_each_picture(upscaler: Upscaler) -> None:
    pictures: list[Any] = [grey(), np.full((8, 8, 3), 100, np.uint8), grey()]
    first, array, last = upscaler.stream(pictures, coding_error=5)
    assert mean(first) - 100 == pytest.approx(levels_of(4), abs=0.6)
    assert float(array.mean()) - 100 == pytest.approx(255 / 8, abs=0.6)
    assert mean(last) - 100 == pytest.approx(levels_of(4), abs=0.6)
    with upscaler.session(coding_error=3) as coded, upscaler.session() as clean:
        (large,), (plain,) = ([*s.push(grey()), *s.flush()] for s in (coded, clean))
    assert mean(large) - 100 == pytest.approx(levels_of(2), abs=0.6)
    assert mean(plain) == pytest.approx(100, abs=0.6)


def test_strength_multiplies_what_is_given(model: Model) -> None:
    with Upscaler(model.path, device="cpu", precision="fp32", strength=0) as clean:
        assert mean(clean(grey(), coding_error=5)) == pytest.approx(100, abs=0.6)
    with Upscaler(model.path, device="cpu", precision="fp32", strength=2) as strong:
        brighter = mean(strong(grey(), coding_error=1.5)) - 100
        assert brighter == pytest.approx(levels_of(2), abs=0.6)


@pytest.mark.parametrize("levels", [-0.1, 64.1, math.nan, math.inf, True, "3", [3]])
def test_what_is_no_error_is_refused(upscaler: Upscaler, levels: Any) -> None:
    for refused in (
        lambda: upscaler(grey(), coding_error=levels),
        lambda: upscaler.session(coding_error=levels),
        lambda: upscaler.stream([grey()], coding_error=levels),
    ):
        with pytest.raises(OptionError, match="coding_error"):
            refused()


def test_numbers_of_numpy_are_numbers() -> None:
    assert given_error(np.float32(2.5)) == CodingError(2.5, "given")  # type: ignore[arg-type]
    assert given_error(None) is None
