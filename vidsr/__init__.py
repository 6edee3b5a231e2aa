"""vidsr makes video four times larger, with every timestamp, colour and sound where it was.

import vidsr
vidsr.upscale("input.mp4", "out_4x.mp4")

upscaler = vidsr.Upscaler("lite-x4")
large = upscaler(frame)          # torch.Tensor, numpy.ndarray or av.VideoFrame
"""

from __future__ import annotations

import os

# Must be set before torch loads OpenMP, whose idle threads otherwise spin on cores that decoder
# and encoder need: with two cores and other work on them a frame took 1094 ms instead of 47.
# Whoever sets it in the environment, or imports torch first, decides otherwise.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from vidsr.api import upscale
from vidsr.errors import (
    ContainerError,
    DeviceError,
    InputError,
    MemoryLimitError,
    ModelError,
    NoInputError,
    OptionError,
    OutputError,
    VidsrError,
)
from vidsr.models.zoo import available as available_models
from vidsr.report import Report
from vidsr.upscaler import Upscaler

__version__ = "0.1.0"

__all__ = [
    "ContainerError",
    "DeviceError",
    "InputError",
    "MemoryLimitError",
    "ModelError",
    "NoInputError",
    "OptionError",
    "OutputError",
    "Report",
    "Upscaler",
    "VidsrError",
    "__version__",
    "available_models",
    "upscale",
]
