"""Pictures that become a file for players are in the format that players show, and that is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

import vidsr
from tests.doubles.warm import command, run_warm
from tests.makers.clips import make_clip


def pictures(
    folder: Path, mode: str, suffix: str = "png", size: tuple[int, int] = (24, 32)
) -> Path:
    """Two numbered pictures of one of PyAV's formats."""
    folder.mkdir()
    for number in range(2):
        rgb = np.full((*size, 3), 40 + 90 * number, np.uint8)
        image = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=mode)
        codec = {"png": "png", "jpg": "mjpeg", "tif": "tiff"}[suffix]
        with av.open(str(folder / f"{number}.{suffix}"), "w", format="image2") as target:
            stream: Any = target.add_stream(codec, rate=1)
            stream.width, stream.height, stream.pix_fmt = size[1], size[0], mode
            target.mux(stream.encode(image))
            target.mux(stream.encode(None))
    return folder / f"%d.{suffix}"


def format_of(path: Path) -> str:
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).format.name.replace("yuvj", "yuv")  # full range


@pytest.mark.parametrize(
    ("mode", "source", "target", "wanted"),
    [
        ("rgb24", "png", "a.mp4", "yuv420p"),
        ("gray", "png", "a.mp4", "yuv420p"),
        ("rgb24", "png", "a.mov", "yuv420p"),
        ("yuvj444p", "jpg", "a.mp4", "yuv420p"),
        ("rgb24", "tif", "a.m4v", "yuv420p"),
        ("rgb24", "png", "a.mkv", "yuv444p"),  # for archives, which keep what there is
        ("rgb48be", "png", "a.mp4", "gbrp12le"),
    ],
)
def test_numbered_pictures(
    mode: str, source: str, target: str, wanted: str, tmp_path: Path
) -> None:
    pattern = pictures(tmp_path / "in", mode, source)
    report = vidsr.upscale(pattern, tmp_path / target, model="lite-x2", device="cpu")
    assert format_of(tmp_path / target) == wanted == report.pixel_format
    said = [note for note in report.notes if "which players show" in note]
    assert len(said) == (wanted == "yuv420p")
    assert not any("few players" in note for note in report.notes) or wanted != "yuv420p"


def test_a_picture_is_for_viewers_and_not_for_players(tmp_path: Path) -> None:
    pattern = pictures(tmp_path / "in", "rgb24", "png")
    report = vidsr.upscale(pattern, tmp_path / "%d.jpg", model="lite-x2", device="cpu")
    assert report.pixel_format == "yuvj444p"
    assert not any("players" in note for note in report.notes)


def test_what_is_asked_for_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pattern = pictures(tmp_path / "in", "rgb24")
    more: dict[str, Any] = {"model": "lite-x2", "device": "cpu", "pix_fmt": "yuv444p"}
    vidsr.upscale(pattern, tmp_path / "a.mp4", **more)
    assert format_of(tmp_path / "a.mp4") == "yuv444p"


def test_odd_sizes_stay_whole(tmp_path: Path) -> None:
    pattern = pictures(tmp_path / "in", "rgb24", size=(21, 33))
    more: dict[str, Any] = {"model": "unet", "device": "cpu"}
    vidsr.upscale(pattern, tmp_path / "a.mp4", **more)
    assert format_of(tmp_path / "a.mp4") == "yuv444p"


def test_videos_stay_what_they_are(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv", frames=2, codec="ffv1", pix_fmt="yuv444p").path
    vidsr.upscale(clip, tmp_path / "a.mp4", model="lite-x2", device="cpu", codec="h264")
    assert format_of(tmp_path / "a.mp4") == "yuv444p"


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "vp9", "ffv1"])
def test_quiet_encoders(codec: str, tmp_path: Path) -> None:
    """In a process of its own: SVT-AV1 asks how much to say once, when it is first used."""
    clip = make_clip(tmp_path / "in.mkv", frames=2, size=(64, 64)).path
    words = [clip, "-o", tmp_path / "a.mkv", "--model", "lite-x2", "--device", "cpu"]
    code = f"import os; os.environ.pop('SVT_LOG', None); {command('vidsr.cli')}"
    done = run_warm(code, [*words, "--codec", codec, "-q"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
