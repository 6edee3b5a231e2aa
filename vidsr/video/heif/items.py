"""The picture that a HEIF file is about: a coded one, or a grid of tiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vidsr.video.heif.boxes import Reader, children, read_meta

Matrix = tuple[int, int, int, int]

CODED = (b"hvc1", b"hev1", b"av01", b"avc1", b"jpeg", b"vvc1", b"j2k1")
_UPRIGHT: Matrix = (1, 0, 0, 1)
_COUNTERCLOCKWISE: Matrix = (0, -1, 1, 0)
_MIRRORS: tuple[Matrix, Matrix] = ((1, 0, 0, -1), (-1, 0, 0, 1))
_MOST_EXTENTS = 64  # of an item; its writer has one, or a few
_ALPHA = (b"auxiliary:alpha", b"auxid:1\0")


@dataclass(frozen=True)
class Grid:
    """Tiles of one size, row by row, cut at the right and at the bottom to ``width`` x ``height``.

    ``tiles`` are the numbers of the items; ``matrix`` is a, b, c, d of x' = a x + c y,
    y' = b x + d y, by which the whole is turned upright.
    """

    rows: int
    columns: int
    width: int
    height: int
    tiles: tuple[int, ...]
    matrix: Matrix


@dataclass(frozen=True)
class PrimaryItem:
    """The picture to be shown: its number, how it is made, and whether a transparency lies beside.

    ``kind`` is its four letters, ``grid`` what it is made of where they are "grid".
    """

    number: int
    kind: bytes
    grid: Grid | None
    alpha: bool

    @property
    def coded(self) -> bool:
        """True if a decoder gives the picture as it is."""
        return self.kind in CODED


def read_primary(path: Path) -> PrimaryItem | None:
    """Return the picture that a HEIF file is about, None for a file of another kind.

    Raises OSError, and ValueError for lists that cannot be read.
    """
    meta = read_meta(path)
    if meta is None:
        return None
    boxes = _first_of_each(meta[4:])
    if b"pitm" not in boxes or b"iinf" not in boxes:
        return None
    reader = Reader(boxes[b"pitm"])
    version, _ = reader.version()
    number = reader.number(4 if version else 2)
    kind = dict(_kinds(boxes[b"iinf"])).get(number, b"")
    references = list(_references(boxes.get(b"iref", bytes(4))))
    properties = _properties(boxes.get(b"iprp", b""))
    grid = None
    if kind == b"grid":
        tiles = next((to for name, of, to in references if (name, of) == (b"dimg", number)), ())
        layout = _payload(path, boxes, number)
        grid = _grid(layout, tiles, _matrix(properties.get(number, [])))
    beside = {of for name, of, to in references if name == b"auxl" and number in to}
    return PrimaryItem(number, kind, grid, any(_is_alpha(properties.get(i, [])) for i in beside))


def _first_of_each(data: bytes) -> dict[bytes, bytes]:
    """Return boxes by kind, the first of each as FFmpeg does."""
    boxes: dict[bytes, bytes] = {}
    for kind, contents in children(data):
        boxes.setdefault(kind, contents)
    return boxes


def _kinds(box: bytes) -> Iterator[tuple[int, bytes]]:
    reader = Reader(box)
    version, _ = reader.version()
    reader.number(4 if version else 2)
    for name, entry in children(box[reader.at :]):
        item = Reader(entry)
        version, _ = item.version()
        if name == b"infe" and version >= 2:
            number = item.number(2 if version == 2 else 4)
            item.number(2)
            yield number, item.take(4)


def _references(box: bytes) -> Iterator[tuple[bytes, int, tuple[int, ...]]]:
    """Yield name, the item that refers, and those that it refers to."""
    version, _ = Reader(box).version()
    size = 4 if version else 2
    for name, entry in children(box[4:]):
        reader = Reader(entry)
        of, count = reader.number(size), reader.number(2)
        yield name, of, tuple(reader.number(size) for _ in range(count))


def _properties(box: bytes) -> dict[int, list[tuple[bytes, bytes]]]:
    """Return the properties of each item, in their order."""
    known = list(children(_first_of_each(box).get(b"ipco", b"")))
    found: dict[int, list[tuple[bytes, bytes]]] = {}
    for name, links in children(box):
        for number, place in _links(links) if name == b"ipma" else ():
            if 0 < place <= len(known):
                found.setdefault(number, []).append(known[place - 1])
    return found


def _links(box: bytes) -> Iterator[tuple[int, int]]:
    """Yield an item and the place of one of its properties, counted from 1."""
    reader = Reader(box)
    version, flags = reader.version()
    for _ in range(reader.number(4)):
        number = reader.number(4 if version else 2)
        for _ in range(reader.number(1)):
            yield number, reader.number(2) & 0x7FFF if flags & 1 else reader.number(1) & 0x7F


def _payload(path: Path, boxes: dict[bytes, bytes], wanted: int) -> bytes:
    """Return the bytes of an item, wherever they lie."""
    reader = Reader(boxes.get(b"iloc", b""))
    version, _ = reader.version()
    sizes = reader.number(2)
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    if not length:  # nor may an item have 65,535 parts that take no bytes
        raise ValueError("a grid has no layout")
    for _ in range(reader.number(2 if version < 2 else 4)):
        number = reader.number(2 if version < 2 else 4)
        inside = version > 0 and reader.number(2) & 15 == 1
        reader.number(2)
        begin = reader.number(base)
        data = b""
        for _ in range(_extents(reader, number)):
            reader.number(index if version else 0)
            at, size = begin + reader.number(offset), reader.number(length)
            if number == wanted and size <= 64:
                data += boxes.get(b"idat", b"")[at : at + size] if inside else _cut(path, at, size)
        if number == wanted:
            return data
    raise ValueError("a grid has no layout")


def _extents(reader: Reader, number: int) -> int:
    """Return how many parts an item has. Raises ValueError beyond ``_MOST_EXTENTS``."""
    count = reader.number(2)
    if count > _MOST_EXTENTS:
        raise ValueError(f"expected at most {_MOST_EXTENTS} parts of item {number}, got {count}")
    return count


def _cut(path: Path, at: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(at)
        return file.read(size)


def _grid(layout: bytes, tiles: tuple[int, ...], matrix: Matrix) -> Grid:
    reader = Reader(layout)
    reader.number(1)
    wide = reader.number(1) & 1
    rows, columns = reader.number(1) + 1, reader.number(1) + 1
    width, height = reader.number(4 if wide else 2), reader.number(4 if wide else 2)
    if len(tiles) != rows * columns or not width or not height:
        raise ValueError(f"a grid of {columns}x{rows} has {len(tiles)} tiles")
    return Grid(rows, columns, width, height, tiles, matrix)


def _matrix(properties: list[tuple[bytes, bytes]]) -> Matrix:
    """Return rotations and mirrors, one after the other."""
    matrix = _UPRIGHT
    for name, content in properties:
        if name == b"irot":
            for _ in range(content[0] & 3 if content else 0):
                matrix = _after(_COUNTERCLOCKWISE, matrix)
        if name == b"imir" and content:
            matrix = _after(_MIRRORS[content[0] & 1], matrix)
    return matrix


def _after(second: Matrix, first: Matrix) -> Matrix:
    a, b, c, d = second
    e, f, g, h = first
    return (a * e + c * f, b * e + d * f, a * g + c * h, b * g + d * h)


def _is_alpha(properties: list[tuple[bytes, bytes]]) -> bool:
    return any(name == b"auxC" and any(a in text[:64] for a in _ALPHA) for name, text in properties)
