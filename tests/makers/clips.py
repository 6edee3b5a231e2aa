"""Small clips made on the spot: any size, format, codec, timing, tags and damage.

    clip = make_clip(tmp_path / "a.mp4", frames=8, audio=Tone())
    clip.pictures   the ``av.VideoFrame`` objects that were encoded, in order
    clip.pts        their timestamps in units of ``clip.time_base``

``make_clip`` encodes, ``make_audio`` writes sound alone, ``decode`` reads back with
plain PyAV, ``picture`` and ``noise`` draw, ``samples`` gives a picture's planes as
numpy arrays, ``weave`` makes an interlaced picture, ``damage`` flips bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from vidsr.picture.frame import view_planes

# Encoders at their fastest, one thread each: a clip costs milliseconds.
MS_BASE = Fraction(1, 1000)
FAST = {
    "libx264": {"preset": "ultrafast", "threads": "1"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=none"},
    "libsvtav1": {"preset": "12"},
    "ffv1": {"slices": "1"},  # by default it refuses some small sizes
    "libvpx": {"threads": "1"},  # several wait spinning: up to 30 s on busy cores
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}
INTERLACED = {"flags": "+ildct+ilme"}  # for libx264 and mpeg2video


@dataclass(frozen=True)
class Tone:
    """Sine beside the pictures. ``start_s`` shifts it against the video's zero."""

    codec: str = "aac"
    rate: int = 48000
    start_s: float = 0.0
    duration_s: float | None = None  # None: as long as the video
    frequency: float = 440.0
    language: str = ""


@dataclass(frozen=True)
class Clip:
    """Clip that ``make_clip`` wrote."""

    path: Path
    pictures: list[av.VideoFrame]
    pts: list[int]
    time_base: Fraction

    @property
    def times(self) -> list[Fraction]:
        """Return presentation times in seconds."""
        return [t * self.time_base for t in self.pts]


@dataclass(frozen=True)
class Tags:
    """Colour tags, H.273 code points; ``range`` is 1 limited, 2 full."""

    matrix: int = 2
    primaries: int = 2
    transfer: int = 2
    range: int = 0


@dataclass
class _Track:
    stream: Any
    frames: list[Any] = field(default_factory=list)


def seconds(item: av.VideoFrame | av.AudioFrame | av.Packet[Any]) -> Fraction:
    """Return the presentation time of a frame or packet that has one."""
    assert item.pts is not None
    assert item.time_base is not None
    return item.pts * item.time_base


def samples(image: av.VideoFrame) -> list[np.ndarray[Any, Any]]:
    """Return copies of a planar picture's planes, ``[h, w]`` uint8 or uint16."""
    return [plane.numpy().copy() for plane in view_planes(image)]


def noise(
    width: int, height: int, pix_fmt: str = "yuv420p", *, seed: int = 0, legal: bool = False
) -> av.VideoFrame:
    """Draw random samples over the whole range of a planar format (``legal``: within 16..235)."""
    image = av.VideoFrame(width, height, pix_fmt)
    random = np.random.default_rng(seed)
    depth = image.format.components[0].bits
    low, high = (16 << depth - 8, 235 << depth - 8) if legal else (0, (1 << depth) - 1)
    for plane in view_planes(image):
        view = plane.numpy()
        view[:] = random.integers(low, high, view.shape, endpoint=True, dtype=view.dtype)
    return image


def picture(
    width: int, height: int, pix_fmt: str = "yuv420p", *, index: int = 0, speed: int = 2
) -> av.VideoFrame:
    """Draw a smooth gradient with a bright bar that moves ``speed`` samples right per index.

    Planar formats are drawn directly, others converted from yuv444p. Compresses well.
    """
    try:
        planar = (
            pix_fmt.replace("yuvj", "yuv").startswith(("yuv4", "gray")) and "uyv" not in pix_fmt
        )
        image = av.VideoFrame(width, height, pix_fmt if planar else "yuv444p")
        views = [plane.numpy() for plane in view_planes(image)]
    except (TypeError, ValueError, BufferError):
        return picture(width, height, "yuv444p", index=index, speed=speed).reformat(format=pix_fmt)
    shift = image.format.components[0].bits - 8
    for number, view in enumerate(views):
        high, wide = view.shape
        down, across = np.mgrid[0:high, 0:wide]
        level = 60 + 60 * across / wide + (40 if number == 0 else 20 * number) * down / high
        if number == 0:
            place = (index * speed) % max(1, width)
            level = level + 60 * ((across - place) % width < max(2, width // 8))
        view[:] = (level.astype(np.int64) << shift).astype(view.dtype)
    return image if planar else image.reformat(format=pix_fmt)


def weave(top: av.VideoFrame, bottom: av.VideoFrame) -> av.VideoFrame:
    """Weave even lines of ``top`` and odd lines of ``bottom``, in every plane, into one picture."""
    image = av.VideoFrame(top.width, top.height, top.format.name)
    planes = zip(view_planes(image), view_planes(top), view_planes(bottom), strict=True)
    for plane, even, odd in planes:
        plane[0::2], plane[1::2] = even[0::2], odd[1::2]
    return image


def interlaced_pictures(
    count: int, width: int = 64, height: int = 48, pix_fmt: str = "yuv420p", speed: int = 8
) -> list[av.VideoFrame]:
    """Draw top field first: the second field shows the bar half a step later. Combs visibly."""
    draw = [
        picture(width, height, pix_fmt, index=i, speed=speed // 2) for i in range(2 * count + 1)
    ]
    return [weave(draw[2 * i], draw[2 * i + 1]) for i in range(count)]


def make_clip(
    path: Path,
    *,
    frames: int | None = None,
    size: tuple[int, int] = (64, 48),
    pix_fmt: str = "yuv420p",
    codec: str = "libx264",
    rate: Fraction | int = 25,
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    pictures: Sequence[av.VideoFrame] | None = None,
    options: dict[str, str] | None = None,
    gop: int | None = None,
    bframes: int | None = None,
    interlaced: bool = False,
    tags: Tags | None = None,
    sar: Fraction | None = None,
    rotation: float | None = None,
    hflip: bool = False,
    matrix: Sequence[int] | None = None,
    audio: Tone | Sequence[Tone] = (),
    chapters: Sequence[tuple[float, float, str]] = (),
    metadata: dict[str, str] | None = None,
    container: str | None = None,
    container_options: dict[str, str] | None = None,
    mastering: str = "",
    light: tuple[int, int] | None = None,
) -> Clip:
    """Encode ``pictures`` (default: ``picture``, ``frames`` or 8 of them) into ``path``.

    ``pts`` counts units of ``time_base`` (default 1/rate), one per picture, ascending, possibly
    uneven or negative. ``options`` go to the encoder on top of FAST, ``container_options`` to the
    muxer, ``container`` names it if the suffix does not. ``interlaced`` sets the coding flags
    only: pass ``interlaced_pictures``. ``rotation`` is in degrees, ``matrix`` FFmpeg's nine
    display matrix numbers. ``chapters`` are (start_s, end_s, title). ``mastering`` and ``light``
    are x265's master-display and max-cll (codec libx265 only).
    """
    if pictures is None:
        count = frames or len(pts or range(8))
        pictures = [picture(*size, pix_fmt, index=i) for i in range(count)]
    base = time_base or 1 / Fraction(rate)
    stamps = list(pts) if pts is not None else list(range(len(pictures)))
    settings = _settings(codec, options, interlaced, mastering, light)
    with av.open(str(path), "w", format=container, options=container_options or {}) as target:
        stream = target.add_stream(codec, rate=Fraction(rate), options=settings)
        assert isinstance(stream, av.VideoStream)
        _describe(stream, pictures[0], base, tags, sar, gop, bframes)
        if rotation is not None:
            stream.set_display_rotation(rotation, hflip=hflip)
        if matrix is not None:
            stream.set_display_matrix(matrix)
        target.metadata.update(metadata or {})
        tones = [audio] if isinstance(audio, Tone) else list(audio)
        tracks = [_tone(target, tone, (stamps[-1] + 1) * base) for tone in tones]
        if chapters:
            target.set_chapters([_chapter(i, *c) for i, c in enumerate(chapters)])
        video = _Track(stream)
        for image, stamp in zip(pictures, stamps, strict=True):
            image.pts, image.time_base = stamp, base
            if tags is not None:
                _tag(image, tags)
            video.frames.append(image)
        _encode(target, [video, *tracks])
    return Clip(path, list(pictures), stamps, base)


def make_audio(path: Path, tone: Tone | None = None, *, duration_s: float = 0.5) -> Path:
    """Write a file with sound alone."""
    with av.open(str(path), "w") as target:
        _encode(target, [_tone(target, tone or Tone(), Fraction(duration_s))])
    return path


def decode(path: Path) -> list[av.VideoFrame]:
    """Return all pictures of the first video stream by plain PyAV, in one thread."""
    with av.open(str(path)) as source:
        source.streams.video[0].thread_count = 1
        return list(source.decode(video=0))


def packet_times(path: Path, kind: str = "audio") -> list[Fraction]:
    """Return presentation times in seconds of the first stream of a kind, in file order."""
    with av.open(str(path)) as source:
        stream = next(s for s in source.streams if s.type == kind)
        return [p.pts * p.time_base for p in source.demux(stream) if p.pts is not None and p.size]


def damage(
    path: Path, target: Path, *, seed: int = 0, count: int = 20, part: tuple[float, float] = (0, 1)
) -> Path:
    """Write a copy with ``count`` random bytes replaced in a part of the file (fractions of it)."""
    data = bytearray(path.read_bytes())
    random = np.random.default_rng(seed)
    places = random.integers(int(part[0] * len(data)), max(1, int(part[1] * len(data))), count)
    for place in places:
        data[place] = random.integers(0, 256)
    target.write_bytes(data)
    return target


def truncate(path: Path, target: Path, part: float) -> Path:
    """Write a copy of the first ``part`` (a fraction) of the file."""
    data = path.read_bytes()
    target.write_bytes(data[: int(part * len(data))])
    return target


def _settings(
    codec: str,
    options: dict[str, str] | None,
    interlaced: bool,
    mastering: str,
    light: tuple[int, int] | None,
) -> dict[str, str]:
    settings = dict(FAST.get(codec, {}))
    if interlaced:
        settings |= INTERLACED
    if mastering:
        settings["x265-params"] += f":hdr10=1:repeat-headers=1:master-display={mastering}"
    if light:
        settings["x265-params"] += f":max-cll={light[0]},{light[1]}"
    return settings | (options or {})


def _describe(
    stream: Any,
    first: av.VideoFrame,
    base: Fraction,
    tags: Tags | None,
    sar: Fraction | None,
    gop: int | None,
    bframes: int | None,
) -> None:
    context = stream.codec_context
    stream.width, stream.height, stream.pix_fmt = first.width, first.height, first.format.name
    context.time_base = stream.time_base = base
    if gop is not None:
        context.gop_size = gop
    if bframes is not None:
        context.max_b_frames = bframes
    if sar is not None:
        context.sample_aspect_ratio = sar
    if tags is not None:
        context.colorspace, context.color_range = tags.matrix, tags.range
        context.color_primaries, context.color_trc = tags.primaries, tags.transfer


def _tag(image: av.VideoFrame, tags: Tags) -> None:
    image.colorspace, image.color_range = tags.matrix, tags.range
    image.color_primaries, image.color_trc = tags.primaries, tags.transfer


def _chapter(number: int, start_s: float, end_s: float, title: str) -> Any:
    return {
        "id": number,
        "start": round(start_s * 1000),
        "end": round(end_s * 1000),
        "time_base": Fraction(1, 1000),
        "metadata": {"title": title},
    }


def _tone(target: Any, tone: Tone, length_s: Fraction) -> _Track:
    stream = target.add_stream(tone.codec, rate=tone.rate)
    stream.codec_context.layout = "mono"
    stream.codec_context.format = stream.codec.audio_formats[0].name
    stream.codec_context.time_base = stream.time_base = Fraction(1, tone.rate)
    if tone.language:
        stream.metadata["language"] = tone.language
    stream.codec_context.open()
    chunk = stream.codec_context.frame_size or 1024
    total = round((tone.duration_s or length_s) * tone.rate)
    track = _Track(stream)
    for begin in range(0, total, chunk):
        phase = (begin + np.arange(min(chunk, total - begin))) / tone.rate
        wave = 0.25 * np.sin(2 * np.pi * tone.frequency * phase)
        track.frames.append(_sound(wave, stream.codec_context.format.name, tone))
        track.frames[-1].pts = begin + round(tone.start_s * tone.rate)
    return track


def _sound(wave: np.ndarray[Any, Any], kind: str, tone: Tone) -> av.AudioFrame:
    dtype = {"flt": "f4", "s16": "i2", "s32": "i4"}[kind.removesuffix("p")]
    scale = 1.0 if dtype == "f4" else float(np.iinfo(dtype).max)
    frame = av.AudioFrame.from_ndarray((wave * scale).astype(dtype)[None], kind, "mono")
    frame.sample_rate, frame.time_base = tone.rate, Fraction(1, tone.rate)
    return frame


def _encode(target: Any, tracks: list[_Track]) -> None:
    """Encode frames of all streams in order of time, as a recorder would write them."""
    queue = [
        (frame.pts * frame.time_base, number, frame)
        for number, track in enumerate(tracks)
        for frame in track.frames
    ]
    for _, number, frame in sorted(queue, key=lambda entry: entry[:2]):
        target.mux(tracks[number].stream.encode(frame))
    for track in tracks:
        target.mux(track.stream.encode(None))
