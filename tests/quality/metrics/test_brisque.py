"""BRISQUE: the package's score, and how it is asked for."""

from __future__ import annotations

import math
import sys

import pytest
import torch
from torch import Tensor

from tests.makers.photos import photograph
from vidsr.errors import OptionError
from vidsr.quality import request
from vidsr.quality.baselines import bicubic, shrink
from vidsr.quality.metrics import brisque as module
from vidsr.quality.metrics.measure import blind_scores
from vidsr.quality.metrics.psnr import luma_601


def like_a_photograph() -> Tensor:
    """Return noise ``[256, 256]`` in 0..255 whose amplitudes fall as 1 / frequency."""
    step = torch.fft.fftfreq(256)
    frequency = (step[:, None] ** 2 + step**2).sqrt()
    frequency[0, 0] = 1
    white = torch.randn(256, 256, generator=torch.Generator().manual_seed(0))
    pink: Tensor = torch.fft.ifft2(torch.fft.fft2(white) / frequency).real
    return (127 + 45 * pink / pink.std()).round().clamp(0, 255)


@pytest.fixture
def _installed() -> None:
    pytest.importorskip("brisque", reason="the package brisque is not installed")


@pytest.mark.usefixtures("_installed")
def test_blurred_is_worse_than_sharp() -> None:
    # A spectrum as that of photographs: 38 as it is, 59 shrunk and upscaled.
    sharp = like_a_photograph()
    blurred = bicubic(shrink(sharp[None], 4), 4)[0]
    scores = [module.brisque(plane, full_range=True) for plane in (sharp, blurred)]
    assert scores[0] < scores[1] - 10


@pytest.mark.usefixtures("_installed")
def test_ranges_and_what_has_no_score() -> None:
    grey = photograph(3)[0].double()
    limited = 16 + grey * (219 / 255)
    assert module.brisque(limited) == pytest.approx(module.brisque(grey, full_range=True))
    assert math.isnan(module.brisque(torch.full((64, 64), 100.0)))
    assert math.isnan(module.brisque(torch.rand(8, 80) * 200))


@pytest.mark.usefixtures("_installed")
def test_it_is_one_of_the_scores_without_an_original() -> None:
    plane = luma_601(photograph(3))
    scores = blind_scores(plane, ("psnr", "brisque", "niqe"))
    assert scores.keys() == {"niqe", "brisque"}
    assert scores["brisque"] == module.brisque(plane)


def test_it_is_in_no_default() -> None:
    assert "brisque" in request.METRICS
    assert "brisque" in request.BLIND_METRICS
    for usual in (request.PICTURE_METRICS, request.VIDEO_METRICS, request.USUAL_METRICS):
        assert "brisque" not in usual


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brisque", None)
    module._scorer.cache_clear()
    with pytest.raises(OptionError, match="brisque is not installed") as refused:
        module.brisque(torch.rand(32, 32) * 200)
    assert ".[brisque]" in (refused.value.hint or "")
