"""Files of ncnn: a graph as text in ``.param``, its weights in ``.bin``, read within limits.

The format: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure. Only layers that
upscaling networks of convolutions have are taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vidsr.errors import ModelError

MAGIC = "7767517"
MOST_TEXT_BYTES = 4 << 20  # realesrgan-x4plus has 86 KB
MOST_LAYERS = 20_000
MOST_NUMBERS = 1 << 30  # in one tensor
HALF_TAG, FLOAT_TAG = 0x01306B47, 0
ARRAY = -23300  # key n of an array is written as ARRAY - n
Value = int | float | tuple[float, ...]


@dataclass(frozen=True)
class NcnnLayer:
    """One line of a graph.

    Attributes:
        kind: Type of the layer, such as ``Convolution``.
        inputs: Names of what it reads.
        outputs: Names of what it makes.
        values: Its parameters by number.
    """

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    values: Mapping[int, Value]

    def number(self, key: int, default: int) -> int:
        """Return a parameter that is a whole number. Raises ValueError for another."""
        value = self.values.get(key, default)
        if not isinstance(value, int | float) or value != int(value) or abs(value) > MOST_NUMBERS:
            raise ValueError(f"{self.kind} with {key}={value}")
        return int(value)

    def real(self, key: int, default: float) -> float:
        """Return a parameter that is a number. Raises ValueError for another."""
        value = self.values.get(key, default)
        if isinstance(value, tuple):
            raise ValueError(f"{self.kind} with {key}={value}")
        return float(value)

    def array(self, key: int) -> tuple[float, ...]:
        """Return a parameter that is an array, empty where it is absent."""
        value = self.values.get(key, ())
        return value if isinstance(value, tuple) else (float(value),)


@dataclass(frozen=True)
class NcnnWeights:
    """Weights of one layer, float32: those of a convolution, or the slopes of a PReLU."""

    weight: Tensor
    bias: Tensor | None = None


def graph_files(path: Path) -> tuple[Path, Path] | None:
    """Return the text and the weights that ``path`` is one of; None where it is neither."""
    suffix = path.suffix.lower()
    if suffix == ".param":
        return path, _beside(path, ".bin")
    if suffix == ".bin" and (graph := _beside(path, ".param")).is_file():
        return graph, path
    return None


def _beside(path: Path, suffix: str) -> Path:
    """Return the other file of a pair, its end in small letters or in capitals."""
    capitals = path.with_suffix(suffix.upper())
    return capitals if capitals.is_file() else path.with_suffix(suffix)


def read_graph(path: Path) -> list[NcnnLayer]:
    """Return the layers of a ``.param`` file in their order. Raises ModelError."""
    try:
        if path.stat().st_size > MOST_TEXT_BYTES:
            raise ModelError(f"{path}: not a graph of ncnn: longer than {MOST_TEXT_BYTES} bytes")
        lines = path.read_text(encoding="ascii").split("\n")
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: not a graph of ncnn: no text") from error
    lines = [line for line in lines if line.strip()]
    if not lines or lines[0].strip() != MAGIC:
        raise ModelError(f"{path}: not a graph of ncnn: expected {MAGIC} on its first line")
    if len(lines) < 3:
        raise ModelError(f"{path}: no layers: cut off, or the graph of an empty network")
    said, found = lines[1].split()[0], len(lines) - 2
    if found > MOST_LAYERS or said != str(found):
        raise ModelError(f"{path}: says {said[:20]} layers, {found} lines follow")
    layers = []
    for place, line in enumerate(lines[2:], 3):
        try:
            layers.append(_layer(line.split()))
        except (ValueError, IndexError) as error:
            raise ModelError(f"{path}: line {place} is no layer of ncnn") from error
    return layers


def _layer(words: list[str]) -> NcnnLayer:
    """Return the layer that a line's words describe. Raises ValueError, IndexError."""
    kind, read, made = words[0], int(words[2]), int(words[3])
    if not (0 <= read <= 64 and 0 <= made <= 64) or len(words) < 4 + read + made:
        raise ValueError(words)
    values: dict[int, Value] = {}
    for word in words[4 + read + made :]:
        key, _, text = word.partition("=")
        number = int(key)
        if number <= ARRAY:
            count, *numbers = (float(part) for part in text.split(","))
            if count != len(numbers):
                raise ValueError(word)
            values[ARRAY - number] = tuple(numbers)
        else:
            values[number] = float(text) if "." in text or "e" in text else int(text)
    inputs, outputs = words[4 : 4 + read], words[4 + read : 4 + read + made]
    return NcnnLayer(kind, tuple(inputs), tuple(outputs), values)


def read_weights(path: Path, layers: list[NcnnLayer]) -> list[NcnnWeights]:
    """Return the weights of the layers that have any, in their order.

    Raises ModelError where the file is shorter or longer than the graph says, or holds weights in
    another form than float32 and float16.
    """
    try:
        numbers = np.fromfile(path, np.uint8)
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read: {error.strerror}",
            hint="a graph of ncnn has its weights beside it, in a .bin of the same name",
        ) from error
    reader = _Reader(path, numbers)
    found = list(_weights_of(reader, layers))
    if reader.at != len(numbers):
        raise ModelError(f"{path}: {len(numbers) - reader.at} bytes more than its graph takes")
    return found


def _weights_of(reader: _Reader, layers: list[NcnnLayer]) -> Iterator[NcnnWeights]:
    for layer in layers:
        try:
            if layer.kind == "Convolution":
                yield _convolution(reader, layer)
            elif layer.kind == "PReLU":
                yield NcnnWeights(reader.floats(layer.number(0, 0)))
        except ValueError as error:
            raise ModelError(f"{reader.path}: {error}") from error


def _convolution(reader: _Reader, layer: NcnnLayer) -> NcnnWeights:
    """Return the weights of a convolution [O, I, k, k]. Raises ValueError."""
    made, kernel, whole = layer.number(0, 0), layer.number(1, 0), layer.number(6, 0)
    if made < 1 or kernel < 1 or whole < 1 or whole % (made * kernel**2):
        raise ValueError(f"a convolution of {whole} weights, {made} channels and side {kernel}")
    weight = reader.tagged(whole).view(made, -1, kernel, kernel)
    bias = reader.floats(made) if layer.number(5, 0) else None
    return NcnnWeights(weight, bias)


class _Reader:
    """Cursor over the bytes of a file of weights."""

    def __init__(self, path: Path, numbers: np.ndarray) -> None:
        self.path, self._bytes, self.at = path, numbers, 0

    def _take(self, count: int) -> np.ndarray:
        """Return the next ``count`` bytes. Raises ValueError where there are fewer."""
        if not 0 <= count <= len(self._bytes) - self.at:
            raise ValueError(f"shorter than its graph: {count} bytes expected at {self.at}")
        part = self._bytes[self.at : self.at + count]
        self.at += count
        return part

    def floats(self, count: int) -> Tensor:
        """Return ``count`` numbers of float32."""
        return torch.from_numpy(self._take(4 * count).copy().view("<f4"))

    def tagged(self, count: int) -> Tensor:
        """Return ``count`` numbers behind a tag that says their form."""
        tag = int(self._take(4).copy().view("<u4")[0])
        if tag == FLOAT_TAG:
            return self.floats(count)
        if tag == HALF_TAG:
            halves = self._take(2 * count).copy().view("<f2")
            self._take(-2 * count % 4)
            return torch.from_numpy(halves.astype(np.float32))
        raise ValueError(f"weights of form {tag:#010x}: expected float32 or float16")
