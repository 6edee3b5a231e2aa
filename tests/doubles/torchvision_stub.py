"""Stand-in for torchvision, for machines whose PyTorch it does not fit.

spandrel imports it at its start, for two architectures that do not upscale frames.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

NAMES: dict[str, tuple[str, ...]] = {
    "torchvision": (),
    "torchvision.transforms": (),
    "torchvision.transforms.functional": ("InterpolationMode", "rotate", "normalize"),
    "torchvision.models": (),
    "torchvision.ops": (),
}


def make_spandrel_importable() -> None:
    """Put a stand-in where torchvision cannot be imported."""
    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError, OSError):
        for name in [each for each in sys.modules if each.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        for name, members in NAMES.items():
            module = ModuleType(name)
            module.__spec__, module.__path__ = ModuleSpec(name, None), []
            for member in members:
                setattr(module, member, None)
            sys.modules[name] = module
            parent, _, leaf = name.rpartition(".")
            if parent:
                setattr(sys.modules[parent], leaf, module)
