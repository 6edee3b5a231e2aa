"""The pixel shuffle kernel against torch.pixel_shuffle."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

pytest.importorskip("triton")

from vidsr.errors import OptionError
from vidsr.kernels.triton_kernels.pixel_shuffle import pixel_shuffle

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
CHANNELS_LAST, PLANAR = torch.channels_last, torch.contiguous_format


def _phases(shape: tuple[int, ...], dtype: torch.dtype, layout: torch.memory_format) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    values = torch.randn(shape, generator=generator).to(DEVICE, dtype)
    return values.contiguous(memory_format=layout)


def _expected(phases: Tensor, r: int, offset: float) -> Tensor:
    return torch.pixel_shuffle(phases.float() + offset, r).clamp(0, 1)


@pytest.mark.parametrize("layout", [CHANNELS_LAST, PLANAR])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize(
    ("r", "channels", "h", "w"), [(4, 3, 3, 67), (4, 1, 2, 5), (2, 3, 5, 7), (1, 3, 7, 31)]
)
def test_equals_torch(
    r: int, channels: int, h: int, w: int, dtype: torch.dtype, layout: torch.memory_format
) -> None:
    phases = _phases((2, channels * r * r, h, w), dtype, layout)
    result = pixel_shuffle(phases, r, offset=0.5)
    assert result.dtype == dtype
    assert result.is_contiguous()
    # One sum and one rounding, as there: nothing may differ.
    assert torch.equal(result, _expected(phases, r, 0.5).to(dtype))


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (1, 3, 1, 7), (1, 48, 1, 1), (3, 16, 9, 1)])
@pytest.mark.parametrize("layout", [CHANNELS_LAST, PLANAR])
def test_tiny(shape: tuple[int, ...], layout: torch.memory_format) -> None:
    r = 1 if shape[1] == 3 else 4
    phases = _phases(shape, torch.float32, layout)
    assert torch.equal(pixel_shuffle(phases, r), _expected(phases, r, 0.0))


def test_without_clamp_in_another_dtype() -> None:
    phases = _phases((1, 12, 3, 5), torch.float16, CHANNELS_LAST) * 4
    result = pixel_shuffle(phases, 2, offset=0.25, clamp=False, dtype=torch.float32)
    assert torch.equal(result, torch.pixel_shuffle(phases.float() + 0.25, 2))
    assert result.min() < 0 < 1 < result.max()


def test_into_rows_of_another_pitch() -> None:
    phases = _phases((2, 12, 3, 5), torch.float32, PLANAR)
    whole = torch.full((2, 3, 6, 16), -1.0, device=DEVICE)
    out = whole[..., :10]
    assert pixel_shuffle(phases, 2, out=out) is out
    assert torch.equal(out, _expected(phases, 2, 0.0))
    assert (whole[..., 10:] == -1).all()


def test_reads_a_crop_in_place() -> None:
    for layout in (CHANNELS_LAST, PLANAR):
        crop = _phases((2, 12, 9, 11), torch.float32, layout)[:, :, 2:6, 3:10]
        assert torch.equal(pixel_shuffle(crop, 2), _expected(crop, 2, 0.0))


@pytest.mark.parametrize(
    ("shape", "dtype", "r", "message"),
    [
        ((1, 9, 2, 2), torch.float32, 3, "pixel shuffle by 3"),
        ((1, 10, 2, 2), torch.float32, 2, "need"),
        ((12, 2, 2), torch.float32, 2, "need"),
        ((1, 12, 0, 2), torch.float32, 2, "need"),
        ((1, 12, 2, 2), torch.float64, 2, "float64"),
        ((1, 12, 2, 2), torch.bfloat16, 2, "bfloat16"),
    ],
)
def test_refuses(shape: tuple[int, ...], dtype: torch.dtype, r: int, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        pixel_shuffle(torch.zeros(shape, dtype=dtype, device=DEVICE), r)


def test_refuses_targets() -> None:
    phases = torch.zeros(1, 12, 2, 2, device=DEVICE)
    with pytest.raises(OptionError, match="float64"):
        pixel_shuffle(phases, 2, dtype=torch.float64)
    with pytest.raises(OptionError, match="need"):
        pixel_shuffle(phases, 2, out=torch.zeros(1, 3, 4, 5, device=DEVICE))
    with pytest.raises(OptionError, match="need"):
        pixel_shuffle(phases, 2, dtype=torch.float16, out=torch.zeros(1, 3, 4, 4, device=DEVICE))
    with pytest.raises(OptionError, match="side by side"):
        pixel_shuffle(phases, 2, out=torch.zeros(1, 3, 4, 8, device=DEVICE)[..., ::2])


@pytest.mark.parametrize("layout", [CHANNELS_LAST, PLANAR])
def test_reads_some_of_more_channels(layout: torch.memory_format) -> None:
    part = _phases((2, 20, 3, 5), torch.float32, layout)[:, 4:16]
    assert torch.equal(pixel_shuffle(part, 2), _expected(part, 2, 0.0))


def test_refuses_pixels_apart_by_no_multiple_of_a_channel() -> None:
    phases = _phases((1, 13, 2, 3), torch.float32, CHANNELS_LAST)
    with pytest.raises(OptionError, match="multiple of 4 apart"):
        pixel_shuffle(phases[:, :12], 2)


def test_refuses_more_pictures_than_cuda_launches() -> None:
    with pytest.raises(OptionError, match=r"65536.* programs"):
        pixel_shuffle(torch.zeros(4, 2**14, 1, 1, device=DEVICE), 1)


def test_refuses_gaps_between_samples() -> None:
    with pytest.raises(OptionError, match="must be 1"):
        pixel_shuffle(torch.zeros(1, 12, 2, 8, device=DEVICE)[..., ::2], 2)


def test_refuses_tensors_of_two_devices_before_any_launch() -> None:
    out = torch.empty(1, 3, 4, 16, device="meta")
    with pytest.raises(OptionError, match=r"tensors on .*meta.*: expected one CUDA device"):
        pixel_shuffle(torch.zeros(1, 12, 2, 8, device=DEVICE), 2, out=out)
