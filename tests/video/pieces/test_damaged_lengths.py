"""Files that announce more frames than they have room for are not cut into pieces."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.makers.clips import make_clip
from tests.makers.containers import enlarge
from vidsr.video.pieces.planning import _is_believed


@pytest.mark.parametrize(("frames", "believed"), [(1, True), (100, True), (101, False)])
def test_a_frame_takes_some_bytes(tmp_path: Path, frames: int, believed: bool) -> None:
    path = tmp_path / "a.avi"
    path.write_bytes(bytes(1600))
    assert _is_believed(str(path), frames) is believed
    assert _is_believed(str(tmp_path / "numbered%03d.png"), frames)


def test_an_avi_that_announces_billions_ends_at_once(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.avi", codec="mjpeg", pix_fmt="yuvj420p", frames=4).path
    data = bytearray(source.read_bytes())
    length = data.index(b"strh") + 8 + 32  # dwLength of the first stream
    data[length : length + 4] = struct.pack("<I", 2_000_000_000)
    source.write_bytes(data)
    assert enlarge(source, tmp_path / "b.mkv").frames == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.avi", "b.mkv"]
