"""Files that hold more than pictures: many sounds, subtitles, chapters, attachments, cover art.

``make_file`` writes one; ``read_streams`` lists what is in a file, packet by packet.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from av.subtitles.subtitle import AssSubtitle

import vidsr
from tests.makers.clips import picture, seconds
from tests.makers.small_network import small_network
from vidsr.run.report import Report

MS = Fraction(1, 1000)
NONE = Disposition(0)
FASTEST = {"h264": "ultrafast", "hevc": "ultrafast", "av1": "12", "vp9": "8"}


def enlarge(source: Path, target: Path, **choices: Any) -> Report:
    """Upscale by two with the least network, at the encoder's fastest."""
    fast: dict[str, Any] = {
        "model": small_network(),
        "precision": "fp32",
        "preset": FASTEST.get(choices.get("codec", "")),
    }
    return vidsr.upscale(source, target, **(fast | choices))


@dataclass(frozen=True)
class Sound:
    """Audio track. ``start_s`` shifts it against the video's zero."""

    codec: str = "aac"
    rate: int = 48000
    start_s: float = 0.0
    tags: dict[str, str] = field(default_factory=dict)
    disposition: Disposition = NONE
    seconds: float = 0.4


@dataclass(frozen=True)
class Line:
    """Subtitle: milliseconds and text."""

    start_ms: int
    length_ms: int
    text: str


@dataclass(frozen=True)
class Subtitles:
    """Track of raw packets. ``codec`` subrip, mov_text, webvtt, ass, or any bitmap one."""

    lines: tuple[Line, ...] = (Line(0, 100, "Hello"),)
    codec: str = "subrip"
    tags: dict[str, str] = field(default_factory=dict)
    disposition: Disposition = NONE


@dataclass(frozen=True)
class Attachment:
    name: str
    mimetype: str
    data: bytes


@dataclass
class Track:
    """Stream that ``read_streams`` found; times in seconds."""

    kind: str
    codec: str
    tags: dict[str, str]
    disposition: Disposition
    payloads: list[bytes] = field(default_factory=list)
    times: list[Fraction] = field(default_factory=list)
    lengths: list[Fraction] = field(default_factory=list)


def jpeg_bytes(width: int = 16, height: int = 16) -> bytes:
    """Return a small JPEG file."""
    context = av.CodecContext.create("mjpeg", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuvj420p"
    context.time_base = Fraction(1, 25)
    image = picture(width, height, "yuvj420p")
    return b"".join(bytes(p) for p in [*context.encode(image), *context.encode(None)])


def make_file(
    path: Path,
    *,
    frames: int = 8,
    size: tuple[int, int] = (32, 24),
    start_s: Fraction = Fraction(0),
    sounds: Sequence[Sound] = (),
    subtitles: Sequence[Subtitles] = (),
    attachments: Sequence[Attachment] = (),
    chapters: Sequence[tuple[int, int, str]] = (),
    cover: bytes = b"",
    second_video: bool = False,
    data: bytes = b"",
    tags: dict[str, str] | None = None,
    video_tags: dict[str, str] | None = None,
    container: str | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write 25 frames a second of x264 and everything else asked for, interleaved by time.

    ``cover`` is a JPEG for MP4 (in Matroska, attach it), ``data`` a KLV packet for MPEG-TS.
    ``chapters`` are (start, end, title) in milliseconds.
    """
    with av.open(str(path), "w", format=container, options=options or {}) as target:
        packets = [_video(target, frames, size, start_s, video_tags or {})]
        if second_video:
            packets.append(_video(target, frames, (16, 16), start_s, {}, bframes=2))
        packets += [_sound(target, sound, start_s) for sound in sounds]
        packets += [_subtitles(target, track) for track in subtitles]
        packets += [_cover(target, cover)] if cover else []
        packets += [_data(target, data)] if data else []
        for item in attachments:
            target.add_attachment(item.name, item.mimetype, item.data)
        target.metadata.update(tags or {})
        if chapters:
            target.set_chapters([_chapter(i, *chapter) for i, chapter in enumerate(chapters)])
        ordered = [p for track in packets for p in track]
        for packet in sorted(ordered, key=lambda p: p.dts * p.time_base):
            target.mux_one(packet)
    return path


def read_streams(path: Path) -> list[Track]:
    """Return every stream of a file, in its order, with the bytes and the times of its packets."""
    with av.open(str(path)) as source:
        tracks = [
            Track(
                stream.type,
                "" if stream.codec_context is None else stream.codec_context.codec.canonical_name,
                dict(stream.metadata),
                stream.disposition,
                [stream.data] if isinstance(stream, av.stream.AttachmentStream) else [],
            )
            for stream in source.streams
        ]
        for packet in source.demux([s for s in source.streams if s.type != "attachment"]):
            if packet.size and packet.pts is not None:
                track = tracks[packet.stream.index]
                track.payloads.append(bytes(packet))
                track.times.append(packet.pts * packet.time_base)
                track.lengths.append((packet.duration or 0) * packet.time_base)
    return tracks


def read_lines(path: Path) -> list[tuple[int, int, str]]:
    """Return the first text track's subtitles: start and length in milliseconds, ASS text."""
    lines = []
    with av.open(str(path)) as source:
        for packet in source.demux(source.streams.subtitles[0]):
            shown = packet.stream.decode2(packet) if packet.size else None
            for rect in shown.rects if shown else ():
                assert isinstance(rect, AssSubtitle)
                start, length = seconds(packet), (packet.duration or 0) * packet.time_base
                text = rect.ass.decode().split(",", 8)[-1]
                lines.append((round(start * 1000), round(length * 1000), text))
    return lines


def _video(
    target: Any,
    frames: int,
    size: tuple[int, int],
    start_s: Fraction,
    tags: dict[str, str],
    bframes: int = 0,
) -> list[Any]:
    settings = {"preset": "ultrafast", "threads": "1"}
    stream = target.add_stream("libx264", rate=25, options=settings)
    stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
    stream.codec_context.time_base = stream.time_base = Fraction(1, 90000)
    stream.codec_context.max_b_frames = bframes
    stream.metadata.update(tags)
    packets: list[Any] = []
    for index in range(frames):
        image = picture(*size, index=index)
        image.pts, image.time_base = round(start_s * 90000) + 3600 * index, Fraction(1, 90000)
        packets += stream.encode(image)
    packets += stream.encode(None)
    return packets


def _sound(target: Any, sound: Sound, start_s: Fraction) -> list[Any]:
    stream = target.add_stream(sound.codec, rate=sound.rate)
    context = stream.codec_context
    context.layout, context.format = "stereo", stream.codec.audio_formats[0].name
    context.time_base = stream.time_base = Fraction(1, sound.rate)
    stream.metadata.update(sound.tags)
    stream.disposition = sound.disposition
    context.open()
    chunk = context.frame_size or 1024
    begin = round((start_s + Fraction(sound.start_s)) * sound.rate)
    packets: list[Any] = []
    random = np.random.default_rng(chunk)
    for place in range(0, round(sound.seconds * sound.rate), chunk):
        wave = random.integers(-9000, 9000, (1, 2 * chunk), dtype=np.int16)
        frame = av.AudioFrame.from_ndarray(wave, "s16", "stereo")
        frame.sample_rate, frame.pts = sound.rate, begin + place
        frame.time_base = Fraction(1, sound.rate)
        (frame,) = av.AudioResampler(context.format.name).resample(frame)
        frame.pts, frame.time_base = begin + place, Fraction(1, sound.rate)
        packets += stream.encode(frame)
    packets += stream.encode(None)
    return packets


def _subtitles(target: Any, track: Subtitles) -> list[Any]:
    stream = target.add_mux_stream(track.codec)
    stream.time_base = MS
    stream.metadata.update(track.tags)
    stream.disposition = track.disposition
    packets = []
    for line in track.lines:
        text = line.text.encode()
        data = len(text).to_bytes(2, "big") + text if track.codec == "mov_text" else text
        packets.append(_packet(stream, data, line.start_ms, line.length_ms))
    return packets


def _cover(target: Any, data: bytes) -> list[Any]:
    stream = target.add_mux_stream("mjpeg", width=16, height=16)
    stream.time_base = MS
    stream.disposition = Disposition.attached_pic
    return [_packet(stream, data, 0, 0)]


def _data(target: Any, data: bytes) -> list[Any]:
    stream = target.add_data_stream("klv")
    stream.time_base = Fraction(1, 90000)
    return [_packet(stream, data, 90, 0)]


def _packet(stream: Any, data: bytes, start: int, length: int) -> Any:
    packet = av.Packet(data)
    packet.stream, packet.time_base = stream, stream.time_base
    packet.pts = packet.dts = start
    packet.duration, packet.is_keyframe = length, True
    return packet


def _chapter(number: int, start: int, end: int, title: str) -> Any:
    return {
        "id": number,
        "start": start,
        "end": end,
        "time_base": MS,
        "metadata": {"title": title},
    }


def probe_frame(path: Path) -> av.VideoFrame:
    """Return the first picture of the first video that is no cover."""
    with av.open(str(path)) as source:
        videos = [s for s in source.streams.video if not s.disposition & Disposition.attached_pic]
        return next(iter(source.decode(videos[0])))


def png_bytes(image: av.VideoFrame) -> bytes:
    """Return a picture as a PNG file."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="image2pipe") as target:
        stream = target.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = image.width, image.height, image.format.name
        target.mux(stream.encode(image))
        target.mux(stream.encode(None))
    return memory.getvalue()
