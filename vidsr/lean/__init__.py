"""Upscaling without PyTorch: TensorRT, PyCUDA, PyAV, NumPy and the CUDA C++ kernels.

from vidsr.lean import LeanUpscaler
"""

from vidsr.lean.upscaler import LeanUpscaler

__all__ = ["LeanUpscaler"]
