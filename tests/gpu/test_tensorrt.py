"""TensorRT itself: built, checked, kept, and taking over in mid-run. Skipped where it is absent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.gpu.on_gpu import DEVICE, REHEARSAL, frame, layout, skip_without_cuda, smooth

pytest.importorskip("av")

from vidsr.engines.onnx_files.export import require_exporter
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.selection.accuracy_check import check_engine
from vidsr.engines.selection.choice import runtime_of
from vidsr.engines.trt.build import import_tensorrt
from vidsr.errors import DeviceError
from vidsr.models.zoo import load_model
from vidsr.notes import Notes
from vidsr.picture.frame import Frame
from vidsr.upscaling.upscaler import Upscaler

skip_without_cuda()

try:
    import_tensorrt()
    require_exporter()
except DeviceError as error:
    pytest.skip(error.message, allow_module_level=True)
if REHEARSAL or getattr(find_spec("safetensors"), "origin", None) is None:
    reason = "CUDA itself" if REHEARSAL else "safetensors in the builder's process"
    pytest.skip(f"needs {reason}", allow_module_level=True)

MODEL, FORM = "lite-x4", layout(96, 64)
BUILDING = "building a TensorRT engine"
SWITCH_S = 120.0


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a folder of engines that begins empty, and is kept from test to test."""
    folder = tmp_path_factory.mktemp("engines")
    folder.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDSR_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def first_notes(cache: Path) -> tuple[str, ...]:
    """Return the notes of the engine's build."""
    return once()[0]


def once() -> tuple[tuple[str, ...], str, tuple[Tensor, ...]]:
    """Run one frame that waits for the engine; return notes, what ran, and the planes."""
    notes = Notes()
    with Upscaler(
        MODEL, device=str(DEVICE), engine="tensorrt", wait_for_engine=True, notes=notes
    ) as upscaler:
        large = upscaler.enlarge(frame(FORM, 1))
        return notes.said, runtime_of(upscaler.engine), large.planes


def assert_within_a_level(found: tuple[Tensor, ...], wanted: tuple[Tensor, ...]) -> None:
    """Float16 rounds where float32 does not: by less than a level of 8 bits."""
    for mine, theirs in zip(found, wanted, strict=True):
        assert int((mine.cpu().int() - theirs.int()).abs().max()) <= 1


def on_cpu(number: int) -> tuple[Tensor, ...]:
    with Upscaler(MODEL, device="cpu", precision="fp32") as upscaler:
        return upscaler.enlarge(frame(FORM, number)).planes


def test_it_is_built_and_said(first_notes: tuple[str, ...]) -> None:
    assert any(BUILDING in note for note in first_notes)
    assert any("on TensorRT" in note for note in first_notes), first_notes


@pytest.mark.usefixtures("first_notes")
def test_the_second_time_it_is_out_of_the_cache() -> None:
    said, runtime, planes = once()
    assert not any(BUILDING in note for note in said)
    assert runtime == "tensorrt"
    assert_within_a_level(planes, on_cpu(1))


@pytest.mark.usefixtures("first_notes")
def test_it_is_near_the_network_in_float32() -> None:
    with Upscaler(MODEL, device=str(DEVICE), engine="tensorrt", wait_for_engine=True) as upscaler:
        upscaler.enlarge(frame(FORM, 1))
        reference = TorchEngine(load_model(MODEL), device=str(DEVICE), precision="fp32")
        x = smooth((1, 1, FORM.height, FORM.width)).to(DEVICE)
        verdict = check_engine(upscaler.engine, reference, x)
    assert verdict.trusted, verdict.fault
    # Ten bits of mantissa, as of the torch engine.
    assert verdict.psnr_db > 60


@pytest.mark.usefixtures("first_notes")
def test_it_takes_over_in_mid_run_and_order_is_kept() -> None:
    """Even out of the cache it comes seconds after the first frame."""
    seen: list[int | None] = []
    runtimes: list[str] = []
    wanted = [on_cpu(number) for number in range(4)]
    with Upscaler(MODEL, device=str(DEVICE), engine="tensorrt") as upscaler:

        def frames() -> Iterator[Frame]:
            more, deadline = 12, time.monotonic() + SWITCH_S
            while more and time.monotonic() < deadline:
                runtimes.append(runtime_of(upscaler.engine))
                yield replace(frame(FORM, (len(runtimes) - 1) % 4), pts=len(runtimes) - 1)
                more -= runtimes[-1] == "tensorrt"

        for large in upscaler.stream(frames()):
            assert_within_a_level(large.planes, wanted[len(seen) % 4])
            seen.append(large.pts)
            large.release()
    assert seen == list(range(len(runtimes)))
    assert (runtimes[0], runtimes[-1]) == ("torch", "tensorrt")
    assert runtimes == sorted(runtimes, reverse=True)  # once, and never back


@pytest.mark.usefixtures("first_notes")
def test_replays_and_streams_give_one_result() -> None:
    """A captured graph on another frame than it was recorded with."""
    with Upscaler(MODEL, device=str(DEVICE), engine="tensorrt", wait_for_engine=True) as upscaler:
        singles = [upscaler.enlarge(frame(FORM, number)).planes for number in range(6)]
        for large, single in zip(
            upscaler.stream(frame(FORM, number) for number in range(6)), singles, strict=True
        ):
            assert all(torch.equal(a, b.cpu()) for a, b in zip(large.planes, single, strict=True))
            large.release()
