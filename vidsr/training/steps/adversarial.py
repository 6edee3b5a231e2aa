"""GAN training step: the generator against fidelity, features and a discriminator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from vidsr.training.networks import losses
from vidsr.training.networks.student import Student
from vidsr.training.networks.vgg_features import VggFeatures, perceptual_loss
from vidsr.training.options import Options
from vidsr.training.steps.fidelity import Fidelity, Losses, Optimiser

OFFSETS = 8
"""Places, in pixels a way, that the perceptual loss begins at."""
NOISE = 1.5 / 255
"""Standard deviation of the second look's noise: that of a well-lit 8-bit camera picture."""


class Adversarial(Fidelity):
    """``Fidelity`` whose losses are those of SRGAN (Ledig et al., 2017).

    Against flicker, the same content is upscaled twice: as it is, and with a little noise and, for
    bicubic degradation, moved by a fraction of a low-resolution pixel, as the next frame of a video
    shows it. What differs between the two results, moved back, is penalised.
    """

    def __init__(
        self,
        student: Student,
        options: Options,
        device: torch.device,
        *,
        critic: nn.Module,
        features: VggFeatures | None,
        run: nn.Module | None = None,
        run_critic: nn.Module | None = None,
    ) -> None:
        super().__init__(student, options, device, run=run)
        assert options.adversarial is not None
        self.adversarial = options.adversarial
        self.critic, self.features = critic, features
        self.run_critic = run_critic or critic
        self.critic_optimiser = Optimiser(critic, options, device)

    def learn(self, low: Tensor, high: Tensor, step: int) -> Losses:
        """Do one step of the generator, then one of the discriminator on the same pictures."""
        high = self.seen(high)
        self.critic.requires_grad_(False)
        out = self.forward(low)
        parts = self._parts(out, low, high, step)
        weights = {name: getattr(self.options, f"{name}_weight") for name in parts}
        loss = torch.stack([weights[name] * part for name, part in parts.items()]).sum()
        self.optimiser.descend(loss)
        self.update_average()
        self.critic.requires_grad_(True)
        critic_loss = self._judge(out.detach(), high, step)
        shown = {name: part.detach() for name, part in parts.items()}
        return {"loss": loss.detach(), **shown, "critic": critic_loss.detach()}

    def _parts(self, out: Tensor, low: Tensor, high: Tensor, step: int) -> Losses:
        """Return the losses whose weight is not 0."""
        options = self.options
        parts = {"pixel": self.loss(out, high), **self.beside(out, high)}
        if options.perceptual_weight:
            assert self.features is not None
            top, left = self._offset(step)
            seen, wanted = (_rgb(x)[..., top:, left:] for x in (out, high))
            with self.autocast():
                parts["perceptual"] = perceptual_loss(self.features, seen, wanted)
        if options.adversarial_weight:
            with self.autocast():
                logits = self.critic(_rgb(out))
            parts["adversarial"] = losses.generator_loss(self.adversarial, logits.float())
        if options.tv_weight:
            parts["tv"] = losses.total_variation(out)
        if options.mesh_weight:
            parts["mesh"] = losses.mesh(out, high, scale=options.scale)
        if options.flicker_weight:
            parts["flicker"] = self._flicker(out, low, high, step)
        return parts

    def _offset(self, step: int) -> tuple[int, int]:
        """Return the corner where VGG begins to look: another at each step.

        Its poolings lie on a grid; looking from one corner alone, a thousand steps wove that grid
        into flat areas and foliage.
        """
        generator = torch.Generator().manual_seed(self.options.seed * 4001 + step)
        top, left = torch.randint(0, OFFSETS, (2,), generator=generator).tolist()
        return top, left

    def _flicker(self, out: Tensor, low: Tensor, high: Tensor, step: int) -> Tensor:
        scale = self.options.scale
        generator = torch.Generator().manual_seed(self.options.seed * 7919 + step)
        down, right, again = 0, 0, low
        if self.options.recipe == "bicubic":  # other recipes cannot be had again for moved pictures
            down, right = (int(v) for v in torch.randint(0, scale, (2,), generator=generator))
            size = [side // scale for side in high.shape[2:]]
            moved = high.roll((-down, -right), (2, 3))
            again = interpolate(moved, size, mode="bicubic", antialias=True)
        noise = torch.randn(again.shape, generator=generator).to(again)
        second = self.forward((again + NOISE * noise).clamp(0, 1))
        # Rolling wraps; the wrapped rows and what they reach are left out.
        inner = (..., slice(scale, -4 * scale), slice(scale, -4 * scale))
        first = out.roll((-down, -right), (2, 3))[inner]
        return losses.l1(second[inner], first)

    def _judge(self, fake: Tensor, real: Tensor, step: int) -> Tensor:
        """Do one step of the discriminator and return its loss."""
        fake, real = _rgb(fake), _rgb(real)
        with self.autocast():
            real_logits, fake_logits = self.run_critic(real), self.run_critic(fake)
        loss = losses.discriminator_loss(self.adversarial, real_logits.float(), fake_logits.float())
        if self.adversarial == "wgan-gp":
            generator = torch.Generator().manual_seed(self.options.seed * 6007 + step)
            penalty = losses.gradient_penalty(self.critic, real, fake, generator)
            loss = loss + self.options.penalty_weight * penalty
        self.critic_optimiser.descend(loss)
        return loss

    def set_rate(self, rate: float) -> None:
        super().set_rate(rate)
        self.critic_optimiser.set_rate(rate)

    def state(self) -> dict[str, Any]:
        return {
            **super().state(),
            "critic": self.critic.state_dict(),
            "critic_optimiser": self.critic_optimiser.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.critic.load_state_dict(state["critic"])
        self.critic_optimiser.restore(state["critic_optimiser"])


def _rgb(x: Tensor) -> Tensor:
    """Repeat luma to three channels, for networks that know colour."""
    return x if x.shape[1] == 3 else x.expand(-1, 3, -1, -1)
