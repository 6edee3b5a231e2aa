"""Half precision rejected under a limit of memory: float32 takes over, in tiles that fit."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.doubles.stub_engine import StubEngine
from vidsr import Upscaler
from vidsr.engines.pytorch.cuda_graphs import GraphedEngine
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.pytorch.inference_net import InferenceNet
from vidsr.engines.selection.engine_order import EngineChoice
from vidsr.engines.tiling import window_pixels
from vidsr.errors import MemoryLimitError
from vidsr.option_values import EngineKind
from vidsr.picture.frame import PixelFormat, VideoFormat
from vidsr.picture.size import Size
from vidsr.upscaling.format_run import FormatRun
from vidsr.upscaling.memory_plan import Load
from vidsr.upscaling.transform import RGB_FULL

SIZE = (90, 120)
FRAME = Size(120, 90)
SOURCE = VideoFormat(SIZE[1], SIZE[0], PixelFormat("rgb", 16), RGB_FULL)


@pytest.fixture
def spoilt(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """bfloat16 gives nothing of use; what float32 sees at once is noted."""
    seen: list[tuple[int, int]] = []
    forward = InferenceNet.forward

    def run(self: InferenceNet, x: torch.Tensor) -> torch.Tensor:
        y = forward(self, x)
        if self.dtype == torch.float32:
            seen.append((x.shape[2], x.shape[3]))
            return y
        return y + torch.nan

    monkeypatch.setattr(InferenceNet, "forward", run)
    return seen


def limited(extra_bytes: int, **options: Any) -> Upscaler:
    """With room for the whole frame in bfloat16, less than twice that."""
    measure = Upscaler("lite-x2", device="cpu", precision="bf16", max_memory="4G")
    plan = measure.memory_plan(SOURCE, measure.target_format(SOURCE))
    limit = plan.total + extra_bytes
    return Upscaler("lite-x2", device="cpu", precision="bf16", max_memory=limit, **options)


def test_the_tile_is_chosen_anew_and_that_is_said_once(spoilt: list[tuple[int, int]]) -> None:
    upscaler = limited(100)
    target = upscaler.target_format(SOURCE)
    assert upscaler.plan(SOURCE, target) is None
    picture = torch.rand(3, *SIZE)
    expected = Upscaler("lite-x2", device="cpu", precision="fp32")(picture)
    spoilt.clear()
    for _ in range(2):
        assert torch.equal(upscaler(picture), expected)
    engine = upscaler.engine
    assert engine.dtype == torch.float32
    tile = upscaler.plan(SOURCE, target)
    assert tile is not None
    plan = upscaler.memory_plan(SOURCE, target)
    assert plan.total <= upscaler.memory_limit
    most = window_pixels(plan.tile, FRAME, engine)
    assert all(h * w <= max(most, 64 * 64) for h, w in spoilt)  # 64 x 64: what is compared
    said = [note for note in upscaler.notes.said if "at once, to keep the limit" in note]
    assert said == [
        f"lite-x2 in float32 sees {tile[1]}x{tile[0]} at once, to keep the limit of memory"
    ]


def test_a_limit_that_float32_cannot_keep_ends_the_run(spoilt: list[tuple[int, int]]) -> None:
    tight = limited(0)
    tight.pool.planner.limit_bytes = 0  # as if nothing was left
    with pytest.raises(MemoryLimitError):
        tight(torch.rand(3, *SIZE))


def test_each_device_is_planned_for_the_engine_that_runs_there() -> None:
    upscaler = limited(100)
    target = upscaler.target_format(SOURCE)
    full = TorchEngine(upscaler.model, device="cpu", precision="fp32")
    assert upscaler.memory_plan(SOURCE, target, full).tile is not None
    assert upscaler.plan(SOURCE, target) is None


def test_graphs_are_told_their_room() -> None:
    upscaler = limited(100)
    graphed = GraphedEngine(upscaler.engine, capture=lambda work: (work(), lambda: None))
    target = upscaler.target_format(SOURCE)
    FormatRun(upscaler.pool, 0, SOURCE, target, upscaler.notes).tile(graphed)
    assert graphed.room_bytes == upscaler.memory_plan(SOURCE, target).graphs


@pytest.mark.parametrize(
    ("kind", "devices", "held", "load"),
    [
        ("torch", 1, 3, Load(6, 1, check=True)),
        ("torch", 1, 1, Load(4, 1, check=True)),
        ("torch", 2, 3, Load(5, 1, check=True)),
        ("tensorrt", 1, 3, Load(6, 2, check=True)),
        ("tensorrt", 2, 3, Load(5, 1, check=True)),  # on several devices PyTorch stays
    ],
)
def test_what_a_gpu_holds_is_counted(
    kind: EngineKind, devices: int, held: int, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Upscaler("lite-x2", device="cpu", engine="torch").pool
    monkeypatch.setattr(pool, "_choice", EngineChoice(kind))
    gpus = tuple(torch.device("cuda", index) for index in range(devices))
    monkeypatch.setattr(pool, "devices", gpus)
    assert pool.load(StubEngine(device=gpus[0]), held) == load
