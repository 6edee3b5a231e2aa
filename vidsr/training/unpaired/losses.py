"""Losses of unpaired training as pure functions: adversaries at several scales, and cycles."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from vidsr.training.choices import AdversarialKind
from vidsr.training.networks import losses
from vidsr.training.unpaired.critic import MultiScaleCritic

Distance = Callable[[Tensor, Tensor], Tensor]


def deceit(kind: AdversarialKind, fake: Sequence[Tensor]) -> Tensor:
    """Return the generator's loss from the logits of its pictures, the mean over scales."""
    return torch.stack([losses.generator_loss(kind, logits.float()) for logits in fake]).mean()


def judgement(kind: AdversarialKind, real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Return the critic's loss from logits of real and fake pictures, the mean over scales."""
    pairs = zip(real, fake, strict=True)
    return torch.stack(
        [losses.discriminator_loss(kind, r.float(), f.float()) for r, f in pairs]
    ).mean()


def penalty(
    critic: MultiScaleCritic, real: Tensor, fake: Tensor, generator: torch.Generator
) -> Tensor:
    """Return the gradient penalty of wgan-gp, the mean over scales; see ``gradient_penalty``."""
    pairs = zip(critic.pyramid(real), critic.pyramid(fake), strict=True)
    parts = [
        losses.gradient_penalty(lambda x, i=index: critic.judge(i, x), r, f, generator)  # type: ignore[misc]
        for index, (r, f) in enumerate(pairs)
    ]
    return torch.stack(parts).mean()


def cycle(distance: Distance, there_and_back: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Return the sum of distances of pictures that went there and back from what they were.

    After Zhu et al. 2017, equation 2: one pair a direction, (what came back, what it should be).
    The identity loss is the same of pictures that went through the network of their own side.
    """
    return torch.stack([distance(back, start) for back, start in there_and_back]).sum()
