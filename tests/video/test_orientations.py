"""All eight orientations of EXIF, and display matrices that mirror, against Pillow and numpy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.makers.clips import make_clip, picture
from tests.makers.containers import enlarge
from vidsr.video.hdr import find_display_matrix
from vidsr.video.side_data import side_data
from vidsr.video.still_images import read_picture

WIDE, HIGH = 64, 48
ORIENTATIONS = range(1, 9)
_TAG = 0x112
Array = np.ndarray[Any, Any]


def drawing(width: int = WIDE, height: int = HIGH) -> Image.Image:
    """Draw colours that tell every corner from every other."""
    down, across = np.mgrid[0:height, 0:width]
    planes = [
        across * 255 // width,
        down * 255 // height,
        (across + down) * 255 // (width + height),
    ]
    return Image.fromarray(np.stack(planes, -1).astype(np.uint8))


def save(path: Path, orientation: int, **settings: Any) -> Array:
    """Write a picture with an orientation; return what is to be seen."""
    exif = Image.Exif()
    exif[_TAG] = orientation
    drawing().save(path, exif=exif, **settings)
    with Image.open(path) as image:
        turned = ImageOps.exif_transpose(image)
        assert turned is not None
        return np.asarray(turned.convert("RGB")).astype(float)


def turned(samples: Array, matrix: Sequence[int] | None) -> Array:
    """Return ``[h, w, 3]`` as a player shows it: x' = a x + c y, y' = b x + d y."""
    a, b, c, d = (matrix[i] for i in (0, 1, 3, 4)) if matrix else (1, 0, 0, 1)
    if a == 0:
        samples, across, down = samples.transpose(1, 0, 2), c, b
    else:
        across, down = a, d
    flipped: Array = samples[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1]
    return flipped


def shown(path: Path) -> Array:
    """Return the first picture as it is to be seen, at half its size."""
    with av.open(str(path)) as container:
        image = next(container.decode(video=0))
        matrix = find_display_matrix(side_data(image), image.rotation)
        samples = turned(image.to_ndarray(format="rgb24").astype(float), matrix)
    height, width = samples.shape[0] // 2, samples.shape[1] // 2
    halved: Array = samples.reshape(height, 2, width, 2, 3).mean((1, 3))
    return halved


def difference(one: Array, other: Array) -> float:
    assert one.shape == other.shape
    return float(np.sqrt(((one - other) ** 2).mean()))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff", "webp"])
def test_pictures_to_pictures(tmp_path: Path, suffix: str, orientation: int) -> None:
    wanted = save(tmp_path / f"a.{suffix}", orientation)
    enlarge(tmp_path / f"a.{suffix}", tmp_path / "b.png")
    assert difference(shown(tmp_path / "b.png"), wanted) < 3


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "tiff"])
def test_pictures_to_anything(tmp_path: Path, suffix: str, orientation: int) -> None:
    wanted = save(tmp_path / "a.jpg", orientation)
    enlarge(tmp_path / "a.jpg", tmp_path / f"b.{suffix}")
    assert difference(shown(tmp_path / f"b.{suffix}"), wanted) < 3


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_what_is_read_for_training_lies_upright(
    tmp_path: Path, subsampling: str, orientation: int
) -> None:
    wanted = save(tmp_path / "a.jpg", orientation, subsampling=subsampling)
    read = read_picture(tmp_path / "a.jpg").permute(1, 2, 0).numpy().astype(float)
    assert difference(read, wanted) < 3


def test_a_grey_picture_is_turned_too(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[_TAG] = 7
    drawing().convert("L").save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        wanted = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(read_picture(tmp_path / "a.png")[0].numpy(), wanted)


@pytest.mark.parametrize("target", ["out%02d.png", "b.mp4"])
@pytest.mark.parametrize("subsampling", ["4:2:2", "4:2:0"])
def test_each_of_numbered_pictures_lies_its_own_way(
    tmp_path: Path, target: str, subsampling: str
) -> None:
    """Landscape all of them, so that one video can show them."""
    order = (1, 2, 4, 3, 2)
    wanted = [
        save(tmp_path / f"in{i:02d}.jpg", o, subsampling=subsampling) for i, o in enumerate(order)
    ]
    enlarge(tmp_path / "in%02d.jpg", tmp_path / target)
    if target == "b.mp4":
        with av.open(str(tmp_path / target)) as container:
            seen = [image.to_ndarray(format="rgb24") for image in container.decode(video=0)]
    else:
        seen = [np.asarray(Image.open(tmp_path / (target % i))) for i in range(len(order))]
    for samples, other in zip(seen, wanted, strict=True):
        half = samples.astype(float).reshape(HIGH, 2, WIDE, 2, 3).mean((1, 3))
        assert difference(half, other) < 4


@pytest.mark.parametrize("subsampling", ["4:2:2", "4:4:4"])
@pytest.mark.parametrize("order", [(6, 5, 8, 7), (1, 6, 2, 7), (5, 1, 7)])
def test_numbered_pictures_have_one_size(
    tmp_path: Path, subsampling: str, order: tuple[int, ...]
) -> None:
    """Those that lie across the first are neither turned by themselves nor squeezed."""
    for i, orientation in enumerate(order):
        save(tmp_path / f"in{i:02d}.jpg", orientation, subsampling=subsampling)
    enlarge(tmp_path / "in%02d.jpg", tmp_path / "out%02d.png")
    for i, orientation in enumerate(order):
        across = (orientation > 4) != (order[0] > 4)
        wanted = save(tmp_path / "one.jpg", order[0] if across else orientation)
        assert difference(shown(tmp_path / f"out{i:02d}.png"), wanted) < 4


ONE = 1 << 16
MATRICES = {
    "mirrored": (-ONE, 0, 0, ONE),
    "upside down": (ONE, 0, 0, -ONE),
    "transposed": (0, ONE, ONE, 0),
    "antitransposed": (0, -ONE, -ONE, 0),
    "turned": (0, ONE, -ONE, 0),
}


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("source", ["mp4", "mov"])
@pytest.mark.parametrize("target", ["mp4", "mov", "mkv", "ts", "png"])
def test_videos_that_a_matrix_mirrors(tmp_path: Path, name: str, source: str, target: str) -> None:
    a, b, c, d = MATRICES[name]
    matrix = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    clip = make_clip(
        tmp_path / f"a.{source}", matrix=matrix, pictures=[picture(WIDE, HIGH, index=4)]
    )
    with av.open(str(clip.path)) as container:
        original = next(container.decode(video=0)).to_ndarray(format="rgb24").astype(float)
    enlarge(clip.path, tmp_path / f"b.{target}")
    assert difference(shown(tmp_path / f"b.{target}"), turned(original, matrix)) < 8
