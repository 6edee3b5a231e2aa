"""The codec that a source's sound gets in a target that cannot hold it as it is."""

from __future__ import annotations

from dataclasses import dataclass

from vidsr.option_values import AudioChoice
from vidsr.video.header import SideStream


@dataclass(frozen=True)
class AudioCodec:
    """An encoder of sound: FFmpeg's name, its codec, and bits a second for each channel.

    ``channel_bitrate`` is 0 where nothing is lost.
    """

    encoder: str
    codec: str
    channel_bitrate: int = 0
    most_channels: int = 8


# Rates at which no difference is heard by most; nothing here depends on them.
_AAC = AudioCodec("aac", "aac", 96_000)
_OPUS = AudioCodec("libopus", "opus", 80_000)
_AC3 = AudioCodec("ac3", "ac3", 96_000, most_channels=6)
_FLAC = AudioCodec("flac", "flac")
_PCM16 = AudioCodec("pcm_s16le", "pcm_s16le")
_PCM24 = AudioCodec("pcm_s24le", "pcm_s24le")
_PCM32 = AudioCodec("pcm_s32le", "pcm_s32le")
_NAMED = {"aac": _AAC, "opus": _OPUS, "flac": _FLAC}
# The first that fits is taken where nobody names one; FLAC for sources without loss alone.
_USUAL = {
    "matroska": (_FLAC, _AAC),
    "webm": (_OPUS,),
    "mp4": (_FLAC, _AAC),
    "mov": (_AAC,),
    "mpegts": (_AAC,),
    "avi": (_PCM16,),
    "mxf": (_PCM24,),
}
_HOLDING_PCM = ("matroska", "mov", "avi", "mxf")
_LOSSLESS = ("pcm_", "s302m", "flac", "alac", "wavpack", "tta", "ape", "tak", "mlp", "truehd")
# Raw or nearly raw: whole numbers that PCM holds.
_RAW = ("pcm_", "adpcm_", "s302m")


def lossless(codec: str) -> bool:
    """Return True for codecs that keep every sample."""
    return codec.startswith(_LOSSLESS)


def raw_copy(stream: SideStream, container: str, sample_format: str) -> AudioCodec | None:
    """Return the PCM that holds every sample of the stream, None where no such is needed or held.

    For sounds that are PCM in another packing, or decode to whole numbers of 16 bits.
    """
    if container not in _HOLDING_PCM or not stream.codec.startswith(_RAW):
        return None
    if sample_format.startswith(("s16", "u8")):
        return _PCM16
    return _PCM32 if stream.codec.startswith("pcm_s32") else _PCM24


def chosen(stream: SideStream, container: str, suffix: str, choice: AudioChoice) -> AudioCodec:
    """Return the codec for a stream under a choice that is neither ``copy`` nor ``none``."""
    if choice in _NAMED:
        return _NAMED[choice]
    if suffix in (".m2ts", ".mts"):
        return _AC3
    first, *others = _USUAL.get(container, (_AAC,))
    return others[0] if first is _FLAC and not lossless(stream.codec) else first


def codec_named(name: str) -> AudioCodec:
    """Return the codec of that name among those that sound is encoded to."""
    known = (_AAC, _OPUS, _AC3, _FLAC, _PCM16, _PCM24, _PCM32)
    return next(codec for codec in known if codec.codec == name)
