"""Addresses of clusters, as they are typed: an engine, and where its head is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Self, get_args

from vidsr.errors import OptionError

Engine = Literal["ray", "dask"]
ENGINES: tuple[str, ...] = get_args(Engine)
EXPECTED = "ray, ray://HOST:PORT, ray:auto, ray:HOST:PORT, dask, dask://HOST:PORT or dask:ADDRESS"
_FORM = re.compile(r"(?P<engine>\w+)(?:(?P<sign>://|:)(?P<place>[^\s/]\S*))?")
_HOST_AND_PORT = re.compile(r"(\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5}")


@dataclass(frozen=True)
class ClusterAddress:
    """The address of a cluster.

    Args:
        engine: What runs it.
        place: Its head as the engine writes it; None for one on this machine.
    """

    engine: Engine
    place: str | None = None

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the address that was typed. Raises OptionError."""
        form = _FORM.fullmatch(text)
        if form is None or form["engine"] not in ENGINES:
            raise OptionError(f"`cluster` {text}: expected {EXPECTED}.")
        engine, sign, place = form["engine"], form["sign"], form["place"]
        if sign == "://" and not _HOST_AND_PORT.fullmatch(place):
            raise OptionError(f"`cluster` {text}: expected a host and a port behind {engine}://.")
        if sign == "://":
            place = f"ray://{place}" if engine == "ray" else f"tcp://{place}"
        return cls(engine, place)  # type: ignore[arg-type]

    def __str__(self) -> str:
        return self.engine if self.place is None else f"{self.engine} at {self.place}"
