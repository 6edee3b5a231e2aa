"""The pixel formats that each encoder may be given: one list, for choosing and for refusing.

PyAV is imported where it is asked for the list, PyTorch not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vidsr.errors import OptionError
from vidsr.picture.pixel_format import DEPTHS, PixelFormat
from vidsr.picture.size import Size
from vidsr.video.sink.codec_defaults import Codec

if TYPE_CHECKING:
    from vidsr.video.info import SourceInfo

PALETTE = "pal8"

FOR_PLAYERS = ("mp4", "mov")
SHOWN = "yuv420p"


def encoder_formats(codec: Codec) -> dict[str, PixelFormat]:
    """Return FFmpeg's format names, each with the planar format that maps onto it without loss."""
    import av

    if codec.name == "raw":  # of which FFmpeg lists none: it takes all
        return {pixel.name: pixel for pixel in _raw_formats()}
    formats: dict[str, PixelFormat] = {}
    for video_format in av.Codec(codec.encoder, "w").video_formats or ():
        name, bits = video_format.name, [c.bits for c in video_format.components]
        if codec.formats and name not in codec.formats:
            continue
        if codec.formats == (PALETTE,):  # filled with the colours of each picture
            return {PALETTE: PixelFormat("rgb", 8)}
        has_alpha = len(bits) in (2, 4)
        if has_alpha or video_format.has_palette or min(bits) < 8 or "f16" in name or "f32" in name:
            continue
        pixel = PixelFormat.nearest(name.replace("yuvj", "yuv"))
        exact = pixel.depth == max(bits) and not name.startswith(("yuv440", "yuv411", "yuv410"))
        exact &= pixel.family in codec.families
        exact &= codec.jpeg_range or not name.startswith("yuvj")
        exact &= name.startswith("yuvj") or not codec.jpeg_range
        if exact and (pixel not in formats.values() or name == pixel.name):
            formats[name] = pixel
    return formats


def _raw_formats() -> Iterator[PixelFormat]:
    """Yield the formats of raw pictures, which are those that frames have here."""
    for depth in DEPTHS:
        for subsampling in ((2, 2), (2, 1), (1, 1)):
            yield PixelFormat("yuv", depth, subsampling)
        yield PixelFormat("gray", depth)
        yield PixelFormat("rgb", depth)


def check_pixel_format(codec: Codec, name: str) -> None:
    """Raise OptionError for a pixel format that the encoder is never given."""
    formats = encoder_formats(codec)
    if name not in formats:
        raise OptionError(
            f"pix_fmt = {name!r} with {codec.name}: expected one of {', '.join(formats)}."
        )


def player_format(info: SourceInfo, container: str, codec: Codec, size: Size) -> str | None:
    """Return ``yuv420p`` for 8-bit pictures on their way to MP4 or MOV; None for all else.

    Pictures are RGB, grey or of full chroma, which H.264 and HEVC keep and few players show. Odd
    sizes stay as they are: this format cannot hold them.
    """
    pictures = info.container == "image2" or info.container.endswith("_pipe")
    shown = codec.bitstream in ("h264", "hevc", "av1", "vp9") and container in FOR_PLAYERS
    even = size.width % 2 == 0 and size.height % 2 == 0
    if not (pictures and shown and even and info.format.pixel.depth == 8):
        return None
    changes = info.format.pixel.name != SHOWN
    return SHOWN if changes and SHOWN in encoder_formats(codec) else None
