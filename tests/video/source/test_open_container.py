"""Opening files and numbered sequences, and choosing the stream."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from tests.makers.clips import Tone, make_clip, picture
from vidsr.errors import InputError
from vidsr.notes import Notes
from vidsr.picture.frame import Frame
from vidsr.video.image_sequences import is_image, is_pattern, numbered_files
from vidsr.video.locator import Locator
from vidsr.video.source.file_source import FileSource
from vidsr.video.source.open_container import choose_video, open_input


def pictures(tmp_path: Path, names: list[str]) -> list[float]:
    """Write one flat PNG a name, each lighter than the last; returns their levels."""
    levels = [20.0 * number + 10 for number in range(len(names))]
    for name, level in zip(names, levels, strict=True):
        image = av.VideoFrame(16, 16, "rgb24")
        (plane,) = image.planes
        plane.update(bytes([int(level)]) * plane.buffer_size)
        make_clip(tmp_path / "%d.tmp.png", codec="png", pictures=[image])
        (tmp_path / "1.tmp.png").rename(tmp_path / name)
    return levels


def read(path: Path, **choices: Any) -> tuple[FileSource, list[float]]:
    """The closed source and the mean level of each frame."""
    with FileSource(path, **choices) as source:
        frames = [item for item in source if isinstance(item, Frame)]
    return source, [float(frame.planes[0].float().mean()) for frame in frames]


def test_a_sequence_starts_where_it_starts(tmp_path: Path) -> None:
    levels = pictures(tmp_path, ["f1000.png", "f1001.png", "f1002.png"])
    source, shown = read(tmp_path / "f%d.png")
    assert shown == levels
    assert source.first_number == 1000
    assert source.info.rate == 25


def test_a_sequence_counts_past_its_digits(tmp_path: Path) -> None:
    levels = pictures(tmp_path, ["99.png", "100.png"])
    assert read(tmp_path / "%02d.png")[1] == levels


def test_a_gap_is_refused_by_its_number(tmp_path: Path) -> None:
    pictures(tmp_path, ["f008.png", "f009.png", "f011.png"])
    with pytest.raises(InputError, match="number 10 is missing"):
        FileSource(tmp_path / "f%03d.png")


def test_the_frame_rate_is_a_choice(tmp_path: Path) -> None:
    pictures(tmp_path, ["1.png", "2.png", "3.png"])
    rate = Fraction(30000, 1001)
    with FileSource(tmp_path / "%d.png", framerate=rate) as source:
        frames = [item for item in source if isinstance(item, Frame)]
    assert source.rate == rate
    assert [f.pts * source.time_base for f in frames if f.pts is not None] == [
        n / rate for n in range(3)
    ]


def test_a_start_in_a_sequence(tmp_path: Path) -> None:
    levels = pictures(tmp_path, [f"{n}.png" for n in range(5, 11)])
    source, shown = read(tmp_path / "%d.png", start_s=0.08, duration_s=0.08)
    assert shown == levels[2:4]
    assert source.counts.decoded <= 4  # it seeks


def test_a_single_picture_is_one_frame(tmp_path: Path) -> None:
    levels = pictures(tmp_path, ["a1.png", "a2.png"])
    source, shown = read(tmp_path / "a1.png")
    assert shown == levels[:1]
    assert source.first_number == 1


@pytest.mark.parametrize("name", ["100%.png", "a%03d.png", "[1].png", "12:30.png"])
def test_awkward_names_are_only_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    levels = pictures(tmp_path, [name])
    monkeypatch.chdir(tmp_path)
    assert read(Path(name))[1] == levels


def test_a_percent_sign_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "50%d").mkdir()
    levels = pictures(tmp_path, ["50%d/1.png", "50%d/2.png"])
    assert read(tmp_path / "50%d" / "%d.png")[1] == levels


def test_an_empty_sequence_is_refused(tmp_path: Path) -> None:
    (tmp_path / "frame.png").touch()
    for pattern in ("%d.png", "frame%d.png", "frame%0d.png", "%05d.png"):
        with pytest.raises(InputError, match="no file of this sequence exists"):
            FileSource(tmp_path / pattern)


@pytest.mark.parametrize(
    ("pattern", "names", "numbers"),
    [
        ("%d.png", ["1.png", "07.png", "10.png", "x.png", "1.jpg"], [1, 10]),
        ("%03d.png", ["001.png", "1.png", "0002.png", "1000.png"], [1, 1000]),
        ("%3d.png", ["001.png", "1.png"], [1]),
        ("a(%d).png", ["a(3).png", "a3.png"], [3]),
    ],
)
def test_numbers_print_back_to_their_names(
    tmp_path: Path, pattern: str, names: list[str], numbers: list[int]
) -> None:
    for name in names:
        (tmp_path / name).touch()
    found = numbered_files(tmp_path / pattern)
    assert list(found) == numbers
    assert all(path.is_file() for path in found.values())


def test_what_is_a_pattern(tmp_path: Path) -> None:
    assert is_pattern(tmp_path / "%d.png")
    assert is_pattern(tmp_path / "%05d.png")
    assert not is_pattern(tmp_path / "100%.png")
    assert not is_pattern(tmp_path / "%d%d.png")
    assert not is_pattern(tmp_path / "%s.png")
    assert not is_pattern(tmp_path / f"%{'9' * 30}d.png")
    (tmp_path / "%d.png").touch()
    assert not is_pattern(tmp_path / "%d.png")
    assert numbered_files(tmp_path / "no folder" / "%d.png") == {}


def test_what_is_a_picture() -> None:
    assert is_image(Path("a.PNG"))
    assert is_image(Path("a.jpeg"))
    assert not is_image(Path("a.mp4"))


def test_sequences_of_jpeg(tmp_path: Path) -> None:
    clip = make_clip(
        tmp_path / "f%03d.jpg", codec="mjpeg", pix_fmt="yuvj420p", frames=3, size=(33, 17)
    )
    with FileSource(clip.path) as source:
        frames = [item for item in source if isinstance(item, Frame)]
    assert len(frames) == 3
    assert frames[0].format.color.full_range
    assert (frames[0].format.width, frames[0].format.height) == (33, 17)


def test_a_picture_with_exif_is_read(tmp_path: Path) -> None:
    """PyAV has no name for EXIF side data and refuses to list any."""
    clip = make_clip(
        tmp_path / "a.tiff",
        codec="tiff",
        pix_fmt="rgb24",
        frames=1,
        container_options={"update": "1"},
    )
    with FileSource(clip.path) as source:
        assert sum(isinstance(item, Frame) for item in source) == 1


def test_the_best_of_several_videos_is_chosen_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as target:
        streams = []
        for size in (64, 32):
            stream = target.add_stream("ffv1", rate=25)
            stream.width = stream.height = size
            stream.pix_fmt = "yuv420p"
            streams.append((stream, size))
        for stream, size in streams:
            target.mux(stream.encode(picture(size, size)))
        for stream, _ in streams:
            target.mux(stream.encode(None))
    notes = Notes()
    with open_input(Locator.of(path), None) as container:
        chosen = choose_video(container, Locator.of(path), notes)
        assert (chosen.index, chosen.width) == (0, 64)
    assert notes.said == ("2 video streams: stream 0 is upscaled, the others are not",)


def test_sound_does_not_matter(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=4, audio=[Tone(), Tone(language="deu")])
    notes = Notes()
    with open_input(Locator.of(clip.path), None) as container:
        assert choose_video(container, Locator.of(clip.path), notes).type == "video"
    assert notes.said == ()
