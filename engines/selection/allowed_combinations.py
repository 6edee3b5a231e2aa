"""Which engine goes with which device and which numbers, told without PyTorch."""

from __future__ import annotations

from typing import get_args

from vidsr.errors import OptionError
from vidsr.option_values import EngineKind, Precision, one_of

OWN: tuple[EngineKind, ...] = ("torch", "compile", "winograd", "openvino", "onnxruntime")
"""Engines that are there at once, and that nothing follows."""
EAGER: tuple[EngineKind, ...] = ("auto", "torch")
"""Engines that run networks which neither compile nor export."""
TENSORRT_PRECISIONS: tuple[Precision, ...] = ("auto", "fp16", "fp32")


def check_combination(
    kind: EngineKind, precision: Precision, wait: bool, device: str | None
) -> None:
    """Raise OptionError for an engine that contradicts itself or the device.

    ``device`` None: which it will be is not known yet.
    """
    if kind not in get_args(EngineKind):
        raise OptionError(f"engine = {kind!r}: expected {one_of(get_args(EngineKind))}.")
    if kind in OWN and wait:
        raise OptionError(f"wait_for_engine = True with engine = {kind!r}: it is there at once.")
    if kind == "tensorrt":
        _check_tensorrt(precision, device)
    if kind == "winograd":
        _check_winograd(precision, device)
    if kind == "openvino":
        _check_openvino(precision, device)
    if kind == "onnxruntime" and precision != "auto":
        raise OptionError(
            f"precision = {precision!r} with engine = 'onnxruntime': expected auto.",
            hint="an ONNX file has its own numbers.",
        )
    if precision == "fp16" and device == "cpu":
        raise OptionError("precision = 'fp16' on a CPU", hint="use bf16, fp32 or auto there")


def check_eager(kind: EngineKind, name: str) -> None:
    """Raise OptionError for an engine that does not run a network as PyTorch alone does."""
    if kind not in EAGER:
        raise OptionError(
            f"engine = {kind!r} with {name}: expected {one_of(EAGER)}; PyTorch alone runs it.",
            hint="leave `engine` out.",
        )


def named_device(text: str) -> str | None:
    """Return the first device of ``cuda:0,cuda:1``, None for ``auto``."""
    first = text.partition(",")[0]
    return None if first == "auto" else first


def _check_winograd(precision: Precision, device: str | None) -> None:
    if device not in ("cpu", None):
        raise OptionError(
            f"engine = 'winograd' on {device}: it runs on a CPU.",
            hint="add device = 'cpu', or engine = 'auto' takes the best there is.",
        )
    if precision not in ("auto", "fp32"):
        raise OptionError(
            f"precision = {precision!r} with engine = 'winograd': expected auto or fp32.",
            hint="engine = 'torch' takes other precisions.",
        )


def _check_openvino(precision: Precision, device: str | None) -> None:
    if device not in ("cpu", None):
        raise OptionError(
            f"engine = 'openvino' on {device}: it runs on a CPU.",
            hint="add device = 'cpu', or engine = 'auto' takes the best there is.",
        )
    if precision != "auto":
        raise OptionError(
            f"precision = {precision!r} with engine = 'openvino': expected auto.",
            hint="it runs in 8 bits; engine = 'torch' takes other precisions.",
        )


def _check_tensorrt(precision: Precision, device: str | None) -> None:
    if device == "cpu":
        raise OptionError(
            f"engine = 'tensorrt' on {device}: it needs a CUDA device.",
            hint="engine = 'auto' takes the best there is.",
        )
    if precision not in TENSORRT_PRECISIONS:
        raise OptionError(
            f"precision = {precision!r} with engine = 'tensorrt': "
            f"expected {one_of(TENSORRT_PRECISIONS)}."
        )
