"""Names and limits of 8-bit codes, without PyTorch."""

from __future__ import annotations

from typing import Literal

CodeType = Literal["int8", "fp8"]
"""Type of codes: whole numbers, or floats of 4 bits of exponent and 3 of mantissa (E4M3)."""
ZERO = 128
"""Unsigned code that means 0 in symmetric codes: 0 of signed ones, the only one TensorRT takes."""
HIGHEST_CODE = 255
LARGEST_WEIGHT_CODE = 127
LARGEST_FP8 = 448.0
