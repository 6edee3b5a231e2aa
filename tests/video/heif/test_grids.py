"""Pictures in HEIC and AVIF files: whole, upright and alone, or refused in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from tests.makers.containers import enlarge
from tests.makers.heif import Item, coded, cut, imir, irot, layout, make_grid, write_heif
from vidsr.errors import InputError
from vidsr.notes import Notes
from vidsr.picture.frame import Frame
from vidsr.video.heif.items import read_primary
from vidsr.video.source.file_source import FileSource
from vidsr.video.still_images import read_picture

Array = np.ndarray[Any, Any]
SUFFIXES = ("heic", "avif")


def drawing(width: int, height: int) -> Array:
    down, across = np.mgrid[0:height, 0:width]
    planes = [
        across * 255 // width,
        down * 255 // height,
        (across + down) * 255 // (width + height),
    ]
    return np.stack(planes, -1).astype(np.uint8)


def difference(path: Path, wanted: Array) -> float:
    read = read_picture(path).permute(1, 2, 0).numpy().astype(float)
    assert read.shape == wanted.shape
    return float(np.abs(read - wanted).max())


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("width", "height", "inside"),
    [(128, 128, True), (192, 64, False), (150, 100, True), (101, 67, False), (65, 129, True)],
)
def test_a_grid_is_one_picture(
    tmp_path: Path, suffix: str, width: int, height: int, inside: bool
) -> None:
    wanted = drawing(width, height)
    path = make_grid(tmp_path / f"a.{suffix}", wanted, (64, 64), inside=inside)
    with FileSource(path) as source:
        frames = [item for item in source if isinstance(item, Frame)]
    assert [(f.format.width, f.format.height) for f in frames] == [(width, height)]
    assert len(source.header.streams) == 1
    assert difference(path, wanted) < 24


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_run_writes_the_whole_picture(tmp_path: Path, suffix: str) -> None:
    wanted = drawing(150, 100)
    path = make_grid(tmp_path / f"a.{suffix}", wanted, (64, 64))
    enlarge(path, tmp_path / "b.png")
    seen = np.asarray(Image.open(tmp_path / "b.png").convert("RGB")).astype(float)
    half = seen.reshape(100, 2, 150, 2, 3).mean((1, 3))
    assert np.sqrt(((half - wanted) ** 2).mean()) < 3


TURNS: dict[str, tuple[list[bytes], Callable[[Array], Array]]] = {
    "counterclockwise": ([irot(1)], lambda p: np.rot90(p)),
    "half": ([irot(2)], lambda p: np.rot90(p, 2)),
    "clockwise": ([irot(3)], lambda p: np.rot90(p, 3)),
    "top and bottom": ([imir(0)], lambda p: p[::-1]),
    "left and right": ([imir(1)], lambda p: p[:, ::-1]),
    "turned, then mirrored": ([irot(1), imir(0)], lambda p: np.rot90(p)[::-1]),
    "mirrored, then turned": ([imir(0), irot(1)], lambda p: np.rot90(p[::-1])),
}


@pytest.mark.parametrize("name", TURNS)
def test_a_grid_is_turned_as_its_file_says(tmp_path: Path, name: str) -> None:
    turns, turn = TURNS[name]
    picture = drawing(150, 100)
    path = make_grid(tmp_path / "a.heic", picture, (64, 64), turns=turns)
    wanted = turn(picture).astype(float)
    assert difference(path, wanted) < 24
    enlarge(path, tmp_path / "b.png")
    seen = np.asarray(Image.open(tmp_path / "b.png").convert("RGB")).astype(float)
    half = seen.reshape(wanted.shape[0], 2, wanted.shape[1], 2, 3).mean((1, 3))
    assert np.sqrt(((half - wanted) ** 2).mean()) < 3


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_thumbnail_in_front_is_not_the_picture(tmp_path: Path, suffix: str) -> None:
    small = cut(drawing(64, 64)[::-1], (64, 64), 1, 1)[0]
    thumbnail = coded(tmp_path, 5, small, suffix)
    thumbnail.refers[b"thmb"] = [1]
    wanted = drawing(150, 100)
    path = make_grid(tmp_path / f"a.{suffix}", wanted, (64, 64), extra=[thumbnail])
    assert difference(path, wanted) < 24
    main = coded(tmp_path, 1, cut(wanted, (150, 100), 1, 1)[0], suffix)
    assert difference(write_heif(tmp_path / f"b.{suffix}", 1, [thumbnail, main]), wanted) < 24


def test_other_pictures_of_the_file_are_no_streams(tmp_path: Path) -> None:
    image = Image.fromarray(drawing(64, 64))
    image.putalpha(100)
    image.save(tmp_path / "a.avif")
    notes = Notes()
    with FileSource(tmp_path / "a.avif", notes=notes) as source:
        assert len(source.header.streams) == 1
    assert "the alpha channel (transparency) is not carried over" in notes.said
    assert not any("2 video streams" in text for text in notes.said)


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught, FileSource(path) as source:
        list(source)
    with pytest.raises(InputError):
        read_picture(path)
    return str(caught.value)


def test_what_is_made_otherwise_is_refused(tmp_path: Path) -> None:
    tile = coded(tmp_path, 10, cut(drawing(64, 64), (64, 64), 1, 1)[0], "heic")
    overlay = Item(1, b"iovl", bytes(20), [], {b"dimg": [10]})
    path = write_heif(tmp_path / "a.heic", 1, [tile, overlay])
    assert "expected a coded picture or a grid of tiles, got one of kind 'iovl'" in refusal(path)


def grid_of(tmp_path: Path, data: bytes, numbers: list[int]) -> Path:
    tiles = [
        coded(tmp_path, 10 + i, t, "heic")
        for i, t in enumerate(cut(drawing(128, 64), (64, 64), 2, 1))
    ]
    whole = Item(1, b"grid", data, [], {b"dimg": numbers})
    return write_heif(tmp_path / "a.heic", 1, [*tiles, whole])


@pytest.mark.parametrize(
    ("data", "numbers"),
    [
        (layout(2, 1, 128, 64), [10]),  # a tile too few
        (layout(2, 1, 128, 64), [10, 77]),  # one that is not there
        (layout(2, 1, 300, 64), [10, 11]),  # larger than its tiles
        (layout(2, 1, 60, 64), [10, 11]),  # a column that nothing of is seen
        (layout(2, 1, 0, 0), [10, 11]),
        (layout(2, 1, 128, 64)[:5], [10, 11]),
        (b"", [10, 11]),
    ],
)
def test_a_grid_that_is_none_is_refused(tmp_path: Path, data: bytes, numbers: list[int]) -> None:
    assert "a.heic" in refusal(grid_of(tmp_path, data, numbers))


def test_a_damaged_tile_is_no_grey_patch(tmp_path: Path) -> None:
    path = make_grid(tmp_path / "a.heic", drawing(128, 64), (64, 64))
    data = bytearray(path.read_bytes())
    data[-200:] = bytes(200)
    path.write_bytes(data)
    with av.open(str(path)) as container:
        assert len(container.streams) == 2
    try:
        seen = read_picture(path)
    except InputError:
        return
    assert seen.shape == (3, 64, 128)


def test_films_have_no_primary_picture(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mov"):
        with av.open(str(tmp_path / name), "w") as container:
            stream = container.add_stream("libx264", rate=25)
            assert isinstance(stream, av.VideoStream)
            container.mux(stream.encode(av.VideoFrame(640, 480, "yuv420p")))
            container.mux(stream.encode(None))
        assert read_primary(tmp_path / name) is None
