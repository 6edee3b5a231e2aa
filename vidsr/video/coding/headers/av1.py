"""The quantiser of AV1: the frame header of each packet's shown frame (AV1 5.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from vidsr.video.bitstream.bits import EndOfBits, leb128
from vidsr.video.coding.headers.av1_frame import Shown, read_frame
from vidsr.video.coding.headers.av1_sequence import Sequence, read_sequence
from vidsr.video.coding.headers.steps import vp9_steps

_SEQUENCE, _FRAME_HEADER, _FRAME = 1, 3, 6
_CONFIG_BYTES = 4  # of av1C, in front of OBUs
_HEADER_BYTES = 256
# OBUs of a packet that are read: what follows is no stream but damage, as a million empty ones are.
_MOST_OBUS = 256


@dataclass(frozen=True)
class _Obu:
    type: int
    layers: tuple[int, int]
    payload: bytes


class Av1Headers:
    """The reader of AV1's headers, which remembers the quantiser of each reference.

    Args:
        extradata: The container's ``av1C``, or OBUs; None for neither.
    """

    bidirectional = False

    def __init__(self, extradata: bytes | None = None) -> None:
        self._sequence: Sequence | None = None
        self._references: list[int | None] = [None] * 8
        if extradata:
            marked = extradata[0] == 0x81
            self.step(extradata[_CONFIG_BYTES:] if marked else extradata)

    def step(self, data: bytes) -> float | None:
        """Return the step of the frame that a packet shows, None where it cannot be read."""
        index = self.quantiser_index(data)
        if index is None or self._sequence is None:
            return None
        return float(vp9_steps(index, self._sequence.depth))

    def quantiser_index(self, data: bytes) -> int | None:
        """Return ``base_q_idx``, 0 to 255, of the frame that a packet shows."""
        index = None
        for obu in islice(_obus(data), _MOST_OBUS):
            try:
                if obu.type == _SEQUENCE:
                    self._sequence = read_sequence(obu.payload)
                elif obu.type in (_FRAME_HEADER, _FRAME) and self._sequence:
                    frame = read_frame(obu.payload, self._sequence, obu.layers)
                    index = self._enter(frame, index)
            except EndOfBits:
                self._references = [None] * 8
                return None
        return index

    def _enter(self, frame: Shown, shown: int | None) -> int | None:
        """Note a frame; return the index of what is shown by now."""
        if frame.existing is not None:
            return self._references[frame.existing]
        for slot in range(8):
            if frame.refresh >> slot & 1:
                self._references[slot] = frame.index
        return frame.index if frame.shown else shown


def _obus(data: bytes) -> Iterator[_Obu]:
    """Yield the OBUs of a packet as far as they are whole, each cut to its header's bytes."""
    at = 0
    while at < len(data):
        head = data[at]
        extended, sized = bool(head & 4), bool(head & 2)
        extension = data[at + 1] if extended and at + 1 < len(data) else 0
        layers = extension >> 5, extension >> 3 & 3
        at += 1 + extended
        size, at = leb128(data, at) if sized else (len(data) - at, at)
        if at + size > len(data):
            return
        yield _Obu(head >> 3 & 15, layers, data[at : at + min(size, _HEADER_BYTES)])
        at += size
