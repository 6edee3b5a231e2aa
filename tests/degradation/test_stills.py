"""JPEG, chroma, banding, halos, combs and lost blocks."""

from __future__ import annotations

from collections.abc import Callable

import av
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from vidsr.degradation.operations import jpeg as jpeg_module
from vidsr.degradation.operations.artifacts import band, drop_blocks, interlace, sharpen
from vidsr.degradation.operations.chroma import LAYOUTS, subsample_chroma
from vidsr.degradation.operations.jpeg import LUMA_TABLE, jpeg
from vidsr.degradation.operations.ycbcr import rgb_to_ycbcr
from vidsr.errors import OptionError


def smooth(height: int, width: int) -> Tensor:
    """Draw a coloured gradient ``[1, 3, H, W]``."""
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    return torch.stack((0.2 + 0.6 * x, 0.3 + 0.4 * y, 0.8 - 0.5 * x * y))[None]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 100), st.sampled_from(("420", "444")))
def test_jpeg_keeps_size_and_range(height: int, width: int, quality: int, layout: str) -> None:
    y = jpeg(torch.rand(2, 3, height, width), quality, layout)
    assert y.shape == (2, 3, height, width)
    assert float(y.min()) >= 0
    assert float(y.max()) <= 1


def test_jpeg_gets_worse_with_quality() -> None:
    x = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    errors = [float((jpeg(x, q, "444") - x).pow(2).mean()) for q in (100, 90, 60, 30, 10)]
    assert errors == sorted(errors)
    # Quality 100 divides by 1: half a level in each of Y, Cb, Cr and the DCT, at worst summed up.
    assert float((jpeg(x, 100, "444") - x).abs().max()) < 5 / 255


def test_jpeg_tables_are_scaled_as_libjpeg_does() -> None:
    # Quality 75 halves the table of quality 50, rounded half up: 16 -> 8, 11 -> 6 (5.5), 10 -> 5.
    table = jpeg_module._table(LUMA_TABLE, 75).flatten().tolist()
    assert table[:3] == [8, 6, 5]
    assert jpeg_module._table(LUMA_TABLE, 50).flatten().tolist() == list(LUMA_TABLE)
    assert set(jpeg_module._table(LUMA_TABLE, 100).flatten().tolist()) == {1}
    assert jpeg_module._table(LUMA_TABLE, 1).max() == 255


def test_jpeg_by_hand_flat_blocks_lose_the_remainder_of_their_mean() -> None:
    # Level 150: DC = 8 * 22 = 176, table 16 at quality 50: 11 exactly; 151: 184 / 16 = 11.5 -> 12.
    for level, wanted in ((150, 150), (151, 152)):
        x = torch.full((1, 3, 16, 16), level / 255)
        assert torch.unique((jpeg(x, 50) * 255).round()).tolist() == [wanted]


def test_jpeg_keeps_colour() -> None:
    x = smooth(32, 48)
    # Blue is 1.77 times Cb: the rounding of Cb twice, and of the DCT, and chroma flat at the edges.
    assert float((jpeg(x, 98) - x).abs().max()) < 6 / 255
    assert float((jpeg(x, 98) - x).mean((2, 3)).abs().max()) < 0.5 / 255


def test_420_loses_chroma_only() -> None:
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 0.5 + 0.25
    kept, lost = (rgb_to_ycbcr(jpeg(x, 100, layout) - x) for layout in ("444", "420"))
    assert float(lost[:, 1:].abs().mean()) > 10 * float(kept[:, 1:].abs().mean())
    assert float(lost[:, 0].abs().mean()) < 2 / 255


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [(16, 24), (9, 13), (1, 3)])
def test_chroma_keeps_luma_and_flat_colour(layout: str, size: tuple[int, int]) -> None:
    x = torch.rand(1, 3, *size)
    y = subsample_chroma(x, layout)
    assert y.shape == x.shape
    assert torch.allclose(rgb_to_ycbcr(y)[:, 0], rgb_to_ycbcr(x)[:, 0], atol=1e-5)
    red = torch.tensor([0.9, 0.2, 0.1]).view(1, 3, 1, 1).expand(1, 3, *size)
    assert torch.allclose(subsample_chroma(red, layout, shift_x_px=1), red, atol=1e-5)


def test_chroma_moves_by_the_siting_error() -> None:
    """A ramp of Cb, moved right by half a pixel, is lower everywhere by half a step."""
    ramp = torch.arange(32.0) / 64
    x = torch.stack((ramp * 0, ramp * 0, ramp)).view(1, 3, 1, 32).expand(1, 3, 8, 32)
    cb = rgb_to_ycbcr(subsample_chroma(x, "420", shift_x_px=0.5) - x)[0, 1, 4, 6:-6]
    step = float(rgb_to_ycbcr(x)[0, 1, 0, 1] - rgb_to_ycbcr(x)[0, 1, 0, 0])
    assert cb.tolist() == pytest.approx([-0.5 * step] * len(cb), abs=1e-5)


def test_banding_by_hand() -> None:
    assert band(torch.tensor([0.0, 0.3, 0.6, 0.8, 1]), 3).tolist() == [0, 0.5, 0.5, 1, 1]


def test_sharpening_leaves_halos_and_flats() -> None:
    x = torch.full((1, 3, 8, 32), 0.3)
    x[..., 16:] = 0.7
    y = sharpen(x, 1.0, 1.0)[0, 0, 4]
    assert float(y[15]) < 0.25
    assert float(y[16]) > 0.75
    assert float(y[2]) == pytest.approx(0.3, abs=1e-5)


def test_interlacing_weaves_lines() -> None:
    old, new = torch.zeros(1, 3, 5, 2), torch.ones(1, 3, 5, 2)
    assert interlace(new, old)[0, 0, :, 0].tolist() == [1, 0, 1, 0, 1]
    assert interlace(new, old, "even")[0, 0, :, 0].tolist() == [0, 1, 0, 1, 0]


def test_blocks_are_lost_whole() -> None:
    x, fill = torch.ones(1, 3, 40, 44), torch.zeros(1, 3, 40, 44)
    y = drop_blocks(x, fill, 0.5, 8, torch.Generator().manual_seed(0))
    blocks = torch.nn.functional.avg_pool2d(y[:, :1], 8, ceil_mode=True)
    assert set(blocks.flatten().tolist()) == {0, 1}
    assert 0.2 < float(y.mean()) < 0.8  # of 30 blocks, at 0.5
    assert torch.equal(drop_blocks(x, fill, 0, 8, torch.Generator()), x)
    assert torch.equal(drop_blocks(x, fill, 1, 8, torch.Generator()), fill)


def test_what_is_refused() -> None:
    x = torch.rand(1, 3, 8, 8)
    calls: tuple[Callable[[], Tensor], ...] = (
        lambda: jpeg(x, 0),
        lambda: jpeg(x, 50, "422"),
        lambda: subsample_chroma(x, "421"),
        lambda: band(x, 1),
        lambda: interlace(x, x, "top"),
        lambda: drop_blocks(x, x, 2, 8, torch.Generator()),
    )
    for call in calls:
        with pytest.raises(OptionError, match="expected"):
            call()


def test_jpeg_equals_a_decoder_on_a_files_own_pixels() -> None:
    """What FFmpeg decodes of a JPEG with tables of 1 and full chroma is what was put in, nearly."""
    x = smooth(24, 32)
    frame = av.VideoFrame.from_ndarray(
        (x[0] * 255).round().byte().permute(1, 2, 0).contiguous().numpy(), format="rgb24"
    ).reformat(format="yuvj444p")
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 32, 24, "yuvj444p"
    encoder.options = {"qmin": "1", "qmax": "1"}
    packets = encoder.encode(frame) + encoder.encode(None)
    decoder = av.CodecContext.create("mjpeg", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    shown = next(image for packet in packets for image in decoder.decode(packet))
    array = torch.from_numpy(shown.to_ndarray(format="rgb24")).permute(2, 0, 1)[None] / 255
    # Two different quantisers, each nearly lossless, and FFmpeg's conversion, good to 2 levels.
    assert float((jpeg(x, 100, "444") - array).abs().max()) < 5 / 255
