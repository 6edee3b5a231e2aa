"""Layers beside the pictures that no decoder shows are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.makers.clips import make_clip
from tests.makers.containers import enlarge
from tests.makers.sei import raw_clip
from vidsr.video.bitstream.layers import has_layers

SUFFIX = {"libx264": "a.h264", "libx265": "a.hevc"}
WORDS = "the layers beside the pictures (another view, alpha or more detail) are not carried over"
BASE = {"h264": b"\0\0\1\x65abcd", "hevc": b"\0\0\1\x26\x01abcd"}
OTHER = {"h264": b"\0\0\1\x74abcd", "hevc": b"\0\0\1\x26\x09abcd"}


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_units_of_another_layer(codec: str) -> None:
    assert not has_layers(codec, BASE[codec], b"")
    assert has_layers(codec, BASE[codec] + OTHER[codec], b"")
    record = b"\x01" + bytes(20) + b"\xff\0" if codec == "hevc" else b"\x01\x64\0\x1e\xff"
    lengths = b"".join(
        b"\0\0\0" + bytes((len(u) - 3,)) + u[3:] for u in (BASE[codec], OTHER[codec])
    )
    assert has_layers(codec, lengths, record)


@pytest.mark.parametrize("codec", ["vp9", "av1", "mpeg2video"])
def test_other_codings_are_not_looked_at(codec: str) -> None:
    assert not has_layers(codec, OTHER["h264"] + OTHER["hevc"], b"")


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_second_view_is_named(tmp_path: Path, codec: str) -> None:
    source = raw_clip(tmp_path / SUFFIX[codec], b"", (), frames=4, codec=codec)
    view = OTHER["h264" if codec == "libx264" else "hevc"]
    source.write_bytes(source.read_bytes() + b"\0" + view)
    report = enlarge(source, tmp_path / "b.mkv")
    assert WORDS in report.notes
    assert report.frames == 4


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_one_view_is_nothing_to_speak_of(tmp_path: Path, codec: str) -> None:
    clip = make_clip(tmp_path / "a.mkv", codec=codec, frames=4)
    assert WORDS not in enlarge(clip.path, tmp_path / "b.mkv").notes
