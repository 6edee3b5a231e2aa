"""The dimensions that a file of weights states in its header, read without PyTorch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from vidsr.models.networks.config import GeneratorConfig

CONFIG_KEY = "vidsr.generator"
"""The entry of a safetensors header that holds a ``GeneratorConfig``."""
LONGEST_HEADER = 1 << 24  # bytes; those of the shipped weights have 2 to 20 KB


def stated_texts(path: Path) -> Mapping[str, str]:
    """Return the texts in the header of a safetensors file; none where it is another or damaged."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length <= LONGEST_HEADER else {}
        texts = header.get("__metadata__", {}) if isinstance(header, dict) else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return texts if isinstance(texts, dict) else {}


def sorted_texts(content: bytes) -> bytes:
    """Return a safetensors file with its header's texts in order, which is else any each time."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text = text.ljust(-(-len(text) // 8) * 8)  # tensors begin at a multiple of eight
    return len(text).to_bytes(8, "little") + text + content[end:]


def stated_config(path: Path) -> GeneratorConfig | None:
    """Return the dimensions that ``path`` states, None where it is foreign, damaged or no file.

    Whoever needs an error loads the weights, which says what is wrong.
    """
    try:
        return GeneratorConfig.from_json(stated_texts(path)[CONFIG_KEY])
    except (ValueError, KeyError, TypeError):
        return None
