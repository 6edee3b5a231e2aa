"""The clip that is measured on: drawn, or the beginning of a file."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.makers.clips import decode, make_audio, make_clip, samples
from vidsr.bench.clip import beginning, bounce, draw, drawn
from vidsr.errors import InputError, NoInputError


def test_to_and_fro() -> None:
    assert list(bounce(8, 3)) == [0, 1, 2, 1, 0, 1, 2, 1]
    assert list(bounce(3, 1)) == [0, 0, 0]


@pytest.mark.parametrize(("width", "height"), [(96, 54), (34, 18)])
def test_a_drawn_clip_has_its_size_length_and_rate(tmp_path: Path, width: int, height: int) -> None:
    footage = drawn(tmp_path / "a.mp4", width, height, 5, Fraction(30000, 1001))
    found = decode(tmp_path / "a.mp4")
    assert len(found) == footage.frames == 5
    assert {(f.width, f.height) for f in found} == {(width, height)}
    assert footage.rate == "30000/1001"
    assert footage.duration_s is None


def test_drawn_pictures_move_have_detail_and_are_the_same_each_time() -> None:
    first, again = ([samples(image) for image in draw(96, 54, 4)] for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    lumas = [planes[0].astype(int) for planes in first]
    for before, after in pairwise(lumas):
        assert np.abs(after - before).mean() > 5  # noise alone, sigma 1.5, gives 1.7
    assert lumas[0].std() > 15
    assert lumas[0].min() >= 16
    assert lumas[0].max() <= 235


def test_the_beginning_of_a_longer_file_is_the_file_itself(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=12)
    footage = beginning(clip.path, tmp_path / "b.mp4", 6)
    assert footage.path == str(clip.path)
    assert footage.frames == 6
    # Half a frame past the sixth: the sixth is in, the seventh is not.
    sixth, seventh = (float(clip.times[i] - clip.times[0]) for i in (5, 6))
    assert footage.duration_s is not None
    assert sixth < footage.duration_s < seventh
    assert not (tmp_path / "b.mp4").exists()


@pytest.mark.parametrize(
    ("size", "pix_fmt", "codec", "even"),
    [((64, 48), "yuv420p", "libx264", (64, 48)), ((65, 47), "yuv444p10le", "libx265", (64, 46))],
)
def test_a_shorter_file_is_played_to_and_fro_and_said_so(
    tmp_path: Path, size: tuple[int, int], pix_fmt: str, codec: str, even: tuple[int, int]
) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=4, size=size, pix_fmt=pix_fmt, codec=codec)
    footage = beginning(clip.path, tmp_path / "b.mp4", 9)
    assert footage.path == str(tmp_path / "b.mp4")
    assert "4 frames of a.mp4 to and fro, encoded anew" in footage.what
    assert (footage.width, footage.height) == even
    assert len(decode(tmp_path / "b.mp4")) == footage.frames == 9


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("nothing")
    with pytest.raises(InputError, match="not a video"):
        beginning(tmp_path / "a.mp4", tmp_path / "b.mp4", 4)
    sound = make_audio(tmp_path / "sound.mp4")
    with pytest.raises(InputError, match=r"sound\.mp4: holds no video$"):
        beginning(sound, tmp_path / "b.mp4", 4)
    with pytest.raises(NoInputError, match="no such file"):
        beginning(tmp_path / "none.mp4", tmp_path / "b.mp4", 4)
