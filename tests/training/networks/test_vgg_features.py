"""VGG features from both file formats, and files that are neither."""

from __future__ import annotations

import os
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from vidsr.errors import ModelError
from vidsr.training.choices import FeatureLayer
from vidsr.training.networks.vgg_features import (
    VggFeatures,
    load_vgg,
    perceptual_loss,
)
from vidsr.video.still_images import read_rgb, to_unit

TORCHVISION = {
    0: 64, 2: 64, 5: 128, 7: 128, 10: 256, 12: 256, 14: 256, 16: 256,
    19: 512, 21: 512, 23: 512, 25: 512, 28: 512, 30: 512, 32: 512, 34: 512,
}  # fmt: skip
SHORT = {2: 64, 5: 64, 9: 128, 12: 128, 16: 256}
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
Weights = dict[str, Tensor]


def random_convs(widths: dict[int, int], prefix: str) -> Weights:
    """Weights of He's size, so that sixteen layers neither vanish nor explode."""
    generator, inside, tensors = torch.Generator().manual_seed(0), 3, {}
    for index, width in widths.items():
        weight = torch.randn(width, inside, 3, 3, generator=generator) * (2 / inside / 9) ** 0.5
        tensors[f"{prefix}{index}.weight"] = weight
        tensors[f"{prefix}{index}.bias"] = 0.1 * torch.randn(width, generator=generator)
        inside = width
    return tensors


@cache
def torchvision() -> Weights:
    return random_convs(TORCHVISION, "features.") | {"classifier.6.bias": torch.zeros(1000)}


@cache
def short() -> Weights:
    first = torch.tensor([[0.0, 0, 2], [0, 2, 0], [2, 0, 0]])[:, :, None, None]
    return {"0.weight": first, "0.bias": -torch.ones(3)} | random_convs(SHORT, "")


def saved(folder: Path, tensors: object) -> Path:
    torch.save(tensors, folder / "vgg.pth")
    return folder / "vgg.pth"


def picture(*size: int) -> Tensor:
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1))


def torchvision_by_hand(x: Tensor, convs: int) -> Tensor:
    """Run the published network as torchvision lays it out: 2x2 pooling after 3, 8 and so on."""
    tensors = torchvision()
    x = (x - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(DEVIATION).view(3, 1, 1)
    position = 0
    for index in list(TORCHVISION)[:convs]:
        if index > position:
            x = F.max_pool2d(x, 2)
        name = f"features.{index}"
        x = F.conv2d(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"], padding=1).relu()
        position = index + 2
    return x


def short_by_hand(x: Tensor, convs: int) -> Tensor:
    tensors = short()
    x = F.conv2d(x, tensors["0.weight"], tensors["0.bias"])
    for index in list(SHORT)[:convs]:
        if index in (9, 16):
            x = F.max_pool2d(x, 2, ceil_mode=True)
        padded = F.pad(x, (1, 1, 1, 1), mode="reflect")
        x = F.conv2d(padded, tensors[f"{index}.weight"], tensors[f"{index}.bias"]).relu()
    return x


def assert_close(found: Tensor, wanted: Tensor) -> None:
    """Up to 2304 float32 products a sample, in another order, through 16 layers: 1e-4 covers it."""
    torch.testing.assert_close(found * 12.75, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("layer", "convs"), [("vgg22", 4), ("vgg31", 5), ("vgg54", 16)])
@torch.no_grad()
def test_torchvision_file(layer: FeatureLayer, convs: int, tmp_path: Path) -> None:
    x = picture(35, 46)
    found = load_vgg(saved(tmp_path, torchvision()), layer)(x)
    assert_close(found, torchvision_by_hand(x, convs))


@pytest.mark.parametrize(("layer", "convs"), [("vgg22", 4), ("vgg31", 5)])
@torch.no_grad()
def test_short_file(layer: FeatureLayer, convs: int, tmp_path: Path) -> None:
    x = picture(9, 14)
    found = load_vgg(saved(tmp_path, short()), layer)(x)
    assert_close(found, short_by_hand(x, convs))
    assert found.shape[2:] == ((5, 7) if layer == "vgg22" else (3, 4))


def test_half_precision_files_are_read_in_full_precision(tmp_path: Path) -> None:
    halves = {name: tensor.half() for name, tensor in short().items()}
    net = load_vgg(str(saved(tmp_path, {"state_dict": halves})))
    assert {p.dtype for p in net.parameters()} == {torch.float32}


def test_weights_are_frozen_and_the_picture_is_not(tmp_path: Path) -> None:
    net = load_vgg(saved(tmp_path, short()))
    assert not any(p.requires_grad for p in net.parameters())
    assert not net.training
    out, target = picture(8, 8).requires_grad_(), (picture(8, 8) / 2).requires_grad_()
    torch.autograd.backward(perceptual_loss(net, out, target))
    assert out.grad is not None
    assert out.grad.abs().max() > 0
    assert target.grad is None


@torch.no_grad()
def test_loss_is_the_mean_difference_of_scaled_features(tmp_path: Path) -> None:
    net = load_vgg(saved(tmp_path, short()))
    out, target = picture(8, 8), picture(8, 8).flip(3)
    difference = (short_by_hand(out, 4) - short_by_hand(target, 4)) / 12.75
    torch.testing.assert_close(perceptual_loss(net, out, target), difference.square().mean())
    absolute = perceptual_loss(net, out, target, distance="l1")
    torch.testing.assert_close(absolute, difference.abs().mean())
    assert perceptual_loss(net, target, target) == 0


@torch.no_grad()
def test_under_autocast_the_loss_is_float32(tmp_path: Path) -> None:
    net = load_vgg(saved(tmp_path, short()))
    out, target = picture(16, 16), picture(16, 16) / 2
    with torch.autocast("cpu", torch.bfloat16):
        assert net(out).dtype == torch.bfloat16
        low = perceptual_loss(net, out, target)
    assert low.dtype == torch.float32
    # bfloat16 has 8 bits; thousands of differences average their errors of up to 1 % out
    torch.testing.assert_close(low, perceptual_loss(net, out, target), rtol=0.02, atol=0)


@pytest.mark.parametrize(("layer", "smallest"), [("vgg22", 4), ("vgg31", 8), ("vgg54", 32)])
def test_smallest_size(layer: FeatureLayer, smallest: int) -> None:
    net = VggFeatures(layer, padding="zeros")
    assert net(picture(smallest, smallest)).shape[2:] == (2, 2)
    with pytest.raises(ValueError, match=f"sides of at least {smallest}"):
        net(picture(smallest, smallest - 1))
    with pytest.raises(ValueError, match=r"expected \[N, 3, H, W\]"):
        net(torch.zeros(1, 1, 64, 64))


def assert_refused(path: Path, words: str, layer: FeatureLayer = "vgg22") -> None:
    with pytest.raises(ModelError, match=words) as caught:
        load_vgg(path, layer)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_short_file_has_no_deep_layer(tmp_path: Path) -> None:
    assert_refused(saved(tmp_path, short()), "expected vgg22 or vgg31, got vgg54", "vgg54")


def test_missing_file(tmp_path: Path) -> None:
    assert_refused(tmp_path / "none.pth", "no such file. Hint: give torchvision's VGG19")
    assert_refused(tmp_path, "no such file")


def test_damaged_file(tmp_path: Path) -> None:
    path = saved(tmp_path, short())
    path.write_bytes(path.read_bytes()[:5000])
    assert_refused(path, "not a readable checkpoint")


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("opened-by-a-checkpoint",)


def test_file_that_carries_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert_refused(saved(tmp_path, short() | {"x": Evil()}), "not a file of plain tensors")
    assert not (tmp_path / "opened-by-a-checkpoint").exists()


def without(weights: Weights, *names: str) -> Weights:
    return {name: tensor for name, tensor in weights.items() if name not in names}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"features.17.weight": torch.zeros(2, 2, 3, 3)}, "it has features.17"),  # VGG16
        ({"features.1.weight": torch.zeros(64)}, "it has features.1"),  # batch normalisation
        (
            {"features.2.weight": torch.zeros(64, 3, 3, 3)},
            r"expected \[64, 64, 3, 3\], got \[64, 3",
        ),
        ({"features.7.bias": torch.full((128,), float("nan"))}, "plain tensor of finite"),
        ({"features.7.bias": torch.zeros(128, dtype=torch.int64)}, "plain tensor of finite"),
    ],
)
def test_relatives_of_vgg19(change: Weights, words: str, tmp_path: Path) -> None:
    assert_refused(saved(tmp_path, torchvision() | change), words)


def test_missing_tensors(tmp_path: Path) -> None:
    path = saved(tmp_path, without(torchvision(), "features.34.bias"))
    load_vgg(path, "vgg22")  # does not need it
    assert_refused(path, "features.34.bias is missing", "vgg54")
    assert_refused(saved(tmp_path, without(short(), "9.weight")), "9.weight is missing")


def test_other_networks(tmp_path: Path) -> None:
    path = saved(tmp_path, {"conv.weight": torch.zeros(8, 3, 3, 3)})
    assert_refused(path, r"no tensor is called features\.\*")


@pytest.fixture(scope="session")
def vgg_file(data_dir: Path) -> Path:
    path = data_dir / "vgg" / "vgg_normalised_conv3_1.pth"
    if not path.is_file():
        pytest.skip(f"no {path}")
    return path


@pytest.fixture(scope="session")
def photo(data_dir: Path) -> Tensor:
    """Return a butterfly's wing, ``[1, 3, 128, 128]`` in [0, 1]."""
    path = data_dir / "eval" / "Set5" / "image_SRF_4" / "img_003_SRF_4_HR.png"
    if not path.is_file():
        pytest.skip(f"no {path}")
    return to_unit(read_rgb(path))[None, :, 64:192, 64:192]


def blur(x: Tensor, radius: int) -> Tensor:
    return F.avg_pool2d(F.pad(x, (radius,) * 4, "reflect"), 2 * radius + 1, 1)


@pytest.mark.parametrize("layer", ["vgg22", "vgg31"])
@torch.no_grad()
def test_distance_grows_with_blur(vgg_file: Path, photo: Tensor, layer: FeatureLayer) -> None:
    features = load_vgg(vgg_file, layer)
    distances = [perceptual_loss(features, blur(photo, r), photo).item() for r in (0, 1, 2, 4)]
    assert distances[0] == 0
    assert all(1.2 * a < b for a, b in pairwise(distances))


@torch.no_grad()
def test_blur_costs_more_than_brightness_of_the_same_squared_error(
    vgg_file: Path, photo: Tensor
) -> None:
    blurred = blur(photo, 1)
    brighter = photo + (blurred - photo).square().mean().sqrt()
    features = load_vgg(vgg_file)
    assert perceptual_loss(features, blurred, photo) > 2 * perceptual_loss(
        features, brighter, photo
    )


@torch.no_grad()
def test_scaled_distance_has_the_size_of_the_squared_error(vgg_file: Path, photo: Tensor) -> None:
    """What the paper's factor is for, with pixels in [-1, 1]; the order of magnitude is meant."""
    blurred = blur(photo, 2)
    pixels = 4 * (blurred - photo).square().mean()
    assert 0.2 < perceptual_loss(load_vgg(vgg_file), blurred, photo) / pixels < 5
