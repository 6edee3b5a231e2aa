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
# PyTorch then asks Linux for pages of 2 MB. Activations of 59 MB (lite-x2 at 1280x720) come from
# the system for every layer: 15 ms of its time a frame instead of 216.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

from importlib import import_module

# Type checkers take the name for typing's, whose import takes 3 ms, in which Ctrl-C is a traceback.
TYPE_CHECKING = False
if TYPE_CHECKING:
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
        TrainingError,
        VidsrError,
    )
    from vidsr.models.shipped import available as available_models
    from vidsr.run.report import Report
    from vidsr.upscaling.picture_kinds import estimate_coding_error
    from vidsr.upscaling.upscaler import Upscaler

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
    "TrainingError",
    "Upscaler",
    "VidsrError",
    "__version__",
    "available_models",
    "estimate_coding_error",
    "upscale",
]

_ELSEWHERE = {
    "Report": ("vidsr.run.report", "Report"),
    "Upscaler": ("vidsr.upscaling.upscaler", "Upscaler"),
    "available_models": ("vidsr.models.shipped", "available"),
    "estimate_coding_error": ("vidsr.upscaling.picture_kinds", "estimate_coding_error"),
    "upscale": ("vidsr.api", "upscale"),
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used.

    Torch takes seconds, during which the command must already answer to Ctrl-C.
    """
    if name not in __all__:
        raise AttributeError(f"module 'vidsr' has no attribute {name!r}")
    module, attribute = _ELSEWHERE.get(name, ("vidsr.errors", name))
    return getattr(import_module(module), attribute)
