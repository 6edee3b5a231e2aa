"""Builder of TensorRT plans from ONNX models, for TensorRT 10 and 11. Needs no PyTorch."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

from vidsr.cache.keys import Profile
from vidsr.engines.trt.log import Messages, make_logger
from vidsr.errors import DeviceError

DEFAULT_WORKSPACE_BYTES = 1 << 30
DEFAULT_OPTIMIZATION_LEVEL = 3  # TensorRT's own; 4 and 5 compile every kernel, which takes longer
SHOWN_ERRORS = 3
REFIT = "REFIT"  # the builder's flag for engines that take other weights


def import_tensorrt() -> Any:
    """Import ``tensorrt``; other libraries are its, so it is loaded when first needed.

    Raises DeviceError where it is absent or cannot be loaded.
    """
    try:
        return importlib.import_module("tensorrt")
    except (ImportError, OSError) as error:
        raise DeviceError(
            f"TensorRT cannot be imported: {error}",
            hint="pip install tensorrt-cu13 (or -cu12, as your PyTorch), or use another engine",
        ) from error


def flags(trt: Any) -> tuple[str, ...]:
    """Return the creation flags of a network: precision is the ONNX model's, nothing is chosen.

    TensorRT 10 must be asked for that; 11 knows nothing else and ignores the flag.
    """
    return ("STRONGLY_TYPED",) if _major(trt) < 11 else ()


def _major(trt: Any) -> int:
    return int(trt.__version__.split(".")[0])


def build_engine(
    onnx_bytes: bytes,
    *,
    profiles: Sequence[Profile],
    trt: Any,
    workspace_bytes: int = DEFAULT_WORKSPACE_BYTES,
    optimization_level: int = DEFAULT_OPTIMIZATION_LEVEL,
    timing_cache: bytes | None = None,
    refittable: bool = False,
    messages: Messages | None = None,
) -> tuple[bytes, bytes]:
    """Return a plan for the current CUDA device, and the timing cache with what was measured.

    The model has one input, [N, C, H, W], for which the profiles are; inputs and outputs lie
    row-major in memory. A timing cache of another GPU or version is left aside. ``refittable``
    lets a loaded engine take other weights, which keeps TensorRT from choosing by the weights.
    Raises DeviceError with what TensorRT said, on one line.
    """
    messages = messages or Messages()
    logger = make_logger(trt, messages)
    builder = created("builder", lambda: trt.Builder(logger), messages)
    network = _parse(trt, builder, logger, onnx_bytes, messages)
    _pin_formats(trt, network)
    config = created("builder configuration", builder.create_builder_config, messages)
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace_bytes)
    config.builder_optimization_level = optimization_level
    if refittable:
        config.set_flag(trt.BuilderFlag.REFIT)
    for profile in profiles:
        _add_profile(builder, network, config, profile, messages)
    timing = _timing_cache(config, timing_cache or b"", messages)
    plan = created("plan", lambda: builder.build_serialized_network(network, config), messages)
    messages.take()  # of kernels that were skipped: they explain nothing that comes later
    return bytes(plan), bytes(timing.serialize())


def created(what: str, make: Callable[[], Any], messages: Messages) -> Any:
    """Return what ``make`` gives. Raises DeviceError where that is None or TensorRT raises.

    The bindings of a constructor raise TypeError where the library returns a null pointer.
    """
    try:
        made = make()
    except (RuntimeError, TypeError, ValueError) as error:
        raise DeviceError(f"TensorRT made no {what}: {messages.take() or error}") from error
    if made is None:
        raise DeviceError(f"TensorRT made no {what}: {messages.take() or 'it does not say why'}")
    return made


def _parse(trt: Any, builder: Any, logger: Any, onnx_bytes: bytes, messages: Messages) -> Any:
    bits = sum(1 << int(getattr(trt.NetworkDefinitionCreationFlag, name)) for name in flags(trt))
    network = created("network", lambda: builder.create_network(bits), messages)
    onnx_parser = created("parser", lambda: trt.OnnxParser(network, logger), messages)
    if not onnx_parser.parse(onnx_bytes):
        count = min(onnx_parser.num_errors, SHOWN_ERRORS)
        errors = [onnx_parser.get_error(index) for index in range(count)]
        reason = "; ".join(_describe(error) for error in errors) or messages.take()
        raise DeviceError(f"TensorRT {trt.__version__} cannot read the ONNX model: {reason}")
    return network


def _describe(problem: Any) -> str:
    where = f"{problem.node_operator()} {problem.node_name()}".strip()
    return f"{where}: {problem.desc()}" if where else str(problem.desc())


def _pin_formats(trt: Any, network: Any) -> None:
    """Make inputs and outputs row-major, which is what the engine's caller has."""
    tensors = [network.get_input(index) for index in range(network.num_inputs)]
    tensors += [network.get_output(index) for index in range(network.num_outputs)]
    for tensor in tensors:
        tensor.allowed_formats = 1 << int(trt.TensorFormat.LINEAR)


def _add_profile(
    builder: Any, network: Any, config: Any, profile: Profile, messages: Messages
) -> None:
    shapes = created("profile", builder.create_optimization_profile, messages)
    name = network.get_input(0).name
    try:
        shapes.set_shape(name, profile.min, profile.opt, profile.max)
        index = config.add_optimization_profile(shapes)
    except ValueError as error:
        raise DeviceError(f"TensorRT rejects {profile}: {error}") from error
    if index < 0:
        raise DeviceError(f"TensorRT rejects {profile}: {messages.take()}")


def _timing_cache(config: Any, old: bytes, messages: Messages) -> Any:
    """Attach a timing cache, with ``old`` in it where that fits; it must outlive the build."""
    timing = config.create_timing_cache(old)
    if timing is None or not config.set_timing_cache(timing, ignore_mismatch=False):
        timing = created("timing cache", lambda: config.create_timing_cache(b""), messages)
        config.set_timing_cache(timing, ignore_mismatch=False)
    return timing
