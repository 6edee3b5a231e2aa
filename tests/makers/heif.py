"""HEIC and AVIF files made of boxes: single pictures, grids of tiles, thumbnails beside them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from tests.makers.clips import make_clip, picture

CODINGS = {"heic": ("libx265", b"hvc1", b"hvcC"), "avif": ("libsvtav1", b"av01", b"av1C")}


@dataclass
class Item:
    """An item of a file; ``properties`` are boxes, ``refers`` its references by name."""

    number: int
    kind: bytes
    data: bytes
    properties: list[bytes] = field(default_factory=list)
    refers: dict[bytes, Sequence[int]] = field(default_factory=dict)


def box(kind: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full(kind: bytes, *contents: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *contents)


def ispe(width: int, height: int) -> bytes:
    return full(b"ispe", struct.pack(">II", width, height))


def irot(quarters: int) -> bytes:
    """Turn counterclockwise."""
    return box(b"irot", bytes([quarters]))


def imir(axis: int) -> bytes:
    """Exchange top and bottom (0) or left and right (1)."""
    return box(b"imir", bytes([axis]))


def layout(columns: int, rows: int, width: int, height: int) -> bytes:
    return struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)


def coded(
    folder: Path, number: int, image: av.VideoFrame, suffix: str, kind: bytes | None = None
) -> Item:
    """Return an item with a picture in it, coded nearly without loss."""
    codec, name, record = CODINGS[suffix]
    quality = {"crf": "4"} if codec == "libsvtav1" else {"x265-params": "log-level=none:qp=4"}
    # Three frames, for x265 sets the times of fewer at random; the first is the picture.
    path = folder / f"tile{number}.mp4"
    others = [picture(image.width, image.height, index=index) for index in range(2)]
    clip = make_clip(path, codec=codec, pictures=[image, *others], options=quality)
    with av.open(str(clip.path)) as container:
        stream = container.streams.video[0]
        data = bytes(next(container.demux(stream)))
        settings = bytes(stream.codec_context.extradata or b"")
    pixels = full(b"pixi", b"\3\x08\x08\x08")
    properties = [ispe(image.width, image.height), pixels, box(record, settings)]
    return Item(number, kind or name, data, properties)


def write_heif(path: Path, primary: int, items: Sequence[Item], *, inside: bool = True) -> Path:
    """Write a file; ``inside`` puts data of grids into ``idat``, else all lies in ``mdat``."""
    brand = path.suffix[1:].encode()
    head = box(b"ftyp", brand, bytes(4), b"mif1", brand)
    meta = _meta(primary, items, 0, inside)
    begin = len(head) + len(meta) + 8
    media = b"".join(i.data for i in items if not (inside and i.kind == b"grid"))
    path.write_bytes(head + _meta(primary, items, begin, inside) + box(b"mdat", media))
    return path


def cut(image: np.ndarray, size: tuple[int, int], columns: int, rows: int) -> list[av.VideoFrame]:
    """Return tiles of RGB ``[h, w, 3]``, the edge repeated where they reach over it."""
    width, height = size
    missing = (rows * height - image.shape[0], columns * width - image.shape[1])
    padded = np.pad(image, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
    tiles = (
        padded[y * height : (y + 1) * height, x * width : (x + 1) * width]
        for y in range(rows)
        for x in range(columns)
    )
    return [
        av.VideoFrame.from_ndarray(np.ascontiguousarray(t), "rgb24").reformat(format="yuv420p")
        for t in tiles
    ]


def make_grid(
    path: Path,
    image: np.ndarray,
    tile: tuple[int, int],
    *,
    turns: Sequence[bytes] = (),
    inside: bool = True,
    extra: Sequence[Item] = (),
) -> Path:
    """Write RGB ``[h, w, 3]`` as a grid of tiles; ``turns`` are properties of the whole."""
    height, width = image.shape[:2]
    columns, rows = -(-width // tile[0]), -(-height // tile[1])
    pictures = cut(image, tile, columns, rows)
    suffix = path.suffix[1:]
    tiles = [coded(path.parent, 10 + i, t, suffix) for i, t in enumerate(pictures)]
    whole = Item(
        *(1, b"grid", layout(columns, rows, width, height)),
        [ispe(width, height), full(b"pixi", b"\3\x08\x08\x08"), *turns],
        {b"dimg": [t.number for t in tiles]},
    )
    return write_heif(path, 1, [*extra, *tiles, whole], inside=inside)


def _meta(primary: int, items: Sequence[Item], begin: int, inside: bool) -> bytes:
    handler = full(b"hdlr", bytes(4), b"pict", bytes(13))
    names = [
        full(b"infe", struct.pack(">HH4s", i.number, 0, i.kind), b"\0", version=2) for i in items
    ]
    references = [
        box(name, struct.pack(f">HH{len(to)}H", item.number, len(to), *to))
        for item in items
        for name, to in item.refers.items()
    ]
    known = [each for item in items for each in item.properties]
    links, place = [], 0
    for item in items:
        essential = [p[4:8] not in (b"ispe", b"pixi") for p in item.properties]
        numbers = bytes(place + 1 + i | flag << 7 for i, flag in enumerate(essential))
        links.append(struct.pack(">HB", item.number, len(numbers)) + numbers)
        place += len(item.properties)
    properties = box(
        b"iprp",
        box(b"ipco", *known),
        full(b"ipma", struct.pack(">I", len(items)), *links),
    )
    places, idat = _places(items, begin, inside)
    return full(
        *(b"meta", handler, full(b"pitm", struct.pack(">H", primary)), places),
        full(b"iinf", struct.pack(">H", len(items)), *names),
        *(full(b"iref", *references), properties, box(b"idat", idat)),
    )


def _places(items: Sequence[Item], begin: int, inside: bool) -> tuple[bytes, bytes]:
    entries, idat = [], b""
    for item in items:
        within = inside and item.kind == b"grid"
        at = len(idat) if within else begin
        entry = (item.number, int(within), 0, 1, at, len(item.data))
        entries.append(struct.pack(">HHHHII", *entry))
        if within:
            idat += item.data
        else:
            begin += len(item.data)
    head = struct.pack(">HH", 0x4400, len(items))
    return full(b"iloc", head, *entries, version=1), idat
