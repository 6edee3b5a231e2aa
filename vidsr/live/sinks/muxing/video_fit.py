"""The codecs of video that a container of a sink carries so that its readers see them."""

from __future__ import annotations

from vidsr.errors import OptionError

# FFmpeg writes AV1 into a transport stream as data that nobody knows, and by RTP not at all.
_CARRIED = {
    "rtsp": ("h264", "hevc", "mjpeg"),
    "flv": ("h264", "hevc", "av1"),
    "mpegts": ("h264", "hevc"),
    "hls": ("h264", "hevc"),
    "hls+ll": ("h264", "hevc", "av1"),
    "mp4": ("h264", "hevc", "av1"),
    "matroska": ("h264", "hevc", "av1", "mjpeg"),
    "nut": ("h264", "hevc", "av1", "mjpeg"),
}


def check_carried(name: str, container: str, codec: str) -> None:
    """Raise OptionError where a container does not carry a codec.

    Args:
        name: The sink, as messages call it.
        container: FFmpeg's name of the container; ``hls+ll`` for HLS of fragmented MP4.
        codec: FFmpeg's name of the codec.
    """
    carried = _CARRIED.get(container, ())
    if codec not in carried:
        raise OptionError(f"codec = {codec!r} for {name}: expected one of {', '.join(carried)}.")
