"""Side data is read without a crash, without garbage, and on few pictures."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.sidedata.sidedata import Type
from PIL import Image, ImageCms

from tests.doubles.warm import run_warm
from tests.makers.clips import decode, make_clip
from tests.makers.sei import CAPTION, CAPTION_DATA, HDR10_PLUS, raw_clip
from vidsr.notes import Notes
from vidsr.picture.frame import Frame
from vidsr.video.side_data import KEYS_APART, LOOK_EVERY, SideData, Watch, side_data
from vidsr.video.source.file_source import FileSource

BOUND_S = 240
# Clockwise by a quarter, as EXIF counts 6.
TURNED = [0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30]
SUFFIXES = ("png", "jpg", "webp", "tiff", "avif")
MODES = ("L", "P", "RGBA")

# One line for each picture that was survived.
READ = """
import json, sys
import av
import vidsr
from vidsr.errors import InputError
from vidsr.video.still_images import read_picture
from vidsr.video.source.file_source import FileSource
upscaler = vidsr.Upscaler("lite-x2")
for path in sys.argv[1:]:
    with FileSource(path) as source:
        frames, matrix = len(list(source)), source.info.display_matrix
    try:
        shape = list(read_picture(path).shape)
    except InputError:  # strict reading refuses EXIF in TIFF
        shape = None
    with av.open(path) as file:
        images = list(file.decode(video=0))
    large = upscaler(images[0])
    many = [(image.width, image.height) for image in upscaler.stream(images)]
    print(json.dumps([path, frames, matrix, shape, (large.width, large.height), many]), flush=True)
"""
# The commands, each with what it ends with.
RUN = """
import json, sys
from vidsr.bench.clip import beginning
from pathlib import Path
import vidsr.cli, vidsr.degradation.cli, vidsr.quality.cli
commands = json.loads(sys.argv[1])
mains = {"vidsr": vidsr.cli.main, "degrade": vidsr.degradation.cli.main,
         "eval": vidsr.quality.cli.main}
for name, (program, *arguments) in commands.items():
    if program == "bench":
        code = beginning(Path(arguments[0]), Path(arguments[1]), 2).frames
    else:
        code = mains[program](arguments)
    print(json.dumps([name, code]), flush=True)
"""


def child(code: str, *arguments: str) -> dict[str, list[Any]]:
    """What a process says, up to where it may have died."""
    done = run_warm(code, arguments, timeout=BOUND_S)
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    return {name: rest for name, *rest in told}


def draw(mode: str = "RGB") -> Image.Image:
    samples = np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    return Image.fromarray(samples).convert(mode)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures with an ICC profile, with EXIF, with both; of few colours; moving ones."""
    folder = tmp_path_factory.mktemp("pictures")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for suffix in SUFFIXES:
        for name, icc in (("exif", None), ("both", profile)):
            exif = Image.Exif()
            exif[0x0112] = 6
            draw().save(folder / f"{name}.{suffix}", icc_profile=icc, exif=exif)
        draw().save(folder / f"icc.{suffix}", icc_profile=profile)
    for mode in MODES:
        draw(mode).save(folder / f"{mode}.png", icc_profile=profile)
    rest = [draw().rotate(180)] * 3
    for name in ("moving.apng", "moving.png"):
        path = folder / name
        draw().save(path, "PNG", save_all=True, append_images=rest, icc_profile=profile)
    (folder / "many").mkdir()
    for number in range(1, 31):
        (folder / "many" / f"{number:02}.png").write_bytes((folder / "icc.png").read_bytes())
    return folder


@pytest.fixture(scope="module")
def survived(folder: Path) -> dict[str, list[Any]]:
    return child(READ, *(str(path) for path in sorted(folder.glob("*.*"))))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", ["icc", "exif", "both"])
def test_profiles_and_exif_crash_nothing_and_turn_the_picture(
    folder: Path, survived: dict[str, list[Any]], name: str, suffix: str
) -> None:
    frames, matrix, shape, large, many = survived[str(folder / f"{name}.{suffix}")]
    assert (frames, matrix) == (1, None if name == "icc" else TURNED)
    assert shape == ([3, 24, 32] if matrix is None else [3, 32, 24])  # read upright
    assert (large, many) == ([64, 48], [[64, 48]])


@pytest.mark.parametrize("mode", MODES)
def test_profiles_in_pictures_of_every_kind(
    folder: Path, survived: dict[str, list[Any]], mode: str
) -> None:
    frames, matrix, shape, large, _ = survived[str(folder / f"{mode}.png")]
    assert (frames, matrix, large) == (1, None, [64, 48])
    assert shape == [1 if mode == "L" else 3, 24, 32]


@pytest.mark.parametrize("name", ["moving.apng", "moving.png"])
def test_profiles_in_moving_pictures(
    folder: Path, survived: dict[str, list[Any]], name: str
) -> None:
    frames, _, _, _, many = survived[str(folder / name)]
    assert (frames, many) == (4, [[64, 48]] * 4)


def test_every_command_survives_a_profile(folder: Path, tmp_path: Path) -> None:
    one, many, pairs = folder / "icc.png", folder / "many", tmp_path / "pairs"
    small = ("--model", "lite-x2", "-q")
    commands = {
        "picture": ("vidsr", one, "-o", tmp_path / "a.png", *small),
        "sequence": ("vidsr", many / "%02d.png", "-o", tmp_path / "a.mp4", *small),
        "moving": ("vidsr", folder / "moving.apng", "-o", tmp_path / "b.mkv", *small),
        "folder": ("degrade", many, "-o", pairs, "--scale", "2"),
        "video": ("degrade", many / "%02d.png", "-o", tmp_path / "c.mkv", "--scale", "2"),
        "eval": ("eval", "--model", "lite-x2", "--hr", many, "--json", "-"),
        "bench": ("bench", one, tmp_path / "clip.mkv"),
    }
    words = {name: [str(word) for word in command] for name, command in commands.items()}
    codes = child(RUN, json.dumps(words))
    assert codes == {name: [2 if name == "bench" else 0] for name in commands}
    assert len(decode(tmp_path / "a.mp4")) == 30
    assert len(decode(tmp_path / "b.mkv")) == 4
    assert len(decode(tmp_path / "c.mkv")) == 30


def test_the_picture_keeps_what_hangs_on_it(folder: Path) -> None:
    (image,) = decode(folder / "both.jpg")
    image.pts = 7
    assert [item.type for item in side_data(image)] == [Type.DISPLAYMATRIX]
    assert [item.type for item in side_data(image)] == [Type.DISPLAYMATRIX]
    assert (image.pts, image.rotation) == (7, -90)


@pytest.mark.parametrize("pix_fmt", ["gray", "pal8", "rgb24", "yuv420p10le", "nv12", "rgbaf16le"])
def test_any_format_can_be_asked(pix_fmt: str) -> None:
    image = av.VideoFrame(33, 17, pix_fmt)
    assert side_data(image) == ()


# What a run may leave to the collector once, however long it is.
ONCE = 4


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("codec", ["libx264", "ffv1", "libx265"])
def test_a_run_leaves_no_garbage_for_its_pictures(tmp_path: Path, codec: str) -> None:
    mastering = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,5)"
    mastering = mastering if codec == "libx265" else ""
    clip = make_clip(tmp_path / "a.mkv", codec=codec, frames=60, mastering=mastering)
    left = []
    for duration in (0.2, 2.4):
        gc.collect()
        with FileSource(clip.path, duration_s=duration) as source:
            items = iter(source)
            next(items)
            gc.collect()
            frames = 1 + sum(isinstance(item, Frame) for item in items)
            left.append(gc.collect())
        assert frames == round(duration * 25)
    assert left[1] <= left[0] + ONCE
    assert max(left) <= ONCE


@pytest.mark.usefixtures("no_collector")
def test_reading_every_picture_leaves_no_garbage_either(tmp_path: Path) -> None:
    images = decode(make_clip(tmp_path / "a.mp4", frames=50, rotation=90).path)
    reader = SideData()
    reader.read(images[0])
    gc.collect()
    for image in images:
        assert [len(item.data) for item in reader.read(image)] == [36]
    assert gc.collect() <= ONCE


def test_a_reader_can_be_asked_for_other_kinds(tmp_path: Path) -> None:
    images = decode(make_clip(tmp_path / "a.mp4", frames=2, rotation=90).path)
    kinds = frozenset({Type.SEI_UNREGISTERED})  # where x264 names itself
    assert {item.type for image in images for item in SideData(kinds).read(image)} == kinds


def test_few_pictures_are_looked_at_even_where_all_are_key_frames(tmp_path: Path) -> None:
    images = decode(make_clip(tmp_path / "a.mkv", codec="ffv1", frames=100, gop=1).path)
    watch = Watch()
    looked = [number for number, image in enumerate(images) if watch.due(image)]
    assert looked[:2] == [0, 1]
    assert len(looked) <= 100 // KEYS_APART + 2 * 100 // LOOK_EVERY


def notes_of(path: Path) -> str:
    notes = Notes()
    with FileSource(path, notes=notes) as source:
        assert sum(isinstance(item, Frame) for item in source) > 0
    return " ".join(notes.said)


@pytest.mark.parametrize(
    "on",
    [range(60), range(30, 60), range(0, 60, 2), range(1, 60, 2), range(31, 60, 2)],
    ids=["all", "late", "even", "odd", "late-odd"],
)
def test_captions_are_read_whenever_they_begin(tmp_path: Path, on: range) -> None:
    clip = raw_clip(tmp_path / "a.h264", CAPTION, on, frames=60)
    with FileSource(clip) as source:
        captions = [item.captions for item in source if isinstance(item, Frame)]
    assert [bool(c) for c in captions] == [number in on for number in range(60)]
    assert set(captions) <= {b"", CAPTION_DATA}


def test_captions_that_are_not_there_are_not_spoken_of(tmp_path: Path) -> None:
    assert "captions" not in notes_of(raw_clip(tmp_path / "a.h264", CAPTION, (), frames=9))


@pytest.mark.parametrize("first", [0, 30])
def test_dynamic_hdr_is_noticed(tmp_path: Path, first: int) -> None:
    on = range(first, 60)
    clip = raw_clip(tmp_path / "a.hevc", HDR10_PLUS, on, frames=60, codec="libx265")
    assert "dynamic HDR metadata" in notes_of(clip)
