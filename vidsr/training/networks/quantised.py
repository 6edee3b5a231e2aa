"""Student that learns with its numbers rounded to 8-bit codes, as engines will round them.

Weights are rounded to symmetric codes with a step an output channel, which follows from the largest
weight; over-parameterised convolutions are rounded in their collapsed form, the one that runs. The
step of what goes into a convolution is learned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from vidsr.engines.pytorch.rewrite import to_phase_module
from vidsr.engines.quantised.codes import ZERO
from vidsr.engines.quantised.networks import later_convolutions, weights_and_biases
from vidsr.engines.quantised.rounding import rounded, rounded_weight, weight_steps
from vidsr.engines.quantised.steps import LayerSteps
from vidsr.models.checkpoint import build_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.layers.phase_weights import phase_weight
from vidsr.models.networks.lite import Lite
from vidsr.training.networks.collapse import WideLite
from vidsr.training.networks.ranges import observed_steps
from vidsr.training.networks.student import Student


class LearnedRounding(nn.Module):
    """Rounding of what goes into a convolution; learned is the logarithm of its step.

    A step of 0.01 and one of 0.1 then change by the same share at the same rate.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_step = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] -> the same shape."""
        return rounded(x, self.log_step.exp())


class QuantisedStudent(nn.Module):
    """A student whose forward pass runs the form of an engine, rounded.

    Attributes:
        student: Student that holds the weights.
        log_steps: Logarithms of the steps of what goes into each convolution after the first.
    """

    def __init__(self, student: Student, config: GeneratorConfig) -> None:
        super().__init__()
        self.student, self.config = student, config
        with torch.device("meta"):  # its weights come with every call
            net = to_phase_module(build_generator(config))
        later = set(map(id, later_convolutions(net)))
        named = {n: m for n, m in net.named_modules() if isinstance(m, nn.Conv2d)}
        self.rounded = {n: m.in_channels for n, m in named.items() if id(m) in later}
        for name in self.rounded:
            net.set_submodule(name, nn.Sequential(LearnedRounding(), named[name]))
        self.log_steps = nn.Parameter(torch.zeros(len(self.rounded)))
        self._form = (net,)  # in a tuple: no part of the state

    def plain_weights(self) -> dict[str, Tensor]:
        """Return names and values of the generator's tensors, not rounded."""
        return self.student.plain_weights()

    def forward(self, x: Tensor) -> Tensor:
        """Turn [N, C, H, W] into [N, C, s*H, s*W], less or more by the rounding."""
        tensors: dict[str, Tensor] = {}
        for name, value in phase_form(self.config, _live(self.student)).items():
            conv, _, kind = name.rpartition(".")
            if conv not in self.rounded:
                tensors[name] = value
                continue
            weight = kind == "weight"
            own = rounded_weight(value, weight_steps(value.detach())) if weight else value
            tensors[f"{conv}.1.{kind}"] = own
        for name, log_step in zip(self.rounded, self.log_steps.unbind(), strict=True):
            tensors[f"{name}.0.log_step"] = log_step
        out: Tensor = torch.func.functional_call(self._form[0], tensors, (x,))
        return out

    @torch.no_grad()
    def observe(self, pictures: Sequence[Tensor]) -> None:
        """Begin with ranges seen on ``pictures``, [N, C, h, w] in [0, 1] on the CPU.

        Factors of a lite network go into its weights, which changes nothing in floats.
        """
        generator = build_generator(self.config).eval()
        generator.load_state_dict({k: v.cpu() for k, v in self.plain_weights().items()})
        net = to_phase_module(generator)
        layers = observed_steps(net, pictures)
        if isinstance(net, Lite):
            _write(net, tuple(layer.factors for layer in layers))
            _hold(self.student, net.state_dict())
        steps = torch.tensor([layer.symmetric.step for layer in layers])
        self.log_steps.copy_(steps.log())

    def layers(self, log_steps: Tensor) -> tuple[LayerSteps, ...]:
        """Return learned steps in the form in which they are stored."""
        return tuple(
            LayerSteps(step, ZERO, (1.0,) * channels)
            for step, channels in zip(log_steps.exp().tolist(), self.rounded.values(), strict=True)
        )


def _live(student: Student) -> dict[str, Tensor]:
    """Return the generator's tensors with their gradients."""
    if isinstance(student, WideLite):
        return student.plain_weights()
    return dict(student.generator.named_parameters())


def _write(net: Lite, factors: tuple[tuple[float, ...], ...]) -> None:
    convs = (net.head, *later_convolutions(net))
    for conv, (weight, bias) in zip(convs, weights_and_biases(net, factors), strict=True):
        assert conv.bias is not None
        conv.weight.copy_(weight)
        conv.bias.copy_(bias)


def _hold(student: Student, weights: Mapping[str, Tensor]) -> None:
    if isinstance(student, WideLite):
        student.hold(weights)
    else:
        student.generator.load_state_dict(weights)


def phase_form(config: GeneratorConfig, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a generator's tensors under the names of the form that runs, differentiable.

    A lite network is that form already. Of an SRResNet without normalisation, what comes after the
    last shuffle goes before it, as in ``to_phase_module``.
    """
    if config.kind == "lite":
        return dict(weights)
    last = 3 * (config.scale.bit_length() - 1) - 1  # the last PReLU; the shuffle before it goes
    named = {name.replace("join.0.", "join."): value for name, value in weights.items()}
    slopes = named.pop(f"upsample.{last}.weight")
    named[f"upsample.{last - 1}.weight"] = _for_phases(slopes) if len(slopes) > 1 else slopes
    named["tail.weight"] = phase_weight(named["tail.weight"])
    named["tail.bias"] = _for_phases(named["tail.bias"])
    return named


def _for_phases(values: Tensor) -> Tensor:
    return values.repeat_interleave(4)
