"""Stand-in for the module tensorrt, without a GPU: the classes that vidsr uses, on a CPU.

A model is JSON, such as {"channels": 3, "shuffle": 2, "dtype": "FLOAT"}; its network repeats every
channel shuffle**2 times and adds a sixteenth of the number of the repetition. A plan says the
version that made it, and no other loads it. Names of classes and methods are those of TensorRT,
which tests/engines/trt/test_api.py holds against the real bindings.
"""

from __future__ import annotations

import ctypes
import enum
import json
from types import SimpleNamespace
from typing import Any

import numpy as np

Shape = tuple[int, ...]
NUMBERS: dict[str, np.dtype[Any]] = {"FLOAT": np.dtype(np.float32), "HALF": np.dtype(np.float16)}
WAYS_TO_FAIL = {
    "builder", "network", "parse", "profile", "plan", "timing", "engine", "context", "shape",
    "address", "execute", "two inputs", "wrong output", "refit",
}  # fmt: skip


class _Severity(enum.IntEnum):
    INTERNAL_ERROR = 0
    ERROR = 1
    WARNING = 2
    INFO = 3
    VERBOSE = 4


class ILogger:
    Severity = _Severity

    def __init__(self) -> None:
        self.ready = True

    def log(self, severity: _Severity, msg: str) -> None:
        raise NotImplementedError


class DataType(enum.Enum):
    FLOAT = 0
    HALF = 1


class TensorIOMode(enum.Enum):
    NONE = 0
    INPUT = 1
    OUTPUT = 2


class TensorFormat(enum.IntEnum):
    LINEAR = 0
    HWC8 = 2


class MemoryPoolType(enum.Enum):
    WORKSPACE = 0


class _CreationFlag10(enum.IntEnum):
    EXPLICIT_BATCH = 0
    STRONGLY_TYPED = 1


class _CreationFlag11(enum.IntEnum):
    STRONGLY_TYPED = 1


class BuilderFlag(enum.Enum):
    REFIT = 4


class ITensor:
    def __init__(self, name: str) -> None:
        self.name, self.allowed_formats = name, -1


class IHostMemory:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def __bytes__(self) -> bytes:
        return self._data


class ParserError:
    def desc(self) -> str:
        return "no importer\nfor this operator"

    def node_name(self) -> str:
        return "/head/Conv"

    def node_operator(self) -> str:
        return "Conv"


class INetworkDefinition:
    def __init__(self, flags: int) -> None:
        self.flags = flags
        self.model: dict[str, Any] = {}
        self._tensors: dict[str, ITensor] = {"x": ITensor("x"), "y": ITensor("y")}
        self.num_inputs = self.num_outputs = 1

    def get_input(self, index: int) -> ITensor:
        return [self._tensors["x"]][index]

    def get_output(self, index: int) -> ITensor:
        return [self._tensors["y"]][index]


class IOptimizationProfile:
    def __init__(self) -> None:
        self.shapes: list[Shape] = []

    def set_shape(self, input: str, min: Shape, opt: Shape, max: Shape) -> None:
        assert input == "x"
        self.shapes = [min, opt, max]


class ITimingCache:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def serialize(self) -> IHostMemory:
        return IHostMemory(self.data)


class IBuilderConfig:
    def __init__(self, fake: FakeTensorRT) -> None:
        self._fake = fake
        self.builder_optimization_level = 3
        self.flags: set[BuilderFlag] = set()
        self.workspace_bytes = 0
        self.profiles: list[IOptimizationProfile] = []
        self.timing: ITimingCache | None = None

    def set_flag(self, flag: BuilderFlag) -> None:
        self.flags.add(flag)

    def set_memory_pool_limit(self, pool: MemoryPoolType, pool_size: int) -> None:
        self.workspace_bytes = pool_size

    def add_optimization_profile(self, profile: IOptimizationProfile) -> int:
        self.profiles.append(profile)
        return -1 if "profile" in self._fake.fail else len(self.profiles) - 1

    def create_timing_cache(self, serialized_timing_cache: bytes) -> ITimingCache | None:
        return ITimingCache(serialized_timing_cache)

    def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool) -> bool:
        assert not ignore_mismatch
        if cache.data and "timing" in self._fake.fail:
            return False
        self.timing = cache
        return True


class FakeTensorRT(SimpleNamespace):
    """Module; ``fail`` is the step that fails, one of WAYS_TO_FAIL, ``builds`` counts plans."""

    def __init__(self, version: str = "10.16.1.11", fail: str = "") -> None:
        assert {fail} <= WAYS_TO_FAIL | {""}
        fake = self
        self.__version__ = version
        self.fail = {fail}
        self.builds: list[SimpleNamespace] = []
        self.runs: list[int] = []
        self.refits: list[int] = []
        self.ILogger, self.DataType, self.TensorIOMode = ILogger, DataType, TensorIOMode
        self.TensorFormat, self.MemoryPoolType = TensorFormat, MemoryPoolType
        self.BuilderFlag = BuilderFlag
        old = version.startswith("10.")
        self.NetworkDefinitionCreationFlag = _CreationFlag10 if old else _CreationFlag11
        self.get_nv_onnx_parser_version = lambda: 101600 if old else 110400

        class Builder:
            def __init__(self, logger: ILogger) -> None:
                if "builder" in fake.fail:  # as pybind11 does with a null pointer
                    raise TypeError("pybind11::init(): factory function returned nullptr")
                self._logger = logger

            def create_network(self, flags: int = 0) -> INetworkDefinition | None:
                return None if "network" in fake.fail else INetworkDefinition(flags)

            def create_builder_config(self) -> IBuilderConfig:
                return IBuilderConfig(fake)

            def create_optimization_profile(self) -> IOptimizationProfile:
                return IOptimizationProfile()

            def build_serialized_network(
                self, network: INetworkDefinition, config: IBuilderConfig
            ) -> IHostMemory | None:
                self._logger.log(ILogger.Severity.INFO, "never to be seen")
                self._logger.log(ILogger.Severity.WARNING, "a kernel\nis slow")
                self._logger.log(ILogger.Severity.ERROR, "a kernel\nwas skipped")
                if "plan" in fake.fail:
                    self._logger.log(ILogger.Severity.ERROR, "out of\nworkspace")
                    return None
                assert config.timing is not None
                fake.builds.append(SimpleNamespace(network=network, config=config))
                fake.builds[-1].timings_before = config.timing.data
                config.timing.data += b"+"
                plan: dict[str, Any] = {"version": version, "model": network.model}
                plan["profile"] = config.profiles[0].shapes
                plan["refittable"] = BuilderFlag.REFIT in config.flags
                return IHostMemory(json.dumps(plan).encode())

        class OnnxParser:
            def __init__(self, network: INetworkDefinition, logger: ILogger) -> None:
                self._network, self.num_errors = network, 0

            def parse(self, model: bytes) -> bool:
                if "parse" in fake.fail:
                    self.num_errors = 1
                    return False
                self._network.model = json.loads(model)
                return True

            def get_error(self, index: int) -> ParserError:
                assert index < self.num_errors
                return ParserError()

        class Runtime:
            def __init__(self, logger: ILogger) -> None:
                self._logger = logger

            def deserialize_cuda_engine(self, serialized_engine: bytes) -> ICudaEngine | None:
                plan = json.loads(serialized_engine)
                if plan["version"] == version and "engine" not in fake.fail:
                    return ICudaEngine(fake, plan)
                self._logger.log(ILogger.Severity.ERROR, "made by another version")
                return None

        class Refitter:
            def __init__(self, engine: ICudaEngine, logger: ILogger) -> None:
                self.engine, self.model = engine, engine.plan["model"]

            def refit_cuda_engine_async(self, stream_handle: int) -> bool:
                fake.refits.append(stream_handle)
                self.engine.plan["model"] = self.model
                return "refit" not in fake.fail

        class OnnxParserRefitter:
            def __init__(self, refitter: Refitter, logger: ILogger) -> None:
                self._refitter = refitter

            def refit_from_bytes(self, model: bytes) -> bool:
                self._refitter.model = json.loads(model)
                return bool(self._refitter.engine.plan["refittable"])

        self.Builder, self.OnnxParser, self.Runtime = Builder, OnnxParser, Runtime
        self.Refitter, self.OnnxParserRefitter = Refitter, OnnxParserRefitter


class ICudaEngine:
    def __init__(self, fake: FakeTensorRT, plan: dict[str, Any]) -> None:
        self.fake, self.plan = fake, plan
        self._names = ["x", "x2", "y"] if "two inputs" in fake.fail else ["x", "y"]
        self.num_io_tensors = len(self._names)

    def get_tensor_name(self, index: int) -> str:
        return self._names[index]

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        return TensorIOMode.INPUT if name.startswith("x") else TensorIOMode.OUTPUT

    def get_tensor_dtype(self, name: str) -> DataType:
        return DataType[self.plan["model"]["dtype"]]

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[Shape]:
        assert profile_index == 0
        return [tuple(shape) for shape in self.plan["profile"]]

    def create_execution_context(self) -> IExecutionContext | None:
        return None if "context" in self.fake.fail else IExecutionContext(self)


class IExecutionContext:
    def __init__(self, engine: ICudaEngine) -> None:
        self.engine, self._fail = engine, engine.fake.fail
        self._shape: Shape = ()
        self._addresses: dict[str, int] = {}
        self.shapes_set = 0

    def set_input_shape(self, name: str, shape: Shape) -> bool:
        low, _, high = self.engine.get_tensor_profile_shape(name, 0)
        assert all(a <= b <= c for a, b, c in zip(low, shape, high, strict=True))
        self._shape, self.shapes_set = shape, self.shapes_set + 1
        return "shape" not in self._fail

    def get_tensor_shape(self, name: str) -> Shape:
        images, channels, height, width = self._shape
        factor = self.engine.plan["model"]["shuffle"] ** 2
        wrong = "wrong output" in self._fail
        return (images, channels * factor, height, -1 if wrong else width)

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self._addresses[name] = memory
        return "address" not in self._fail

    def execute_async_v3(self, stream_handle: int) -> bool:
        if "execute" in self._fail:
            return False
        self.engine.fake.runs.append(stream_handle)
        x, y = self._array("x", self._shape), self._array("y", self.get_tensor_shape("y"))
        repeats = y.shape[1] // x.shape[1]
        steps = np.tile(np.arange(repeats) / 16, x.shape[1])
        steps += self.engine.plan["model"].get("shift", 0)  # a weight, to be refitted
        y[:] = x.repeat(repeats, axis=1) + steps[:, None, None].astype(x.dtype)
        return True

    def _array(self, name: str, shape: Shape) -> Any:
        dtype: Any = NUMBERS[self.engine.plan["model"]["dtype"]]
        count = int(np.prod(shape)) * dtype.itemsize
        raw = (ctypes.c_uint8 * count).from_address(self._addresses[name])
        return np.frombuffer(raw, dtype=dtype).reshape(shape)
