"""Batches of cameras on CUDA: each frame gets what it gets alone, in every size of batch."""

from __future__ import annotations

import pytest

pytest.importorskip("av")

from tests.gpu.on_gpu import DEVICE, PRECISION, frame, layout, pick, skip_without_cuda
from vidsr.live.base.options import QualityOptions
from vidsr.live.schedule.levels.levels import Levels
from vidsr.live.schedule.levels.model_store import ModelStore
from vidsr.picture.frame import Frame

skip_without_cuda()

FORM = pick(layout(640, 360), layout(24, 16))


def levels_of(model: str, device: str) -> Levels:
    precision = PRECISION if device != "cpu" else "fp32"
    return Levels.of(
        QualityOptions(model=model), ModelStore(), device=device, precision=precision, batches=True
    )


def near(one: Frame, other: Frame, levels: int) -> bool:
    pairs = zip(one.planes, other.planes, strict=True)
    return all(int((a.int() - b.int()).abs().max()) <= levels for a, b in pairs)


@pytest.mark.parametrize("model", ["lite-x2", "srresnet-x2"])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_a_batch_gives_each_camera_what_it_has_alone(model: str, count: int) -> None:
    """Twice: what is captured in the first batch is replayed in the second."""
    size = next(size for size in (1, 2, 4, 8) if size >= count)
    on_device, on_cpu = levels_of(model, str(DEVICE)), levels_of(model, "cpu")
    for first in (0, count):
        frames = [frame(FORM, first + number) for number in range(count)]
        together = on_device.levels[0].upscale_batch(frames, size)
        for given, large in zip(frames, together, strict=True):
            assert near(large, on_device.levels[0].upscale(given), 1)
            assert near(large, on_cpu.levels[0].upscale(given), 1)
    on_device.close()
    on_cpu.close()


def test_every_level_of_a_ladder_runs_and_makes_one_format() -> None:
    levels = Levels.of(QualityOptions(), ModelStore(), device=str(DEVICE), precision=PRECISION)
    for level in levels.levels:
        assert level.warm(FORM) > 0
        assert level.upscale(frame(FORM, 1)).format == levels.target(FORM)
    levels.close()
