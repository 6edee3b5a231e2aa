"""Items on the way through a live stream: frames with their arrival, results, coded packets."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from vidsr.picture.frame import Frame

# The clock of every live stream, that of RTP and MPEG-TS; RTMP's milliseconds are whole in it.
CLOCK_HZ = 90_000
TIME_BASE = Fraction(1, CLOCK_HZ)


@dataclass(frozen=True)
class Arrival:
    """A decoded frame of a live source.

    Args:
        frame: The planes; ``pts`` and ``duration`` in units of ``TIME_BASE``. ``pts`` grows
            strictly over all connections of one source. What makes the frame an outcome calls its
            ``release``.
        arrived_s: The monotonic clock (``time.monotonic``) when the frame's last packet came.
        connection: The number of the connection that brought it, from 1.
        sent_s: The wall clock of the sender (seconds since the epoch) at capture or sending, where
            RTCP or an SEI message tells; else None.
    """

    frame: Frame
    arrived_s: float
    connection: int = 1
    sent_s: float | None = None


@dataclass(frozen=True)
class Result:
    """An upscaled frame on its way out.

    Args:
        frame: The large planes, in units of ``TIME_BASE``; ``release`` gives them back.
        arrival: The frame it was made from; its planes may have been released.
        level: The level of quality that made it: a model's name, or ``bicubic``.
        done_s: The monotonic clock when it was done.
        computed: The share of its pixels that were computed and not reused, 0 to 1.
        began_s: The monotonic clock when the upscaling of it began, None where it is not known.
    """

    frame: Frame
    arrival: Arrival
    level: str
    done_s: float
    computed: float = 1.0
    began_s: float | None = None


@dataclass(frozen=True)
class CodedPacket:
    """One coded frame, or a packet of sound, which belongs to no container.

    Args:
        data: The bytes; video of H.264 and H.265 with start codes (Annex B).
        kind: ``video`` or ``sound``.
        pts: The time of showing in units of ``TIME_BASE``.
        dts: The time of decoding in the same units; strictly growing within a kind.
        duration: The length in the same units, 0 where it is not known.
        key: True where decoding may begin.
    """

    data: bytes
    kind: Literal["video", "sound"]
    pts: int
    dts: int
    duration: int = 0
    key: bool = False
