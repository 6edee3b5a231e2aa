"""Lossy codecs that pictures are put through on purpose, and the bounds of their quality.

Nothing of PyAV or PyTorch is imported: a command refuses a quality before it loads them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CodecKind:
    """One codec: FFmpeg's encoder and decoder, its quality option and that option's bounds."""

    encoder: str
    decoder: str
    quality: str  # "crf", or "qscale" where the quantiser itself is set; smaller is better
    lowest: int
    highest: int
    smallest: int = 16  # pixels a side, to which smaller pictures are padded

    @property
    def by_quantiser(self) -> bool:
        """Return True if the quantiser itself is set."""
        return self.quality == "qscale"


# x265 refuses pictures below 32 pixels a side and writes beyond its buffers at many sizes below 64
# (48x48 and 34x32 abort in three runs of three; 64x64, 66x66, 128x128 never did).
# Below 64 pixels SVT-AV1 takes no bit rate and leaves its own filters out.
CODEC_KINDS = {
    "h264": CodecKind("libx264", "h264", "crf", 0, 51),
    "h265": CodecKind("libx265", "hevc", "crf", 0, 51, smallest=64),
    "vp9": CodecKind("libvpx-vp9", "vp9", "crf", 0, 63),
    "av1": CodecKind("libsvtav1", "libdav1d", "crf", 1, 63, smallest=64),
    "mpeg2": CodecKind("mpeg2video", "mpeg2video", "qscale", 1, 31),
    "mpeg4": CodecKind("mpeg4", "mpeg4", "qscale", 1, 31),
    "mjpeg": CodecKind("mjpeg", "mjpeg", "qscale", 1, 31),
}
