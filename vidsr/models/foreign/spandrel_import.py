"""The import of spandrel, with or without a torchvision that belongs to the installed PyTorch.

spandrel imports torchvision at its start for LaMa and RestoreFormer, which are refused here: one
fills holes, the other restores faces. pip's torchvision for GPUs beside a PyTorch for CPUs raises
RuntimeError ("operator torchvision::nms does not exist"), and would take all others with it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from vidsr.models.foreign.refusal import Misfit, reason_of

BROKEN = (ImportError, RuntimeError, OSError, AttributeError)
"""Errors that packages raise at import where their libraries do not fit."""
STOOD_IN: dict[str, tuple[str, ...]] = {
    "torchvision": (),
    "torchvision.transforms": (),
    "torchvision.transforms.functional": ("InterpolationMode", "rotate", "normalize"),
}
"""Modules and names that spandrel 0.4 imports of torchvision."""


def has_spandrel() -> bool:
    """Return True if spandrel is installed."""
    return find_spec("spandrel") is not None


def import_spandrel() -> tuple[Any, Any]:
    """Return spandrel's loader, and its error for unknown architectures. Raises Misfit."""
    try:
        with _torchvision():
            from spandrel import ModelLoader, UnsupportedModelError
    except BROKEN as error:
        raise Misfit(f"spandrel cannot be imported: {reason_of(error)}") from error
    return ModelLoader, UnsupportedModelError


@contextmanager
def _torchvision() -> Iterator[None]:
    """Have names of torchvision for the time of an import: its own, or a stand-in's."""
    if "spandrel" in sys.modules or _imports("torchvision.transforms.functional"):
        yield
        return
    _forget()
    for name, members in STOOD_IN.items():
        module = ModuleType(name)
        module.__spec__, module.__path__ = ModuleSpec(name, None), []
        for member in members:
            setattr(module, member, None)
        sys.modules[name] = module
    try:
        yield
    finally:
        _forget()


def _imports(name: str) -> bool:
    try:
        importlib.import_module(name)
    except BROKEN:
        return False
    return True


def _forget() -> None:
    """Forget torchvision, and what half an import has left of it."""
    for name in [each for each in sys.modules if each.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
