"""One tiny file of every container and picture format that can be written here, to be damaged."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from tests.makers.clips import Tone, interlaced_pictures, make_clip, picture
from tests.makers.heif import make_grid

FRAMES, SIDE = 5, 32
# Name, encoder, sound, more words for ``make_clip``.
CLIPS: tuple[tuple[str, str, str, dict[str, object]], ...] = (
    ("h264.mp4", "libx264", "aac", {"bframes": 2}),
    ("intra-refresh.mp4", "libx264", "", {"options": {"g": "2", "x264-params": "intra-refresh=1"}}),
    ("turned.mov", "libx264", "", {"rotation": 90}),
    ("prores.mov", "prores_ks", "pcm_s16le", {"pix_fmt": "yuv422p10le"}),
    ("hevc.mkv", "libx265", "flac", {}),
    ("av1.mp4", "libsvtav1", "", {"size": (64, 64)}),
    ("vp9.webm", "libvpx-vp9", "libopus", {}),
    ("vp8.webm", "libvpx", "", {}),
    ("ffv1.mkv", "ffv1", "aac", {"pix_fmt": "gbrp"}),
    ("mpeg2.ts", "mpeg2video", "mp2", {}),
    ("h264.ts", "libx264", "aac", {}),
    ("mpeg2.mpg", "mpeg2video", "mp2", {}),
    ("mpeg4.avi", "mpeg4", "libmp3lame", {"bframes": 1}),
    ("mjpeg.avi", "mjpeg", "", {"pix_fmt": "yuvj420p"}),
    ("flv1.flv", "flv1", "libmp3lame", {}),
    ("wmv2.asf", "wmv2", "", {}),
    ("h264.nut", "libx264", "", {}),
    ("raw.y4m", "wrapped_avframe", "", {}),
    ("raw.264", "libx264", "", {}),
    ("raw.ivf", "libvpx", "", {}),
    ("animated.gif", "gif", "", {"pix_fmt": "rgb8"}),
    ("animated.apng", "apng", "", {"pix_fmt": "rgb24"}),
    ("qtrle.mov", "qtrle", "", {"pix_fmt": "rgb24"}),
    ("huffyuv.avi", "huffyuv", "", {"pix_fmt": "yuv422p"}),
)
PICTURES = (
    ("a.png", "png", "rgb24"),
    ("deep.png", "png", "rgb48be"),
    ("palette.png", "png", "pal8"),
    ("a.jpg", "mjpeg", "yuvj422p"),
    ("a.tiff", "tiff", "rgb24"),
    ("a.bmp", "bmp", "bgr24"),
    ("a.webp", "libwebp", "yuv420p"),
)


def make_zoo(folder: Path) -> list[Path]:
    """Write the files, without those that this FFmpeg has no encoder for; return them by name."""
    makers: list[tuple[str, Callable[[Path], object]]] = []
    for name, codec, sound, words in CLIPS:
        makers.append((name, partial(_clip, codec=codec, sound=sound, words=words)))
    for name, codec, pix_fmt in PICTURES:
        makers.append((name, partial(_picture, codec=codec, pix_fmt=pix_fmt)))
    makers.append(("interlaced.ts", _interlaced))
    makers += [(f"grid.{suffix}", _grid) for suffix in ("heic", "avif")]
    made = []
    for name, maker in makers:
        try:
            maker(folder / name)
            made.append(folder / name)
        except Exception:  # an encoder or a muxer that this build lacks
            (folder / name).unlink(missing_ok=True)
    for stray in folder.iterdir():  # what grids were made of
        if stray not in made:
            stray.unlink()
    return sorted(made)


def _clip(path: Path, codec: str, sound: str, words: dict[str, object]) -> None:
    settings: dict[str, object] = {"frames": FRAMES, "size": (SIDE, SIDE)} | words
    audio = Tone(sound, duration_s=0.2) if sound else ()
    make_clip(path, codec=codec, audio=audio, **settings)  # type: ignore[arg-type]


def _picture(path: Path, codec: str, pix_fmt: str) -> None:
    images = [picture(SIDE, SIDE, pix_fmt)]
    make_clip(
        path, codec=codec, pictures=images, container="image2", container_options={"update": "1"}
    )


def _interlaced(path: Path) -> None:
    images = interlaced_pictures(FRAMES, SIDE, SIDE)
    make_clip(path, codec="mpeg2video", pictures=images, interlaced=True)


def _grid(path: Path) -> None:
    down, across = np.mgrid[0:64, 0:100]
    colours = np.stack([across * 2, down * 3, across + down], -1).astype(np.uint8)
    make_grid(path, colours, (64, 64))
