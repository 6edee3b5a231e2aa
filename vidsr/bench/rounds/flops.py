"""Least work of a stage: arithmetic of the network, bytes of everything else."""

from __future__ import annotations

import copy

import torch
from torch.utils.flop_counter import FlopCounterMode

from vidsr.engines.pytorch.rewrite import to_phase_module
from vidsr.models.checkpoint import Generator

SIDE = 16  # of the picture in the weightless run: a multiple of every generator's alignment


def flops_per_pixel(module: Generator) -> float:
    """Count a low-resolution pixel's FLOP, a multiply-add as two, borders as the inside.

    Counted on the network as engines run it: batch norms folded, up to the last pixel shuffle.
    Activations and additions, a few for a thousand, are not counted.
    """
    net = copy.deepcopy(to_phase_module(module)).eval().to("meta", torch.float32)
    x = torch.empty(1, net.config.channels, SIDE, SIDE, device="meta")
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        net.phase(x)
    return float(counter.get_total_flops()) / SIDE**2
