"""Sound of a live source, passed on as it is coded: frames of AAC out of their transport header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import av
from av.audio.stream import AudioStream

from vidsr.live.base.formats import SoundFormat
from vidsr.live.base.items import CLOCK_HZ, CodedPacket
from vidsr.live.sources.reading.clock import LiveClock

_RATES = (
    *(96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350),
)
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "7.1"}


@dataclass(frozen=True)
class AdtsHeader:
    """The header of a frame of AAC in a transport stream.

    Args:
        size: Bytes of the header.
        profile: The kind of AAC, 2 for the usual one.
        rate_index: Place of the rate in a table of MPEG's.
        channels: MPEG's number of the channels' layout, 0 where the frame itself says.
    """

    size: int
    profile: int
    rate_index: int
    channels: int

    @property
    def extradata(self) -> bytes:
        """The same as containers hold it that have no such headers (AudioSpecificConfig)."""
        return (self.profile << 11 | self.rate_index << 7 | self.channels << 3).to_bytes(2, "big")


def read_adts(data: bytes) -> AdtsHeader | None:
    """Return the header that a frame begins with, None for one without."""
    if len(data) < 7 or data[0] != 0xFF or data[1] & 0xF6 != 0xF0:
        return None
    rate_index = data[2] >> 2 & 15
    if rate_index >= len(_RATES):
        return None
    channels = (data[2] & 1) << 2 | data[3] >> 6
    return AdtsHeader(7 if data[1] & 1 else 9, (data[2] >> 6) + 1, rate_index, channels)


class Sound:
    """The sound of one connection. ``format`` is None until it is known."""

    def __init__(self, stream: AudioStream) -> None:
        self.stream = stream
        self.format: SoundFormat | None = None
        context = stream.codec_context
        self._codec = context.codec.canonical_name
        self._extradata = bytes(context.extradata or b"")
        # FFmpeg learns what ADTS says while it opens, and may have left that for later.
        if context.sample_rate and (self._codec != "aac" or self._extradata):
            rate_hz, layout = context.sample_rate, context.layout.name
            self.format = SoundFormat(
                self._codec, rate_hz, layout, self._extradata, context.bit_rate or None
            )

    def packet(
        self, packet: av.Packet[Any], clock: LiveClock, arrived_s: float
    ) -> CodedPacket | None:
        """Return a packet on the clock of the pictures, None for one that belongs nowhere."""
        data = self._bare(bytes(packet))
        base = packet.time_base
        if not data or base is None or self.format is None:
            return None
        stamp = packet.pts if packet.pts is not None else packet.dts
        time = clock.sound(stamp, base, arrived_s)
        if time is None:
            return None
        duration = round((packet.duration or 0) * base * CLOCK_HZ)
        return CodedPacket(data, "sound", time, time, duration, key=True)

    def _bare(self, data: bytes) -> bytes:
        """Return the frame without its header, which tells the format."""
        if self._codec != "aac" or self._extradata:
            return data
        header = read_adts(data)
        if header is None:
            return b""
        layout = _LAYOUTS.get(header.channels, self.stream.codec_context.layout.name)
        rate_hz = _RATES[header.rate_index]
        if self.format is None or self.format.extradata != header.extradata:
            self.format = SoundFormat("aac", rate_hz, layout, header.extradata)
        return data[header.size :]
