"""A whole file on CUDA, against the same file on a CPU."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.gpu.on_gpu import DEVICE, PRECISION, pick, skip_without_cuda
from vidsr.option_values import Precision

pytest.importorskip("av")

import vidsr
from tests.gpu.files import DEMO, decode, psnr_db

skip_without_cuda()

LEAST_PSNR_DB = 45.0  # the CPU runs float32; fp16 stays within a level


@pytest.mark.parametrize(
    ("model", "seconds"), [("lite-x4", pick(4.0, 0.2)), ("srresnet-x4", pick(0.4, 0.05))]
)
def test_the_demo_clip(model: str, seconds: float, tmp_path: Path) -> None:
    results = {}
    cases: tuple[tuple[str, Precision], ...] = ((str(DEVICE), PRECISION), ("cpu", "fp32"))
    for device, precision in cases:
        target = tmp_path / f"{device.replace(':', '')}-{precision}.mkv"
        report = vidsr.upscale(
            DEMO,
            target,
            model=model,
            device=device,
            precision=precision,
            duration=seconds,
            codec="ffv1",
            overwrite=True,
        )
        results[device, precision] = decode(target)
        assert len(results[device, precision][0]) == report.frames > 0
    (times, pictures), (cpu_times, cpu_pictures) = (
        results[str(DEVICE), PRECISION],
        results["cpu", "fp32"],
    )
    assert times == cpu_times
    assert len(set(times)) == len(times)
    worst = min(map(psnr_db, pictures, cpu_pictures))
    assert worst > LEAST_PSNR_DB


def test_the_whole_demo_clip_keeps_every_frame(tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    duration = pick(None, 0.2)
    report = vidsr.upscale(
        DEMO, target, model="lite-x2", device=str(DEVICE), precision=PRECISION, codec="ffv1",
        duration=duration,
    )  # fmt: skip
    times, _ = decode(target)
    wanted, _ = decode(DEMO)
    assert report.frames == len(times)
    for found, given in zip(times, wanted, strict=False):
        assert abs((found - times[0]) - (given - wanted[0])) <= Fraction(1, 1000)  # Matroska's tick
    assert len(times) == len(wanted) or duration is not None
