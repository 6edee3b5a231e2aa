"""The quantiser of H.264: the QP of each picture's first slice.

FFmpeg exports the quantiser of every block, but with frame threads it does so while another thread
may still be decoding that picture: the numbers differ from run to run. The header's do not.
"""

from __future__ import annotations

from collections.abc import Iterable

from vidsr.video.bitstream.bits import Bits, EndOfBits
from vidsr.video.bitstream.nal_units import HEADER_BYTES, listed, unescaped, units
from vidsr.video.coding.headers.h264_sets import Pps, Sps, read_pps, read_sps
from vidsr.video.coding.headers.h264_slice import read_slice_qp
from vidsr.video.coding.headers.steps import qp_steps

_SLICES, _SPS, _PPS = (1, 2, 5), 7, 8
_CONFIG_BYTES = 7  # of avcC, of which the sixth counts parameter sets


class H264Headers:
    """The reader of H.264's headers, which remembers parameter sets.

    Blocks may differ from the slice by some QP, which are coded with them and not read.

    Args:
        extradata: The container's ``avcC``, or units behind start codes; None for neither.
    """

    def __init__(self, extradata: bytes | None = None) -> None:
        self._sps: dict[int, Sps] = {}
        self._pps: dict[int, Pps] = {}
        self._length_bytes = 0
        self.bidirectional = False
        if extradata and extradata[0] == 1 and len(extradata) >= _CONFIG_BYTES:
            self._length_bytes = (extradata[4] & 3) + 1
            found, at = listed(extradata, 6, extradata[5] & 31)
            more = listed(extradata, at + 1, extradata[at])[0] if at < len(extradata) else []
            self._enter_sets([*found, *more])
        elif extradata:
            self._enter_sets(units(extradata, 0))

    def step(self, data: bytes) -> float | None:
        """Return the step of a packet's picture, None where it cannot be read."""
        qp = self.slice_qp(data)
        return None if qp is None else float(qp_steps(qp))

    def slice_qp(self, data: bytes) -> int | None:
        """Return the luma QP of a packet's first slice; below 0 for deep streams, at most 51."""
        for unit in units(data, self._length_bytes):
            if unit[0] & 31 in _SLICES:
                return self._slice_qp(unit)
            self._enter_sets([unit])
        return None

    def _slice_qp(self, unit: bytes) -> int | None:
        bits = Bits(unescaped(unit[1:HEADER_BYTES]))
        try:
            qp, self.bidirectional = read_slice_qp(bits, unit[0], self._sps, self._pps)
        except (EndOfBits, KeyError):
            return None
        return qp if -36 <= qp <= 51 else None

    def _enter_sets(self, found: Iterable[bytes]) -> None:
        for unit in found:
            kind = unit[0] & 31 if unit else 0
            try:
                if kind == _SPS:
                    number, sps = read_sps(Bits(unescaped(unit[1:])))
                    self._sps[number] = sps
                elif kind == _PPS:
                    index, pps = read_pps(Bits(unescaped(unit[1:])))
                    self._pps[index] = pps
            except EndOfBits:
                continue
