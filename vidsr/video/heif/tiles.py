"""One picture out of the tiles of a grid."""

from __future__ import annotations

import av
from av.container import InputContainer

from vidsr.errors import InputError
from vidsr.picture.frame import view_planes
from vidsr.video.heif.items import Grid

MOST_SAMPLES = 1 << 29  # 23 000 x 23 000 pixels; a grid of a few bytes may announce anything


def put_together(name: str, grid: Grid, first: av.VideoFrame) -> av.VideoFrame:
    """Return the whole picture of a grid, with the colour tags and the time of its first tile.

    Args:
        name: The file, which is read again.
        grid: What goes where.
        first: The first tile, decoded.

    Raises:
        InputError: A tile is missing, damaged, or of another size or format than the first.
    """
    layout = first.format.name
    across, down = first.width, first.height
    fits = (grid.columns - 1) * across < grid.width <= grid.columns * across
    fits = fits and (grid.rows - 1) * down < grid.height <= grid.rows * down
    if not fits or grid.width * grid.height > MOST_SAMPLES:
        raise _refusal(name, f"{grid.width}x{grid.height} of tiles of {across}x{down}")
    whole = av.VideoFrame(grid.width, grid.height, layout)
    for number, tile in _tiles(name, grid):
        if (tile.width, tile.height, tile.format.name) != (across, down, layout):
            raise _refusal(name, "tiles of several sizes or formats")
        for place in (i for i, item in enumerate(grid.tiles) if item == number):
            _paste(whole, tile, place % grid.columns * across, place // grid.columns * down)
    whole.pts, whole.duration = first.pts, first.duration
    if first.time_base is not None:
        whole.time_base = first.time_base
    whole.colorspace, whole.color_range = first.colorspace, first.color_range
    whole.color_primaries, whole.color_trc = first.color_primaries, first.color_trc
    return whole


def _tiles(name: str, grid: Grid) -> list[tuple[int, av.VideoFrame]]:
    """Return number and picture of every tile."""
    found: dict[int, av.VideoFrame] = {}
    try:
        with av.open(name, metadata_errors="replace") as container:
            found = _decode(container, set(grid.tiles))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _refusal(name, f"a tile that cannot be decoded: {error}") from error
    if missing := set(grid.tiles) - set(found):
        raise _refusal(name, f"{len(missing)} of {len(grid.tiles)} tiles without a picture")
    return list(found.items())


def _decode(container: InputContainer, numbers: set[int]) -> dict[int, av.VideoFrame]:
    streams = [s for s in container.streams.video if s.id in numbers and s.codec_context]
    found: dict[int, av.VideoFrame] = {}
    try:
        for packet in container.demux(streams) if streams else ():
            for image in packet.decode():
                assert isinstance(image, av.VideoFrame)
                found.setdefault(packet.stream.id, image)
    finally:  # no decoder is freed with pictures in flight
        for stream in streams:
            if stream.codec_context.is_open:
                stream.codec_context.flush_buffers()
    return found


def _paste(whole: av.VideoFrame, tile: av.VideoFrame, left: int, top: int) -> None:
    """Copy a tile to its place; what reaches over the edge is cut off."""
    luma = view_planes(whole)[0].shape
    for target, samples in zip(view_planes(whole), view_planes(tile), strict=True):
        # Chroma has as many columns and lines less as its plane says.
        x = left // round(luma[1] / target.shape[1])
        y = top // round(luma[0] / target.shape[0])
        height = min(samples.shape[0], target.shape[0] - y)
        width = min(samples.shape[1], target.shape[1] - x)
        target[y : y + height, x : x + width] = samples[:height, :width]


def _refusal(name: str, what: str) -> InputError:
    return InputError(
        f"{name}: expected a grid of equal tiles, got {what}",
        hint="convert the picture to PNG with the program that made it.",
    )
