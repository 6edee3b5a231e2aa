"""PyTorch's exporter without its habit of reading the forms of all operators for each export.

More than half of the seconds that an export of a small network takes go into that. The forms are
the same each time.
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
        registration = import_module("torch.onnx._internal.exporter._registration")
        apis, registry = registration.onnxscript_apis, registration.ONNXRegistry
        apis.get_torchlib_ops = cache(apis.get_torchlib_ops)
        # Only a table of translations, which vidsr does not give, would change what it returns.
        registry.from_torchlib = staticmethod(cache(registry.from_torchlib))
    with suppress(ImportError, AttributeError):
        utils: Any = import_module("torch._export.utils")
        utils._materialize_cpp_cia_ops = cache(utils._materialize_cpp_cia_ops)
