"""Networks of other people on CUDA: the families that are built here, and ONNX Runtime's provider.

Weights are random: what is compared is one network on two devices, in two types, in tiles.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.gpu.on_gpu import (
    DEVICE,
    PRECISION,
    REHEARSAL,
    frame,
    graphed,
    layout,
    pick,
    skip_without_cuda,
    smooth,
)
from tests.makers.foreign import State, compact, esrgan, plksr, span
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.selection.accuracy_check import check_engine
from vidsr.engines.tiling import run_tiled
from vidsr.models.model import Model
from vidsr.models.zoo import load_model
from vidsr.option_values import Precision
from vidsr.picture.size import Size

skip_without_cuda()

WIDTH = pick(64, 8)
FAMILIES: dict[str, Callable[[], State]] = {
    "Compact": lambda: compact(width=WIDTH, convs=pick(16, 2)),
    "ESRGAN": lambda: esrgan(width=WIDTH, growth=pick(32, 4)),
    "SPAN": lambda: span(width=pick(48, 8)),
    "RealPLKSR": lambda: plksr(width=WIDTH, blocks=pick(6, 2), kernel=pick(17, 7)),
    "RealPLKSR DySample": lambda: plksr(width=WIDTH, kernel=pick(17, 7), sampled=True),
}
SIZES = pick([(96, 96), (135, 241), (1, 7)], [(12, 12), (1, 7)])
# Of random weights: SPAN weighs its result by a sigmoid of numbers that count levels of 8 bits.
LEAST_DB = {"SPAN": 50.0}


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Return a network of each family, out of a file."""
    path = tmp_path_factory.mktemp("foreign") / f"{request.param}.pth"
    torch.save(FAMILIES[request.param](), path)
    return load_model(path)


def engine(model: Model, precision: Precision | None = None) -> TorchEngine:
    return TorchEngine(model, device=str(DEVICE), precision=precision or PRECISION)


def picture(engine: TorchEngine, size: tuple[int, int], seed: int = 0) -> Tensor:
    x = smooth((1, engine.channels, *size), seed)
    return x.to(engine.device, engine.input_dtype)


@pytest.mark.parametrize("size", SIZES)
def test_the_automatic_precision_is_near_float32(model: Model, size: tuple[int, int]) -> None:
    """Or is rejected as it is in a run: the verdict of the check decides there."""
    verdict = check_engine(engine(model), engine(model, "fp32"), smooth((1, 3, *size)))
    assert verdict.psnr_db > LEAST_DB.get(model.name, 55.0), verdict.fault


def test_float32_on_the_device_is_float32_of_a_cpu(model: Model) -> None:
    on_cpu = TorchEngine(model, device="cpu", precision="fp32")
    x = smooth((1, 3, *pick((48, 64), (6, 8))))
    verdict = check_engine(engine(model, "fp32"), on_cpu, x)
    assert verdict.psnr_db > 80, verdict.fault  # TF32 with its ten bits of mantissa stays below


def test_a_graph_gives_what_single_launches_give_to_the_last_bit(model: Model) -> None:
    plain = engine(model)
    replaying = graphed(plain)
    for size in [*SIZES, SIZES[0]]:
        for seed in (1, 2, 3):  # plainly, captured, replayed
            x = picture(plain, size, seed)
            found = replaying.run(x).clone()
            assert torch.equal(found, plain.run(x))


def test_tiles_equal_the_whole_where_the_reach_is_known(model: Model) -> None:
    plain = engine(model, "fp32")
    if plain.halo is None:
        pytest.skip("its tiles blend: tests of a CPU measure what that leaves")
    x = picture(plain, pick((180, 320), (40, 60)))
    tiled = run_tiled(plain, x, Size(*pick((200, 150), (32, 24))))
    # Another shape may take another algorithm, whose sums round differently.
    assert float((tiled - plain.run(x)).abs().max()) < 1e-3


def test_frames_of_a_run_are_those_of_a_cpu(model: Model) -> None:
    pytest.importorskip("av")
    from vidsr.upscaling.upscaler import Upscaler

    source = layout(*pick((96, 64), (24, 16)))
    with (
        Upscaler(model.path, device=str(DEVICE), engine="torch", precision="fp32") as on_device,
        Upscaler(model.path, device="cpu", precision="fp32") as on_cpu,
    ):
        for number, large in enumerate(on_device.stream(frame(source, n) for n in range(3))):
            wanted = on_cpu.enlarge(frame(source, number)).planes
            for mine, theirs in zip(large.planes, wanted, strict=True):
                assert int((mine.cpu().int() - theirs.int()).abs().max()) <= 1
            large.release()


def onnx_file(folder: Path) -> Path:
    """Write a small network as ONNX; skip where packages or ONNX Runtime's provider are absent."""
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    if not REHEARSAL and "CUDAExecutionProvider" not in runtime.get_available_providers():
        pytest.skip("ONNX Runtime has no CUDAExecutionProvider: onnxruntime-gpu has")
    from tests.makers.onnx_models import Sharpener, script

    return script(folder / "net.onnx", Sharpener())


def test_onnx_runtime_on_the_device_gives_what_it_gives_on_a_cpu(tmp_path: Path) -> None:
    path = onnx_file(tmp_path)
    from vidsr.engines.foreign_onnx.runtime_engine import OnnxRuntimeEngine

    model = load_model(path)
    on_device, on_cpu = (OnnxRuntimeEngine(model, torch.device(d)) for d in (DEVICE, "cpu"))
    if not REHEARSAL:
        assert on_device._session().get_providers()[0] == "CUDAExecutionProvider"
    for size in SIZES:
        x = smooth((1, 3, *size)).to(DEVICE)
        found = on_device.run(x)
        assert found.device.type == DEVICE.type
        # cuDNN's TF32, which the provider takes unless told otherwise, has ten bits of mantissa.
        assert float((found.cpu() - on_cpu.run(x.cpu())).abs().max()) < 2e-3
