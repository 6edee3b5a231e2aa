"""The check that a file can be read from front to back, by its first boxes."""

from __future__ import annotations

from vidsr.errors import InputError

# Boxes of MP4 and MOV that may stand at a file's beginning.
_FIRST = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid", b"sidx", b"styp")
_PICTURES = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1", b"avif")


def check_front_to_back(head: bytes, name: str, *, seeks: bool = False) -> None:
    """Raise InputError for an MP4 file whose index follows its media, and for HEIF pictures.

    Args:
        head: The first bytes.
        name: The source in messages.
        seeks: True for a source in which any place can be gone to: only pictures are refused.
    """
    place = 0
    if head[4:8] not in _FIRST:
        return
    while place + 8 <= len(head):
        size, kind = int.from_bytes(head[place : place + 4], "big"), head[place + 4 : place + 8]
        if size == 1:
            size = int.from_bytes(head[place + 8 : place + 16], "big")
        if kind == b"ftyp" and head[place + 8 : place + 12] in _PICTURES:
            raise InputError(f"{name}: is a HEIF or AVIF picture", hint="name the file instead.")
        if kind == b"moov" or seeks:
            return
        if kind == b"mdat":
            raise InputError(
                f"{name}: is an MP4 or MOV file whose index lies at its end, which cannot be read "
                "from front to back",
                hint="name a local file itself (an address needs a server that sends ranges), or "
                "write it with ffmpeg -movflags +faststart.",
            )
        if size < 8:
            return
        place += size
