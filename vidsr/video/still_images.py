"""Still pictures in and out of files as RGB tensors, for training, degradation and evaluation."""

from __future__ import annotations

from pathlib import Path

import av
import torch
from torch import Tensor

from vidsr.errors import InputError
from vidsr.files import written_whole
from vidsr.video.close_codecs import reading
from vidsr.video.hdr import find_display_matrix
from vidsr.video.heif.still_picture import StillPicture
from vidsr.video.side_data import side_data
from vidsr.video.whole_pictures import not_decoded, strict_options


def read_picture(path: Path) -> Tensor:
    """Return a picture file as uint8 ``[3, H, W]`` RGB, or ``[1, H, W]`` where it is grey.

    It is turned and mirrored as its EXIF orientation says. Alpha is left out.
    Raises InputError for what is no picture and for a damaged one.
    """
    try:
        with reading(av.open(str(path.absolute()))) as container:
            still = StillPicture.of(container)
            stream = still.stream(container) if still else container.streams.video[0]
            decoder = stream.codec_context
            decoder.options = strict_options(decoder.name)
            if decoder.name in ("tiff", "webp") and (reason := not_decoded(path.read_bytes())):
                raise InputError(f"{path}: is {reason}", hint="convert it first.")
            frame = next(container.decode(stream))
            matrix = find_display_matrix(side_data(frame), frame.rotation)
            if still:
                frame, matrix = still.whole(frame), still.display_matrix or matrix
    except (av.FFmpegError, StopIteration, IndexError, OSError, ValueError) as error:
        raise InputError(f"{path}: not a picture, or damaged: {error}") from error
    gray = len(frame.format.components) < 3 and not frame.format.has_palette
    array = frame.to_ndarray(format="gray" if gray else "rgb24")
    samples = torch.from_numpy(array)
    picture = samples[None] if gray else samples.permute(2, 0, 1)
    return _upright(picture, matrix).contiguous()


def _upright(picture: Tensor, matrix: tuple[int, ...] | None) -> Tensor:
    """Return ``[C, H, W]`` turned as the display matrix says; another angle leaves it as it is."""
    a, b, c, d = (matrix[i] for i in (0, 1, 3, 4)) if matrix else (1, 0, 0, 1)
    if a == d == 0 and b and c:  # x' = c y, y' = b x
        picture, across, down = picture.transpose(1, 2), c, b
    elif b == c == 0 and a and d:
        across, down = a, d
    else:
        return picture
    backward = [dim for dim, factor in ((1, down), (2, across)) if factor < 0]
    return picture.flip(backward) if backward else picture


def read_rgb(path: Path) -> Tensor:
    """Return a picture file as uint8 ``[3, H, W]`` RGB; grey ones get three equal channels."""
    picture = read_picture(path)
    return picture if picture.shape[0] == 3 else picture.repeat(3, 1, 1)


def write_png(path: Path, picture: Tensor) -> None:
    """Write uint8 ``[3, H, W]`` RGB or ``[1, H, W]`` grey; the file appears when it is whole.

    Raises OutputError.
    """
    if picture.dtype != torch.uint8 or picture.ndim != 3 or picture.shape[0] not in (1, 3):
        raise ValueError(f"{picture.shape = }, {picture.dtype = }: expected uint8 [1 or 3, H, W]")
    gray = picture.shape[0] == 1
    array = (picture[0] if gray else picture.permute(1, 2, 0)).contiguous().cpu().numpy()
    frame = av.VideoFrame.from_ndarray(array, format="gray" if gray else "rgb24")
    encoder = av.CodecContext.create("png", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, frame.format.name
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    with written_whole(path) as part:
        part.write_bytes(b"".join(bytes(packet) for packet in packets))


def to_unit(picture: Tensor) -> Tensor:
    """Return uint8 samples of any shape as float32 in [0, 1]."""
    return picture.float() / 255


def to_bytes(picture: Tensor) -> Tensor:
    """Return floats of any shape, nominally in [0, 1], as uint8: clamped, halves to even."""
    return (picture * 255).round().clamp(0, 255).to(torch.uint8)
