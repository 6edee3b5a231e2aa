"""Facts about an exported network, kept inside its ONNX file, read without torch or onnx.

A machine that only runs engines needs neither: the few bytes of protobuf are read here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from vidsr.engines.cache.keys import Shape
from vidsr.errors import ModelError

METADATA_KEY = "vidsr.network"
SCHEMA = 1  # raised whenever a field changes its meaning
FloatType = Literal["fp16", "fp32"]
NetworkType = Literal["fp16", "fp32", "int8", "fp8"]

# Fields of ModelProto and StringStringEntryProto,
# https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
MODEL_METADATA, ENTRY_KEY, ENTRY_VALUE = 14, 1, 2


@dataclass(frozen=True, kw_only=True)
class NetworkFacts:
    """Facts that it takes to feed an exported network and to understand what it gives.

    Attributes:
        name: Name of the model, such as ``lite-x4``.
        kind: Kind of the generator, such as ``lite``.
        channels: 3 for a network on RGB, 1 for a network on luma.
        scale: Factor from low to high resolution.
        shuffle: Factor of the pixel shuffle left out, a divisor of ``scale``.
        halo: Radius of the receptive field in low-resolution pixels.
        alignment: Number that heights, widths and starts of windows are multiples of; 1 without a
            coarse grid.
        offset: Number to add to what comes out.
        precision: Type of weights and activations; with ``int8`` and ``fp8`` those of convolutions
            are codes, all others float16 or float32.
        input_type: Type of ``x`` [N, channels, H, W] in [0, 1].
        output_type: Type of ``y`` [N, channels*shuffle**2, H*scale/shuffle, W*scale/shuffle].
        bytes_per_pixel: Estimated peak of activations per low-resolution pixel.
    """

    name: str
    kind: str
    channels: int
    scale: int
    shuffle: int
    halo: int
    alignment: int
    offset: float
    precision: NetworkType
    input_type: FloatType
    output_type: FloatType
    bytes_per_pixel: int
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        """Raise ValueError for what no exported network has."""
        if self.schema != SCHEMA:
            raise ValueError(f"schema = {self.schema!r}: expected {SCHEMA}")
        texts = all(type(text) is str for text in (self.name, self.kind))
        counts = (self.channels, self.scale, self.shuffle, self.alignment, self.bytes_per_pixel)
        numbers = all(type(n) is int and n >= 1 for n in counts)
        halo = type(self.halo) is int and self.halo >= 0
        offset = type(self.offset) is float and 0 <= self.offset <= 1
        types = {self.input_type, self.output_type} <= {*get_args(FloatType)}
        types = types and self.precision in get_args(NetworkType)
        if not (texts and numbers and halo and offset and types) or self.scale % self.shuffle:
            raise ValueError(f"not a network's facts: {self}")

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of ``y`` for ``x`` [N, C, H, W]."""
        images, channels, height, width = shape
        finer = self.scale // self.shuffle
        return images, channels * self.shuffle**2, height * finer, width * finer

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> NetworkFacts:
        """Read what ``to_json`` wrote. Raises ValueError on anything else."""
        try:
            return cls(**json.loads(text))
        except TypeError as error:
            raise ValueError(f"not a network's facts: {error}") from error


def read_facts(data: bytes, *, source: str = "ONNX data") -> NetworkFacts:
    """Return the facts inside an exported network; ``source`` names its bytes in messages.

    Raises ModelError for what is no ONNX file, and for one of other origin or of a newer vidsr.
    """
    try:
        entries = dict(_metadata(memoryview(data)))
    except (IndexError, ValueError) as error:
        raise ModelError(f"{source}: not an ONNX file, or damaged") from error
    if METADATA_KEY not in entries:
        raise ModelError(f"{source}: not exported by vidsr", hint="vidsr-engine export writes one")
    try:
        return NetworkFacts.from_json(entries[METADATA_KEY])
    except ValueError as error:
        raise ModelError(f"{source}: {error}", hint="was it written by a newer vidsr?") from error


def is_exported(data: bytes) -> bool:
    """Return True for what vidsr exported, and for what is damaged; False for ONNX of others."""
    try:
        return METADATA_KEY in dict(_metadata(memoryview(data)))
    except (IndexError, ValueError):
        return True  # whoever reads it says what is wrong


def _metadata(model: memoryview) -> Iterator[tuple[str, str]]:
    for number, payload in _fields(model):
        if number == MODEL_METADATA:
            entry = dict(_fields(payload))
            yield _text(entry, ENTRY_KEY), _text(entry, ENTRY_VALUE)


def _text(entry: dict[int, memoryview], number: int) -> str:
    return bytes(entry.get(number, b"")).decode()


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Return number and content of each field, empty for those that are plain numbers.

    https://protobuf.dev/programming-guides/encoding. Raises IndexError or ValueError.
    """
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        length = 0
        match tag & 7:
            case 0:
                _, at = _varint(message, at)
            case 1:
                length = 8
            case 2:
                length, at = _varint(message, at)
            case 5:
                length = 4
            case kind:
                raise ValueError(f"{kind = }")
        if at + length > len(message):
            raise IndexError(at + length)
        yield tag >> 3, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return a number stored as seven bits a byte, and where the next field starts."""
    value = shift = 0
    while shift < 70:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise ValueError("a number of more than ten bytes")
