"""Decoding times of a transport stream, which holds none before zero.

FFmpeg's muxer moves a file that begins earlier as a whole: by two frames where the encoder orders
B-frames, 67 ms at 30 fps, so that nothing was left of when the source's first frame is shown. Here
the first pictures are decoded sooner after one another instead, and no showing moves.
"""

from __future__ import annotations

from fractions import Fraction

from vidsr.video.items import Packet
from vidsr.video.timing.packet_times import rescale

TICK = Fraction(1, 90_000)


class EarlyDecoding:
    """The decoding times of one stream's packets on their way from the encoder to the muxer.

    Only those before the second frame's showing move, evenly; all other frames are shown later.
    """

    def __init__(self) -> None:
        self._first: int | None = None
        self._begin = self._end = 0

    def settle(self, packet: Packet) -> None:
        """Count a packet's times in 90 kHz and move its decoding time behind zero.

        ``packet.duration`` of the first one tells when the second frame is shown.
        """
        if packet.pts is None or packet.dts is None:
            return
        rescale(packet, TICK)
        if self._first is None:
            self._first = packet.dts
            self._end = packet.pts + max(1, packet.duration or 0)
            # Frames before zero are moved by the muxer, and everything else with them.
            self._begin = packet.dts if packet.pts < 0 else max(0, packet.dts)
        if self._first < self._begin and packet.dts < self._end:
            early = (packet.dts - self._first) * (self._end - self._begin)
            packet.dts = self._begin + early // (self._end - self._first)
