"""The sink of files: frames encoded, beside the streams that are copied."""

from __future__ import annotations

import contextlib
import errno
from typing import Any

import av
from av.container import Flags, OutputContainer
from av.stream import Disposition

from vidsr.errors import OutputError
from vidsr.notes import Notes
from vidsr.picture.frame import Frame
from vidsr.video.close_codecs import writing
from vidsr.video.header import StreamHeader
from vidsr.video.sink.base import Written
from vidsr.video.sink.encoder_formats import PALETTE
from vidsr.video.sink.encoder_images import encoder_image
from vidsr.video.sink.muxer_options import kept_tags, muxer_options
from vidsr.video.sink.output_plan import OutputPlan, configure_encoder
from vidsr.video.sink.passthrough import Passthrough, keep_pid
from vidsr.video.streams.captions import HeldCaptions
from vidsr.video.streams.copies import MUX_ERRORS
from vidsr.video.streams.picture_marks import hide_empty_views
from vidsr.video.streams.picture_tags import add_tags
from vidsr.video.streams.pictures_out import Palette, TargetClock
from vidsr.video.streams.read_back import Expected, check_read_back, written_tags
from vidsr.video.streams.tags import copy_tags, service_tags
from vidsr.video.timing.early_decoding import EarlyDecoding
from vidsr.video.timing.media_lengths import settle_media_lengths
from vidsr.video.timing.packet_times import PacketTimes


class FileSink:
    """The sink of a file or of numbered pictures: encodes frames, and muxes them and packets.

    All goes into ``plan.target``'s working file; ``finish`` puts it in its place, ``abort``
    removes it, and one of them must be called. Raises OutputError. Not thread-safe.
    """

    kept = "nothing was kept."  # for messages

    def __init__(self, plan: OutputPlan, header: StreamHeader, notes: Notes) -> None:
        self.plan, self.notes = plan, notes
        self.frames = 0
        self.bytes_written = 0
        self._first_pts: int | None = None
        self._last_pts = 0
        self._times = PacketTimes(
            in_decoding_order=plan.target.container in ("mp4", "mov"),
            step=1 / (plan.rate * plan.time_base),
        )
        self._early = EarlyDecoding() if plan.target.container == "mpegts" else None
        self._captions = HeldCaptions(plan.codec.name, plan.codec.bitstream, notes)
        self._closed = True
        try:
            self._take_place()
        except OSError as error:
            raise self._failure("cannot be created", error) from error
        try:
            self._open(header)
        except MUX_ERRORS as error:
            self.abort()
            raise self._failure("cannot be set up", error) from error
        except BaseException:
            self.abort()
            raise

    def _take_place(self) -> None:
        """Make way for what is going to be written. Raises OutputError, OSError."""
        self._claim = self.plan.target.open()

    def _create(self, options: dict[str, str]) -> OutputContainer:
        """Return the container with its muxer's options; nothing is written yet."""
        target = self.plan.target
        return av.open(target.url, "w", format=target.container, container_options=options)

    def _check(self) -> None:
        """Raise what went wrong with writing: nothing that FFmpeg would not report."""

    def _open(self, header: StreamHeader) -> None:
        plan = self.plan
        self.container = self._create(muxer_options(plan, header, self.notes))
        self._closed = False
        self._add_streams(header)
        if plan.bitexact:  # read with the header, at the first packet
            self.container.flags |= Flags.bitexact.value  # type: ignore[operator]

    def _add_streams(self, header: StreamHeader) -> None:
        self._palette = Palette()
        self._clock = TargetClock(header.info.time_base, self.plan.time_base)
        self._picture_tags = kept_tags(self.plan, header, self.notes)
        self.passthrough = Passthrough(header.streams, self.container, self.plan.target)
        for stream in self.plan.streams:
            if stream.action == "encode":
                self.stream = configure_encoder(self.container, self.plan)
                if video := header.video_stream:
                    keep_pid(self.stream, video.pid, self.plan.target)
                    self.stream.metadata.update(copy_tags(video.tags))
                    self.stream.disposition = Disposition(video.disposition)
            else:
                self.passthrough.add(stream)
        if self.plan.target.container == "image2":
            return
        self.container.metadata.update(copy_tags(header.tags) | service_tags(header.service))
        if header.chapters:
            self.container.set_chapters(list(header.chapters))

    def write(self, frame: Frame) -> None:
        """Encode one frame and release it."""
        plan = self.plan
        if plan.target.container == "image2" and not plan.target.sequence and self.frames:
            raise OutputError(
                f"{plan.target.locator}: a single picture cannot hold a second frame",
                hint="name a pattern such as frames/%05d.png.",
            )
        image = encoder_image(frame, plan)
        if plan.encoder_format == PALETTE:
            image = self._palette.apply(image)
        pts, duration = self._clock.place(frame.pts, frame.duration)
        image.pts, image.time_base = pts, plan.time_base
        if pts is not None:
            self._first_pts = pts if self._first_pts is None else self._first_pts
            self._last_pts = pts
        if frame.captions:
            self._captions.keep(pts, frame.captions)
        if pts is not None and duration is not None:
            self._times.showing(pts, duration)
        self._mux(image)
        self.frames += 1

    @property
    def video_s(self) -> float:
        """Seconds of video written, from the first frame's time to one frame past the last."""
        if self._first_pts is None:
            return 0.0
        plan = self.plan
        return float((self._last_pts - self._first_pts) * plan.time_base + 1 / plan.rate)

    def copy(self, packet: av.Packet[Any]) -> None:
        """Pass on a packet of another stream."""
        try:
            self.passthrough.write(packet)
            self._check()
        except MUX_ERRORS as error:
            raise self._failure(f"copying stream {packet.stream.index} failed", error) from error

    def _mux(self, image: av.VideoFrame | None) -> None:
        try:
            packets = self.stream.encode(image)
            for packet in packets if image is None and self._too_short else ():
                packet.dts = packet.pts
            self._times.settle(packets, last=image is None)
            for packet in packets:
                if (data := self._captions.put_into(packet)) is not None:
                    packet = self._changed(packet, data)
                if self._early is not None:
                    self._early.settle(packet)
                if self._picture_tags:
                    packet = self._tagged(packet)
                self.bytes_written += packet.size
                self.container.mux_one(packet)
                self._check()
        except MUX_ERRORS as error:
            raise self._failure(f"writing failed at frame {self.frames}", error) from error

    def _tagged(self, packet: av.Packet[Any]) -> av.Packet[Any]:
        data = add_tags(bytes(packet), self._picture_tags, self.plan.format.pixel.family)
        return self._changed(packet, data)

    def _changed(self, packet: av.Packet[Any], data: bytes) -> av.Packet[Any]:
        """Return a packet with other data in the place of one from the encoder."""
        changed: av.Packet[Any] = av.Packet(data)
        changed.stream, changed.time_base = self.stream, packet.time_base
        changed.pts, changed.dts, changed.duration = packet.pts, packet.dts, packet.duration
        changed.is_keyframe = packet.is_keyframe
        return changed

    @property
    def _too_short(self) -> bool:
        """True where x265 has no third frame to take its first decoding times from: random then."""
        return self.plan.codec.name == "hevc" and self.frames <= 2

    def _failure(self, what: str, error: Exception) -> OutputError:
        if isinstance(error, OutputError):
            return error
        full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
        reason = getattr(error, "strerror", None) or str(error)
        return OutputError(
            f"{self.plan.target.locator}: {what}: {reason}",
            hint=f"the disk is full; {self.kept}" if full else self.kept,
        )

    def end_video(self) -> None:
        """Write what the encoder holds back."""
        self._mux(None)

    def finish(self) -> Written:
        """Flush the encoder, close the file, put it in its place."""
        self.end_video()
        try:
            self.passthrough.finish()
            self._wanted = written_tags(self.container)
            self._closed = True
            self.container.close()
            if self.plan.target.container in ("mp4", "mov"):
                settle_media_lengths(self.plan.target.working)
            if self.plan.marks.stereo and self.plan.target.container == "mp4":
                hide_empty_views(self.plan.target.working)
            self.bytes_written = self.plan.target.size()
            check_read_back(self._expected(), self._wanted, self.notes)
            self._commit()
        except MUX_ERRORS as error:
            self.abort()
            raise self._failure("writing the end failed", error) from error
        self._claim.release()
        if self._clock.moved:
            self.notes.say(
                f"{self._clock.moved} frames were moved: {self.plan.target.holder} has a "
                "constant frame rate"
            )
        self._tell_streams()
        return Written(self.frames, self.bytes_written, self.video_s)

    def _commit(self) -> None:
        """Put the finished file in its place."""
        self.plan.target.commit(self.notes)

    def _tell_streams(self) -> None:
        if self.passthrough.retimed:
            self.notes.say(f"{self.passthrough.retimed} packets went back in time and were moved")
        if self.passthrough.unreadable:
            self.notes.say(f"{self.passthrough.unreadable} subtitles are damaged and left out")

    def _expected(self) -> Expected:
        target, kept = self.plan.target, [s for s in self.plan.streams if s.action != "drop"]
        streams = ((s.index, s.kind, "" if s.action == "encode" else s.codec) for s in kept)
        return Expected(target.url, target.container, target.path.suffix, tuple(streams))

    def abort(self) -> None:
        """Close and remove the working file."""
        if not self._closed:
            self._closed = True
            # Whatever goes wrong now, the file is going away.
            with contextlib.suppress(*MUX_ERRORS), writing(self.container):
                pass
        self._claim.release()
        self.plan.target.discard()
