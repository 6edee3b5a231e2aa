"""PyTorch's exporter without its habit of reading the ONNX forms of all operators for each export.

Two of the four seconds that an export of a small network takes go into that. The forms are the
same each time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps
from importlib import import_module
from typing import Any


def reading_operators_once(export: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``export``, which from its first call on keeps what it has read of operators."""

    @wraps(export)
    def quick(*arguments: Any, **options: Any) -> Any:
        _keep_operators()
        return export(*arguments, **options)

    return quick


@cache
def _keep_operators() -> None:
    with suppress(ImportError, AttributeError):  # other versions of PyTorch do as they always do
        apis = import_module("torch.onnx._internal.exporter._registration").onnxscript_apis
        apis.get_torchlib_ops = cache(apis.get_torchlib_ops)
