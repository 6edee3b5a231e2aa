"""What the headers of packets say, kept in decoding order: of those ahead of decoding as well."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice

MEANT = 32
"""Packets ahead whose mean is one value, the picture's own counted."""
FADED = 16
"""Pictures over which one value becomes the next."""
# Between a packet's place and that of its picture lie at most so many others.
_REORDERED = 16
LEAST_AHEAD = MEANT + FADED + _REORDERED
"""Packets of the video that are read ahead of the one to be decoded, while there are so many."""
# Decoders hold back fewer pictures than the rest of these.
_KEPT = LEAST_AHEAD + 512
# Spans of more bytes end early, so that what is read ahead of any packet is bounded in memory.
_MOST_BYTES = 16 << 20
# What a packet takes beside its bytes: those of sound may be small and many.
_PACKET_BYTES = 1 << 10


def held_bytes(size: int, *, of_video: bool) -> int:
    """Return how many bytes count for a packet that is held, of so many bytes itself."""
    return size if of_video else size + _PACKET_BYTES


@dataclass(frozen=True)
class PacketNote:
    """What the header of a packet says.

    Attributes:
        number: Its place among the packets of pictures.
        key: True if decoding can start at it.
        size: Its bytes.
        step: Step that its headers name, None where they were not read.
        log_levels: Expected error of a picture of typical activity, log2 of levels of 8 bits;
            None where no step is known.
        between: Bytes that count for packets of other streams since the last of the video.
    """

    number: int
    key: bool
    size: int
    step: float | None
    log_levels: float | None
    between: int = 0


@dataclass(frozen=True)
class Span:
    """What some packets say together.

    Attributes:
        log_levels: Mean of ``PacketNote.log_levels``.
        size: Mean bytes of those that are no keys; None where all are.
    """

    log_levels: float
    size: float | None


class PacketLog:
    """Notes of the newest packets."""

    def __init__(self) -> None:
        self._notes: deque[PacketNote] = deque(maxlen=_KEPT)
        self._keys: deque[int] = deque(maxlen=_KEPT)

    @property
    def next_number(self) -> int:
        """Number of the packet that is noted next."""
        return self._notes[-1].number + 1 if self._notes else 0

    def add(self, note: PacketNote) -> None:
        """Keep the note of the next packet."""
        self._notes.append(note)
        if note.key:
            self._keys.append(note.number)

    def next_key(self, number: int) -> int | None:
        """Return the number of the first key packet behind a key packet, None for none in sight.

        It is in sight if the packets just before it are no larger than what is read ahead.
        """
        found = None
        for key in reversed(self._keys):
            if key <= number:
                break
            found = key
        if found is None:
            return None
        start = max(number, found - FADED - _REORDERED)
        before = sum(note.size + note.between for note in self._from(start, found - start))
        return found if before <= 2 * _MOST_BYTES else None

    def span(self, number: int) -> Span | None:
        """Return what packets from one on say, up to the next key and MEANT of them at most.

        None where no header of them was read.
        """
        levels: list[float] = []
        sizes: list[int] = []
        total = 0
        for note in self._from(number, MEANT):
            total += note.size + (note.between if note.number > number else 0)
            if note.number > number and (note.key or total > _MOST_BYTES):
                break
            if note.log_levels is not None:
                levels.append(note.log_levels)
            if not note.key:
                sizes.append(note.size)
        if not levels:
            return None
        return Span(sum(levels) / len(levels), sum(sizes) / len(sizes) if sizes else None)

    def size(self, number: int) -> int | None:
        """Return the bytes of a packet, None where they are not known."""
        return next((n.size for n in self._from(number, 1) if n.number == number), None)

    def own(self, number: int) -> float | None:
        """Return ``log_levels`` of a packet, None where it is not known."""
        return next((n.log_levels for n in self._from(number, 1) if n.number == number), None)

    def _from(self, number: int, count: int) -> list[PacketNote]:
        """Return the notes of up to ``count`` packets from one on."""
        start = max(0, number - self._notes[0].number) if self._notes else 0
        return list(islice(self._notes, start, start + count))
