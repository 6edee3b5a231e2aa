"""Addresses of clusters, as they are typed: an engine, and where its head is."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import Literal, Self, get_args

from vidsr.errors import DeviceError, OptionError

Engine = Literal["ray", "dask"]
ENGINES: tuple[str, ...] = get_args(Engine)
EXPECTED = "ray, ray://HOST:PORT, ray:auto, ray:HOST:PORT, dask, dask://HOST:PORT or dask:ADDRESS"
HINTS = {
    "ray": "`ray start --head` starts one; ray://HOST:10001 is its port for clients.",
    "dask": "`dask scheduler` starts one, and says its address.",
}
KNOCK_S = 5.0
_FORM = re.compile(r"(?P<engine>\w+)(?:(?P<sign>://|:)(?P<place>[^\s/]\S*))?")
_OVER_TCP = re.compile(r"(?:(?:ray|tcp|tls|wss?)://)?(?P<host>\[[^]]+\]|[\w.-]+):(?P<port>\d{1,5})")
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

    def knock(self) -> None:
        """Raise DeviceError where nothing listens at the head.

        Engines take their time to say so: Dask 41 s of a port that nobody had, Ray minutes.
        """
        found = _OVER_TCP.fullmatch(self.place or "")
        if found is None:
            return
        try:
            host, port = found["host"].strip("[]"), int(found["port"])
            socket.create_connection((host, port), timeout=KNOCK_S).close()
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DeviceError(
                f"{self}: no head answers: {reason}", hint=HINTS[self.engine]
            ) from error
