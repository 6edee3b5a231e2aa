"""Generators through TensorRT, in buffers of PyTorch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from vidsr.engines.cache.keys import Shape
from vidsr.engines.devices import DTYPES
from vidsr.engines.engine import DescribedEngine, EngineTraits
from vidsr.engines.onnx_files.facts import NetworkFacts
from vidsr.engines.trt.build import created
from vidsr.engines.trt.log import Messages, make_logger
from vidsr.errors import DeviceError, MemoryLimitError, OptionError
from vidsr.models.model import Model

Reweigh = Callable[[Model], bytes]  # the ONNX file of the same layers with a model's weights

# What a refit reads is kept until the stream has come there: a ring has three frames on their way,
# each of which may bring other weights.
KEPT_REFITS = 8

# By the names of trt.DataType.
NETWORK_DTYPES = {**DTYPES, "int8": torch.int8, "fp8": torch.float8_e4m3fn}
PLAN_DTYPES = {"FLOAT": torch.float32, "HALF": torch.float16, "BF16": torch.bfloat16}


def current_stream(device: torch.device) -> int:
    """Return handle of the CUDA stream on which PyTorch works now."""
    return int(torch.cuda.current_stream(device).cuda_stream)


class TensorRTEngine(DescribedEngine):
    """An ``Engine`` on a TensorRT plan with one input and one output.

    The result lies in a buffer of the engine, which the next run on the same stream overwrites; it
    is made anew when the shape changes. A run on another stream has to wait for its reader.
    On the default stream TensorRT adds a synchronisation of the device.
    ``reweigh`` makes the ONNX file of other weights, for plans that were built refittable.
    """

    def __init__(
        self,
        plan: bytes,
        facts: NetworkFacts,
        *,
        device: torch.device,
        trt: Any,
        messages: Messages | None = None,
        stream: Callable[[torch.device], int] = current_stream,
        reweigh: Reweigh | None = None,
    ) -> None:
        """Raise DeviceError for plans that do not load here or do not fit ``facts``."""
        self.facts, self.traits = facts, _traits(facts, device, adjustable=reweigh is not None)
        self._reweigh, self._trt = reweigh, trt
        self._refitted: deque[tuple[Any, ...]] = deque(maxlen=KEPT_REFITS)
        self._stream, self._messages = stream, messages or Messages()
        logger = make_logger(trt, self._messages)
        with on_device(device):
            runtime = created("runtime", lambda: trt.Runtime(logger), self._messages)
            engine = created(
                "engine of a plan", lambda: runtime.deserialize_cuda_engine(plan), self._messages
            )
            self._context = created("context", engine.create_execution_context, self._messages)
        self._engine, self._runtime, self._logger = engine, runtime, logger
        self._input = self._only_tensor(trt.TensorIOMode.INPUT, "input")
        self._output = self._only_tensor(trt.TensorIOMode.OUTPUT, "output")
        self._output_dtype = DTYPES[facts.output_type]
        self._check_dtypes()
        low, _, high = engine.get_tensor_profile_shape(self._input, 0)
        self._low, self._high = tuple(low), tuple(high)
        self._shape: Shape | None = None
        self._result = torch.empty(0, device=device)

    def adjusted(self, model: Model) -> TensorRTEngine:
        """See ``AdjustableEngine.adjusted``: this one, its weights written over on the stream.

        Graphs that were captured before are of no use any more.
        """
        if self._reweigh is None:
            raise DeviceError(f"{self.name}: the plan was not built to take other weights")
        data, trt, messages = self._reweigh(model), self._trt, self._messages
        with on_device(self.device):
            refitter = created(
                "refitter", lambda: trt.Refitter(self._engine, self._logger), messages
            )
            onnx_refitter = created(
                "ONNX refitter", lambda: trt.OnnxParserRefitter(refitter, self._logger), messages
            )
            if not onnx_refitter.refit_from_bytes(data):
                raise self._failed("other weights")
            if not refitter.refit_cuda_engine_async(self._stream(self.device)):
                raise self._failed("to write other weights")
        self._refitted.append((refitter, onnx_refitter, data))
        return self

    def run(self, x: Tensor) -> Tensor:
        """See ``Engine.run``. Contiguous input is not copied.

        Raises OptionError for what the engine was not built for.
        """
        shape = self._check(x)
        x = x.contiguous()
        with on_device(self.device):
            if shape != self._shape:
                self._set_shape(shape)
            self._address(self._input, x)
            self._address(self._output, self._result)
            if not self._context.execute_async_v3(self._stream(self.device)):
                raise self._failed("a run")
        return self._result

    def _check(self, x: Tensor) -> Shape:
        shape = tuple(x.shape)
        if x.dtype != self.input_dtype or x.device != self.device:
            raise OptionError(
                f"x is {x.dtype} on {x.device}: expected {self.input_dtype} on {self.device}"
            )
        inside = len(shape) == len(self._low) and all(
            low <= size <= high
            for low, size, high in zip(self._low, shape, self._high, strict=True)
        )
        if not inside:
            raise OptionError(
                f"{self.name}: {shape = }: expected {self._low} to {self._high}",
                hint="the engine was built for that range; build one for this size",
            )
        images, channels, height, width = shape
        return images, channels, height, width

    def _set_shape(self, shape: Shape) -> None:
        self._shape = None  # whatever fails below has to be done again
        if not self._context.set_input_shape(self._input, shape):
            raise self._failed(f"{shape = }")
        given = tuple(self._context.get_tensor_shape(self._output))
        expected = self.facts.output_shape(shape)
        if given != expected:
            raise DeviceError(f"{self.name}: the plan gives {given} for {shape}, not {expected}")
        self._result = self._allocate(expected)
        self._shape = shape

    def _allocate(self, shape: Shape) -> Tensor:
        try:
            return torch.empty(shape, dtype=self._output_dtype, device=self.device)
        except torch.OutOfMemoryError as error:
            raise MemoryLimitError(
                f"{self.name} on {self.device}: no memory for an output of {shape}",
                hint="give a smaller `tile`, or a `max_memory` to choose one by",
            ) from error

    def _address(self, name: str, buffer: Tensor) -> None:
        if not self._context.set_tensor_address(name, buffer.data_ptr()):
            raise self._failed(f"the address of {name}")

    def _failed(self, what: str) -> DeviceError:
        reason = self._messages.take() or "it does not say why"
        return DeviceError(f"{self.name} on {self.device}: TensorRT refused {what}: {reason}")

    def _only_tensor(self, mode: Any, noun: str) -> str:
        engine = self._engine
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        names = [name for name in names if engine.get_tensor_mode(name) == mode]
        if len(names) != 1:
            raise DeviceError(f"{self.name}: the plan has {len(names)} {noun}s, not one")
        return str(names[0])

    def _check_dtypes(self) -> None:
        """Raise DeviceError where the plan's are not those of its network."""
        names = (self._input, self._output)
        found = tuple(PLAN_DTYPES.get(self._engine.get_tensor_dtype(name).name) for name in names)
        if found != (self.input_dtype, self._output_dtype):
            raise DeviceError(
                f"{self.name}: the plan takes {found[0]} and gives {found[1]}, "
                f"not {self.input_dtype} and {self._output_dtype}"
            )


def _traits(facts: NetworkFacts, device: torch.device, *, adjustable: bool) -> EngineTraits:
    """Return the traits of a plan, which is a network that was exported with its facts."""
    return EngineTraits(
        name=facts.name,
        runtime="tensorrt",
        device=device,
        channels=facts.channels,
        scale=facts.scale,
        shuffle=facts.shuffle,
        halo=facts.halo,
        alignment=facts.alignment,
        dtype=NETWORK_DTYPES[facts.precision],
        input_dtype=DTYPES[facts.input_type],
        offset=facts.offset,
        bytes_per_pixel=facts.bytes_per_pixel,
        adjustable=adjustable,
    )


def on_device(device: torch.device) -> AbstractContextManager[Any]:
    """Work on ``device``; plans belong to the device that was current when they were loaded."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()
