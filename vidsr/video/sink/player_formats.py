"""The pixel format that players show, for pictures that become a file for players."""

from __future__ import annotations

from vidsr.picture.size import Size
from vidsr.video.info import SourceInfo
from vidsr.video.sink.codec_defaults import Codec
from vidsr.video.sink.encoder_formats import encoder_formats

FOR_PLAYERS = ("mp4", "mov")
SHOWN = "yuv420p"


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
