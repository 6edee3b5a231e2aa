"""Videos and pictures among the files of folders: by their suffix, or by their first bytes."""

from __future__ import annotations

from pathlib import Path

from vidsr.files import PART
from vidsr.video.image_sequences import IMAGE_SUFFIXES
from vidsr.video.pieces.job_folder import ENDING as JOB_FOLDER
from vidsr.video.sink.target_file import CONTAINERS
from vidsr.video.video_files import VIDEO_SUFFIXES

MEDIA_SUFFIXES = frozenset(
    (
        *VIDEO_SUFFIXES,
        *IMAGE_SUFFIXES,
        *CONTAINERS,
        *(".heic", ".heif", ".jxl", ".jp2", ".3gp", ".3g2", ".ogv", ".asf", ".f4v", ".m2v", ".m1v"),
        *(".dv", ".divx", ".rm", ".rmvb", ".mjpeg", ".mjpg", ".nut", ".wtv", ".trp", ".mpv"),
    )
)
# Of programs and translations as well: TypeScript, Qt Linguist, modules of both.
_AMBIGUOUS = (".ts", ".mts")
_SOUND = (".mka", ".m4a", ".m4b", ".aac", ".mp3", ".ogg", ".oga", ".opus", ".wma", ".wav", ".flac")
_UNFINISHED = (PART, ".partial", ".crdownload", ".download", ".tmp", ".!ut", ".!qb")
_HEAD_BYTES, _SYNC = 1024, 0x47
_BEGINNINGS = (
    *(b"\x1a\x45\xdf\xa3", b"FLV\x01", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3"),
    *(b"\x06\x0e\x2b\x34", b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*"),
)
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide")
_RIFF_KINDS = (b"AVI ", b"WEBP")


def is_media(path: Path) -> bool:
    """Return True if a file is a video or a picture, as far as its name and first bytes say.

    A suffix of media is believed, so that a broken file is missed by nobody.
    """
    suffix = path.suffix.lower()
    if suffix in _SOUND:
        return False
    if suffix in MEDIA_SUFFIXES and suffix not in _AMBIGUOUS:
        return True
    try:
        with path.open("rb") as file:
            return begins_as_media(file.read(_HEAD_BYTES))
    except OSError:
        return suffix in MEDIA_SUFFIXES


def begins_as_media(head: bytes) -> bool:
    """Return True if a file that begins with ``head`` is of a known container."""
    if head.startswith(_BEGINNINGS) or head[4:8] in _BOXES:
        return True
    if head.startswith(b"RIFF"):
        return head[8:12] in _RIFF_KINDS
    if head.startswith(b"OggS"):
        return b"theora" in head
    return any(_has_sync_bytes(head[at:], size) for at, size in ((0, 188), (4, 192), (0, 204)))


def _has_sync_bytes(head: bytes, packet_bytes: int) -> bool:
    marks = head[: 4 * packet_bytes : packet_bytes]
    return len(marks) == 4 and set(marks) == {_SYNC}


def is_passed_over(name: str) -> bool:
    """Return True for the name of what no folder gives: hidden, unfinished, vidsr's own."""
    return name.startswith(".") or name.lower().endswith((*_UNFINISHED, JOB_FOLDER))
