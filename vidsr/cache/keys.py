"""Keys of the cache: what an entry depends on; while all of it is equal, it may be used again."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from vidsr.errors import OptionError

SCHEMA = 1  # raised when the meaning of a key or the layout of its file changes
Shape = tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One GPU and what drives it; engines are tuned for, and bound to, all of this."""

    name: str
    compute_capability: tuple[int, int]
    sm_count: int
    driver_version: str
    cuda_version: str


@dataclass(frozen=True)
class Profile:
    """Shapes [N, C, H, W] that an engine takes: from ``min`` to ``max``, fastest at ``opt``."""

    min: Shape
    opt: Shape
    max: Shape

    def __post_init__(self) -> None:
        """Raise OptionError unless 1 <= min <= opt <= max in every dimension."""
        bounds = zip(self.min, self.opt, self.max, strict=True)
        if not all(1 <= low <= middle <= high for low, middle, high in bounds):
            raise OptionError(f"{self}: expected 1 <= min <= opt <= max in every dimension")


@dataclass(frozen=True, kw_only=True)
class Key:
    """Base of all keys."""

    schema: int = SCHEMA

    suffix: ClassVar[str]

    @property
    def canonical(self) -> bytes:
        """The one JSON text of a key: sorted, without spaces, ASCII."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode("ascii")

    @property
    def digest(self) -> str:
        """sha256 of ``canonical``, in hexadecimal."""
        return hashlib.sha256(self.canonical).hexdigest()


@dataclass(frozen=True, kw_only=True)
class MachineKey(Key):
    """Base of keys of whatever TensorRT makes on a machine.

    Attributes:
        tensorrt_version: All four numbers: plans do not survive a change of any.
    """

    tensorrt_version: str
    gpu: Gpu
    os: str = field(default_factory=platform.system)
    architecture: str = field(default_factory=platform.machine)


@dataclass(frozen=True, kw_only=True)
class TimingKey(MachineKey):
    """The identity of a timing cache: what the builder measured about kernels, for any network."""

    suffix: ClassVar[str] = ".timing"


@dataclass(frozen=True, kw_only=True)
class EngineKey(MachineKey):
    """The identity of an engine.

    Attributes:
        model: Name of the model, for people; the ONNX model holds it too, so it splits nothing.
        onnx_sha256: Checksum of the bytes of the ONNX model, weights included.
        parser_version: Version of the library that reads the model.
        flags: Set-up of the network and the builder.
        optimization_level: Level of the builder, 0 to 5.
        io: Name, dtype and memory layout of each input and output.
    """

    model: str
    onnx_sha256: str
    parser_version: int
    flags: tuple[str, ...]
    optimization_level: int
    workspace_bytes: int
    profiles: tuple[Profile, ...]
    io: tuple[str, ...]

    suffix: ClassVar[str] = ".engine"


@dataclass(frozen=True, kw_only=True)
class NetworkKey(Key):
    """The identity of a network as ONNX: what the exporter reads, and the exporter.

    Attributes:
        model: Name of the model, which the ONNX file states.
        weights_sha256: Checksum of the bytes of the weights' file.
        precision: ``fp16`` or ``fp32``.
        exporter: Version of each package that takes part.
        graph: Version of this program's graphs: raised when the same weights make another one.
    """

    model: str
    weights_sha256: str
    precision: str
    exporter: dict[str, str]
    graph: int

    suffix: ClassVar[str] = ".network"  # not .onnx, which people keep themselves


@dataclass(frozen=True, kw_only=True)
class FindingKey(Key):
    """The identity of a finding: what was measured of a model, or tried with it, once.

    Attributes:
        what: Name of what was found.
        model: Name of the model, for people.
        files_sha256: Checksum of the bytes of all its files.
        under: What the finding holds under, by name: versions, device, precision.
    """

    what: str
    model: str
    files_sha256: str
    under: dict[str, str]

    suffix: ClassVar[str] = ".finding"


def differences(old: dict[str, Any], new: dict[str, Any]) -> tuple[str, ...]:
    """Return where two parsed ``Key.canonical`` differ, such as ``gpu.driver_version 1 -> 2``."""
    return tuple(_differences(old, new, ""))


def _differences(old: dict[str, Any], new: dict[str, Any], prefix: str) -> Iterator[str]:
    for name in sorted(old.keys() | new.keys()):
        before, after = _parts(old.get(name)), _parts(new.get(name))
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _differences(before, after, f"{prefix}{name}.")
        elif before != after:
            yield f"{prefix}{name} {_short(before)} -> {_short(after)}"


def _parts(value: Any) -> Any:
    """Return a list of objects as an object, so that what differs inside can be named."""
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return {str(index): item for index, item in enumerate(value)}
    return value


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
