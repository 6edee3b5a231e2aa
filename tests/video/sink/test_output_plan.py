"""What is refused or decided before the first frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import vidsr
from tests.makers.clips import Tags, decode, make_clip
from tests.makers.containers import Sound, enlarge, make_file
from vidsr.errors import OptionError


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "a.mp4", size=(32, 24), frames=2).path


@pytest.mark.parametrize(
    ("choices", "named"),
    [
        ({"codec": "h265"}, "expected one of h264, hevc, av1, vp9, prores, ffv1"),
        ({"crf": 52}, "expected 0 to 51"),
        ({"crf": -1}, "expected 0 to 51"),
        ({"codec": "av1", "crf": 64}, "expected 0 to 63"),
        ({"codec": "ffv1", "crf": 1}, "no quality setting"),
        ({"preset": "quick"}, "ultrafast, superfast"),
        ({"codec": "av1", "preset": "14"}, "0, 1, 2"),
        ({"codec": "prores", "preset": "fast"}, "proxy, lt"),
        ({"pix_fmt": "yuv420p12le"}, "yuv420p, .*yuv444p"),
        ({"pix_fmt": "nonsense"}, "yuv420p, .*yuv444p"),
        ({"size": (65, 48)}, "multiple of 2x2"),
        ({"size": (64, 49)}, "multiple of 2x2"),
    ],
)
def test_wrong_choices_name_what_is_allowed(
    clip: Path, tmp_path: Path, choices: dict[str, Any], named: str
) -> None:
    with pytest.raises(OptionError, match=named):
        vidsr.upscale(clip, tmp_path / "b.mkv", model="lite-x2", **choices)
    assert not (tmp_path / "b.mkv").exists()
    assert not (tmp_path / "b.mkv.part").exists()


@pytest.mark.parametrize(
    "choices",
    [
        {"size": (65, 49), "codec": "ffv1"},
        {"size": (65, 49), "codec": "h264", "pix_fmt": "yuv444p"},
        {"size": (65, 49), "codec": "hevc", "pix_fmt": "gray"},
    ],
)
def test_odd_sizes_where_the_format_has_them(
    clip: Path, tmp_path: Path, choices: dict[str, Any]
) -> None:
    enlarge(clip, tmp_path / "b.mkv", **choices)
    image = decode(tmp_path / "b.mkv")[0]
    assert (image.width, image.height) == (65, 49)


@pytest.mark.parametrize(
    ("suffix", "pix_fmt", "codec"),
    [
        ("mp4", "yuv420p", "h264"),
        ("mp4", "yuv420p10le", "hevc"),
        ("mkv", "yuv422p", "h264"),
        ("mov", "yuv420p", "h264"),
        ("ts", "yuv420p10le", "hevc"),
        ("webm", "yuv420p", "vp9"),
        ("webm", "yuv420p10le", "av1"),
        ("png", "yuv420p", "png"),
        ("jpg", "yuv420p", "jpeg"),
        ("tiff", "yuv420p", "tiff"),
    ],
)
def test_the_codec_follows_from_the_target(
    tmp_path: Path, suffix: str, pix_fmt: str, codec: str
) -> None:
    source = make_clip(tmp_path / "a.mkv", size=(32, 24), frames=1, codec="ffv1", pix_fmt=pix_fmt)
    assert enlarge(source.path, tmp_path / f"b.{suffix}").codec == codec


def test_rgb_becomes_bt709_unless_its_primaries_say_more(tmp_path: Path) -> None:
    for primaries, matrix in ((1, 1), (9, 9)):
        source = make_clip(
            *(tmp_path / f"a{primaries}.mkv",),
            size=(32, 24),
            frames=1,
            codec="ffv1",
            pix_fmt="bgr0",
            tags=Tags(matrix=0, primaries=primaries, transfer=13, range=2),
        )
        report = enlarge(source.path, tmp_path / f"b{primaries}.mkv", codec="h264")
        assert decode(tmp_path / f"b{primaries}.mkv")[0].colorspace == matrix
        assert any("RGB becomes" in note for note in report.notes)


def test_pictures_drop_sound_with_a_note(tmp_path: Path) -> None:
    source = make_file(tmp_path / "a.mkv", frames=2, sounds=[Sound()])
    report = enlarge(source, tmp_path / "b%d.png")
    assert any("pictures hold no other streams" in note for note in report.notes)


def test_probing_a_target_leaves_nothing_behind(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError):
        enlarge(clip, tmp_path / "b.webm", codec="h264")
    assert list(tmp_path.iterdir()) == [clip]
