"""GIF, APNG, WebP, AVIF, AVI and MXF as targets; pictures that FFmpeg shows black are refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.makers.clips import decode, make_clip, picture, seconds
from tests.makers.containers import Sound, enlarge, make_file, read_streams
from vidsr.errors import ContainerError, InputError, OptionError

TICKS = {".gif": Fraction(1, 200), ".apng": Fraction(1, 1000), ".avif": Fraction(1, 1000)}


def times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as file:
        frames = list(file.decode(file.streams.video[-1]))  # AVIF has a still beside the moving one
    return [seconds(frame) - seconds(frames[0]) for frame in frames]


def rgb(image: av.VideoFrame) -> np.ndarray[Any, Any]:
    return image.to_ndarray(format="rgb24").astype(int)


@pytest.mark.parametrize("suffix", [".gif", ".apng", ".avif"])
@pytest.mark.parametrize("pts", [[0, 1, 2, 3, 4], [0, 2, 3, 7, 8], [0, 10, 11, 30, 31]])
def test_moving_pictures_keep_their_times(tmp_path: Path, suffix: str, pts: list[int]) -> None:
    clip = make_clip(tmp_path / "a.mkv", pts=pts, time_base=Fraction(1, 25), size=(64, 48))
    enlarge(clip.path, tmp_path / f"b{suffix}")
    found = times(tmp_path / f"b{suffix}")
    assert len(found) == len(pts)
    for time, stamp in zip(found, pts, strict=True):
        assert abs(time - Fraction(stamp, 25)) <= TICKS[suffix]


@pytest.mark.parametrize(
    ("suffix", "worst"), [(".gif", 40), (".apng", 0), (".png", 0), (".avif", 30)]
)
@pytest.mark.parametrize("pix_fmt", ["rgb24", "yuv420p"])
def test_colours_of_moving_pictures(tmp_path: Path, suffix: str, worst: int, pix_fmt: str) -> None:
    pictures = [picture(64, 48, pix_fmt, index=i) for i in range(3)]
    clip = make_clip(
        tmp_path / "a.mkv",
        pictures=pictures,
        pix_fmt=pix_fmt,
        codec="libx264rgb" if pix_fmt == "rgb24" else "libx264",
    )
    enlarge(clip.path, tmp_path / "b.mkv", codec="ffv1")
    target = tmp_path / ("%d.png" if suffix == ".png" else f"b{suffix}")
    enlarge(clip.path, target)
    best, found = (
        decode(tmp_path / "b.mkv")[0],
        decode(tmp_path / "1.png" if suffix == ".png" else target)[0],
    )
    difference = np.abs(rgb(best) - rgb(found))
    assert difference.mean() <= worst / 8 + (0 if pix_fmt == "rgb24" else 3)


def test_webp_moves_and_is_numbered(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    clip = make_clip(tmp_path / "a.mkv", frames=5, size=(64, 48)).path
    enlarge(clip, tmp_path / "b.webp")
    with image.open(tmp_path / "b.webp") as webp:
        assert (webp.n_frames, webp.size) == (5, (128, 96))
    enlarge(clip, tmp_path / "%02d.webp")
    assert [len(decode(tmp_path / f"0{n}.webp")) for n in (1, 5)] == [1, 1]
    enlarge(tmp_path / "01.webp", tmp_path / "c.webp")
    assert decode(tmp_path / "c.webp")[0].width == 256
    enlarge(clip, tmp_path / "best.mkv", codec="ffv1")
    best, found = decode(tmp_path / "best.mkv")[0], decode(tmp_path / "01.webp")[0]
    assert np.abs(rgb(best) - rgb(found)).mean() < 6


@pytest.mark.parametrize("suffix", [".gif", ".apng", ".webp", ".avif"])
def test_files_of_pictures_leave_sound_out_and_say_so(tmp_path: Path, suffix: str) -> None:
    source = make_file(tmp_path / "a.mkv", sounds=[Sound()], size=(64, 48))
    report = enlarge(source, tmp_path / f"b{suffix}")
    assert any("pictures hold no other streams" in note for note in report.notes)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        (".gif", "h264"),
        (".apng", "png"),
        (".webp", "jpeg"),
        (".avif", "hevc"),
        (".avi", "hevc"),
        (".mxf", "h264"),
        (".mkv", "gif"),
        (".mp4", "webp"),
    ],
)
def test_codecs_that_a_container_does_not_hold_are_refused(
    tmp_path: Path, suffix: str, codec: str
) -> None:
    clip = make_clip(tmp_path / "a.mkv", frames=2, size=(64, 48)).path
    with pytest.raises(OptionError, match="codec"):
        enlarge(clip, tmp_path / f"b{suffix}", codec=codec)


@pytest.mark.parametrize("codec", [None, "jpeg", "ffv1"])
@pytest.mark.parametrize("sound", ["aac", "ac3", "pcm_s16le", "libmp3lame"])
def test_avi_keeps_times_and_sound(tmp_path: Path, codec: str | None, sound: str) -> None:
    source = make_file(tmp_path / "a.mkv", sounds=[Sound(sound)], size=(64, 48))
    enlarge(source, tmp_path / "b.avi", codec=codec)
    assert times(tmp_path / "b.avi") == [Fraction(n, 25) for n in range(8)]
    before, after = (read_streams(path)[1] for path in (source, tmp_path / "b.avi"))
    assert b"".join(after.payloads) == b"".join(before.payloads)


def test_h264_in_avi_holds_every_frame(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", frames=9, size=(64, 48)).path
    report = enlarge(clip, tmp_path / "b.avi", codec="h264")
    assert len(decode(tmp_path / "b.avi")) == 9
    assert any("a frame late" in note for note in report.notes)


@pytest.mark.parametrize("pts", [[0, 1, 2, 4, 5], [0, 3, 4, 5, 9], [0, 1, 10, 11, 12]])
def test_pauses_stay_in_avi(tmp_path: Path, pts: list[int]) -> None:
    clip = make_clip(tmp_path / "a.mp4", pts=pts, time_base=Fraction(1, 25), size=(64, 48))
    enlarge(clip.path, tmp_path / "b.avi")
    rate = av.open(str(clip.path)).streams.video[0].guessed_rate
    assert rate
    for time, stamp in zip(times(tmp_path / "b.avi"), pts, strict=True):
        assert abs(time - Fraction(stamp, 25)) <= 1 / rate


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "yuv420p10le"])
@pytest.mark.parametrize(("suffix", "rate"), [(".mxf", 25), (".mxf", 24), (".mov", 50)])
def test_dnxhr(tmp_path: Path, pix_fmt: str, suffix: str, rate: int) -> None:
    codec = "libx264" if pix_fmt == "yuv420p" else "ffv1"
    clip = make_clip(
        tmp_path / "a.mkv", frames=4, size=(256, 144), pix_fmt=pix_fmt, rate=rate, codec=codec
    )
    enlarge(clip.path, tmp_path / f"b{suffix}", codec="dnxhr")
    frames = decode(tmp_path / f"b{suffix}")
    assert [frame.width for frame in frames] == [512] * 4
    assert ("10" in frames[0].format.name) == ("10" in pix_fmt)
    assert times(tmp_path / f"b{suffix}") == [Fraction(n, rate) for n in range(4)]


def test_mxf_takes_pcm_and_converts_the_rest(tmp_path: Path) -> None:
    source = make_file(tmp_path / "a.mkv", size=(256, 144), sounds=[Sound("pcm_s16le")])
    enlarge(source, tmp_path / "b.mxf")
    assert [track.codec for track in read_streams(tmp_path / "b.mxf")] == ["dnxhd", "pcm_s16le"]
    other = make_file(tmp_path / "c.mkv", size=(256, 144), sounds=[Sound("aac")])
    with pytest.raises(ContainerError, match="audio"):
        enlarge(other, tmp_path / "d.mxf")
    enlarge(other, tmp_path / "d.mxf", audio="auto")
    assert read_streams(tmp_path / "d.mxf")[1].codec == "pcm_s24le"


@pytest.mark.parametrize("mode", ["RGB", "L", "YCbCr"])
def test_tiff_with_jpeg_inside_is_refused_and_never_black(tmp_path: Path, mode: str) -> None:
    image = pytest.importorskip("PIL.Image")
    image.linear_gradient("L").convert("RGB").convert(mode).save(
        tmp_path / "1.tif", compression="jpeg"
    )
    with pytest.raises(InputError, match="JPEG inside"):
        enlarge(tmp_path / "1.tif", tmp_path / "b.png")
    with pytest.raises(InputError, match=r"1\.tif: is a TIFF with JPEG inside"):
        enlarge(tmp_path / "%d.tif", tmp_path / "b.mp4")


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate", "packbits"])
def test_other_tiffs_are_read(tmp_path: Path, compression: str | None) -> None:
    image = pytest.importorskip("PIL.Image")
    gradient = image.linear_gradient("L").resize((32, 32)).convert("RGB")
    gradient.save(tmp_path / "a.tif", compression=compression)
    enlarge(tmp_path / "a.tif", tmp_path / "b.png")
    assert rgb(decode(tmp_path / "b.png")[0]).mean() > 100


@pytest.mark.parametrize("lossless", [True, False])
def test_animated_webp_is_refused_in_clear_words(tmp_path: Path, lossless: bool) -> None:
    image = pytest.importorskip("PIL.Image")
    first, second = (image.new("RGB", (32, 32), color) for color in ("red", "blue"))
    first.save(tmp_path / "a.webp", save_all=True, append_images=[second], lossless=lossless)
    with pytest.raises(InputError, match="an animated WebP, which FFmpeg does not decode"):
        enlarge(tmp_path / "a.webp", tmp_path / "b.mp4")


@pytest.mark.parametrize(
    ("suffix", "clear"), [(".png", True), (".png", False), (".gif", True), (".tif", False)]
)
def test_transparent_colours_of_a_palette_are_named(
    tmp_path: Path, suffix: str, clear: bool
) -> None:
    image = pytest.importorskip("PIL.Image")
    colours = image.linear_gradient("L").resize((30, 30)).convert("RGB").quantize(16)
    colours.save(tmp_path / f"a{suffix}", **({"transparency": 0} if clear else {}))
    report = enlarge(tmp_path / f"a{suffix}", tmp_path / "b.png")
    assert any("alpha" in note for note in report.notes) == clear
