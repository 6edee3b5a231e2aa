"""Lists of HEIF files that repeat themselves or count beyond measure."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.makers.heif import box, full, imir, irot, layout
from vidsr.video.heif.items import read_primary

LAYOUT = layout(2, 1, 128, 64)
PRIMARY = full(b"pitm", struct.pack(">H", 1))
TILES = full(b"iref", box(b"dimg", struct.pack(">HHHH", 1, 2, 10, 11)))
ENTRY = struct.pack(">HHHHII", 1, 1, 0, 1, 0, len(LAYOUT))
PLACES = full(b"iloc", struct.pack(">HH", 0x4400, 1), ENTRY, version=1)
TURNS = box(b"ipco", irot(1), imir(0))
FIRST, SECOND = (full(b"ipma", struct.pack(">IHBB", 1, 1, 1, place)) for place in (1, 2))


def kinds(kind: bytes) -> bytes:
    entry = full(b"infe", struct.pack(">HH4s", 1, 0, kind), b"\0", version=2)
    return full(b"iinf", struct.pack(">H", 1), entry)


def write(path: Path, *boxes: bytes) -> Path:
    path.write_bytes(box(b"ftyp", b"heic") + full(b"meta", PRIMARY, TILES, *boxes))
    return path


def test_the_first_list_of_a_kind_counts(tmp_path: Path) -> None:
    other = full(b"iloc", struct.pack(">HH", 0x4400, 0), version=1)
    lists = (kinds(b"grid"), kinds(b"hvc1"), PLACES, other, box(b"idat", LAYOUT), box(b"idat"))
    primary = read_primary(write(tmp_path / "a.heic", *lists))
    assert primary is not None
    assert primary.kind == b"grid"
    assert primary.grid is not None
    assert (primary.grid.tiles, primary.grid.width) == ((10, 11), 128)


def test_properties_are_linked_in_several_lists(tmp_path: Path) -> None:
    def matrix(*links: bytes) -> object:
        lists = (kinds(b"grid"), PLACES, box(b"idat", LAYOUT), box(b"iprp", TURNS, *links))
        primary = read_primary(write(tmp_path / "a.heic", *lists))
        return primary and primary.grid and primary.grid.matrix

    assert matrix() == (1, 0, 0, 1)
    both = full(b"ipma", struct.pack(">IHBBB", 1, 1, 2, 1, 2))
    assert matrix(FIRST, SECOND) == matrix(both)
    assert len({matrix(), matrix(FIRST), matrix(SECOND), matrix(both)}) == 4


def test_parts_without_bytes_are_not_counted(tmp_path: Path) -> None:
    entries = struct.pack(">HHH", 9, 0, 0xFFFF) * 20_000
    places = full(b"iloc", struct.pack(">HH", 0, 20_000), entries)
    with pytest.raises(ValueError, match="no layout"):
        read_primary(write(tmp_path / "a.avif", kinds(b"grid"), places))


@pytest.mark.parametrize(("parts", "refused"), [(64, False), (65, True)])
def test_an_item_of_very_many_parts_is_refused(tmp_path: Path, parts: int, refused: bool) -> None:
    head = struct.pack(">HHHHHH", 0x1100, 2, 9, 0, 0, parts)
    places = full(b"iloc", head, bytes(2 * parts), ENTRY[:8] + b"\0\x08", version=1)
    path = write(tmp_path / "a.heic", kinds(b"grid"), places, box(b"idat", LAYOUT))
    if refused:
        with pytest.raises(ValueError, match="expected at most 64 parts of item 9, got 65"):
            read_primary(path)
    else:
        assert read_primary(path) is not None
