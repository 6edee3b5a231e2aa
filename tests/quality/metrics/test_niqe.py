"""NIQE: its parts against known distributions, its order on a real photograph, its model files."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import pad

import vidsr.quality
from tests.makers.photos import make_photos, photograph
from vidsr.degradation.operations.jpeg import jpeg
from vidsr.errors import InputError, ModelError, NoInputError, OutputError
from vidsr.quality.metrics import fit_niqe
from vidsr.quality.metrics.niqe import (
    BLOCK,
    FEATURES,
    asymmetric_gaussian,
    block_features,
    fit,
    load,
    mscn,
    niqe,
    pristine,
)
from vidsr.quality.metrics.psnr import luma_601
from vidsr.quality.metrics.ssim import filter_valid, gaussian
from vidsr.video.still_images import read_rgb, write_png

SHIPPED = Path(vidsr.quality.__file__).parent / "niqe_pristine.safetensors"


def luma(height: int = 192, width: int = 288, seed: int = 0) -> Tensor:
    return luma_601(photograph(seed, height, width))


# Quantiles instead of random samples: every run sees the same, and what is left of an error is that
# the far tails are missing.
QUANTILES = (torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000


def test_shape_of_a_gaussian_is_two() -> None:
    shape, left, right = asymmetric_gaussian(3 * torch.special.ndtri(QUANTILES)[None])
    assert shape.item() == pytest.approx(2, abs=0.005)
    # exp(-(x / scale)^2) has a deviation of scale / sqrt(2)
    assert left.item() == pytest.approx(3 * math.sqrt(2), rel=0.005)
    assert right.item() == pytest.approx(left.item(), rel=1e-9)


def laplacian() -> Tensor:
    apart = QUANTILES - 0.5
    return -apart.sign() * torch.log1p(-2 * apart.abs())


def test_shape_of_a_laplacian_is_one() -> None:
    shape, left, right = asymmetric_gaussian(laplacian()[None])
    assert shape.item() == pytest.approx(1, abs=0.005)
    assert left.item() == pytest.approx(1, rel=0.005)
    assert right.item() == pytest.approx(1, rel=0.005)


def test_sides_are_told_apart() -> None:
    # A true asymmetric Laplacian with scales 3 and 1 has 3/4 of its mass on the left.
    x = laplacian()
    left_part, right_part = x[x < 0], x[x > 0]
    samples = torch.cat([3 * left_part.repeat(3), right_part])
    shape, left, right = asymmetric_gaussian(torch.stack([samples, -samples]))
    assert shape.tolist() == pytest.approx([1, 1], abs=0.005)
    assert left.tolist() == pytest.approx([3, 1], rel=0.005)
    assert right.tolist() == pytest.approx([1, 3], rel=0.005)


def test_one_sided_values_have_no_shape() -> None:
    shape, left, right = asymmetric_gaussian(torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]))
    assert shape.isnan().all()
    assert left.isnan().all()
    assert right.isnan().all()


@pytest.mark.parametrize("level", [0, 16, 137, 255])
def test_a_flat_plane_has_no_texture(level: int) -> None:
    flat = torch.full((96, 131), level, dtype=torch.uint8)
    normal, deviation = mscn(flat)
    # Rounding in float64: 1e-12 of a level in the mean, its root in the deviation.
    assert normal.abs().max().item() < 1e-10
    assert deviation.max().item() < 1e-5
    assert math.isnan(niqe(flat))


def test_mscn_at_one_pixel() -> None:
    y = luma(20, 24).double()
    weights = torch.outer(gaussian(7, 7 / 6), gaussian(7, 7 / 6))
    around = y[5:12, 8:15]
    mean = (weights * around).sum()
    deviation = (weights * (around - mean) ** 2).sum().sqrt()
    normal, found = mscn(y)
    assert found[8, 11].item() == pytest.approx(deviation.item(), abs=1e-8)
    expected = (y[8, 11] - mean) / (deviation + 1)
    assert normal[8, 11].item() == pytest.approx(expected.item(), abs=1e-8)


def test_features_count_blocks_and_leave_the_rest_out() -> None:
    y = luma(200, 300)
    features, sharpness = block_features(y)
    assert features.shape == (2 * 3, FEATURES)
    assert sharpness.shape == (6,)
    assert torch.equal(block_features(y[:192, :288])[0], features)


def test_the_mean_of_products_is_that_of_the_fit() -> None:
    # Right and left scale and shape give the mean that the fifth number of every pair states.
    features = block_features(luma())[0]
    for start in (2, 20):
        shape, mean, left, right = features[:, start : start + 4].T
        ratio = torch.exp(torch.lgamma(2 / shape) - torch.lgamma(1 / shape))
        torch.testing.assert_close(mean, (right - left) * ratio)


def test_mirrored_the_diagonals_change_places() -> None:
    y = luma(BLOCK, BLOCK)
    features, mirrored = block_features(y)[0][0], block_features(y.flip(1))[0][0]
    order = [*range(10), *range(14, 18), *range(10, 14)]
    torch.testing.assert_close(mirrored[:18], features[order], rtol=0, atol=0.002)  # shape table
    assert (features[10:14] - features[14:18]).abs().max() > 0.05


def test_blocks_without_texture_are_left_out() -> None:
    y = luma(192, 192)
    framed = torch.cat([y, torch.full((96, 192), 16.0, dtype=torch.float64)])
    features = block_features(framed)[0]
    assert features[:4].isfinite().all()
    # The upper line of the black part has the picture in its window.
    assert len(fit(features).mean) == FEATURES  # type: ignore[union-attr]
    bars = torch.cat([torch.full((96, 192), 16.0, dtype=torch.float64), framed])
    assert math.isfinite(niqe(bars))
    assert fit(torch.full((3, FEATURES), math.nan)) is None


def test_fit_is_mean_and_covariance() -> None:
    rows = torch.randn(
        50, FEATURES, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    model = fit(torch.cat([rows, torch.full((1, FEATURES), math.nan)]))
    assert model is not None
    torch.testing.assert_close(model.mean, rows.mean(0))
    torch.testing.assert_close(model.covariance, rows.T.cov())


def test_of_the_models_own_pictures_is_small() -> None:
    y = luma(384, 384)
    own = fit(block_features(y)[0])
    assert niqe(y, own) == pytest.approx(0, abs=1e-6)
    assert niqe(y) > 1


@pytest.mark.parametrize("size", [(95, 200), (200, 95), (1, 1)])
def test_less_than_a_block_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"expected .* of 96x96 or more"):
        niqe(torch.zeros(size))


def test_any_dtype() -> None:
    y = luma()
    assert niqe(y.byte()) == niqe(y.float()) == niqe(y)


@pytest.fixture(scope="module")
def baby(data_dir: Path) -> Tensor:
    path = data_dir / "eval" / "Set5" / "image_SRF_4" / "img_001_SRF_4_HR.png"
    if not path.is_file():
        pytest.skip(f"no {path}")
    return luma_601(read_rgb(path))


def blurred(y: Tensor, sigma: float) -> Tensor:
    kernel = gaussian(int(6 * sigma) | 1, sigma)
    reach = len(kernel) // 2
    return filter_valid(pad(y[None, None], [reach] * 4, mode="replicate")[0, 0], kernel)


def rises(scores: list[float]) -> bool:
    # By half a point a step at least: the whole range is about 3 to 12.
    return all(after > before + 0.5 for before, after in pairwise(scores))


@pytest.mark.corpus
def test_rises_with_blur(baby: Tensor) -> None:
    assert rises([niqe(baby), *(niqe(blurred(baby, sigma)) for sigma in (1, 2, 3))])


@pytest.mark.corpus
def test_rises_with_noise(baby: Tensor) -> None:
    noise = torch.randn(baby.shape, generator=torch.Generator().manual_seed(0))
    worse = [niqe((baby + level * noise).clamp(0, 255)) for level in (5, 10, 20)]
    assert rises([niqe(baby), *worse])


@pytest.mark.corpus
def test_rises_with_blocks(baby: Tensor) -> None:
    gray = (baby / 255).float().repeat(1, 3, 1, 1)
    worse = [niqe(jpeg(gray, quality)[0, 1] * 255) for quality in (50, 20, 10, 5)]
    assert rises([niqe(baby), *worse])


@pytest.mark.corpus
def test_a_photograph_scores_as_photographs_do(baby: Tensor) -> None:
    assert 2 < niqe(baby) < 5


def test_the_shipped_model() -> None:
    model = pristine()
    assert model.mean.dtype == model.covariance.dtype == torch.float64
    assert torch.equal(model.covariance, model.covariance.T)
    # Far from singular: its inverse is what distances are measured by.
    assert torch.linalg.eigvalsh(model.covariance).min() > 0
    with safe_open(str(SHIPPED), framework="pt") as file:
        about = json.loads(file.metadata()["vidsr"])
    assert about["photographs"] == 114
    assert about["block"] == BLOCK
    assert about["blocks"] > 10 * FEATURES
    assert "photographs" in about["about"]


def test_fitting_writes_what_loads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos, target = make_photos(tmp_path / "photos", 3, 768, 768), tmp_path / "own.safetensors"
    assert fit_niqe.main([str(photos), "-o", str(target), "--about", "drawn by numbers"]) == 0
    assert capsys.readouterr().out.startswith(f"{target}: ")
    model = load(target)
    assert model.covariance.isfinite().all()
    assert model.covariance.diagonal().max() > 0
    with safe_open(str(target), framework="pt") as file:
        about = json.loads(file.metadata()["vidsr"])
    assert (about["about"], about["photographs"]) == ("drawn by numbers", 3)
    # One photograph among those the model was fitted on is nearer than its blurred self.
    y = fit_niqe.halved_luma(photos / "photo1.png")
    assert niqe(y, model) < niqe(blurred(y, 1.5), model)


def test_fitting_takes_the_sharp_blocks() -> None:
    y = torch.cat([luma(96, 288), blurred(luma(96, 288), 3)])
    assert len(fit_niqe.sharp_blocks(y)) <= 3
    assert torch.equal(fit_niqe.sharp_blocks(y)[0], block_features(y)[0][0])


def test_too_few_blocks_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = make_photos(tmp_path / "photos", 2, 200, 200)
    status = fit_niqe.main([str(photos), "-o", str(tmp_path / "x.safetensors")])
    assert status == InputError.exit_code
    error = capsys.readouterr().err
    assert "expected 37 sharp blocks or more, got 2 from 2 photographs. Hint:" in error
    assert not (tmp_path / "x.safetensors").exists()


def test_small_photographs_and_none_are_refused(tmp_path: Path) -> None:
    write_png(tmp_path / "small.png", photograph(0, 191, 300))
    with pytest.raises(InputError, match=r"small\.png: too small: expected 192x192 or larger"):
        fit_niqe.fit_photos([tmp_path / "small.png"])
    (tmp_path / "empty").mkdir()
    status = fit_niqe.main([str(tmp_path / "empty"), "-o", str(tmp_path / "x")])
    assert status == NoInputError.exit_code


def test_a_target_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file or directory"):
        fit_niqe.save(tmp_path / "absent" / "x.safetensors", pristine(), {})


def test_a_written_model_is_readable_by_others(tmp_path: Path) -> None:
    target, plain = tmp_path / "x.safetensors", tmp_path / "plain"
    fit_niqe.save(target, pristine(), {"block": BLOCK})
    plain.touch()
    assert target.stat().st_mode == plain.stat().st_mode


def test_what_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    with pytest.raises(ModelError, match=r"x\.safetensors: not a NIQE model"):
        load(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match="not a NIQE model"):
        load(path)
    for tensors, about in (
        ({"mean": torch.zeros(36)}, '{"block": 96}'),
        ({"mean": torch.zeros(36), "covariance": torch.zeros(36, 35)}, '{"block": 96}'),
        ({"mean": torch.zeros(36), "covariance": torch.zeros(36, 36)}, '{"block": 64}'),
        ({"mean": torch.zeros(36), "covariance": torch.zeros(36, 36)}, "no JSON"),
        ({"mean": torch.zeros(36), "covariance": torch.zeros(36, 36)}, "[1, 2]"),
    ):
        save_file(tensors, path, metadata={"vidsr": about})
        with pytest.raises(ModelError, match="not a NIQE model"):
            load(path)
