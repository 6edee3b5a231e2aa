"""Video codecs as a degradation: length, size, colour, and the same bytes every time."""

from __future__ import annotations

import random
from typing import TypedDict

import pytest
import torch
from torch import Tensor

from vidsr.degradation.clips import pan_clip, still_clip
from vidsr.degradation.operations.codec import CodecPass, compress
from vidsr.degradation.operations.codec_settings import CODECS, CodecSettings
from vidsr.errors import OptionError
from vidsr.picture.size import Size

BEST = {"h264": 1, "h265": 1, "vp9": 0, "av1": 1}
WORST = {"h264": 45, "h265": 45, "vp9": 60, "av1": 60}


class Quality(TypedDict, total=False):
    crf: int
    qscale: int


def quality(codec: str, crf: dict[str, int], qscale: int) -> Quality:
    return {"crf": crf[codec]} if codec in crf else {"qscale": qscale}


SMALL = Size(64, 48)


def photo(height: int, width: int) -> Tensor:
    """uint8 ``[3, H, W]`` of soft coloured spots, as photographs have them."""
    coarse = torch.rand(
        1, 3, height // 14 + 2, width // 14 + 2, generator=torch.Generator().manual_seed(3)
    )
    fine = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    return (fine[0].clamp(0, 1) * 200 + 25).round().byte()


def moving(frames: int = 5, size: Size = SMALL) -> Tensor:
    return pan_clip(photo(96, 112), frames, size, random.Random(2))


@pytest.mark.parametrize("codec", CODECS)
def test_at_its_best_a_codec_changes_little(codec: str) -> None:
    """Means per frame and channel within one level: no colour shift, no frame moved or swapped."""
    clip = moving()
    best = compress(clip, codec, **quality(codec, BEST, 1))
    assert best.shape == clip.shape
    assert float((best.mean((2, 3)) - clip.mean((2, 3))).abs().max()) < 1 / 255
    # 4:2:0 and 8-bit limited range cost some levels where colours change, on average little.
    assert float((best - clip).abs().mean()) < 2.5 / 255
    worst = compress(clip, codec, **quality(codec, WORST, 31))
    assert float((worst - clip).abs().mean()) > 1.5 * float((best - clip).abs().mean())


@pytest.mark.parametrize("codec", CODECS)
def test_the_same_bytes_every_time(codec: str) -> None:
    clip = moving()
    again = [compress(clip, codec, **quality(codec, WORST, 12)) for _ in range(2)]
    assert torch.equal(again[0], again[1])


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [Size(51, 37), Size(9, 5)], ids=str)
def test_odd_and_tiny_sizes(codec: str, size: Size) -> None:
    clip = moving(3, size)
    y = compress(clip, codec, **quality(codec, BEST, 1))
    assert y.shape == clip.shape
    assert float((y.mean((2, 3)) - clip.mean((2, 3))).abs().max()) < 2 / 255


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("frames", [0, 1, 2])
def test_short_clips(codec: str, frames: int) -> None:
    clip = moving(3)[:frames]
    assert compress(clip, codec, **quality(codec, BEST, 1)).shape == clip.shape


@pytest.mark.parametrize("codec", CODECS)
def test_a_bit_rate_is_obeyed_in_kind(codec: str) -> None:
    clip = moving(8)
    poor, rich = (compress(clip, codec, bitrate_kbps=kbps) for kbps in (1, 4000))
    assert poor.shape == clip.shape
    assert float((poor - clip).pow(2).mean()) > float((rich - clip).pow(2).mean())


def test_frames_are_predicted_from_frames() -> None:
    """The first of equal frames decides what the others show: they gain no errors of their own."""
    clip = moving(1).expand(6, -1, -1, -1)
    y = compress(clip, "mpeg4", qscale=8)
    inter = (y[1:] - y[:-1]).abs().mean()
    assert float(inter) < 0.2 * float((y - clip).abs().mean())


def test_chunks_do_not_matter() -> None:
    clip = moving(7)
    settings = CodecSettings(codec="h264", quality=30)
    stream = CodecPass(settings, SMALL)
    frames = [y for x in torch.split(clip, 1) for y in stream.push(x)] + stream.finish()
    assert torch.equal(torch.cat(frames), compress(clip, "h264", crf=30))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"codec": "h266", "crf": 20}, "codec: expected one of h264, .*, got 'h266'"),
        ({"codec": "h264"}, "expected one of quality and"),
        ({"codec": "h264", "crf": 20, "bitrate_kbps": 100}, "expected one of quality and"),
        ({"codec": "h264", "crf": 52}, "crf of h264: expected 0 to 51, got 52"),
        ({"codec": "mpeg2", "crf": 20}, "mpeg2: expected qscale or a bit rate, got crf"),
        ({"codec": "mpeg2", "qscale": 0}, "expected 1 to 31"),
        ({"codec": "h264", "bitrate_kbps": 0}, "more than 0"),
        ({"codec": "h264", "crf": 20, "preset": "slow"}, "got .* 'slow'"),
    ],
)
def test_what_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        compress(torch.rand(1, 3, 32, 32), **arguments)  # type: ignore[arg-type]


class TestClips:
    def test_a_pan_is_reproducible_and_cut_from_the_picture(self) -> None:
        picture = photo(80, 90)
        for seed in range(12):
            clip = pan_clip(picture, 4, Size(48, 40), random.Random(seed))
            assert clip.shape == (4, 3, 40, 48)
            assert torch.equal(clip, pan_clip(picture, 4, Size(48, 40), random.Random(seed)))

    def test_some_stand_still_and_some_move(self) -> None:
        picture = photo(80, 90)
        clips = [pan_clip(picture, 3, Size(48, 40), random.Random(seed)) for seed in range(12)]
        still = [clip for clip in clips if torch.equal(clip[0], clip[2])]
        assert 0 < len(still) < len(clips)
        levels = still[0][0] * 255  # a camera that stands still gives the picture's own samples
        assert torch.allclose(levels, levels.round(), atol=1e-3)

    def test_a_whole_picture_is_as_large_as_a_clip_gets(self) -> None:
        clip = pan_clip(photo(40, 48), 5, Size(48, 40), random.Random(1))
        assert clip.shape == (5, 3, 40, 48)
        with pytest.raises(OptionError, match="too small"):
            pan_clip(photo(40, 48), 5, Size(48, 41), random.Random(1))

    def test_a_flat_picture_stays_flat(self) -> None:
        flat = torch.full((3, 64, 64), 128, dtype=torch.uint8)
        for seed in range(6):
            clip = pan_clip(flat, 6, Size(32, 32), random.Random(seed))
            assert torch.allclose(clip, torch.tensor(128 / 255), atol=1e-5)

    def test_the_last_still_is_the_picture(self) -> None:
        picture = photo(16, 16) / 255
        clip = still_clip(picture, 5, torch.Generator().manual_seed(0))
        assert torch.equal(clip[-1], picture)
        assert 0 < float((clip[0] - picture).abs().mean()) < 1 / 255
