"""Upscaling on a box without PyTorch: TensorRT, PyCUDA, PyAV and NumPy are enough.

    with LeanUpscaler("net.onnx", "net.plan") as upscaler:
        for image in upscaler.stream(container.decode(video=0)):
            ...

``net.onnx`` is written once, where PyTorch is: ``vidsr-engine export srresnet-x4 -o net.onnx``.
Needs the packages tensorrt, pycuda, av and numpy, vidsr itself (pip install --no-deps -e .), and
nvcc, which compiles the colour kernels once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import av

from vidsr.engines.onnx_files.facts import read_facts
from vidsr.errors import DeviceError, InputError, ModelError, OptionError
from vidsr.lean.pictures import describe, tag

if TYPE_CHECKING:
    from vidsr.lean.cuda_stream import Job, Lane


class LeanUpscaler:
    """Upscaler with an exported network, for a ``with`` statement.

    ``onnx`` is what ``vidsr-engine export`` wrote. ``plan`` keeps what TensorRT builds from it for
    the size of the first picture, which takes minutes; a file that fits is loaded. All pictures
    have one size and format. Upload, network and download of neighbouring pictures overlap: two
    slots, three streams.

    A network on luma sees codes beyond black and white as black and white; chroma is upscaled on
    the host, which may take longer than the rest (``vidsr.lean.chroma``). Not for several threads.
    Raises ModelError, DeviceError; calls raise InputError, OptionError, DeviceError, OutputError.
    """

    def __init__(self, onnx: str | Path, plan: str | Path | None = None) -> None:
        try:
            self._onnx = Path(onnx).read_bytes()
        except OSError as error:
            raise ModelError(f"{onnx}: cannot be read: {error.strerror}") from error
        self.facts = read_facts(self._onnx, source=str(onnx))
        self._plan = Path(plan) if plan else None
        self._lane: Lane | None = None
        self._cuda = _import_lane()
        self._context = self._cuda.primary_context()

    @property
    def scale(self) -> int:
        """Factor by which the result is wider and higher."""
        return self.facts.scale

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait for what was started, free the device's memory and give its context back."""
        if self._context is None:
            return
        self._context.synchronize()
        self._lane = None
        self._context.pop()
        self._context = None

    def __call__(self, image: av.VideoFrame) -> av.VideoFrame:
        """Upscale one picture and wait for it. Its time and colour tags are kept."""
        return self._finish(self._start(image))

    def stream(self, images: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Yield every picture upscaled, in order; while one is computed others are moved."""
        jobs: deque[Job] = deque()
        for image in images:
            if len(jobs) == self._cuda.SLOTS:
                yield self._finish(jobs.popleft())
            jobs.append(self._start(image))
        while jobs:
            yield self._finish(jobs.popleft())

    def _start(self, image: av.VideoFrame) -> Job:
        picture = describe(image)
        if self._lane is None:
            step, size = self.facts.alignment, (picture.width, picture.height)
            if any(side % step for side in size):
                raise OptionError(
                    f"pictures of {size}: expected multiples of {step} for this network"
                )
            network = self._cuda.Network(self._onnx, self.facts, picture, self._plan)
            self._lane = self._cuda.Lane(image, picture, network)
        if (picture, image.format.name) != (self._lane.small, self._lane.format):
            raise InputError(f"a picture is {picture}; those before were {self._lane.small}")
        return self._lane.start(image)

    def _finish(self, job: Job) -> av.VideoFrame:
        large: av.VideoFrame = self._cuda.finish(job)
        large.pts = job.image.pts
        if job.image.time_base:
            large.time_base = job.image.time_base
        tag(large, job.image)
        return large


def _import_lane() -> Any:
    """Import what needs pycuda. Raises DeviceError where that is absent or finds no driver."""
    try:
        return import_module("vidsr.lean.cuda_stream")
    except (ImportError, OSError) as error:
        raise DeviceError(
            f"PyCUDA cannot be imported: {error}", hint="pip install pycuda; it needs a GPU driver"
        ) from error
