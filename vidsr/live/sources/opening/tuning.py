"""Options of FFmpeg for each kind of source: an early first frame, and no needless protocols.

A kind's list of protocols keeps what comes, a playlist for one, from making FFmpeg reach elsewhere.
With ``fpsprobesize=0`` and a short ``analyzeduration`` a camera is open after 0.3 s instead of
1.2 s, and what was read while it opened, the backlog, is as much shorter.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from vidsr.live.base.options import SourceOptions
from vidsr.live.sources.opening.address import Address

QUICK = {"fpsprobesize": "0", "analyzeduration": "200000"}
LONGER_US = "3000000"
# Containers that may come by HTTP, by a pipe or out of a file. None of them names other files:
# demuxers of scripts and playlists are not among them.
CONTAINERS = (
    "mpegts,mov,mp4,matroska,webm,flv,live_flv,nut,avi,ogg,mpeg,mpjpeg,h264,hevc,av1,obu,ivf,m4v,"
    "mpegvideo,yuv4mpegpipe"
)
PIPE_CONTAINERS = {"nut": "nut", "ts": "mpegts", "y4m": "yuv4mpegpipe", "raw": "rawvideo"}
_WEB = "http,tcp"
_SECURE_WEB = "https,http,tls,tcp"
# Slices of listening, after each of which the source looks whether it has been stopped.
LISTEN_S = 1


@dataclass(frozen=True)
class Opening:
    """Arguments of ``av.open``.

    Args:
        url: What is opened; empty where a file object of ours takes its place.
        container: The format, None to find it out.
        options: Options of the protocol and the demuxer.
    """

    url: str
    container: str | None = None
    options: dict[str, str] = field(default_factory=dict)

    def longer(self) -> Opening:
        """Return the same with a longer look, for servers that send sound before a key frame."""
        return replace(self, options={**self.options, "analyzeduration": LONGER_US})


def opening_of(address: Address, options: SourceOptions) -> Opening:
    """Return how an address is opened."""
    url = address.url
    if address.kind == "rtsp":
        return Opening(url, "rtsp", _rtsp(address, options))
    if address.kind == "rtmp":
        return Opening(url, "flv", _rtmp(address))
    if address.kind in ("udp", "srt"):
        return Opening("", "mpegts", _quick(""))
    if address.kind == "tcp":
        return Opening("", None, _containers(""))
    if address.kind == "hls":
        allowed = f"{_SECURE_WEB if address.secure else _WEB},crypto"
        return Opening(url, "hls", {**_quick(allowed), "live_start_index": "-1"})
    if address.kind == "http":
        return Opening(url, None, _containers(_SECURE_WEB if address.secure else _WEB))
    if address.kind == "v4l2":
        return Opening(url, "v4l2", _device(options))
    if address.kind == "pipe":
        return _bytes(address, options, "")
    return _bytes(address, options, "file")


def _quick(protocols: str) -> dict[str, str]:
    return {**QUICK, "protocol_whitelist": protocols}


def _containers(protocols: str) -> dict[str, str]:
    return {**_quick(protocols), "format_whitelist": CONTAINERS}


def _rtsp(address: Address, options: SourceOptions) -> dict[str, str]:
    protocols = "rtp,udp,tcp,tls,http,https" if address.secure else "rtp,udp,tcp,http"
    chosen = _quick(protocols)
    if address.listen:
        return {**chosen, "rtsp_flags": "listen", "listen_timeout": str(LISTEN_S)}
    chosen["rtsp_transport"] = options.transport
    chosen["analyzeduration"] = "100000"  # its description names the streams already
    # Of each wait on the socket; PyAV's own limit comes on top, and twice as late in RTSP.
    chosen["timeout"] = str(round(1e6 * options.open_s))
    if not options.sound:
        chosen["allowed_media_types"] = "video"
    return chosen


def _rtmp(address: Address) -> dict[str, str]:
    chosen = _quick("rtmp,rtmps,tls,tcp" if address.secure else "rtmp,tcp")
    if address.listen:
        return {**chosen, "listen": "1", "timeout": str(LISTEN_S)}
    # Servers send sound at once and pictures from a key frame on: a look without pictures is in
    # vain, and the shorter it is, the sooner the longer one begins.
    return {**chosen, "rtmp_live": "live", "analyzeduration": "100000"}


def _device(options: SourceOptions) -> dict[str, str]:
    return {**_raw(options), "timestamps": "mono2abs"}


def _raw(options: SourceOptions) -> dict[str, str]:
    """Return what a size, a pixel format and a rate are called by FFmpeg."""
    chosen = {}
    if options.size:
        chosen["video_size"] = "{}x{}".format(*options.size)
    if options.pixel_format:
        chosen["pixel_format"] = options.pixel_format
    if options.rate:
        chosen["framerate"] = str(options.rate)
    return chosen


def _bytes(address: Address, options: SourceOptions, protocols: str) -> Opening:
    held = address.container or (None if options.format == "auto" else options.format)
    container = PIPE_CONTAINERS[held] if held else None
    chosen = {"protocol_whitelist": protocols, "fpsprobesize": "0"}
    if container is None:
        chosen["format_whitelist"] = CONTAINERS
    return Opening(address.url, container, {**chosen, **(_raw(options) if held == "raw" else {})})
