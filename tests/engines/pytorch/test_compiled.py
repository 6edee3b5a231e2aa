"""Networks through torch.compile: the same pictures, the same checks, one line where it cannot."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.doubles.warm import run_warm
from vidsr import Upscaler
from vidsr.engines.pytorch import compiled
from vidsr.engines.pytorch.compiled import CompiledEngine
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.selection.engine_order import EngineChoice, first_engine
from vidsr.errors import DeviceError, OptionError
from vidsr.models.zoo import Model, load_model

CPU = torch.device("cpu")
CXX = shutil.which(os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++"))
needs_compiler = pytest.mark.skipif(CXX is None, reason="needs a C++ compiler")
# PyTorch's compiler warns of what its own parts use.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True, scope="module")
def _compiling_one_network() -> Iterator[None]:
    """Start no pool of processes, each of which loads PyTorch, to compile one network."""
    from torch._inductor import config

    with config.patch(compile_threads=1):
        yield


@pytest.fixture(scope="module")
def lite() -> Model:
    return load_model("lite-x2")


@pytest.fixture(scope="module")
def engine(lite: Model) -> CompiledEngine:
    return CompiledEngine(lite, device="cpu", precision="fp32")


@pytest.mark.slow
@needs_compiler
def test_it_gives_what_pytorch_gives(lite: Model, engine: CompiledEngine) -> None:
    plain = TorchEngine(lite, device="cpu", precision="fp32")
    for size in ((12, 16), (9, 7), (20, 5), (12, 16)):
        x = torch.rand(1, 1, *size)
        # Sums of the same numbers in another order: a few steps of 2^-24.
        torch.testing.assert_close(engine.run(x), plain.run(x), rtol=0, atol=2e-6)


@needs_compiler
def test_it_is_checked_on_the_whole_picture_even_in_float32(
    lite: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = first_engine(lite, CPU, EngineChoice("compile", "fp32"), pytest.fail)
    seen = []
    run = CompiledEngine._run

    def look(self: CompiledEngine, x: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(x.shape))
        return run(self, x)

    monkeypatch.setattr(CompiledEngine, "_run", look)
    x = torch.rand(1, 1, 70, 90)
    assert switch.current(lambda: x).runtime == "compile"
    assert set(seen) == {(1, 1, 70, 90)}


@needs_compiler
def test_compiled_to_something_wrong_it_is_rejected(
    lite: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = CompiledEngine._run
    monkeypatch.setattr(CompiledEngine, "_run", lambda self, x: run(self, x) + 0.01)
    expected = Upscaler("lite-x2", device="cpu", precision="fp32")(torch.ones(3, 9, 8) / 2)
    upscaler = Upscaler("lite-x2", device="cpu", precision="fp32", engine="compile")
    assert torch.equal(upscaler(torch.ones(3, 9, 8) / 2), expected)
    assert "lite-x2 is rejected" in upscaler.notes.said[0]
    assert upscaler.engine.runtime == "torch"


@pytest.mark.slow
@needs_compiler
def test_without_a_compiler_it_is_refused_in_one_line(tmp_path: Path) -> None:
    code = "from vidsr import Upscaler; Upscaler('lite-x2', device='cpu', engine='compile')"
    environment = {
        "CXX": str(tmp_path / "absent"),
        "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache"),
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }
    done = run_warm(code, environment=environment)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("vidsr.errors.DeviceError: engine = 'compile' on cpu: ")
    assert last.endswith("it needs a C++ compiler ($CXX); engine = 'torch' needs none")


def test_what_any_part_raises_is_a_device_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class TritonMissing(Exception):
        """What other libraries raise."""

    def fail(_: object) -> None:
        raise TritonMissing("\nno working Triton\nand a page more")

    monkeypatch.setattr(torch, "compile", fail)
    compiled.require_compiler.cache_clear()
    with pytest.raises(DeviceError, match=r"'compile' on cpu: no working Triton\. Hint: it"):
        EngineChoice("compile").check(CPU)


def test_nothing_follows_it_and_nothing_is_waited_for() -> None:
    assert not EngineChoice("compile").may_follow(torch.device("cuda", 0))
    with pytest.raises(OptionError, match="it is there at once"):
        EngineChoice("compile", wait=True).check(CPU)
