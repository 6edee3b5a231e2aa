"""Least work of a stage: arithmetic of the network, bytes of everything else."""

from __future__ import annotations

import copy
import math

import torch
from torch.utils.flop_counter import FlopCounterMode

from vidsr.engines.pytorch.rewrite import to_phase_module
from vidsr.models.checkpoint import Generator
from vidsr.models.networks.phase_net import PhaseNet
from vidsr.models.networks.stated_net import StatedNet
from vidsr.models.onnx_networks.network import onnx_network

SIDE = 16  # of the picture in the weightless run: a multiple of every generator's alignment


def flops_per_pixel(module: Generator) -> float:
    """Count a low-resolution pixel's FLOP, a multiply-add as two, borders as the inside.

    Counted on the network as engines run it: batch norms folded, up to the last pixel shuffle.
    Activations and additions, a few for a thousand, are not counted. 0 for an ONNX file, and for
    layers that cannot be counted without weights.
    """
    if onnx_network(module) is not None:
        return 0.0
    net = copy.deepcopy(to_phase_module(module)).eval().to("meta", torch.float32)
    side = _side(net)
    x = torch.empty(1, net.channels, side, side, device="meta")
    try:
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            net.phase(x)
    except (RuntimeError, NotImplementedError, ValueError):
        if isinstance(net, StatedNet):
            return 0.0
        raise
    return float(counter.get_total_flops()) / side**2


def _side(net: PhaseNet) -> int:
    if not isinstance(net, StatedNet):
        return SIDE
    traits = net.traits
    step = math.lcm(traits.alignment, traits.multiple or 1)
    least = max(SIDE, traits.minimum.width, traits.minimum.height)
    return -(-least // step) * step
