"""Decoding times and durations of the video's packets, from which a file's length follows.

MP4 and MOV count durations in decoding order: the samples of a track last from the first decoding
time to the last one and its packet's duration. The encoders' times make that the length of the
video while frames are shown equally long, and miss it by a pause that lies near either end.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from vidsr.video.items import Packet

# The first decoding time lies two frames before the first showing, as B-frames need it; much more
# of it is a pause.
MOST_LEAD_FRAMES = 4


class PacketTimes:
    """The times of one stream's packets on their way from the encoder to the muxer.

    Args:
        in_decoding_order: True where the container counts durations so.
        step: The nominal length of a frame, in units of the stream's time base.
    """

    def __init__(self, *, in_decoding_order: bool, step: Fraction) -> None:
        self._in_decoding_order = in_decoding_order
        self._most_lead = max(1, round(MOST_LEAD_FRAMES * step))
        self._durations: dict[int, int] = {}
        self._begin = self._end = 0
        self._lead: int | None = None
        self._encoders_lead = 0
        self._last_dts: int | None = None

    def showing(self, pts: int, duration: int) -> None:
        """Note how long a frame is shown."""
        self._durations[pts] = duration

    def settle(self, packets: Sequence[Packet], *, last: bool) -> None:
        """Complete packets that go to the muxer next; ``last`` ones come out of the drain."""
        timed = [p for p in packets if p.pts is not None and p.dts is not None]
        for packet in timed:
            self._settle_one(packet)
        if timed and last and self._in_decoding_order:
            self._settle_end(timed)
        if timed:
            self._last_dts = timed[-1].dts

    def _settle_one(self, packet: Packet) -> None:
        """Set the duration that encoders forget, and take a pause out of the lead."""
        assert packet.pts is not None
        assert packet.dts is not None
        packet.duration = self._durations.pop(packet.pts, packet.duration or 0)
        self._end = max(self._end, packet.pts + packet.duration)
        if self._lead is None:
            self._begin, self._encoders_lead = packet.pts, packet.pts - packet.dts
            self._lead = self._encoders_lead
            if self._in_decoding_order:
                self._lead = min(self._lead, self._most_lead)
        if self._lead < self._encoders_lead and packet.dts < self._begin:
            early = (self._begin - packet.dts) * self._lead
            packet.dts = self._begin - max(1, early // self._encoders_lead)

    def _settle_end(self, packets: Sequence[Packet]) -> None:
        """Have the samples end when the last frame's showing does, counted from the first one.

        The last packet may not be decoded earlier before its own showing than the first, for its
        duration would reach behind the end. If its frame is the last one shown it may not be
        decoded later either, for its duration would not reach the end.
        """
        final, lead = packets[-1], self._lead or 0
        assert final.pts is not None
        assert final.dts is not None
        assert final.duration is not None
        final.dts = max(final.dts, final.pts - lead)
        shown_last = final.pts + final.duration == self._end
        latest = final.pts - lead if shown_last else self._end - lead - 1
        if final.dts > latest:
            self._squeeze(packets, latest)
        final.duration = max(0, self._end - final.dts - lead)

    def _squeeze(self, packets: Sequence[Packet], end: int) -> None:
        """Move decoding times down so that the last is ``end``, if the packets before allow it."""
        begin, moved = self._last_dts, packets
        if begin is None:
            begin, moved = packets[0].dts, packets[1:]
        if begin is None or not moved or moved[-1].dts is None:
            return
        length, end = moved[-1].dts - begin, max(end, begin + len(moved))
        for number, packet in enumerate(moved, 1):
            assert packet.dts is not None
            scaled = begin + (packet.dts - begin) * (end - begin) // length
            least, most = begin + number, end - (len(moved) - number)
            packet.dts = min(packet.dts, max(least, min(scaled, most)))


def rescale(packet: Packet, time_base: Fraction) -> None:
    """Count a packet's times in another unit."""
    assert packet.time_base is not None
    factor = packet.time_base / time_base
    packet.pts = None if packet.pts is None else round(packet.pts * factor)
    packet.dts = None if packet.dts is None else round(packet.dts * factor)
    packet.duration = round((packet.duration or 0) * factor)
    packet.time_base = time_base
