"""Noise: its mean, its strength, and that a seed decides it.

Statistics of 3 x 256 x 256 samples: a mean is good to sigma / 443, a deviation to 0.2 %; the
bounds are five times that or more, and the seeds are fixed.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from vidsr.degradation.operations import noise
from vidsr.degradation.operations.ycbcr import rgb_to_ycbcr, ycbcr_to_rgb
from vidsr.errors import OptionError


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def flat(level: float) -> Tensor:
    return torch.full((1, 3, 256, 256), level)


def test_gaussian_has_its_sigma() -> None:
    y = noise.gaussian(flat(0.5), 0.1, generator())
    assert float(y.mean()) == pytest.approx(0.5, abs=2e-3)
    assert float(y.std()) == pytest.approx(0.1, rel=0.02)


def test_shot_noise_has_the_variance_of_counting() -> None:
    y = noise.shot(flat(0.25), 100, generator())
    assert float(y.mean()) == pytest.approx(0.25, abs=2e-3)
    assert float(y.var()) == pytest.approx(0.25 / 100, rel=0.03)
    assert torch.equal(noise.shot(flat(0.0), 100, generator()), flat(0.0))


def test_read_noise_is_in_electrons() -> None:
    y = noise.read(flat(0.5), 3, 100, generator())
    assert float(y.std()) == pytest.approx(0.03, rel=0.02)


def test_a_sensor_is_noisiest_in_the_shadows() -> None:
    dark, bright = (noise.sensor(flat(v), 500, 2, generator()) for v in (0.15, 0.9))
    assert float(dark.std()) > 1.5 * float(bright.std())
    assert float(bright.mean()) == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("grain_px", [1, 3.5])
def test_chroma_noise_leaves_luma_alone(grain_px: float) -> None:
    y = rgb_to_ycbcr(noise.chroma(flat(0.5), 0.05, generator(), grain_px=grain_px))
    assert torch.allclose(y[:, 0], torch.tensor(0.5), atol=1e-5)
    assert float(y[:, 1:].std()) > 0.02
    neighbours = (y[:, 1, :, 1:] - y[:, 1, :, :-1]).std() / y[:, 1].std()
    # Independent neighbours differ by sqrt(2) sigma, those within a blotch by less.
    assert (float(neighbours) > 1.3) == (grain_px == 1)


@pytest.mark.parametrize(
    "add",
    [
        lambda x, g: noise.gaussian(x, 0.1, g),
        lambda x, g: noise.sensor(x, 200, 3, g),
        lambda x, g: noise.chroma(x, 0.1, g, grain_px=2),
    ],
)
def test_the_seed_decides(add: Callable[[Tensor, torch.Generator], Tensor]) -> None:
    x = torch.rand(1, 3, 17, 23)
    assert torch.equal(add(x, generator(5)), add(x, generator(5)))
    assert not torch.equal(add(x, generator(5)), add(x, generator(6)))


def test_ycbcr_there_and_back() -> None:
    x = torch.rand(2, 3, 5, 7)
    assert torch.allclose(ycbcr_to_rgb(rgb_to_ycbcr(x)), x, atol=1e-6)
    red = rgb_to_ycbcr(torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1)).flatten()
    assert red.tolist() == pytest.approx([0.299, -0.168736, 0.5], abs=1e-6)  # JFIF


def test_no_photons_are_refused() -> None:
    with pytest.raises(OptionError, match="photons"):
        noise.shot(flat(0.5), 0, generator())
