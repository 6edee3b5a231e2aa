"""What is known of a codec: the family of its quantisers, whether FFmpeg exports them, no loss."""

from __future__ import annotations

from typing import Literal

from av.video.codeccontext import VideoCodecContext

Family = Literal["h264", "hevc", "vp8", "vp9", "av1", "mpeg", "jpeg", "other"]

# By FFmpeg's names of decoders. Those of the MPEG family share one way of quantising.
_MPEG = frozenset(
    {
        *("mpeg1video", "mpeg2video", "mpeg4", "flv", "h263", "h263i", "h263p"),
        *("msmpeg4", "msmpeg4v1", "msmpeg4v2", "wmv1", "wmv2"),
    }
)
_FAMILIES: dict[str, Family] = {
    "h264": "h264",
    "hevc": "hevc",
    "vp8": "vp8",
    "libvpx": "vp8",
    "vp9": "vp9",
    "libvpx-vp9": "vp9",
    "av1": "av1",
    "libdav1d": "av1",
    "libaom-av1": "av1",
    "mjpeg": "jpeg",
    "mjpegb": "jpeg",
    "amv": "jpeg",
}
# FFmpeg's export of H.264 is not asked for: see ``headers/h264.py``.
_EXPORTING = _MPEG | {"vp9"}
# Codecs that change no value, or that stand for it in practice.
_LOSSLESS = frozenset(
    {
        *("rawvideo", "wrapped_avframe", "v210", "v308", "v408", "v410", "yuv4", "r210", "r10k"),
        *("ffv1", "ffvhuff", "huffyuv", "hymt", "utvideo", "magicyuv", "lagarith", "loco", "ylc"),
        *("png", "apng", "bmp", "tiff", "targa", "sgi", "sunrast", "dpx", "exr", "qoi", "gif"),
        *("pam", "pbm", "pfm", "pgm", "pgmyuv", "ppm", "phm", "xbm", "xpm", "xwd", "fits", "pcx"),
        *("qtrle", "rpza", "flashsv", "zmbv", "tscc", "cscd", "flic", "8bps", "msrle", "jpegls"),
        *("hdr", "radiance_hdr", "mscc", "rscc", "screenpresso", "dxtory", "fraps", "zlib", "mszh"),
    }
)


def family_of(decoder: str) -> Family:
    """Return the family of a decoder by FFmpeg's name for it."""
    return "mpeg" if decoder in _MPEG else _FAMILIES.get(decoder, "other")


def is_lossless(decoder: str) -> bool:
    """Return True if the decoder's pictures are what the encoder was given."""
    return decoder in _LOSSLESS


def export_quantisers(context: VideoCodecContext) -> None:
    """Have a decoder export its quantisers, where it can; before it decodes, and not on a GPU."""
    if context.name in _EXPORTING:
        context.options = context.options | {"export_side_data": "venc_params"}
    if context.name in _MPEG:
        # With frame threads it would export those of a picture that another thread still decodes.
        context.thread_type = "SLICE"
