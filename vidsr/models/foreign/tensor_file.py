"""Files of tensors from anywhere, read strictly: no code, bounded memory, finite numbers."""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from vidsr.errors import ModelError
from vidsr.models.foreign.pickle_scan import scan_checkpoint

NESTS = (
    "params_ema", "params-ema", "net_g_ema", "g_ema", "model_ema", "ema", "params", "state_dict",
    "model_state_dict", "generator_state_dict", "model", "generator", "netG", "net_g", "model_g",
    "G", "gen", "net", "network", "weights",
)  # fmt: skip
LONGEST_HEADER = 1 << 24  # bytes of a safetensors header: 16000 tensors take 1 to 2 MB
MOST_TENSORS = 100_000
LICENCE_KEYS = ("license", "licence", "modelspec.license")
CODE_HINT = "save the module's state_dict() alone; files that carry code are refused"


@dataclass(frozen=True)
class TensorFile:
    """Content of a file of weights.

    Attributes:
        path: The file.
        file_format: ``safetensors`` or ``pickle``.
        tensors: Tensors by name: of a pickle in its order, of a safetensors file sorted by name.
        metadata: Texts beside the tensors of a safetensors file.
    """

    path: Path
    file_format: Literal["safetensors", "pickle"]
    tensors: dict[str, Tensor]
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def licence(self) -> str | None:
        """Licence that the file names; None where it names none."""
        found = (self.metadata[key] for key in LICENCE_KEYS if self.metadata.get(key))
        return next((" ".join(text.split())[:80] for text in found), None)


def read_tensors(path: Path) -> TensorFile:
    """Read a ``.safetensors`` file, or a ``.pth`` of ``torch.save``. Code in it is never run.

    Raises ModelError for a file that cannot be read, that holds more than tensors, or whose
    tensors are not dense, finite, real numbers.
    """
    try:
        if is_safetensors(path):
            tensors, metadata = read_safetensors(path)
            content = TensorFile(path, "safetensors", tensors, metadata)
        else:
            content = TensorFile(path, "pickle", read_pickle(path))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error}") from error
    for name, tensor in content.tensors.items():
        require_plain(path, name, tensor)
    return content


def is_safetensors(path: Path) -> bool:
    """Return True if it begins with eight bytes of length, then a JSON object."""
    with path.open("rb") as file:
        return file.read(9)[8:] == b"{"


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return tensors and texts of a safetensors file. Raises ModelError."""
    _check_header(path)
    try:
        with safe_open(str(path), framework="pt") as file:
            names = list(file.keys())
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except (SafetensorError, RuntimeError, ValueError, AttributeError) as error:
        raise ModelError(f"{path}: damaged safetensors file: {error}") from error


def _check_header(path: Path) -> None:
    """Raise ModelError for a header longer than any that describes a network."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(LONGEST_HEADER, size - 8):
            raise ModelError(
                f"{path}: damaged safetensors file: a header of {length} bytes in {size}"
            )
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError) as error:
            raise ModelError(f"{path}: damaged safetensors file: no header") from error
    if not isinstance(header, dict) or len(header) > MOST_TENSORS:
        raise ModelError(f"{path}: damaged safetensors file: {len(header)} entries in its header")


def read_pickle(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a ``torch.save`` file, in order. Code in the file is never run.

    Raises ModelError.
    """
    scan_checkpoint(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about formats that end in the error below anyway
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(f"{path}: not a file of plain tensors", hint=CODE_HINT) from error
    except Exception as error:  # a damaged archive can raise nearly anything
        raise ModelError(f"{path}: not a readable checkpoint ({type(error).__name__})") from error
    tensors = _find_tensors(content)
    if not tensors:
        raise ModelError(f"{path}: holds no weights", hint=f"looked under {', '.join(NESTS)}")
    return tensors


def _find_tensors(content: Any, depth: int = 3) -> dict[str, Tensor]:
    """Return the first mapping of names to tensors that holds a convolution."""
    if not isinstance(content, Mapping) or depth < 0:
        return {}
    tensors = {str(k): t for k, t in content.items() if isinstance(t, Tensor)}
    if any(t.ndim == 4 for t in tensors.values()):
        return tensors
    inner = [content[key] for key in NESTS if key in content]
    if not inner and len(content) == 1:
        inner = list(content.values())
    return next((found for nest in inner if (found := _find_tensors(nest, depth - 1))), {})


def require_plain(path: Path, name: str, tensor: Tensor) -> Tensor:
    """Return the tensor itself, if it is dense, real, in memory, as large as it says, and finite.

    Raises ModelError.
    """
    dense = tensor.layout == torch.strided and not tensor.is_quantized
    if not dense or tensor.is_complex() or tensor.device.type != "cpu":
        raise ModelError(f"{path}: {name} is not a plain tensor of real numbers")
    if tensor.numel() * tensor.itemsize > tensor.untyped_storage().nbytes():  # a view of few
        raise ModelError(f"{path}: {name} says {tuple(tensor.shape)}, more than it holds")
    if not tensor.isfinite().all():
        raise ModelError(f"{path}: {name} holds values that are not finite")
    return tensor
