"""Job of a peer, and the parts it answers with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, TypeVar

import av

from vidsr.models.zoo import Model

T = TypeVar("T")


class Absent(Exception):
    """Error of a peer that cannot run here; the text says why and what to install."""


@dataclass(frozen=True)
class PeerJob:
    """Job of upscaling ``frames`` pictures of ``source`` to ``target``, by the model's scale.

    ``width``, ``height`` and ``rate`` are the source's; ``threads`` are the network's (decoder and
    encoder choose for themselves); ``models`` is the folder of files that only the user can have.
    """

    source: Path
    target: Path
    model: Model
    frames: int
    threads: int
    preset: str
    crf: int
    width: int
    height: int
    rate: Fraction
    models: Path | None = None

    @property
    def scale(self) -> int:
        """Return the scale of the model."""
        return self.model.scale


@dataclass
class Watch:
    """Stop watch: wall seconds of each run of a network."""

    seconds: list[float] = field(default_factory=list)

    @contextmanager
    def run(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds.append(time.perf_counter() - start)


@dataclass(frozen=True)
class Opened(Generic[T]):
    """Peer that is ready.

    Attributes:
        read: Function that yields the pictures of the source, in the peer's own form.
        upscale: Function from one of them to what the encoder takes.
        network: Watch of the time that ``upscale`` spends in its network; None without a network.
        note: What has to be known about its pictures.
        packages: Distributions whose versions are recorded.
    """

    read: Callable[[], Iterator[T]]
    upscale: Callable[[T], av.VideoFrame]
    network: Watch | None = None
    note: str | None = None
    packages: tuple[str, ...] = ()


def needed(module: str, package: str) -> Any:
    """Import and return ``module``. Raises Absent if ``package`` is not installed."""
    try:
        return import_module(module)
    except ImportError as error:
        why = f"{package} is not installed" if error.name == module else f"{module}: {error}"
        raise Absent(f"{why}: pip install {package}") from error
