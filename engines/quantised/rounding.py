"""Rounding to 8-bit codes and back: one spelling for training, export, engines and benchmarks.

A code means ``(code - zero) * step``. Integers are rounded half to even and clipped, as ONNX's
QuantizeLinear does it. Gradients pass as if nothing were rounded, but not where codes end.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vidsr.engines.quantised.codes import (
    HIGHEST_CODE,
    LARGEST_FP8,
    LARGEST_WEIGHT_CODE,
    ZERO,
    CodeType,
)

SMALLEST_AMAX = 1e-12  # a channel that does nothing must not divide by nothing


def rounded(x: Tensor, step: Tensor | float, zero: int = ZERO) -> Tensor:
    """Round activations to the numbers that codes 0 to 255 stand for.

    The gradient is 1 for numbers within the codes and 0 beyond. That of a ``step`` that is a
    tensor is the rounding error in steps within, and the last code beyond, as in LSQ (Esser et
    al., Learned Step Size Quantization, ICLR 2020).

    Args:
        x: Numbers of any shape, float.
        step: Difference between two codes, above 0.
        zero: Code that means 0; 0 to 255.
    """
    return _straight((x / step).clamp(-zero, HIGHEST_CODE - zero), torch.round) * step


def rounded_fp8(x: Tensor, step: Tensor | float) -> Tensor:
    """Round to multiples of ``step`` that E4M3 can write; gradients as of ``rounded``."""
    return _straight((x / step).clamp(-LARGEST_FP8, LARGEST_FP8), _as_fp8) * step


def rounded_input(x: Tensor, step: Tensor | float, codes: CodeType) -> Tensor:
    """Round what goes into a convolution; its gradient is that of ``rounded``."""
    return rounded(x, step) if codes == "int8" else rounded_fp8(x, step)


def rounded_weight(weight: Tensor, steps: Tensor, codes: CodeType = "int8") -> Tensor:
    """Round weights [O, I, k, k]; gradients pass as if nothing were done.

    Args:
        weight: Weights of a convolution.
        steps: Step of each output channel [O], or one for all [].
        codes: Type of the codes; integers reach from -127 to 127.
    """
    own = steps.detach().view(-1, 1, 1, 1)
    if codes == "fp8":
        return rounded_fp8(weight, own)
    limits = -LARGEST_WEIGHT_CODE, LARGEST_WEIGHT_CODE
    return _straight((weight / own).clamp(*limits), torch.round) * own


def weight_steps(weight: Tensor) -> Tensor:
    """Return the steps [O] of codes from -127 to 127 that reach to the largest weight."""
    return weight.abs().amax((1, 2, 3)).clamp(min=SMALLEST_AMAX) / LARGEST_WEIGHT_CODE


def weight_steps_of(weight: Tensor, codes: CodeType) -> Tensor:
    """Return the steps of weights: [O] of integers, [] of E4M3, whose own exponents reach far."""
    if codes == "int8":
        return weight_steps(weight)
    return weight.abs().amax().clamp(min=SMALLEST_AMAX) / LARGEST_FP8


def input_step(step: float, codes: CodeType) -> float:
    """Return the step of E4M3 that reaches as far as symmetric integers of ``step``."""
    return step if codes == "int8" else step * LARGEST_WEIGHT_CODE / LARGEST_FP8


def _straight(x: Tensor, rounding: Callable[[Tensor], Tensor]) -> Tensor:
    """Return ``rounding(x)`` with the gradient of ``x`` itself."""
    return x + (rounding(x) - x).detach()


def _as_fp8(x: Tensor) -> Tensor:
    return x.to(torch.float8_e4m3fn).to(x.dtype)
