"""What a container says of its pictures beside their size: a crop, a projection, two views.

PyAV names none of it. FFmpeg writes it into Matroska's header, which can be read here; and a stream
out of a header made here hands it on to an encoder's.
"""

from __future__ import annotations

import io
import re
import struct
from pathlib import Path

import av
from av.bitstream import BitStreamFilterContext
from av.stream import Stream

from vidsr.video.close_codecs import reading
from vidsr.video.info import PictureMarks
from vidsr.video.streams.copies import MUX_ERRORS, add_copy
from vidsr.video.streams.ebml import element, find

_EBML, _SEGMENT, _TRACKS, _TRACK = 0x1A45DFA3, 0x18538067, 0x1654AE6B, 0xAE
_VIDEO, _WIDTH, _HEIGHT, _STEREO, _PROJECTION, _KIND = 0xE0, 0xB0, 0xBA, 0x53B8, 0x7670, 0x7671
_CROP = {"left": 0x54CC, "top": 0x54BB, "right": 0x54DD, "bottom": 0x54AA}
MARKING = ("matroska", "webm", "mp4", "mov")
STEREO_MODES = {"mp4": (1, 3), "mov": ()}  # where not all: left before right, and above it
MARKED_CODECS = {
    "h264": "V_MPEG4/ISO/AVC",
    "hevc": "V_MPEGH/ISO/HEVC",
    "av1": "V_AV1",
    "vp9": "V_VP9",
    "prores": "V_PRORES",
    "ffv1": "V_FFV1",
}
_EMPTY_VIEWS = re.compile(rb"(?<=\0\0\0.)vexu(?=\0\0\0.(?:eyes|proj))", re.DOTALL)
_SIDE = 16  # pixels of the picture that is never coded


def marks_of(stream: Stream, stereo: int = 0) -> PictureMarks:
    """Return what the container says of a stream's pictures; nothing where it cannot be asked.

    ``stereo`` is what the pictures themselves say, and MP4, of which Matroska's header is silent.
    """
    header = io.BytesIO()
    try:
        probe = av.open(header, "w", format="matroska")
        try:
            add_copy(probe, stream)
            probe.start_encoding()
        finally:
            probe.close()
    except MUX_ERRORS:
        return PictureMarks(stereo=stereo)
    video = find(header.getvalue(), _SEGMENT, _TRACKS, _TRACK, _VIDEO) or b""
    left, top, right, bottom = (
        int.from_bytes(find(video, number) or b"", "big") for number in _CROP.values()
    )
    return PictureMarks(
        crop=(left, top, right, bottom),
        stereo=int.from_bytes(find(video, _STEREO) or b"", "big") or stereo,
        projection=_of_a_sphere(find(video, _PROJECTION) or b""),
    )


def _of_a_sphere(projection: bytes) -> bytes:
    """Return a projection, empty for that of a flat picture, which tells of a rotation alone."""
    kind = int.from_bytes(find(projection, _KIND) or b"", "big")
    return projection if kind else b""


def hand_on(marks: PictureMarks, codec: str, stream: Stream) -> None:
    """Give an encoder's new stream the marks, before anything else of it is set."""
    if not marks:
        return
    with reading(av.open(io.BytesIO(_header(marks, MARKED_CODECS[codec])), "r")) as carrier:
        BitStreamFilterContext("null", carrier.streams[0], stream)


def hide_empty_views(path: Path) -> None:
    """Take away what FFmpeg writes into MP4 beside ``st3d``: a box without views that hides it."""
    with path.open("r+b") as file:
        place, end = 0, file.seek(0, io.SEEK_END)
        while place < end:
            file.seek(place)
            size, kind, large = struct.unpack(">I4sQ", file.read(16).ljust(16, b"\0"))
            size = large if size == 1 else size or end - place
            if kind == b"moov":
                file.seek(place)
                moov = file.read(size)
                file.seek(place)
                file.write(_EMPTY_VIEWS.sub(b"free", moov))
            place += max(size, 8)


def _header(marks: PictureMarks, codec_id: str) -> bytes:
    left, top, right, bottom = marks.crop
    crop = b"".join(element(_CROP[name], n) for name, n in zip(_CROP, marks.crop, strict=True) if n)
    video = (
        element(_WIDTH, _SIDE + left + right)
        + element(_HEIGHT, _SIDE + top + bottom)
        + (element(_STEREO, marks.stereo) if marks.stereo else b"")
        + (element(_PROJECTION, marks.projection) if marks.projection else b"")
        + crop
    )
    track = (
        element(0xD7, 1)
        + element(0x73C5, 1)
        + element(0x83, 1)
        + element(0x86, codec_id.encode())
        + element(_VIDEO, video)
    )
    info = element(0x2AD7B1, 1_000_000) + element(0x4D80, b"-") + element(0x5741, b"-")
    segment = element(0x1549A966, info) + element(_TRACKS, element(_TRACK, track))
    cluster = element(0x1F43B675, element(0xE7, 0))  # at which FFmpeg stops reading
    return element(_EBML, element(0x4282, b"matroska")) + element(_SEGMENT, segment + cluster)
