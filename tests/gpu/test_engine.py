"""Engines on CUDA: near the network in float32, the same under a graph, honest about memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor

from tests.gpu.on_gpu import (
    DEVICE,
    PRECISION,
    cuda_only,
    graphed,
    pick,
    skip_without_cuda,
    smooth,
    synchronize,
    two_gpus,
)
from vidsr.engines.pytorch.cuda_graphs import GraphedEngine
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.selection.accuracy_check import check_engine
from vidsr.engines.tiling import run_tiled
from vidsr.errors import MemoryLimitError
from vidsr.models.zoo import load_model
from vidsr.option_values import Precision
from vidsr.picture.size import Size

skip_without_cuda()

MODELS = ("lite-x4", "srresnet-x4")
SIZES = pick([(96, 96), (135, 241), (1, 7), (540, 960)], [(12, 12), (1, 7)])


def engine(model: str, precision: Precision | None = None, device: str = "") -> TorchEngine:
    return TorchEngine(
        load_model(model), device=device or str(DEVICE), precision=precision or PRECISION
    )


def picture(engine: TorchEngine, size: tuple[int, int], seed: int = 0) -> Tensor:
    """Draw a picture in the type the engine takes, on its device."""
    x = smooth((1, engine.channels, *size), seed)
    return x.to(engine.device, engine.input_dtype)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("model", [*MODELS, "lite-x2"])
def test_the_automatic_precision_is_near_float32(model: str, size: tuple[int, int]) -> None:
    verdict = check_engine(
        engine(model), engine(model, "fp32"), smooth((1, engine(model).channels, *size))
    )
    assert verdict.trusted, verdict.fault
    # Ten bits of mantissa: errors below a thousandth of full scale.
    assert verdict.psnr_db > 60


@pytest.mark.parametrize("model", MODELS)
def test_float32_on_the_device_is_float32_of_a_cpu(model: str) -> None:
    on_cpu = TorchEngine(load_model(model), device="cpu", precision="fp32")
    x = smooth((1, on_cpu.channels, *pick((48, 64), (6, 8))))
    verdict = check_engine(engine(model, "fp32"), on_cpu, x)
    # Sums in another order: 1e-6 to 1e-5. TF32 with its ten bits of mantissa stays below 80 dB.
    assert verdict.psnr_db > 90


@pytest.mark.parametrize("model", MODELS)
def test_a_graph_gives_what_single_launches_give_to_the_last_bit(model: str) -> None:
    plain = engine(model)
    replaying = graphed(plain)
    for size in [*SIZES[:3], SIZES[0]]:
        for seed in (1, 2, 3):  # plainly, captured, replayed
            x = picture(plain, size, seed)
            found = replaying.run(x).clone()
            assert torch.equal(found, plain.run(x))


def test_more_shapes_than_are_kept() -> None:
    plain = engine("lite-x4")
    replaying = graphed(plain, kept=2)
    for _ in range(2):
        for height in range(8, 8 + pick(6, 3)):
            for seed in (height, height + 1):
                x = picture(plain, (height, 16), seed)
                assert torch.equal(replaying.run(x).clone(), plain.run(x))


def test_graphs_run_with_and_without_inference_mode() -> None:
    plain = engine("lite-x4")
    replaying = graphed(plain)
    x = picture(plain, (8, 8))
    with torch.inference_mode():
        first = [replaying.run(x).clone() for _ in range(2)][1]
    assert torch.equal(replaying.run(x), first)


@pytest.mark.parametrize("model", MODELS)
def test_tiles_equal_the_whole(model: str) -> None:
    plain = graphed(engine(model))
    x = picture(engine(model), pick((180, 320), (20, 30)))
    whole = [plain.run(x).clone() for _ in range(2)][1]
    tiled = run_tiled(plain, x, Size(*pick((96, 64), (16, 8))))
    # Another shape may take another algorithm, whose sums round differently in float16.
    assert float((tiled.float() - whole.float()).abs().max()) < 4e-3


@contextmanager
def little_memory(spare_bytes: int) -> Iterator[None]:
    """PyTorch may take no more than it has and ``spare_bytes``."""
    synchronize()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(DEVICE).total_memory
    allowed = torch.cuda.memory_reserved(DEVICE) + spare_bytes
    torch.cuda.set_per_process_memory_fraction(allowed / total)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()


@cuda_only
@pytest.mark.parametrize("as_graph", [False, True])
def test_no_room_is_a_memory_limit(as_graph: bool) -> None:
    plain = engine("srresnet-x4")
    runs = graphed(plain) if as_graph else plain
    small, large = picture(plain, (32, 32)), picture(plain, (720, 1280))
    before = [runs.run(small).clone() for _ in range(2)][1]
    with little_memory(300 << 20), pytest.raises(MemoryLimitError, match="no memory"):
        runs.run(large)
    assert torch.equal(runs.run(small), before)  # and life goes on
    assert runs.run(large).isfinite().all()


def test_another_thread_allocates_page_locked_memory_meanwhile() -> None:
    """As the next ring does, or a decoder."""
    stop, failed = threading.Event(), []

    def allocate() -> None:
        size = 1000
        try:
            while not stop.is_set():
                torch.empty(size, dtype=torch.uint8, pin_memory=not pick(False, True))
                size = size % 3_000_000 + 77_777
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=allocate)
    thread.start()
    try:
        plain = engine("lite-x4")
        replaying = graphed(plain)
        for width in pick((64, 72, 80, 88, 96, 104), (8, 9)):
            x = picture(plain, (32, width))
            for _ in range(2):  # plainly, captured
                assert torch.equal(replaying.run(x).clone(), plain.run(x))
    finally:
        stop.set()
        thread.join()
    assert not failed


@cuda_only
def test_an_evicted_graph_may_still_be_running() -> None:
    plain = engine("srresnet-x4")
    replaying = GraphedEngine(plain, kept=1)
    x = picture(plain, (270, 480))
    wanted = replaying.run(x).clone()
    results = []
    for _ in range(4):
        results += [replaying.run(x).clone() for _ in range(2)]
        for _ in range(2):
            replaying.run(picture(plain, (16, 16)))  # takes the place of the other
    assert all(torch.equal(result, wanted) for result in results)


@two_gpus
@pytest.mark.parametrize("device", ["cuda:0", "cuda:1"])
def test_graphs_are_captured_on_every_device(device: str) -> None:
    plain = engine("lite-x4", device=device)
    replaying = GraphedEngine(plain)
    for seed in (1, 2, 3):
        x = picture(plain, (32, 48), seed)
        assert torch.equal(replaying.run(x).clone(), plain.run(x))
