"""Training step of CycleGAN: two generators and two critics on pictures that are no pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from vidsr.models.checkpoint import Generator, build_generator
from vidsr.training.options import Options
from vidsr.training.steps.fidelity import PIXEL_LOSSES, Losses, Optimiser, training_dtype
from vidsr.training.unpaired import losses
from vidsr.training.unpaired.average import Average
from vidsr.training.unpaired.critic import MultiScaleCritic
from vidsr.training.unpaired.history import History

DIRECTIONS = ("degrade", "restore")
BETAS = (0.5, 0.99)
"""Adam's decays: a short memory of slopes, as GANs need (Radford et al. 2016)."""
DITHER = 1 / 255
"""Width of the even noise on what critics see: real pictures have whole levels, made ones not."""


class Cycle:
    """Learner of a degradation and of its undoing (Zhu et al. 2017).

    ``degrade`` turns pictures that the recipe has spoiled into such as the footage has; ``restore``
    turns those into good ones. The recipe stands in front of ``degrade`` alone: a good picture that
    went through recipe, ``degrade`` and ``restore`` has to come back, so ``restore`` undoes
    both; footage that went through ``restore`` and ``degrade`` has to come back without the recipe,
    whose random part nobody could draw again.
    """

    def __init__(self, options: Options, device: torch.device) -> None:
        self.options, self.device = options, device
        assert options.adversarial is not None
        self.adversarial = options.adversarial
        self.loss = PIXEL_LOSSES[options.loss]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            self.generators = nn.ModuleDict({name: self._generator() for name in DIRECTIONS})
            self.critics = nn.ModuleDict({name: self._critic() for name in ("bad", "good")})
        self.degradation = Average(self.generators["degrade"], options.decay)
        self.restoration = Average(self.generators["restore"], options.decay)
        self.average = self.restoration.weights  # what a run writes as its model
        self.histories = {"bad": History(), "good": History()}
        self.optimiser = Optimiser(self.generators, options, device, BETAS)
        self.critic_optimiser = Optimiser(self.critics, options, device, BETAS)
        self._seen = 0

    def _generator(self) -> Generator:
        network = build_generator(self.options.config())
        return network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def _critic(self) -> MultiScaleCritic:
        critic = MultiScaleCritic(
            self.options.discriminator_scales,
            adversarial=self.adversarial,
            width=self.options.discriminator_width,
        )
        return critic.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def learn(self, low: Tensor, high: Tensor, step: int) -> Losses:
        """Do one step of the generators, then one of the critics on what they made.

        Args:
            low: Crops of the footage, ``[N, 3, n, n]`` in [0, 1].
            high: Good crops, ``[N, 6, n, n]``: as the recipe spoils them, and as they were.
            step: Number of the step, from which random numbers are drawn.
        """
        spoiled, good = high.chunk(2, dim=1)
        random = torch.Generator().manual_seed(self.options.seed * 6007 + step)
        self.critics.requires_grad_(False)
        parts, fakes = self._parts(low, spoiled, good, random)
        loss = torch.stack([self._weight(name) * part for name, part in parts.items()]).sum()
        self.optimiser.descend(loss)
        self._seen += 1
        for average in (self.degradation, self.restoration):
            average.update(self._seen)
        self.critics.requires_grad_(True)
        judged = self._judge({"bad": low, "good": good}, fakes, random)
        shown = {name: part.detach() for name, part in {**parts, **judged}.items()}
        return {"loss": loss.detach(), **shown}

    def _weight(self, name: str) -> float:
        kind = name if name in ("cycle", "identity") else "adversarial"
        weight: float = getattr(self.options, f"{kind}_weight")
        return weight

    def _parts(
        self, bad: Tensor, spoiled: Tensor, good: Tensor, random: torch.Generator
    ) -> tuple[Losses, dict[str, Tensor]]:
        """Return the losses of the generators, and the pictures that they made."""
        fake_bad, same_bad = self.run("degrade", torch.cat((spoiled, bad))).chunk(2)
        fake_good, same_good = self.run("restore", torch.cat((bad, good))).chunk(2)
        good_again, bad_again = self.run("restore", fake_bad), self.run("degrade", fake_good)
        fakes = {"bad": fake_bad, "good": fake_good}
        deceit = {
            name: losses.deceit(self.adversarial, self._logits(name, fakes[name], random))
            for name in fakes
        }
        parts = {
            "degrade": deceit["bad"],
            "restore": deceit["good"],
            "cycle": losses.cycle(self.loss, [(good_again, good), (bad_again, bad)]),
            "identity": losses.cycle(self.loss, [(same_good, good), (same_bad, bad)]),
        }
        return parts, fakes

    def _judge(
        self, real: dict[str, Tensor], fakes: dict[str, Tensor], random: torch.Generator
    ) -> Losses:
        """Do one step of both critics and return their losses."""
        parts = {}
        for name, fake in fakes.items():
            shown = self.histories[name].exchange(fake, random)
            logits = [self._logits(name, x, random) for x in (real[name], shown)]
            part = losses.judgement(self.adversarial, *logits)
            if self.adversarial == "wgan-gp":
                critic = self.critics[name]
                assert isinstance(critic, MultiScaleCritic)
                slope = losses.penalty(critic, real[name], shown, random)
                part = part + self.options.penalty_weight * slope
            parts[f"critic_{name}"] = part
        self.critic_optimiser.descend(torch.stack(list(parts.values())).sum())
        return parts

    def run(self, direction: str, x: Tensor) -> Tensor:
        """Return what the network of ``direction`` makes of ``[N, 3, H, W]``, float32."""
        with self._autocast():
            out: Tensor = self.generators[direction](x)
        return out.float()

    def _logits(self, name: str, x: Tensor, random: torch.Generator) -> list[Tensor]:
        noise = torch.rand(x.shape, generator=random) - 0.5
        with self._autocast():
            logits: list[Tensor] = self.critics[name](x + DITHER * noise.to(x))
        return logits

    def _autocast(self) -> torch.autocast:
        dtype = training_dtype(self.options, self.device)
        return torch.autocast(self.device.type, dtype, enabled=dtype != torch.float32)

    def figures(self) -> dict[str, float]:
        return {}

    def notes(self) -> dict[str, str]:
        return {}

    def set_rate(self, rate: float) -> None:
        self.optimiser.set_rate(rate)
        self.critic_optimiser.set_rate(rate)

    def state(self) -> dict[str, Any]:
        return {
            "generators": self.generators.state_dict(),
            "critics": self.critics.state_dict(),
            "optimiser": self.optimiser.state(),
            "critic_optimiser": self.critic_optimiser.state(),
            "degradation": self.degradation.weights,
            "restoration": self.restoration.weights,
            "histories": {name: each.state() for name, each in self.histories.items()},
            "seen": self._seen,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.generators.load_state_dict(state["generators"])
        self.critics.load_state_dict(state["critics"])
        self.optimiser.restore(state["optimiser"])
        self.critic_optimiser.restore(state["critic_optimiser"])
        self.degradation.restore(state["degradation"])
        self.restoration.restore(state["restoration"])
        for name, history in self.histories.items():
            history.restore(state["histories"][name], self.device)
        self._seen = int(state["seen"])
