"""Upscaling on a box without PyTorch: TensorRT, PyCUDA, PyAV and NumPy are enough.

    vidsr-engine export srresnet-x4 -o net.onnx        # once, where PyTorch is
    python lean_edge.py net.onnx input.mp4 out.mp4 --plan net.plan

Upload, network and download of neighbouring frames overlap: two slots, three streams. The network
must be one on RGB. The pictures keep their times and colour tags; sound is left out.
Needs the packages tensorrt, pycuda, av and numpy, vidsr itself (pip install --no-deps vidsr), and
nvcc, which compiles the colour kernels once.
"""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
import pycuda.driver as cuda
from pycuda.compiler import SourceModule

from vidsr.engines.engine_key import Profile
from vidsr.engines.facts import NetworkFacts, read_facts
from vidsr.engines.tensorrt_build import build_engine, created, import_tensorrt
from vidsr.engines.tensorrt_log import Messages, make_logger
from vidsr.errors import DeviceError, InputError, ModelError, OptionError
from vidsr.kernels import cuda_source
from vidsr.kernels.cuda_layout import Floats, FloatType, Picture, packed_planes
from vidsr.kernels.cuda_source import Launch

SLOTS = 2
DTYPES: dict[str, FloatType] = {"fp16": "float16", "fp32": "float32"}

# FFmpeg's names: depth, and luma samples per chroma sample (across, down).
PLANAR = {
    "gray": (8, (0, 0)), "yuv420p": (8, (2, 2)), "yuv422p": (8, (2, 1)), "yuv444p": (8, (1, 1)),
    "yuv420p10le": (10, (2, 2)), "yuv422p10le": (10, (2, 1)), "yuv444p10le": (10, (1, 1)),
    "yuv420p12le": (12, (2, 2)), "yuvj420p": (8, (2, 2)),
}  # fmt: skip
SEMI_PLANAR = {"nv12": (8, (2, 2)), "p010le": (10, (2, 2))}

# (Kr, Kb) by H.273 MatrixCoefficients. Unspecified is read as vidsr reads it.
LUMA_WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
MATRIX_BT709, UNSPECIFIED, MATRIX_BT601, MATRIX_BT2020, RANGE_FULL = 1, 2, 6, 9, 2


def describe(image: av.VideoFrame) -> Picture:
    """What a decoded picture's codes mean. Raises InputError for what this program cannot read."""
    name, matrix = image.format.name, int(image.colorspace)
    if name not in PLANAR | SEMI_PLANAR:
        allowed = ", ".join(PLANAR | SEMI_PLANAR)
        raise InputError(f"pictures are {name}; allowed: {allowed}")
    if matrix == UNSPECIFIED:
        matrix = MATRIX_BT709 if image.height >= 720 else MATRIX_BT601
    if matrix not in LUMA_WEIGHTS:
        raise InputError(f"colour matrix {matrix}; allowed: {sorted(LUMA_WEIGHTS)}")
    depth, subsampling = (PLANAR | SEMI_PLANAR)[name]
    kr, kb = LUMA_WEIGHTS[matrix]
    return Picture(
        width=image.width,
        height=image.height,
        depth=depth,
        subsampling=subsampling,
        cosited=(True, matrix == MATRIX_BT2020),  # as H.264 and HEVC have it unless told otherwise
        kr=kr,
        kb=kb,
        full_range=int(image.color_range) == RANGE_FULL or name.startswith("yuvj"),
        high_bits=name == "p010le",
    )


def plane_rows(image: Any, picture: Picture, packed: Any) -> Iterator[tuple[Any, Any]]:
    """(rows of the image, rows of ``packed``) as bytes, plane by plane, without copies."""
    start = 0
    for number, plane in enumerate(image.planes):
        height, width = picture.plane_sizes[number]
        both = 2 if number and image.format.name in SEMI_PLANAR else 1
        width *= both * picture.sample_bytes
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:height, :width]
        yield rows, packed[start : start + height * width].reshape(height, width)
        start += height * width


@dataclass(frozen=True)
class Job:
    """A frame that was started; ``image`` gives the result its time and its colour tags."""

    slot: Slot
    image: av.VideoFrame
    large: Picture


class Network:
    """A TensorRT engine for pictures of one size, with its input and output on the device."""

    def __init__(self, onnx: bytes, facts: NetworkFacts, small: Picture, plan: Path | None) -> None:
        trt, messages = import_tensorrt(), Messages()
        shape = (1, facts.channels, small.height, small.width)
        self._logger = make_logger(trt, messages)
        self._runtime = created("runtime", lambda: trt.Runtime(self._logger), messages)
        data = self._plan(onnx, shape, plan, trt, messages)
        self._engine = created(
            "engine", lambda: self._runtime.deserialize_cuda_engine(data), messages
        )
        self._context = created("context", self._engine.create_execution_context, messages)
        self.facts, self._messages = facts, messages
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        names.sort(key=lambda n: self._engine.get_tensor_mode(n) != trt.TensorIOMode.INPUT)
        self._check(self._context.set_input_shape(names[0], shape), f"{shape = }")
        r, n = facts.shuffle, facts.scale // facts.shuffle
        out = (facts.channels * r * r, small.height * n, small.width * n)
        self.input, self.rgb = self._buffer(names[0], shape[1:], facts.input_type)
        self.output, self.phases = self._buffer(names[1], out, facts.output_type)

    @staticmethod
    def _plan(onnx: bytes, shape: Any, path: Path | None, trt: Any, messages: Messages) -> bytes:
        # A plan is code for one GPU and one version of TensorRT: load none that others may write.
        if path and path.exists():
            return path.read_bytes()
        profile = Profile(min=shape, opt=shape, max=shape)
        data, _ = build_engine(onnx, profiles=[profile], trt=trt, messages=messages)
        if path:
            path.write_bytes(data)
        return data

    def _buffer(self, name: str, shape: Any, kind: str) -> tuple[Any, Floats]:
        given = tuple(self._context.get_tensor_shape(name))
        self._check(given == (1, *shape), f"{name}: {given}, not {(1, *shape)},")
        memory = cuda.mem_alloc(int(np.prod(shape)) * np.dtype(DTYPES[kind]).itemsize)
        self._check(self._context.set_tensor_address(name, int(memory)), f"the address of {name}")
        return memory, Floats.packed(int(memory), shape, DTYPES[kind])

    def run(self, stream: Any) -> None:
        self._check(self._context.execute_async_v3(stream.handle), "a run")

    def _check(self, good: bool, what: str) -> None:
        if not good:
            reason = self._messages.take() or "it does not say why"
            raise DeviceError(f"TensorRT refused {what}: {reason}", hint="delete an old --plan")


class Slot:
    """Memory of one frame on its way, page-locked and on the device, and the events between."""

    def __init__(self, small: Picture, large: Picture, network: Network, semi_planar: bool) -> None:
        facts = network.facts
        self.host_in = cuda.pagelocked_empty(small.packed_bytes, np.uint8)
        self.host_out = cuda.pagelocked_empty(large.packed_bytes, np.uint8)
        self.device_in = cuda.mem_alloc(small.packed_bytes)
        self.device_out = cuda.mem_alloc(large.packed_bytes)
        self.uploaded, self.computed, self.downloaded = cuda.Event(), cuda.Event(), cuda.Event()
        self.to_rgb = cuda_source.yuv_to_rgb(
            small,
            packed_planes(small, int(self.device_in), semi_planar=semi_planar),
            network.rgb,
            dtype=DTYPES[facts.input_type],
        )
        self.to_yuv = cuda_source.shuffle_to_yuv(
            large,
            network.phases,
            packed_planes(large, int(self.device_out), semi_planar=semi_planar),
            shuffle=facts.shuffle,
            offset=facts.offset,
            dtype=DTYPES[facts.output_type],
        )


class Lane:
    """Slots, streams and a network for pictures of one size and format."""

    def __init__(self, small: Picture, network: Network, semi_planar: bool) -> None:
        scale = network.facts.scale
        self.small, self._network = small, network
        self._large = replace(small, width=small.width * scale, height=small.height * scale)
        slots = [Slot(small, self._large, network, semi_planar) for _ in range(SLOTS)]
        self._slots = deque(slots)
        self._functions = {
            launch.entry: compile_function(launch) for launch in (slots[0].to_rgb, slots[0].to_yuv)
        }
        self._upload, self._compute, self._download = (cuda.Stream() for _ in range(3))

    def start(self, image: av.VideoFrame) -> Job:
        """Queue upload, conversion, network, conversion and download; waits for nothing."""
        slot = self._slots[0]
        self._slots.rotate(-1)
        for rows, packed in plane_rows(image, self.small, slot.host_in):
            packed[:] = rows
        cuda.memcpy_htod_async(slot.device_in, slot.host_in, self._upload)
        slot.uploaded.record(self._upload)
        self._compute.wait_for_event(slot.uploaded)
        self._launch(slot.to_rgb)
        self._network.run(self._compute)
        self._launch(slot.to_yuv)
        slot.computed.record(self._compute)
        self._download.wait_for_event(slot.computed)
        cuda.memcpy_dtoh_async(slot.host_out, slot.device_out, self._download)
        slot.downloaded.record(self._download)
        return Job(slot, image, self._large)

    def _launch(self, launch: Launch) -> None:
        function = self._functions[launch.entry]
        function.prepared_async_call(launch.grid, launch.block, self._compute, launch.argument)


class LeanUpscaler:
    """Makes pictures larger with an exported network on RGB; use it in a ``with`` statement.

    ``onnx`` is what ``vidsr-engine export`` wrote. ``plan`` keeps what TensorRT builds from it for
    the size of the first picture, which takes minutes; where that file exists it is loaded.
    All pictures have one size and format. Not for use by several threads.
    """

    def __init__(self, onnx: str | Path, plan: str | Path | None = None) -> None:
        self._onnx, self._plan = Path(onnx).read_bytes(), Path(plan) if plan else None
        self.facts = read_facts(self._onnx, source=str(onnx))
        if self.facts.channels != 3:
            raise ModelError(f"{onnx}: a network on luma", hint="export one on RGB: srresnet-x4.")
        self._lane: Lane | None = None
        cuda.init()
        self._context = cuda.Device(0).retain_primary_context()  # the one TensorRT works in
        self._context.push()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Wait for what was started, free the device's memory and give its context back."""
        cuda.Context.synchronize()
        self._lane = None
        self._context.pop()

    def __call__(self, image: av.VideoFrame) -> av.VideoFrame:
        """One picture, waited for; nothing overlaps."""
        return self._finish(self._start(image))

    def stream(self, images: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Every picture enlarged, in order; while one is computed others are moved."""
        jobs: deque[Job] = deque()
        for image in images:
            if len(jobs) == SLOTS:
                yield self._finish(jobs.popleft())
            jobs.append(self._start(image))
        while jobs:
            yield self._finish(jobs.popleft())

    def _start(self, image: av.VideoFrame) -> Job:
        picture = describe(image)
        self._lane = self._lane or self._prepare(picture, image.format.name in SEMI_PLANAR)
        if picture != self._lane.small:
            raise InputError(f"a picture is {picture}; those before were {self._lane.small}")
        return self._lane.start(image)

    def _prepare(self, small: Picture, semi_planar: bool) -> Lane:
        step, size = self.facts.alignment, (small.width, small.height)
        if any(side % step for side in size):
            raise OptionError(f"pictures of {size}; allowed for this network: multiples of {step}")
        return Lane(small, Network(self._onnx, self.facts, small, self._plan), semi_planar)

    def _finish(self, job: Job) -> av.VideoFrame:
        """Wait for a started picture. Jobs end in the order in which they were started."""
        job.slot.downloaded.synchronize()
        large = av.VideoFrame(job.large.width, job.large.height, job.image.format.name)
        for rows, packed in plane_rows(large, job.large, job.slot.host_out):
            rows[:] = packed
        large.pts = job.image.pts
        if job.image.time_base:
            large.time_base = job.image.time_base
        tag(large, job.image)
        return large


def compile_function(launch: Launch) -> Any:
    """A kernel's function; PyCUDA keeps what nvcc made in the user's cache folder."""
    module = SourceModule(
        cuda_source.source(launch.source),
        options=cuda_source.NVCC_OPTIONS,
        no_extern_c=True,
        include_dirs=[str(cuda_source.FOLDER)],
    )
    function = module.get_function(launch.entry)
    function.prepare([f"{len(launch.argument)}s"])  # a struct by value
    return function


def tag(target: Any, source: Any) -> None:
    """Copy colour tags between pictures and codec contexts."""
    target.colorspace, target.color_range = source.colorspace, source.color_range
    target.color_primaries, target.color_trc = source.color_primaries, source.color_trc


def open_encoder(target: Any, source: Any, first: av.VideoFrame, codec: str) -> Any:
    """A video stream with the size, format and tags of ``first`` and the times of ``source``."""
    stream = target.add_stream(codec, rate=source.guessed_rate or source.average_rate)
    stream.width, stream.height, stream.pix_fmt = first.width, first.height, first.format.name
    # By default times would be rounded to 1 / rate.
    stream.codec_context.time_base = stream.time_base = source.time_base
    tag(stream.codec_context, first)
    return stream


def upscale(upscaler: LeanUpscaler, source: Path, target: Path, codec: str) -> int:
    """Read, enlarge and write one video stream. Returns the number of pictures."""
    count, encoder = 0, None
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        video = reader.streams.video[0]
        video.thread_type = "AUTO"
        for image in upscaler.stream(reader.decode(video)):
            encoder = encoder or open_encoder(writer, video, image, codec)
            writer.mux(encoder.encode(image))
            count += 1
        if encoder:
            writer.mux(encoder.encode(None))
    return count


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("onnx", type=Path, help="network on RGB, from vidsr-engine export")
    parser.add_argument("input", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--plan", type=Path, help="file that keeps what TensorRT builds")
    parser.add_argument("--codec", default="libx264", help="FFmpeg's name of an encoder")
    options = parser.parse_args(arguments)
    with LeanUpscaler(options.onnx, options.plan) as upscaler:
        count = upscale(upscaler, options.input, options.output, options.codec)
    print(f"{options.output}: {count} frames")


if __name__ == "__main__":
    main()
