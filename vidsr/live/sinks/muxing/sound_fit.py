"""The sounds that a container of a sink carries so that its readers hear them."""

from __future__ import annotations

import struct
from dataclasses import replace

from vidsr.live.base.formats import SoundFormat

_BROADCAST = ("aac", "mp2", "mp3", "ac3", "eac3", "opus")
_G711 = ("pcm_alaw", "pcm_mulaw")
# FLV lists G.711 too, of which servers of RTMP make neither HLS nor files.
_CARRIED = {
    "rtsp": ("aac", "opus", "mp2", "mp3", "ac3", *_G711),
    "flv": ("aac", "mp3"),
    "mpegts": _BROADCAST,
    "hls": ("aac", "mp3", "ac3"),
    "hls+ll": ("aac", "mp3", "ac3"),
    "mp4": ("aac", "mp3", "ac3", "opus"),
    "matroska": (*_BROADCAST, "flac", "pcm_s16le", *_G711),
    "nut": (*_BROADCAST, "flac", "pcm_s16le", *_G711),
}


def carries(container: str, sound: SoundFormat) -> bool:
    """Return True if a sink of that container takes the sound as it is."""
    if sound.codec == "mp3" and container == "flv":
        return sound.rate_hz in (11_025, 22_050, 44_100)
    return sound.codec in _CARRIED.get(container, ())


def has_sound(container: str) -> bool:
    """Return True for containers that carry any sound."""
    return container in _CARRIED


def completed(sound: SoundFormat) -> SoundFormat:
    """Return the format with the header of Opus, which FFmpeg ends the process for lack of."""
    if sound.codec != "opus" or sound.extradata:
        return sound
    channels = 1 if sound.layout == "mono" else 2
    head = b"OpusHead" + struct.pack("<BBHIHB", 1, channels, 312, sound.rate_hz, 0, 0)
    return replace(sound, extradata=head)
