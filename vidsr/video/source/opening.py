"""Opening a file, a picture or a numbered sequence, and choosing its video stream."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from vidsr.errors import InputError, NoInputError
from vidsr.notes import Notes
from vidsr.video.image_sequences import is_image, is_pattern, numbered_files
from vidsr.video.source.sequence import check_files

DEFAULT_IMAGE_RATE = Fraction(25)


def open_input(
    path: Path, framerate: Fraction | None, hwaccel: HWAccel | None = None
) -> InputContainer:
    """Open ``path`` for demuxing. ``framerate`` is for image sequences, 25 when None.

    ``hwaccel`` decodes what it can; it is not for pictures.

    Raises InputError for what is missing, unreadable or no media file.
    """
    rate = {"framerate": str(framerate or DEFAULT_IMAGE_RATE)}
    # An absolute path is never taken for a protocol, as "12:30.mp4" would be.
    name = str(path.absolute())
    try:
        if is_pattern(path):
            first = _first_number(path)
            folder = str(path.parent.absolute()).replace("%", "%%")
            options = {"start_number": str(first), "pattern_type": "sequence"} | rate
            return _open(path, f"{folder}/{path.name}", options, "image2")
        if path.is_dir():
            hint = "name a pattern such as frames/%05d.png."
            raise InputError(f"{path}: is a folder", hint=hint)
        if not path.exists():
            raise NoInputError(f"{path}: no such file", hint=_hint(path))
    except NoInputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be opened: {error.strerror}") from error
    if is_image(path):
        return _open(path, name, {"pattern_type": "none"} | rate)
    return _open(path, name, {}, hwaccel=hwaccel)


def _hint(path: Path) -> str:
    """What people mean by names that are no files."""
    if re.match(r"[a-z]+:/", str(path)):
        return "addresses are not read: download the file first."
    if str(path) == "-":
        return "pipes are not read: name a file."
    if any(mark in path.name for mark in "*?"):
        return "a sequence is named by its numbering, such as frames/%05d.png."
    return ""


def _first_number(path: Path) -> int:
    """Number of a sequence's first picture. Raises InputError for gaps and for no picture."""
    files = numbered_files(path)
    numbers = list(files)
    if not numbers:
        raise NoInputError(f"{path}: no file of this sequence exists")
    expected = range(numbers[0], numbers[0] + len(numbers))
    if numbers != list(expected):
        gap = next(n for n in expected if n not in set(numbers))
        raise InputError(f"{path}: number {gap} is missing", hint="renumber without gaps.")
    check_files(list(files.values()))
    return numbers[0]


def _open(
    path: Path,
    name: str,
    options: dict[str, str],
    format_name: str | None = None,
    hwaccel: HWAccel | None = None,
) -> InputContainer:
    try:
        container = av.open(
            name, options=options, format=format_name, metadata_errors="replace", hwaccel=hwaccel
        )
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"{path}: cannot be opened: {reason}",
            hint="vidsr reads what FFmpeg reads; the file may be incomplete or no video.",
        ) from error
    if container.format.name == "tty":  # FFmpeg draws text files as a terminal would
        container.close()
        raise InputError(f"{path}: is a text file, not a video")
    return container


def choose_video(container: InputContainer, path: Path, notes: Notes) -> VideoStream:
    """The stream FFmpeg calls best, cover art aside. Raises InputError when there is none."""
    pictures = [s for s in container.streams.video if s.disposition & Disposition.attached_pic]
    videos = [s for s in container.streams.video if s not in pictures]
    if not videos:
        kinds = ", ".join(sorted({s.type for s in container.streams})) or "none"
        raise InputError(f"{path}: no video stream (streams: {kinds})")
    decodable = [s for s in videos if s.codec_context is not None]
    if not decodable:
        raise InputError(f"{path}: no decoder for the video stream")
    best = cast(VideoStream | None, container.streams.best("video"))
    chosen = best if best in decodable else decodable[0]
    if chosen.metadata.get("alpha_mode") == "1":  # WebM keeps it beside the pictures
        notes.say("the alpha channel (transparency) is not carried over")
    if len(videos) > 1:
        notes.say(
            f"{len(videos)} video streams: stream {chosen.index} is upscaled, the others are copied"
        )
    return chosen
