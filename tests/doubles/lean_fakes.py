"""Stand-ins for pycuda and tensorrt whose streams execute at once, on the CPU.

Device memory is a numpy array, a copy is a copy, and a kernel is the CUDA source built by g++
(cuda_on_cpu.py). The network repeats every pixel: nearest neighbour in the phase domain. Names and
arguments are those of PyCUDA 2026.1 and of what TensorRT 10 and 11 have in common.
"""

from __future__ import annotations

import ctypes
import enum
import struct
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from tests.doubles import cuda_on_cpu
from vidsr.engines.onnx_files.facts import METADATA_KEY, NetworkFacts, read_facts

Shape = tuple[int, ...]


class Contexts:
    """Stack of CUDA contexts; work without one is an error, as on a GPU."""

    depth = 0

    @classmethod
    def require(cls) -> None:
        assert cls.depth == 1, "no context is current"

    def push(self) -> None:
        type(self).depth += 1

    @classmethod
    def pop(cls) -> None:
        cls.depth -= 1

    @classmethod
    def synchronize(cls) -> None:
        cls.require()


class Stream:
    """Stream; ``log`` lists what was queued, on every stream, in order."""

    log: list[str] = []  # noqa: RUF012  (reset by install)

    def __init__(self) -> None:
        Contexts.require()
        self.handle = id(self)

    def wait_for_event(self, event: Event) -> None:
        assert event.recorded
        Stream.log.append("wait")

    def synchronize(self) -> None:
        pass


class Event:
    def __init__(self) -> None:
        self.recorded = False

    def record(self, stream: Stream | None = None) -> Event:
        self.recorded = True
        return self

    def synchronize(self) -> Event:
        assert self.recorded, "waiting for an event that was never recorded returns at once"
        Stream.log.append("finish")
        return self


class DeviceAllocation:
    def __init__(self, size: int) -> None:
        Contexts.require()
        self.memory = np.full(size, 0xA5, np.uint8)

    def __int__(self) -> int:
        return self.memory.ctypes.data


class Function:
    def __init__(self, entry: str) -> None:
        self._entry, self._format = entry, ""

    def prepare(self, arg_types: list[str]) -> Function:
        self._format = "".join(arg_types)
        return self

    def prepared_async_call(
        self, grid: tuple[int, ...], block: tuple[int, ...], stream: Stream, *args: bytes
    ) -> None:
        Contexts.require()
        Stream.log.append(self._entry.partition("_uint")[0])
        cuda_on_cpu.run_entry(self._entry, struct.pack(self._format, *args), grid, block)


class SourceModule:
    def __init__(
        self,
        source: str,
        *,
        options: list[str],
        no_extern_c: bool,
        include_dirs: list[str],
    ) -> None:
        assert no_extern_c, "templates cannot stand inside extern C"
        assert (Path(include_dirs[0]) / "color.cuh").is_file()
        assert options == ["--fmad=false"]
        self._source = source

    def get_function(self, name: str) -> Function:
        assert f"ENTRY({name}," in self._source
        return Function(name)


class Error(Exception):
    """Base of all errors of PyCUDA."""


class Device:
    """GPU; ``sm_count`` may be set to make it another one."""

    sm_count = 132

    def __init__(self, number: int) -> None:
        assert number == 0

    def name(self) -> str:
        return "NVIDIA H200"

    def compute_capability(self) -> tuple[int, int]:
        return 9, 0

    def get_attribute(self, attribute: str) -> int:
        assert attribute == "sm count"
        return self.sm_count

    def retain_primary_context(self) -> Contexts:
        return Contexts()


def memcpy_htod_async(dest: DeviceAllocation, src: Any, stream: Stream) -> None:
    Stream.log.append("upload")
    dest.memory[:] = src


def memcpy_dtoh_async(dest: Any, src: DeviceAllocation, stream: Stream) -> None:
    Stream.log.append("download")
    dest[:] = src.memory


class DataType(enum.Enum):
    FLOAT = np.float32
    HALF = np.float16


class TensorIOMode(enum.Enum):
    INPUT = 1
    OUTPUT = 2


class Logger:
    Severity = enum.IntEnum("Severity", "INTERNAL_ERROR ERROR WARNING INFO VERBOSE", start=0)

    def __init__(self) -> None:
        self.ready = True


class Engine:
    """Engine whose plan is the ONNX file itself behind five letters."""

    num_io_tensors = 2

    def __init__(self, plan: bytes) -> None:
        assert plan[:5] == b"plan:"
        self.facts = read_facts(plan[5:])

    def get_tensor_name(self, index: int) -> str:
        return ("y", "x")[index]

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        return TensorIOMode.INPUT if name == "x" else TensorIOMode.OUTPUT

    def create_execution_context(self) -> ExecutionContext:
        return ExecutionContext(self.facts)


class ExecutionContext:
    def __init__(self, facts: NetworkFacts) -> None:
        self._facts, self._address = facts, dict[str, int]()
        self._shape: Shape = ()

    def set_input_shape(self, name: str, shape: Shape) -> bool:
        self._shape = shape
        return name == "x"

    def get_tensor_shape(self, name: str) -> Shape:
        n, c, h, w = self._shape
        factor = self._facts.scale // self._facts.shuffle
        large = (n, c * self._facts.shuffle**2, h * factor, w * factor)
        return self._shape if name == "x" else large

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self._address[name] = memory
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        Contexts.require()
        Stream.log.append("network")
        x, y = self._array("x", self._facts.input_type), self._array("y", self._facts.output_type)
        factor = self._facts.scale // self._facts.shuffle
        large = x.repeat(factor, axis=2).repeat(factor, axis=3)
        y[:] = large.repeat(self._facts.shuffle**2, axis=1) - np.float32(self._facts.offset)
        return True

    def _array(self, name: str, kind: str) -> Any:
        dtype = np.dtype(np.float16 if kind == "fp16" else np.float32)
        shape = self.get_tensor_shape(name)
        raw = (ctypes.c_uint8 * (int(np.prod(shape)) * dtype.itemsize)).from_address(
            self._address[name]
        )
        return np.asarray(raw).view(dtype).reshape(shape)


class Network:
    num_inputs = num_outputs = 1

    def __init__(self) -> None:
        self.onnx = b""

    def get_input(self, index: int) -> SimpleNamespace:
        return SimpleNamespace(name="x")

    get_output = get_input


class Parser:
    num_errors = 0

    def __init__(self, network: Network, logger: Logger) -> None:
        self._network = network

    def parse(self, model: bytes) -> bool:
        self._network.onnx = model
        return True


class TimingCache:
    def serialize(self) -> bytes:
        return b""


class Config:
    builder_optimization_level = 3

    def set_memory_pool_limit(self, pool: int, pool_size: int) -> None:
        pass

    def add_optimization_profile(self, profile: Profile) -> int:
        return 0

    def create_timing_cache(self, serialized_timing_cache: bytes) -> TimingCache:
        return TimingCache()

    def set_timing_cache(self, cache: TimingCache, ignore_mismatch: bool) -> bool:
        return True


class Profile:
    def set_shape(self, input: str, min: Shape, opt: Shape, max: Shape) -> None:
        assert input == "x"


class Builder:
    def __init__(self, logger: Logger) -> None:
        Contexts.require()

    def create_network(self, flags: int = 0) -> Network:
        return Network()

    def create_builder_config(self) -> Config:
        return Config()

    def create_optimization_profile(self) -> Profile:
        return Profile()

    def build_serialized_network(self, network: Network, config: Config) -> bytes:
        Stream.log.append("build")
        return b"plan:" + network.onnx


class Runtime:
    def __init__(self, logger: Logger) -> None:
        Contexts.require()

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> Engine:
        return Engine(serialized_engine)


def onnx_file(facts: NetworkFacts) -> bytes:
    """Return an ONNX file with nothing in it but these facts."""

    def field(number: int, payload: bytes) -> bytes:
        length, prefix = len(payload), bytearray([number << 3 | 2])
        while length > 127:
            prefix.append(length & 127 | 128)
            length >>= 7
        return bytes(prefix) + bytes([length]) + payload

    entry = field(1, METADATA_KEY.encode()) + field(2, facts.to_json().encode())
    return field(14, entry)


def install(monkeypatch: Any) -> None:
    """Put the stand-ins where ``import`` finds them, and have what imports them do so anew."""
    monkeypatch.delitem(sys.modules, "vidsr.lean.cuda_stream", raising=False)
    monkeypatch.setattr(Contexts, "depth", 0)
    monkeypatch.setattr(Stream, "log", [])
    monkeypatch.setattr(Device, "sm_count", 132)
    driver = _module(
        "pycuda.driver",
        init=lambda: None,
        Device=Device,
        Error=Error,
        device_attribute=SimpleNamespace(MULTIPROCESSOR_COUNT="sm count"),
        get_driver_version=lambda: 13000,
        get_version=lambda: (13, 0, 0),
        Stream=Stream,
        Event=Event,
        mem_alloc=DeviceAllocation,
        pagelocked_empty=np.empty,
        memcpy_htod_async=memcpy_htod_async,
        memcpy_dtoh_async=memcpy_dtoh_async,
    )
    compiler = _module("pycuda.compiler", SourceModule=SourceModule)
    tensorrt = _module(
        "tensorrt",
        __version__="10.16.1.11",
        get_nv_onnx_parser_version=lambda: 101601,
        ILogger=Logger,
        Builder=Builder,
        OnnxParser=Parser,
        Runtime=Runtime,
        DataType=DataType,
        TensorIOMode=TensorIOMode,
        TensorFormat=SimpleNamespace(LINEAR=0),
        MemoryPoolType=SimpleNamespace(WORKSPACE=0),
        NetworkDefinitionCreationFlag=SimpleNamespace(STRONGLY_TYPED=1),
    )
    pycuda = _module("pycuda", driver=driver, compiler=compiler)
    for module in (pycuda, driver, compiler, tensorrt):
        monkeypatch.setitem(sys.modules, module.__name__, module)


def _module(name: str, **members: Any) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(members)
    return module
