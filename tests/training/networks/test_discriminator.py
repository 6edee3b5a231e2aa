"""Discriminators: the published shapes, any size, and normalisation that holds."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn

from vidsr.training.choices import AdversarialKind, DiscriminatorKind
from vidsr.training.networks.discriminator import (
    Discriminator,
    Norm,
    PatchGAN,
    SrganDiscriminator,
    build_discriminator,
)
from vidsr.training.networks.losses import discriminator_loss, gradient_penalty

KINDS: tuple[DiscriminatorKind, ...] = get_args(DiscriminatorKind)
ADVERSARIES: tuple[AdversarialKind, ...] = get_args(AdversarialKind)
NORMS: tuple[Norm, ...] = get_args(Norm)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def test_srgan_has_the_parameters_of_the_paper() -> None:
    pairs = [(64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512), (512, 512)]
    first = 3 * 64 * 9 + 64
    normed = sum(a * b * 9 + 2 * b for a, b in pairs)
    dense = 512 * 6 * 6 * 1024 + 1024 + 1024 + 1
    with torch.device("meta"):
        assert count(SrganDiscriminator()) == first + normed + dense


def test_srgan_at_the_size_of_the_paper_is_not_pooled() -> None:
    net = SrganDiscriminator(width=2).eval()
    x = torch.rand(2, 3, 96, 96)
    with torch.no_grad():
        maps = net.convs(2 * x - 1)
        assert maps.shape == (2, 16, 6, 6)
        plain = net.logit(nn.functional.leaky_relu(net.hidden(maps.flatten(1)), 0.2))
        assert torch.equal(net(x), plain)


@pytest.mark.parametrize(("layers", "field"), [(1, 16), (2, 34), (3, 70)])
def test_each_patch_logit_sees_the_published_field(layers: int, field: int) -> None:
    net = PatchGAN(width=2, layers=layers, norm="none")
    x = torch.rand(1, 3, 160, 160, requires_grad=True)
    logits = net(x)
    torch.autograd.backward(logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2])
    assert x.grad is not None
    touched = x.grad.abs().amax(dim=(0, 1))
    assert int(touched.amax(0).count_nonzero()) == field
    assert int(touched.amax(1).count_nonzero()) == field


@pytest.mark.parametrize("size", [(24, 24), (33, 47), (96, 50), (101, 25)])
@pytest.mark.parametrize("kind", KINDS)
def test_any_crop_works(kind: DiscriminatorKind, size: tuple[int, int]) -> None:
    logits = build_discriminator(kind, width=2)(torch.rand(2, 3, *size))
    patches = (2, 1, size[0] // 8 - 2, size[1] // 8 - 2)
    assert logits.shape == ((2, 1) if kind == "srgan" else patches)


def test_too_small_for_a_patch_says_so() -> None:
    with pytest.raises(ValueError, match="sides of at least 24"):
        PatchGAN(width=2)(torch.rand(1, 3, 23, 64))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_luma_can_be_judged_too(kind: DiscriminatorKind, channels: int) -> None:
    net = build_discriminator(kind, channels=channels, width=2)
    assert net(torch.rand(2, channels, 24, 24)).isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_logits_are_not_squashed(kind: DiscriminatorKind) -> None:
    net = build_discriminator(kind, width=2, norm="none")
    last = net.logit if isinstance(net, SrganDiscriminator) else net.convs[-1]
    nn.init.constant_(last.bias, 5.0)  # type: ignore[arg-type]
    assert net(torch.rand(1, 3, 24, 24)).min() > 4


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_learns_to_tell_noise_from_grey_in_bfloat16(kind: DiscriminatorKind, norm: Norm) -> None:
    net = build_discriminator(kind, width=4, norm=norm)
    optimiser = torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.5, 0.9))
    first = last = 0.0
    for step in range(25):
        real, fake = torch.rand(4, 3, 32, 32), 0.5 + 0.01 * torch.rand(4, 3, 32, 32)
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(real), net(fake)
        loss = discriminator_loss("hinge", *logits)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        first, last = first or loss.item(), loss.item()
        if step == 0:
            assert logits[0].dtype == torch.bfloat16
            assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    assert last < 0.7 * first


def largest_singular_values(net: Discriminator) -> list[float]:
    layers = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    return [float(torch.linalg.matrix_norm(m.weight.detach().flatten(1), 2)) for m in layers]


@pytest.mark.parametrize("kind", KINDS)
def test_spectral_normalisation_bounds_the_largest_singular_value(kind: DiscriminatorKind) -> None:
    net = build_discriminator(kind, width=4, norm="spectral")
    optimiser = torch.optim.SGD(net.parameters(), lr=0.5)
    x = torch.rand(2, 3, 24, 24)
    for _ in range(5):  # weights move, and the estimate has to follow
        optimiser.zero_grad()
        torch.autograd.backward(net(x).mean())
        optimiser.step()
    with torch.no_grad():
        for _ in range(30):
            net(x)
    net.eval()
    found = largest_singular_values(net)
    assert len(found) == (10 if kind == "srgan" else 5)
    # Power iteration approaches from below, so the weights from above; 2 % was left after 40 steps.
    assert found == pytest.approx([1.0] * len(found), abs=0.03)


@pytest.mark.parametrize("kind", KINDS)
def test_without_normalisation_nothing_bounds_it(kind: DiscriminatorKind) -> None:
    net = build_discriminator(kind, width=4, norm="none")
    with torch.no_grad():
        for p in net.parameters():
            p.mul_(50)
    assert min(largest_singular_values(net)) > 1.5


@pytest.mark.parametrize("kind", KINDS)
def test_weights_start_as_published(kind: DiscriminatorKind) -> None:
    net = build_discriminator(kind, width=16, norm="batch")
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            # about 400 numbers in the smallest layer: their deviation is within 15 % at 4 sigma
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.15)
            assert layer.bias is None or not layer.bias.any()
        elif isinstance(layer, nn.BatchNorm2d):
            assert (layer.weight - 1).abs().max().item() < 0.1


@pytest.mark.parametrize("adversarial", ADVERSARIES)
@pytest.mark.parametrize("kind", KINDS)
def test_normalisation_follows_paper_and_loss(
    kind: DiscriminatorKind, adversarial: AdversarialKind
) -> None:
    net = build_discriminator(kind, adversarial=adversarial, width=2)
    batch = any(isinstance(m, nn.BatchNorm2d) for m in net.modules())
    spectral = any("parametrizations" in name for name, _ in net.named_parameters())
    wasserstein = adversarial == "wgan-gp"
    assert batch == (kind == "srgan" and not wasserstein)
    assert spectral == (kind == "patch" and not wasserstein)


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_penalty_reaches_the_first_layer(kind: DiscriminatorKind) -> None:
    net = build_discriminator(kind, adversarial="wgan-gp", width=2)
    real, fake = torch.rand(2, 2, 3, 24, 24)
    torch.autograd.backward(gradient_penalty(net, real, fake, torch.Generator().manual_seed(0)))
    gradient = next(net.parameters()).grad
    assert gradient is not None
    assert gradient.abs().max() > 0


def test_batch_normalisation_under_a_gradient_penalty_is_refused() -> None:
    with pytest.raises(
        ValueError, match="expected 'spectral' or 'none' under wgan-gp, got 'batch'"
    ):
        build_discriminator("srgan", adversarial="wgan-gp", norm="batch")


def test_no_width_is_refused() -> None:
    with pytest.raises(ValueError, match="width: expected 1 or more, got 0"):
        build_discriminator("patch", width=0)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_state_comes_back(kind: DiscriminatorKind, norm: Norm) -> None:
    net, other = (build_discriminator(kind, width=2, norm=norm).eval() for _ in range(2))
    other.load_state_dict(net.state_dict())
    x = torch.rand(1, 3, 24, 24)
    with torch.no_grad():
        assert torch.equal(net(x), other(x))
