"""Weights without the package that reads them: a GPU machine need have no more than torch.

``gpu-check`` installs nothing. If safetensors is absent, a module of its name takes its place
that reads and writes the format (https://github.com/huggingface/safetensors, "Format"): eight bytes
of length, a JSON header with the place of each tensor, the tensors. For files of our own only: it
checks nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

_DTYPES = {
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "I64": torch.int64,
    "I8": torch.int8,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


class StandInError(Exception):
    """Stand-in for SafetensorError."""


class StandInFile:
    """Stand-in for the result of ``safetensors.safe_open``, as far as vidsr uses it."""

    def __init__(self, filename: str, framework: str, device: str = "cpu") -> None:
        data = Path(filename).read_bytes()
        start = 8 + int.from_bytes(data[:8], "little")
        self._header: dict[str, Any] = json.loads(data[8:start])
        self._metadata: dict[str, str] | None = self._header.pop("__metadata__", None)
        self._data = data[start:]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def keys(self) -> list[str]:
        return list(self._header)

    def metadata(self) -> dict[str, str] | None:
        return self._metadata

    def get_tensor(self, name: str) -> Tensor:
        entry = self._header[name]
        first, last = entry["data_offsets"]
        if first == last:
            return torch.empty(entry["shape"], dtype=_DTYPES[entry["dtype"]])
        part = bytearray(self._data[first:last])
        return torch.frombuffer(part, dtype=_DTYPES[entry["dtype"]]).reshape(entry["shape"])


def save(tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """Return what ``safetensors.torch.save`` returns, but for the order of tensors."""
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    parts, end = [], 0
    for name, tensor in tensors.items():
        parts.append(tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        start, end = end, end + len(parts[-1])
        shape = list(tensor.shape)
        header[name] = {"dtype": _NAMES[tensor.dtype], "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])


def ensure_safetensors() -> None:
    """Put the stand-in where Python looks for the package, unless there is one."""
    if find_spec("safetensors") is not None:
        return
    # A name without an origin, by which the stand-in may be told from the package.
    package = module_from_spec(ModuleSpec("safetensors", None, is_package=True))
    tensors = module_from_spec(ModuleSpec("safetensors.torch", None))
    vars(package).update(SafetensorError=StandInError, safe_open=StandInFile, torch=tensors)
    vars(tensors).update(save=save)
    sys.modules.update({"safetensors": package, "safetensors.torch": tensors})
