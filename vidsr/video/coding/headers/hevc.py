"""The quantiser of HEVC: the QP of each picture's first slice."""

from __future__ import annotations

from collections.abc import Iterable

from vidsr.video.bitstream.bits import Bits, EndOfBits
from vidsr.video.bitstream.nal_units import HEADER_BYTES, listed, unescaped, units
from vidsr.video.coding.headers.hevc_sets import Pps, Sps, read_pps, read_sps
from vidsr.video.coding.headers.hevc_slice import read_slice_qp
from vidsr.video.coding.headers.steps import qp_steps

_SPS, _PPS, _SLICES = 33, 34, range(32)
_UNIT_BYTES = 2
_CONFIG_BYTES = 23  # of hvcC, in front of lists of units


class HevcHeaders:
    """The reader of HEVC's headers, which remembers parameter sets.

    Blocks may differ from the slice by a few QP, which are arithmetic-coded and not read.

    Args:
        extradata: The container's ``hvcC``, or units behind start codes; None for neither.
    """

    def __init__(self, extradata: bytes | None = None) -> None:
        self._sps: dict[int, Sps] = {}
        self._pps: dict[int, Pps] = {}
        self._length_bytes = 0
        self.bidirectional = False
        if extradata and extradata[0] == 1 and len(extradata) >= _CONFIG_BYTES:
            self._length_bytes = (extradata[21] & 3) + 1
            self._enter_sets(_configured(extradata))
        elif extradata:
            self._enter_sets(units(extradata, 0))

    def step(self, data: bytes) -> float | None:
        """Return the step of a packet's picture, None where it cannot be read."""
        qp = self.slice_qp(data)
        return None if qp is None else float(qp_steps(qp))

    def slice_qp(self, data: bytes) -> int | None:
        """Return the luma QP of a packet's first slice; below 0 for deep streams, at most 51."""
        for unit in units(data, self._length_bytes):
            kind = _type_of(unit)
            if kind in _SLICES:
                return self._slice_qp(unit, kind)
            self._enter_sets([unit])
        return None

    def _slice_qp(self, unit: bytes, kind: int) -> int | None:
        bits = _bits(unit[:HEADER_BYTES])
        try:
            qp, self.bidirectional = read_slice_qp(bits, kind, self._sps, self._pps)
        except (EndOfBits, KeyError, IndexError):
            return None
        return qp if -48 <= qp <= 51 else None

    def _enter_sets(self, found: Iterable[bytes]) -> None:
        for unit in found:
            try:
                if _type_of(unit) == _SPS:
                    number, sps = read_sps(_bits(unit))
                    self._sps[number] = sps
                elif _type_of(unit) == _PPS:
                    number, pps = read_pps(_bits(unit))
                    self._pps[number] = pps
            except (EndOfBits, IndexError):
                continue


def _type_of(unit: bytes) -> int:
    """Return the type of a unit, -1 for one that is too short or of another layer."""
    if len(unit) <= _UNIT_BYTES or unit[0] & 1 or unit[1] >> 3:
        return -1
    return unit[0] >> 1 & 63


def _bits(unit: bytes) -> Bits:
    return Bits(unescaped(unit[_UNIT_BYTES:]))


def _configured(data: bytes) -> list[bytes]:
    """Return the units of an ``hvcC``."""
    found, at = [], _CONFIG_BYTES
    for _ in range(data[22]):
        more, at = listed(data, at + 3, int.from_bytes(data[at + 1 : at + 3], "big"))
        found += more
        if at > len(data):
            break
    return found
