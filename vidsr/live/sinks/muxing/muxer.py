"""A muxer of coded packets, which writes each of them as soon as it has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO

import av
from av.container import OutputContainer
from av.stream import Stream

from vidsr.live.base.items import CLOCK_HZ, CodedPacket
from vidsr.live.sinks.muxing.coded_streams import add_sound, add_video, make_packet
from vidsr.live.sinks.muxing.mux_format import MuxFormat
from vidsr.live.sinks.muxing.sound_fit import carries, completed

MUX_ERRORS = (av.error.FFmpegError, OSError, ValueError, RuntimeError)
# FFmpeg holds video until sound of its time has come, up to ten seconds by default. Where sound
# fails this costs one frame.
_INTERLEAVE_US = 1000
# Its times have 32 bits of milliseconds; clients of RTMP begin at zero.
_FROM_ZERO = ("flv",)


class Muxer:
    """A container that is open for writing, with one video and at most one sound.

    Args:
        target: A file object, or an address that FFmpeg opens: the caller has checked both.
        container: FFmpeg's name of the muxer.
        format: The streams. Sound that the container does not carry is left out.
        options: The muxer's and the protocol's options.

    Raises:
        One of MUX_ERRORS.
    """

    def __init__(
        self,
        target: str | IO[bytes],
        container: str,
        format: MuxFormat,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.packets = self.size_bytes = 0
        """Packets of video, and bytes of all packets, that were written."""
        all_options = {"max_interleave_delta": str(_INTERLEAVE_US), "flush_packets": "1"}
        self._container: OutputContainer = av.open(
            target, "w", format=container, container_options=all_options | dict(options or {})
        )
        self._sound: Stream | None = None
        self._start = None if container in _FROM_ZERO else 0
        self._last: dict[str, int] = {}
        try:
            self._video = add_video(self._container, format)
            if format.sound is not None and carries(container, format.sound):
                self._sound = add_sound(self._container, completed(format.sound))
            self._container.start_encoding()
        except BaseException:
            self._container.close()  # nothing was begun: this writes nothing
            raise

    def write(self, packet: CodedPacket) -> None:
        """Mux a packet. Raises one of MUX_ERRORS."""
        stream = self._video if packet.kind == "video" else self._sound
        if stream is None:
            return
        if self._start is None:
            self._start = packet.dts
        muxed = make_packet(packet.data, stream, packet.pts - self._start, self._next_dts(packet))
        muxed.pts = max(muxed.pts or 0, muxed.dts or 0)
        muxed.duration, muxed.is_keyframe = packet.duration, packet.key
        self._container.mux_one(muxed)
        self.packets += packet.kind == "video"
        self.size_bytes += len(packet.data)

    def _next_dts(self, packet: CodedPacket) -> int:
        """Return the time of decoding, a millisecond past the last one where clocks count those."""
        assert self._start is not None
        dts, last = packet.dts - self._start, self._last.get(packet.kind)
        if last is not None:
            dts = max(dts, last + CLOCK_HZ // 1000)
        self._last[packet.kind] = dts
        return dts

    def look_after(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Write the end; a second time does nothing. Raises one of MUX_ERRORS."""
        self._container.close()


def failure_text(error: BaseException) -> str:
    """Return the reason without the name that PyAV puts beside it, which may hold a password."""
    return str(getattr(error, "strerror", None) or type(error).__name__)
