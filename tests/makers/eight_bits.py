"""Small networks with steps of 8-bit codes beside their weights."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from vidsr.engines.pytorch.rewrite import to_phase_module
from vidsr.engines.quantised.steps import Steps, steps_path, weights_sha256
from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.zoo import Model, load_model
from vidsr.training.networks.ranges import observed_steps

KINDS: dict[str, dict[str, object]] = {
    "lite": {"kind": "lite", "scale": 4, "channels": 1, "width": 16},
    "coarse": {"kind": "lite", "channels": 1, "width": 16, "stride": 2, "prelu": "shared"},
    "srresnet": {"kind": "srresnet", "scale": 4, "channels": 3, "width": 8, "norm": "batch"},
}


def make_network(folder: Path, name: str) -> Model:
    """Write an untrained network, and steps for it that are seen on noise."""
    fields = {"scale": 2, "blocks": 2, **KINDS[name]}
    torch.manual_seed(5)
    config = GeneratorConfig(**fields)  # type: ignore[arg-type]
    net = build_generator(config).eval()
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
    path = folder / f"{name}.safetensors"
    save_generator(path, config, net.state_dict())
    model = load_model(path)
    layers = observed_steps(to_phase_module(model.module), [torch.rand(2, config.channels, 24, 24)])
    steps = Steps(weights_sha256(path), "noise", layers)
    steps_path(path).write_text(steps.to_json())
    return model
