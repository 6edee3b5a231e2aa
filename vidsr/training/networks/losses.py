"""Losses as pure functions: pixels, smoothness, adversaries and steadiness in time.

Every loss is a scalar, a mean over all samples, so that weights do not depend on batch or crop
size. Half-precision inputs are computed in float32; float64 stays. Gradients reach every argument
that asks for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, assert_never

import torch
import torch.nn.functional as F
from torch import Tensor

from vidsr.picture.luma import LUMA
from vidsr.training.choices import AdversarialKind

Distance = Literal["l1", "mse"]
COLOUR_CELL = 16
"""Pixels a side over which colour is averaged: what a chroma sample of a codec covers, and more."""
MESH_CELLS = 4
"""Cells a side over which a mesh is looked for: fewer take texture for it, more miss an edge."""


def _wide(x: Tensor) -> Tensor:
    """Turn into at least float32: a mean over a picture has too many terms for sixteen bits."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def difference(out: Tensor, target: Tensor) -> Tensor:
    """Return ``out - target`` in at least float32.

    Raises ValueError if the shapes differ: broadcasting would hide a mistake.
    """
    if out.shape != target.shape:
        raise ValueError(f"expected equal shapes, got {list(out.shape)} and {list(target.shape)}")
    return _wide(out) - _wide(target)


def l1(out: Tensor, target: Tensor) -> Tensor:
    """Return mean |out - target|, any equal shapes."""
    return difference(out, target).abs().mean()


def mse(out: Tensor, target: Tensor) -> Tensor:
    """Return mean (out - target)², any equal shapes."""
    return difference(out, target).square().mean()


def charbonnier(out: Tensor, target: Tensor, *, eps: float = 1e-3) -> Tensor:
    """Return mean sqrt((out - target)² + eps²): L1 with a rounded tip (Lai et al. 2017, LapSRN).

    ``eps`` is in the units of the samples; it is also what a perfect ``out`` still costs.
    Raises ValueError unless ``eps`` is positive: at zero the tip has no gradient.
    """
    if not eps > 0:
        raise ValueError(f"eps: expected more than 0, got {eps}")
    return (difference(out, target).square() + eps**2).sqrt().mean()


def total_variation(x: Tensor) -> Tensor:
    """Return the mean absolute difference of neighbours in ``[..., H, W]``, across and down.

    One mean over all pairs (anisotropic), so that no direction counts more in an oblong picture; 0
    for one pixel.
    """
    x = _wide(x)
    across, down = x.diff(dim=-1), x.diff(dim=-2)
    pairs = across.numel() + down.numel()
    return (across.abs().sum() + down.abs().sum()) / max(pairs, 1)


def edge(out: Tensor, target: Tensor, *, eps: float = 1e-3) -> Tensor:
    """Return the Charbonnier distance of the gradients of ``[..., H, W]``, across and down.

    An edge that is too soft, and a ring beside one that is too hard, cost more than the same error
    spread evenly. One mean over all pairs of neighbours, as in ``total_variation``: ``eps`` for
    equal pictures, 0 for one pixel.
    """
    error = difference(out, target)
    pairs = torch.cat([error.diff(dim=-1).flatten(), error.diff(dim=-2).flatten()])
    return (pairs.square() + eps**2).sqrt().mean() if pairs.numel() else error.sum() * 0


def colour(out: Tensor, target: Tensor) -> Tensor:
    """Return how far the colour of areas moved: the mean error of blurred chroma.

    RGB ``[N, 3, H, W]``; chroma is what a pixel has beside its luma. It is averaged over
    ``COLOUR_CELL`` pixels a side, at every half of that, so that noise and fine detail cost nothing
    and a tint does. Raises ValueError for other than 3 channels.
    """
    error = difference(out, target)
    if error.ndim != 4 or error.shape[1] != 3:
        raise ValueError(f"expected [N, 3, H, W], got {list(out.shape)}")
    weights = error.new_tensor(LUMA).view(1, 3, 1, 1)
    chroma = error - (error * weights).sum(1, keepdim=True)
    side = min(COLOUR_CELL, *error.shape[2:])
    return F.avg_pool2d(chroma, side, stride=max(1, side // 2)).abs().mean()


def mesh(out: Tensor, target: Tensor, *, scale: int) -> Tensor:
    """Return the error of ``[N, C, H, W]`` that repeats from one cell of the network to the next.

    A network that makes ``scale`` x ``scale`` pixels from each of its own can weave these cells
    into a mesh, which neither features nor a small critic punish: half a level repeated is nothing
    to them, and plain to the eye along an edge. The error at each place of the cell is averaged
    over ``MESH_CELLS`` x ``MESH_CELLS`` cells, where texture and noise cancel and a mesh does not;
    the mean absolute difference of the places from each other is the loss.
    Raises ValueError for a side that is no multiple of ``scale`` or has too few cells.
    """
    if min(out.shape[-2:]) < MESH_CELLS * scale:
        raise ValueError(f"expected {MESH_CELLS} cells of {scale} a side, got {list(out.shape)}")
    error = difference(out, target)
    if error.shape[-2] % scale or error.shape[-1] % scale:
        raise ValueError(f"expected sides that are multiples of {scale}, got {list(out.shape)}")
    places = F.pixel_unshuffle(error.flatten(0, 1).unsqueeze(1), scale)
    local = F.avg_pool2d(places, MESH_CELLS, stride=1)
    return (local - local.mean(dim=1, keepdim=True)).abs().mean()


def temporal_l1(out_a: Tensor, out_b: Tensor, ref_a: Tensor, ref_b: Tensor) -> Tensor:
    """Return mean |(out_b - out_a) - (ref_b - ref_a)|: change that the reference lacks.

    For two versions of one content, slightly shifted or with other noise: equal references make
    every change of the output an error. An error that both outputs share costs nothing, so a pixel
    loss belongs beside it.
    """
    return difference(difference(out_b, out_a), difference(ref_b, ref_a)).abs().mean()


def flicker_loss(out: Tensor, reference: Tensor) -> Tensor:
    """Return ``temporal_l1`` over all neighbouring frames of ``[..., T, C, H, W]``.

    Raises ValueError for fewer than two frames.
    """
    if out.ndim < 4 or out.shape[-4] < 2:
        raise ValueError(f"expected [..., T, C, H, W] with T of at least 2, got {list(out.shape)}")
    changes = _wide(out).diff(dim=-4), _wide(reference).diff(dim=-4)
    return l1(*changes)


def generator_loss(kind: AdversarialKind, fake_logits: Tensor) -> Tensor:
    """Return the generator's loss from the logits of its pictures, any shape.

    ``bce``: mean -log sigmoid(f), the non-saturating form of Goodfellow et al. 2014, as in SRGAN;
    ``hinge`` (Lim and Ye 2017) and ``wgan-gp`` (Gulrajani et al. 2017): -mean f.
    """
    fake = _wide(fake_logits)
    match kind:
        case "bce":
            return F.softplus(-fake).mean()
        case "hinge" | "wgan-gp":
            return -fake.mean()
    assert_never(kind)


def discriminator_loss(kind: AdversarialKind, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return the discriminator's loss; both terms count fully, none is halved.

    ``bce``: mean -log sigmoid(r) + mean -log(1 - sigmoid(f)); ``hinge``: mean max(0, 1 - r) + mean
    max(0, 1 + f); ``wgan-gp``: mean f - mean r, to which the caller adds
    ``gradient_penalty``, usually times 10.
    """
    real, fake = _wide(real_logits), _wide(fake_logits)
    match kind:
        case "bce":
            return F.softplus(-real).mean() + F.softplus(fake).mean()
        case "hinge":
            return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
        case "wgan-gp":
            return fake.mean() - real.mean()
    assert_never(kind)


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, generator: torch.Generator
) -> Tensor:
    """Return mean (|∇ critic(x)| - 1)² at random points between real and fake.

    After Gulrajani et al. 2017. The critic must treat pictures apart: no batch normalisation.

    Args:
        critic: Function from pictures to logits; of a map of logits the mean a picture counts, as
            in its loss.
        real: ``[N, ...]`` pictures.
        fake: The same shape; each pair is mixed by its own share.
        generator: Source of the shares.

    Returns:
        A scalar, differentiable for the critic's weights; the pictures get no gradient.

    Raises:
        ValueError: The shapes differ.
    """
    if real.shape != fake.shape:
        raise ValueError(f"expected equal shapes, got {list(real.shape)} and {list(fake.shape)}")
    real, fake = _wide(real.detach()), _wide(fake.detach())
    shares = torch.rand(len(real), generator=generator, device=generator.device).to(real)
    mixed = torch.lerp(fake, real, shares.view(-1, *(1,) * (real.ndim - 1))).requires_grad_()
    scores = critic(mixed).reshape(len(real), -1).mean(1)
    (slopes,) = torch.autograd.grad(scores.sum(), mixed, create_graph=True)
    lengths: Tensor = torch.linalg.vector_norm(slopes.flatten(1), dim=1)
    return (lengths - 1).square().mean()
