"""The way of a picture through PyCUDA and TensorRT: memory, streams and launches.

Imports pycuda, so it is imported by ``vidsr.lean`` where a GPU is asked for.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pycuda.driver as cuda
from pycuda.compiler import SourceModule

from vidsr.cache.keys import Gpu, Profile
from vidsr.engines.onnx_files.facts import NetworkFacts
from vidsr.engines.trt.build import created, import_tensorrt
from vidsr.engines.trt.log import Messages, make_logger
from vidsr.engines.trt.profile import engine_key
from vidsr.errors import DeviceError
from vidsr.kernels.cuda import source
from vidsr.kernels.cuda.layout import Floats, FloatType, Picture, packed_planes
from vidsr.kernels.cuda.source import Launch
from vidsr.lean.chroma import enlarge_chroma
from vidsr.lean.pictures import SEMI_PLANAR, enlarged, luma_of, plane_rows
from vidsr.lean.plan import load_or_build

SLOTS = 2
DTYPES: dict[str, FloatType] = {"fp16": "float16", "fp32": "float32"}


@dataclass(frozen=True)
class Job:
    """A picture that was started; ``image`` gives the result its time and its colour tags.

    ``target`` has the chroma already where the network is on luma.
    """

    slot: Slot
    image: av.VideoFrame
    target: av.VideoFrame
    written: Picture


class Network:
    """A TensorRT engine for pictures of one size, with its input and output on the device."""

    def __init__(self, onnx: bytes, facts: NetworkFacts, small: Picture, plan: Path | None) -> None:
        trt, messages = import_tensorrt(), Messages()
        shape = (1, facts.channels, small.height, small.width)
        self._logger = make_logger(trt, messages)
        self._runtime = created("runtime", lambda: trt.Runtime(self._logger), messages)
        key = engine_key(onnx, facts, Profile(shape, shape, shape), describe_gpu(), trt)
        data = load_or_build(onnx, key, plan, trt, messages)
        self._engine = created(
            "engine", lambda: self._runtime.deserialize_cuda_engine(data), messages
        )
        self._context = created("context", self._engine.create_execution_context, messages)
        self.facts, self._messages = facts, messages
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        names.sort(key=lambda n: self._engine.get_tensor_mode(n) != trt.TensorIOMode.INPUT)
        self._check(self._context.set_input_shape(names[0], shape), f"{shape = }")
        self.input, self.pixels = self._buffer(names[0], shape, facts.input_type)
        result = facts.output_shape(shape)
        self.output, self.phases = self._buffer(names[1], result, facts.output_type)

    def _buffer(self, name: str, shape: tuple[int, int, int, int], kind: str) -> tuple[Any, Floats]:
        given = tuple(self._context.get_tensor_shape(name))
        self._check(given == shape, f"{name}: {given}, not {shape},")
        memory = cuda.mem_alloc(int(np.prod(shape)) * np.dtype(DTYPES[kind]).itemsize)
        self._check(self._context.set_tensor_address(name, int(memory)), f"the address of {name}")
        return memory, Floats.packed(int(memory), shape[1:], DTYPES[kind])

    def run(self, stream: cuda.Stream) -> None:
        self._check(self._context.execute_async_v3(stream.handle), "a run")

    def _check(self, good: bool, what: str) -> None:
        if not good:
            reason = self._messages.take() or "it does not say why"
            raise DeviceError(f"{self.facts.name}: TensorRT refused {what}: {reason}")


class Slot:
    """Memory of one picture on its way, page-locked and on the device, and the events between."""

    def __init__(self, small: Picture, large: Picture, network: Network, semi_planar: bool) -> None:
        facts = network.facts
        self.host_in = cuda.pagelocked_empty(small.packed_bytes, np.uint8)
        self.host_out = cuda.pagelocked_empty(large.packed_bytes, np.uint8)
        self.device_in = cuda.mem_alloc(small.packed_bytes)
        self.device_out = cuda.mem_alloc(large.packed_bytes)
        self.uploaded, self.computed, self.downloaded = cuda.Event(), cuda.Event(), cuda.Event()
        self.to_rgb = source.yuv_to_rgb(
            small,
            packed_planes(small, int(self.device_in), semi_planar=semi_planar),
            network.pixels if facts.channels == 3 else all_channels_in_one(network.pixels),
            dtype=DTYPES[facts.input_type],
        )
        self.to_yuv = source.shuffle_to_yuv(
            large,
            network.phases,
            packed_planes(large, int(self.device_out), semi_planar=semi_planar),
            shuffle=facts.shuffle,
            channels=facts.channels,
            offset=facts.offset,
            dtype=DTYPES[facts.output_type],
        )


class Lane:
    """Slots, streams and a network for pictures of one size and format.

    A network on luma sees and makes luma alone; chroma is then upscaled on the host, while the
    device works.
    """

    def __init__(self, image: av.VideoFrame, small: Picture, network: Network) -> None:
        scale, luma = network.facts.scale, network.facts.channels == 1
        self.small, self.format, self._network = small, image.format.name, network
        self._read = luma_of(small) if luma else small
        self._written = enlarged(self._read, scale)
        self._scale, self._chroma_apart = scale, luma and small.subsampling != (0, 0)
        semi_planar = self.format in SEMI_PLANAR
        slots = [Slot(self._read, self._written, network, semi_planar) for _ in range(SLOTS)]
        self._slots = deque(slots)
        self._functions = {
            launch.entry: compile_function(launch) for launch in (slots[0].to_rgb, slots[0].to_yuv)
        }
        self._upload, self._compute, self._download = (cuda.Stream() for _ in range(3))

    def start(self, image: av.VideoFrame) -> Job:
        """Queue upload, conversion, network, conversion and download; waits for nothing."""
        slot = self._slots[0]
        self._slots.rotate(-1)
        for rows, packed in plane_rows(image, self._read, slot.host_in):
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
        return Job(slot, image, self._target(image), self._written)

    def _target(self, image: av.VideoFrame) -> av.VideoFrame:
        target = av.VideoFrame(self._written.width, self._written.height, self.format)
        if self._chroma_apart:
            enlarge_chroma(image, self.small, target, self._scale)
        return target

    def _launch(self, launch: Launch) -> None:
        function = self._functions[launch.entry]
        function.prepared_async_call(launch.grid, launch.block, self._compute, launch.argument)


def finish(job: Job) -> av.VideoFrame:
    """Wait for a picture. Jobs end in the order in which they were started."""
    job.slot.downloaded.synchronize()
    for rows, packed in plane_rows(job.target, job.written, job.slot.host_out):
        rows[:] = packed
    return job.target


def all_channels_in_one(pixels: Floats) -> Floats:
    """Return one place for the three equal channels that luma alone becomes."""
    return Floats(pixels.address, pixels.picture, 0, pixels.row, pixels.pixel)


def compile_function(launch: Launch) -> Any:
    """Return a kernel's function; PyCUDA keeps what nvcc made in the user's cache folder."""
    module = SourceModule(
        source.source(launch.source),
        options=source.NVCC_OPTIONS,
        no_extern_c=True,
        include_dirs=[str(source.FOLDER)],
    )
    function = module.get_function(launch.entry)
    function.prepare([f"{len(launch.argument)}s"])  # a struct by value
    return function


def describe_gpu() -> Gpu:
    """Return the first GPU as engines are bound to it; versions are those of CUDA's interfaces."""
    device = cuda.Device(0)
    return Gpu(
        name=device.name(),
        compute_capability=device.compute_capability(),
        sm_count=device.get_attribute(cuda.device_attribute.MULTIPROCESSOR_COUNT),
        driver_version=str(cuda.get_driver_version()),
        cuda_version=".".join(map(str, cuda.get_version())),
    )


def primary_context() -> Any:
    """Return the context of TensorRT, on the first GPU, made current. Raises DeviceError."""
    try:
        cuda.init()
        context = cuda.Device(0).retain_primary_context()
    except cuda.Error as error:
        raise DeviceError(f"no GPU can be used: {error}") from error
    context.push()
    return context
