"""Opening a file, a picture or a numbered sequence, and choosing its video stream."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import cast

from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from vidsr.errors import InputError
from vidsr.notes import Notes
from vidsr.video.heif.still_picture import StillPicture
from vidsr.video.image_sequences import is_image
from vidsr.video.locator import Locator
from vidsr.video.media.containers import Opening, open_container
from vidsr.video.probing.longer_look import look_longer
from vidsr.video.source.presence import check_source, first_number
from vidsr.video.whole_pictures import decode_strictly

DEFAULT_IMAGE_RATE = Fraction(25)


def open_input(
    locator: Locator, framerate: Fraction | None, hwaccel: HWAccel | None = None
) -> InputContainer:
    """Open a file or numbered pictures for demuxing.

    Args:
        locator: What to open. Addresses and pipes are refused unless such a file exists.
        framerate: Pictures a second of a sequence, 25 when None.
        hwaccel: What decodes instead of FFmpeg where it can; it is not for pictures.

    Raises:
        InputError: It is missing, unreadable or no media file.
    """
    path = locator.path
    rate = {"framerate": str(framerate or DEFAULT_IMAGE_RATE)}
    # An absolute path is never taken for a protocol, as "12:30.mp4" would be.
    name = str(path.absolute())
    check_source(locator)
    if locator.kind == "sequence":
        folder = str(path.parent.absolute()).replace("%", "%%")
        number = {"start_number": str(first_number(path)), "pattern_type": "sequence"}
        return _open(locator, f"{folder}/{path.name}", number | rate, "image2")
    if is_image(path):
        return _open(locator, name, {"pattern_type": "none"} | rate)
    container = _open(locator, name, {}, hwaccel=hwaccel)
    return look_longer(container, lambda options: _open(locator, name, options, hwaccel=hwaccel))


def _open(
    locator: Locator,
    name: str,
    options: dict[str, str],
    format_name: str | None = None,
    hwaccel: HWAccel | None = None,
) -> InputContainer:
    return open_container(str(locator), name, Opening(options, format_name, hwaccel))


def still_picture(container: InputContainer, locator: Locator) -> StillPicture | None:
    """Return the picture that a HEIF file is about, None for other files. Raises InputError.

    Pipes and addresses hold none: those are refused as they are opened.
    """
    named = locator.local and Path(container.name).is_absolute()
    return StillPicture.of(container) if named else None


def choose_video(container: InputContainer, locator: Locator, notes: Notes) -> VideoStream:
    """Return the stream FFmpeg calls best, cover art aside. Raises InputError for none.

    Of a HEIF file it is that of the picture to be shown. Its decoder refuses still pictures that
    are damaged.
    """
    if still := still_picture(container, locator):
        return still.stream(container)
    pictures = [s for s in container.streams.video if s.disposition & Disposition.attached_pic]
    videos = [s for s in container.streams.video if s not in pictures]
    if not videos:
        kinds = ", ".join(sorted({s.type for s in container.streams})) or "none"
        raise InputError(f"{locator}: no video stream (streams: {kinds})")
    decodable = [s for s in videos if s.codec_context is not None]
    if not decodable:
        raise InputError(f"{locator}: no decoder for the video stream")
    best = cast(VideoStream | None, container.streams.best("video"))
    chosen = best if best in decodable else decodable[0]
    decode_strictly(chosen, container.format.name)
    if chosen.metadata.get("alpha_mode") == "1":  # WebM keeps it beside the pictures
        notes.say("the alpha channel (transparency) is not carried over")
    if len(videos) > 1:
        notes.say(
            f"{len(videos)} video streams: stream {chosen.index} is upscaled, the others are not"
        )
    return chosen
