"""What a sink with a thread writes to: the protocols of targets."""

from __future__ import annotations

from typing import Protocol

from vidsr.live.base.items import CodedPacket
from vidsr.live.sinks.muxing.mux_format import MuxFormat


class Writer(Protocol):
    """One opening of a target. Every call may raise one of MUX_ERRORS."""

    @property
    def packets(self) -> int:
        """Packets of video that were passed on."""
        ...

    @property
    def size_bytes(self) -> int:
        """Bytes of all packets that were passed on."""
        ...

    def write(self, packet: CodedPacket) -> None:
        """Pass a packet on."""
        ...

    def look_after(self) -> None:
        """Do what has to be done now and then, where there is nothing to write."""
        ...

    def close(self) -> None:
        """Write the end, in a second at most."""
        ...


class WriterMaker(Protocol):
    """A kind of target: opens it for a format, as often as that is needed.

    ``once`` is True for targets that cannot be opened again after they have failed.
    """

    @property
    def once(self) -> bool: ...

    def open(self, format: MuxFormat) -> Writer:
        """Return a new writer. Raises one of MUX_ERRORS."""
        ...

    def stop(self) -> None:
        """Make a call that blocks, here or in a writer, raise soon. Called by another thread."""
        ...

    def end(self) -> None:
        """Take note that all has been written and nothing follows. Raises one of MUX_ERRORS."""
        ...
