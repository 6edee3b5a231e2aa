"""Shapes of networks: their layers, what they cost, which of them stand on the front."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from tests.paths import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

from shape_networks import (
    GROUPS,
    Layers,
    Shape,
    WideGroups,
    multiply_adds,
    parameters,
    student_of,
)
from shape_tables import front, markdown

from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.models.networks.lite import Lite
from vidsr.models.receptive_field import halo

RESULT = ROOT / "benchmarks" / "results" / "shapes-2core-epyc.json"
GUIDE = ROOT / "docs" / "guides" / "shapes.md"
SMALL = Shape(2, 1, 8, 3)
KINDS: tuple[Layers, ...] = ("plain", "separable", "shuffled")


def test_work_is_that_of_each_layer() -> None:
    # Head 9 x 8, three layers, tail 9 x 8 x 4.
    ends = 9 * 8 + 9 * 8 * 4
    plain, separable, shuffled = (replace(SMALL, layers=kind).build() for kind in KINDS)
    assert multiply_adds(plain, 1) == ends + 3 * 9 * 8 * 8
    assert multiply_adds(separable, 1) == ends + 3 * (9 * 8 + 8 * 8)
    assert multiply_adds(shuffled, 1) == ends + 3 * (2 * 8 * 8 / GROUPS + 9 * 8)
    # On half the grid: head 36 x 8, tail 9 x 8 x 16, for each four pixels.
    coarse = replace(SMALL, stride=2).build()
    assert multiply_adds(coarse, 1) == (36 * 8 + 3 * 9 * 64 + 9 * 8 * 16) / 4


def test_plain_shapes_are_those_of_training() -> None:
    net = replace(SMALL, prelu="channel").build()
    assert parameters(net) == sum(p.numel() for p in Lite(net.config).parameters())
    assert [type(layer) for layer in net.body] == [nn.Conv2d] * 3


@pytest.mark.parametrize("kind", KINDS)
def test_lighter_layers_reach_as_far(kind: Layers) -> None:
    assert halo(replace(SMALL, layers=kind).build()) == halo(SMALL.build()) == 5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stride", [1, 2])
def test_a_student_begins_as_nearest_and_exports_what_it_runs(kind: Layers, stride: int) -> None:
    shape = replace(SMALL, layers=kind, stride=stride)
    student = student_of(shape, seed=0, middle=16)
    x = torch.rand(1, 1, 6, 8)
    nearest = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.allclose(student(x), nearest, atol=1e-6)
    with torch.no_grad():
        for weight in student.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    net = shape.build()
    net.load_state_dict(student.plain_weights())
    assert torch.allclose(student(x), net(x), atol=1e-6)
    student(x).square().mean().backward()
    learned = [p for p in student.parameters() if p.requires_grad]
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in learned)


@pytest.mark.parametrize("kind", KINDS)
def test_the_engine_runs_them_with_their_activations(kind: Layers) -> None:
    net = replace(SMALL, layers=kind).build().eval()
    x = torch.rand(1, 1, 12, 16)
    with torch.inference_mode():
        expected = net.phase(x)
    assert torch.allclose(
        TorchEngine(net, device="cpu", precision="fp32").run(x), expected, atol=1e-5
    )


@pytest.mark.parametrize("groups", [2, 8])
def test_layers_within_groups_begin_near_the_identity(groups: int) -> None:
    conv = nn.Conv2d(8, 8, 3, padding=1, groups=groups)
    wide = WideGroups(conv, 16)
    with torch.no_grad():
        wide.project.zero_()
    x = torch.rand(1, 8, 5, 6)
    out = nn.functional.conv2d(x, wide.weight(), padding=1, groups=groups)
    assert torch.allclose(out, x)


def row(name: str, ms: float, db: float, scale: int = 4) -> dict[str, Any]:
    return {"name": name, "scale": scale, "ms": ms, "Set5": db, "Set14": db}


def test_the_front_holds_what_nothing_beats() -> None:
    rows = [
        row("quick", 1, 30),
        row("worse", 1.5, 29),
        row("dear", 2, 30),
        row("best", 3, 31),
        row("twice", 9, 1, scale=2),
    ]
    assert front(rows, "ms") == ["quick", "best", "twice"]
    assert front([row("one", 1, 30), row("same", 1, 30)], "ms") == ["one", "same"]


@pytest.mark.parametrize("kind", ["short", "long"])
@pytest.mark.parametrize("scale", [4, 2])
def test_the_guide_shows_what_was_measured(kind: str, scale: int) -> None:
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    mark = f"shapes {kind} x{scale}"
    text = GUIDE.read_text(encoding="utf-8")
    shown = text.partition(f"<!-- {mark} -->\n")[2].partition(f"\n<!-- /{mark} -->")[0]
    assert shown == markdown(result, kind, scale)
