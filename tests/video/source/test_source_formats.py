"""Every pixel format through a file: what was encoded is what is read, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.makers.clips import Tags, decode, make_clip, noise, picture, samples
from vidsr.picture.frame import Frame
from vidsr.video.source.file_source import FileSource

PLANAR = [
    *(f"yuv{s}p{d}" for s in (420, 422, 444) for d in ("", "10le", "12le")),
    *("gray", "gray10le", "gray12le", "gray16le"),
    *("gbrp10le", "gbrp12le", "gbrp16le"),
]
SIZES = [(64, 48), (17, 9), (2, 2), (1, 1), (16, 16), (33, 18), (3, 40), (40, 3)]


def frames_of(path: Path) -> list[Frame]:
    with FileSource(path) as source:
        return [item for item in source if isinstance(item, Frame)]


def assert_same(frame: Frame, image: av.VideoFrame) -> None:
    for plane, drawn in zip(frame.planes, samples(image), strict=True):
        assert plane.numpy().dtype == drawn.dtype
        assert np.array_equal(plane.numpy(), drawn)


@pytest.mark.parametrize("pix_fmt", PLANAR)
def test_planar_samples_are_read_bit_for_bit(tmp_path: Path, pix_fmt: str) -> None:
    for size in SIZES:
        drawn = [noise(*size, pix_fmt, seed=i) for i in range(2)]
        clip = make_clip(tmp_path / "a.mkv", codec="ffv1", pictures=drawn)
        frames = frames_of(clip.path)
        assert len(frames) == 2
        for frame, image in zip(frames, clip.pictures, strict=True):
            assert frame.format.pixel.name == pix_fmt
            assert (frame.format.width, frame.format.height) == size
            assert [p.shape for p in frame.planes] == frame.format.plane_sizes
            assert_same(frame, image)


@pytest.mark.parametrize("pix_fmt", ["yuva420p", "yuva444p10le", "gbrap10le", "gbrap12le"])
def test_the_alpha_plane_alone_is_left_out(tmp_path: Path, pix_fmt: str) -> None:
    """swscale loses half of a line in each slice of GBR with alpha above 8 bits."""
    plain = pix_fmt.replace("yuva", "yuv").replace("gbrap", "gbrp")
    for size in ((64, 33), (17, 9)):
        drawn = noise(*size, plain)
        image = av.VideoFrame(*size, pix_fmt)
        for number, plane in enumerate(image.planes):
            source = drawn.planes[min(number, 2)]
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, -1)
            wide = np.frombuffer(memoryview(source), np.uint8).reshape(source.height, -1)
            if plane.height == source.height:
                width = min(rows.shape[1], wide.shape[1])
                rows[:, :width] = wide[:, :width]
            else:
                rows[:] = 77
        clip = make_clip(tmp_path / "a.mkv", codec="ffv1", pictures=[image])
        (frame,) = frames_of(clip.path)
        assert frame.format.pixel.name == plain
        assert_same(frame, drawn)


@pytest.mark.parametrize("pix_fmt", ["yuvj420p", "yuvj422p", "yuvj444p"])
def test_jpeg_is_full_range_and_centred(tmp_path: Path, pix_fmt: str) -> None:
    clip = make_clip(tmp_path / "a.mkv", codec="mjpeg", pix_fmt=pix_fmt, frames=2, size=(33, 17))
    frames = frames_of(clip.path)
    for frame, image in zip(frames, decode(clip.path), strict=True):
        assert frame.format.pixel.name == pix_fmt.replace("j", "")
        assert frame.format.color.full_range
        assert frame.format.color.siting == "center"
        assert_same(frame, image)


def test_full_range_h264_is_read_as_such(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=2, tags=Tags(1, 1, 1, 2))
    (image, _), frames = decode(clip.path), frames_of(clip.path)
    assert image.format.name == "yuvj420p"
    assert frames[0].format.color.full_range
    assert frames[0].format.color.matrix == 1
    assert_same(frames[0], image)


def packed(width: int, height: int, name: str, channels: Sequence[int]) -> av.VideoFrame:
    """A packed RGB picture of noise, written sample by sample. ``channels``: bytes of a pixel."""
    image = av.VideoFrame(width, height, name)
    (plane,) = image.planes
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(height, plane.line_size)
    count = len(channels) * width
    rows[:, :count] = np.random.default_rng(0).integers(0, 256, (height, count))
    return image


@pytest.mark.parametrize(
    ("pix_fmt", "channels"), [("rgb24", (2, 0, 1)), ("rgba", (2, 0, 1, 3)), ("gray", (0,))]
)
@pytest.mark.parametrize("size", [(64, 48), (17, 9), (1, 1)])
def test_png_is_read_bit_for_bit(
    tmp_path: Path, pix_fmt: str, channels: tuple[int, ...], size: tuple[int, int]
) -> None:
    image = packed(*size, pix_fmt, channels)
    rows = np.frombuffer(memoryview(image.planes[0]), np.uint8).reshape(size[1], -1)
    pixels = rows[:, : size[0] * len(channels)].reshape(size[1], size[0], len(channels)).copy()
    clip = make_clip(tmp_path / "%03d.png", codec="png", pictures=[image])
    (frame,) = frames_of(clip.path)
    for channel, place in enumerate(channels[:3]):
        # FFmpeg stores green, blue, red.
        assert np.array_equal(frame.planes[place].numpy(), pixels[:, :, channel])
    assert frame.format.color.full_range
    assert frame.format.pixel.family == ("gray" if pix_fmt == "gray" else "rgb")


def test_png_of_16_bits(tmp_path: Path) -> None:
    drawn = noise(17, 9, "gray16le")
    big = av.VideoFrame(17, 9, "gray16be")
    rows = np.frombuffer(memoryview(big.planes[0]), ">u2").reshape(9, -1)
    rows[:, :17] = samples(drawn)[0]
    clip = make_clip(tmp_path / "%03d.png", codec="png", pictures=[big])
    (frame,) = frames_of(clip.path)
    assert frame.format.pixel.name == "gray16le"
    assert_same(frame, drawn)

    color = av.VideoFrame(17, 9, "rgb48be")
    rows = np.frombuffer(memoryview(color.planes[0]), ">u2").reshape(9, -1)
    rows[:, :51] = np.random.default_rng(1).integers(0, 65536, (9, 51))
    clip = make_clip(tmp_path / "c%03d.png", codec="png", pictures=[color])
    (frame,) = frames_of(clip.path)
    assert frame.format.pixel.name == "gbrp16le"
    for channel, place in enumerate((2, 0, 1)):
        assert np.array_equal(frame.planes[place].numpy(), rows[:, channel:51:3])


def test_a_palette_becomes_rgb(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.gif", codec="gif", pix_fmt="rgb8", frames=3)
    frames = frames_of(clip.path)
    assert len(frames) == 3
    for frame, image in zip(frames, decode(clip.path), strict=True):
        assert frame.format.pixel.name == "gbrp"
        pixels = image.to_ndarray(format="rgb24")
        for channel, place in enumerate((2, 0, 1)):
            assert np.array_equal(frame.planes[place].numpy(), pixels[:, :, channel])


@pytest.mark.parametrize(
    ("codec", "suffix", "pix_fmt", "read"),
    [
        ("rawvideo", "mov", "yuyv422", "yuv422p"),
        ("rawvideo", "avi", "bgr24", "gbrp"),
        ("rawvideo", "mkv", "nv12", "yuv420p"),
        ("dvvideo", "avi", "yuv411p", "yuv422p"),
        ("libwebp", "webp", "yuv420p", "yuv420p"),
        ("bmp", "bmp", "bgr24", "gbrp"),
        ("tiff", "tiff", "rgb24", "gbrp"),
    ],
)
def test_other_formats_become_planar(
    tmp_path: Path, codec: str, suffix: str, pix_fmt: str, read: str
) -> None:
    size = (720, 480) if codec == "dvvideo" else (64, 48)
    rate = "30000/1001" if codec == "dvvideo" else "25"
    drawn = picture(*size, pix_fmt)
    still = suffix in ("webp", "bmp", "tiff")
    options = {"lossless": "1"} if codec == "libwebp" else {}
    clip = make_clip(
        tmp_path / f"a.{suffix}",
        codec=codec,
        pictures=[drawn],
        rate=Fraction(rate),
        options=options,
        container_options={"update": "1"} if still else {},
    )
    (frame,) = frames_of(clip.path)
    assert frame.format.pixel.name in (read, "gbrp" if suffix == "webp" else read)
    # The same picture as FFmpeg's own conversion, in grey: one level for each of two roundings
    # of 8 bits, one more for the codec of DV.
    shown = samples(decode(clip.path)[0].reformat(format=frame.format.pixel.name))[0]
    assert np.max(np.abs(frame.planes[0].numpy().astype(int) - shown.astype(int))) <= 3
