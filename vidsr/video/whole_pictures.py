"""Still pictures cut short, of which FFmpeg would fill up the rest without an error."""

from __future__ import annotations

import struct

from av.video.stream import VideoStream

from vidsr.video.items import Packet

# The last 8 bytes of a QOI picture. No encoder writes them earlier: two equal references to the
# colour table in a row are forbidden. FFmpeg's decoder does not look for them.
_QOI_END = bytes(7) + b"\1"
_COMPRESSION, _JPEG_IN_TIFF = 259, (6, 7)


def strict_options(decoder: str) -> dict[str, str]:
    """Return the options under which a decoder of still pictures refuses a damaged one.

    JPEG alone takes any: the rest of a picture cut short is grey otherwise. The other decoders
    refuse of themselves, and a sound TIFF with JPEG inside is refused under these options.
    """
    return {"err_detect": "explode"} if decoder == "mjpeg" else {}


def decode_strictly(stream: VideoStream, container: str) -> None:
    """Have damaged pictures refused, before the first is decoded, where a file holds pictures.

    A film of JPEGs goes on after a damaged frame as any other film does.
    """
    decoder = stream.codec_context
    if container == "image2" or container.endswith("_pipe"):
        decoder.options = decoder.options | strict_options(decoder.name)


def not_decoded(data: bytes | Packet) -> str:
    """Return why FFmpeg shows a picture black or not at all, empty where it is not known to."""
    picture = bytes(data)
    if picture.startswith((b"II*\0", b"MM\0*")) and _compression(picture) in _JPEG_IN_TIFF:
        return "a TIFF with JPEG inside, which FFmpeg shows black"
    if picture.startswith(b"RIFF") and picture[8:16] == b"WEBPVP8X" and picture[20] & 2:
        return "an animated WebP, which FFmpeg does not decode"
    return ""


def _compression(tiff: bytes) -> int:
    order = "<" if tiff[:1] == b"I" else ">"
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, start)
        for place in range(start + 2, start + 2 + 12 * count, 12):
            if struct.unpack_from(order + "H", tiff, place)[0] == _COMPRESSION:
                return int(struct.unpack_from(order + "H", tiff, place + 8)[0])
    except struct.error:  # damaged: the decoder says so
        pass
    return 0


def is_cut_short(decoder: str, data: bytes | Packet) -> bool:
    """Return True if the picture lacks an end that its decoder does not ask for."""
    if decoder != "qoi":
        return False
    # What follows the end of a picture comes as a packet of its own, which the decoder refuses.
    picture = bytes(data)
    return picture.startswith(b"qoif") and _QOI_END not in picture
