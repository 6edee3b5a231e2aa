"""AAC as transport streams carry it, a header before each packet, made that of other containers."""

from __future__ import annotations

from dataclasses import replace

from vidsr.live.base.formats import SoundFormat

RATES_HZ = (
    *(96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000),
    *(22_050, 16_000, 12_000, 11_025, 8_000, 7_350),
)
_CHANNELS = {"mono": 1, "stereo": 2, "3.0": 3, "4.0": 4, "5.0": 5, "5.1": 6, "7.1": 7}
_LOW_COMPLEXITY = 2


def has_header(packet: bytes) -> bool:
    """Return True if a packet of AAC begins with an ADTS header."""
    return len(packet) > 7 and packet[0] == 0xFF and packet[1] & 0xF6 == 0xF0


def without_header(packet: bytes) -> bytes:
    """Return the packet without its ADTS header; one that has none as it is."""
    if not has_header(packet):
        return packet
    return packet[7 if packet[1] & 1 else 9 :]  # two bytes more where a checksum follows


def with_config(sound: SoundFormat, packet: bytes = b"") -> SoundFormat:
    """Return the format with the decoder's set-up, out of a packet's header where it has one.

    Without one it is low complexity at the format's rate, which is what ADTS nearly always holds.
    """
    if sound.codec != "aac" or sound.extradata:
        return sound
    if has_header(packet):
        kind, rate = (packet[2] >> 6) + 1, packet[2] >> 2 & 15
        channels = (packet[2] & 1) << 2 | packet[3] >> 6
    elif sound.rate_hz in RATES_HZ:
        kind, rate = _LOW_COMPLEXITY, RATES_HZ.index(sound.rate_hz)
        channels = _CHANNELS.get(sound.layout, 2)
    else:
        return sound
    config = kind << 11 | rate << 7 | channels << 3
    return replace(sound, extradata=config.to_bytes(2, "big"))
