"""How long the last frame is shown: in a file it follows from nothing but its own duration."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

import vidsr
from tests.makers.clips import picture

SHOWN_MS = ((0, 40), (40, 40), (80, 400), (480, 3000))


@pytest.fixture
def slideshow(tmp_path: Path) -> Path:
    """Four frames, the last one shown for three seconds."""
    path = tmp_path / "slideshow.mp4"
    durations = dict(SHOWN_MS)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "0"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for index, (pts, _) in enumerate(SHOWN_MS):
            image = picture(64, 48, "yuv420p", index=index)
            image.pts, image.time_base = pts, Fraction(1, 1000)
            for packet in stream.encode(image):
                packet.duration = durations[packet.pts or 0]
                container.mux(packet)
        for packet in stream.encode(None):
            packet.duration = durations[packet.pts or 0]
            container.mux(packet)
    return path


def length_s(path: Path) -> float:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        return float(stream.duration * stream.time_base)


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "vp9"])
def test_the_last_frame_is_shown_as_long_as_in_the_source(
    slideshow: Path, tmp_path: Path, codec: str
) -> None:
    assert length_s(slideshow) == pytest.approx(3.48, abs=1e-3)
    target = tmp_path / "large.mp4"
    vidsr.upscale(slideshow, target, model="lite-x2", codec=codec)
    assert length_s(target) == pytest.approx(3.48, abs=1e-3)
