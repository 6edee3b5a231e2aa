"""TensorRT following PyTorch in a run: offered, built, checked, refused; on fakes."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.doubles.fake_tensorrt import FakeTensorRT
from vidsr.cache.keys import Gpu
from vidsr.cache.store import EngineCache
from vidsr.engines.command.cli import main
from vidsr.engines.onnx_files import export as export_module
from vidsr.engines.onnx_files import network_cache
from vidsr.engines.onnx_files.facts import read_facts
from vidsr.engines.onnx_files.network_cache import cached_network, network_key
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.selection import tensorrt_candidate as candidate_module
from vidsr.engines.selection.background_build import BackgroundBuild
from vidsr.engines.selection.engine_order import EngineChoice
from vidsr.engines.selection.fixed_shape import FixedShapeEngine
from vidsr.engines.selection.tensorrt_candidate import Wanted, tensorrt_candidate
from vidsr.engines.selection.tensorrt_takeover import TensorRTFollower
from vidsr.engines.trt import gpu as machines
from vidsr.engines.trt.gpu import Machine
from vidsr.errors import DeviceError, OptionError
from vidsr.models.zoo import Model, load_model
from vidsr.picture.size import Size
from vidsr.upscaling.upscaler import Upscaler

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

CPU = torch.device("cpu")
GPU = Gpu(
    name="Paper 1", compute_capability=(9, 0), sm_count=1, driver_version="1", cuda_version="13"
)
X = torch.rand(1, 1, 12, 16)


def fake_tensorrt() -> FakeTensorRT:
    """One that reads ONNX files instead of its own."""
    fake = FakeTensorRT("10.16.1.11", "")

    class Parser(fake.OnnxParser):  # type: ignore[misc, name-defined]
        def parse(self, model: bytes) -> bool:
            facts = read_facts(model)
            stated = {"channels": facts.channels, "shuffle": facts.shuffle, "dtype": "FLOAT"}
            read: bool = super().parse(json.dumps(stated).encode())
            return read

    fake.OnnxParser = Parser
    return fake


def on_paper(work: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]:
    """Records by running and replays by running again."""
    output = work()

    def replay() -> None:
        output.copy_(work())

    return output, replay


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A GPU with a TensorRT that the code finds, and a cache of its own."""
    monkeypatch.setenv("VIDSR_CACHE", str(tmp_path / "cache"))
    found = Machine(CPU, GPU, fake_tensorrt())
    monkeypatch.setattr(machines, "find_machine", lambda device="cuda": found)
    stream = SimpleNamespace(cuda_stream=7)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: stream)
    return found


@pytest.fixture(scope="module")
def lite() -> Model:
    return load_model("lite-x2")


def wanted(lite: Model, **changes: Any) -> Wanted:
    fields: dict[str, Any] = {"frame": Size(16, 12), "tile": None, "precision": "auto"}
    return Wanted(lite, CPU, **(fields | changes))


def builds_here(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The builder's work is done in this process when it is started; gives its commands."""
    commands: list[list[str]] = []

    def popen(command: list[str], **_: Any) -> Any:
        commands.append(command)
        status = main(command[3:])
        return SimpleNamespace(poll=lambda: status, wait=lambda *_: status)

    monkeypatch.setattr("vidsr.engines.selection.background_build.subprocess.Popen", popen)
    # The GPU that is pretended here is a CPU by name.
    monkeypatch.setattr("vidsr.engines.trt.gpu.check_cuda_name", lambda _: None)
    return commands


def general(lite: Model) -> TorchEngine:
    return TorchEngine(lite, device="cpu", precision="fp32")


def test_the_command_is_the_one_a_user_would_give(lite: Model) -> None:
    command = wanted(lite, tile=Size(40, 30), precision="fp32").command()
    assert command[:3] == [sys.executable, "-m", "vidsr.engines.command.cli"]
    assert " ".join(command[3:]) == (
        f"build {lite.path} --size 16x12 --device cpu --precision fp32 --tile 40x30"
    )


def test_built_once_and_found_ever_after(lite: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = builds_here(monkeypatch)
    said: list[str] = []
    engines = []
    for _ in range(2):
        offer = tensorrt_candidate(wanted(lite), general(lite), said.append, capture=on_paper)
        engines.append(offer.take())
        assert offer.ready()
        offer.close()
    assert len(commands) == 1
    assert len(list(EngineCache().folder.glob("*.network"))) == 1
    assert len(list(EngineCache().folder.glob("*.engine"))) == 1
    assert engines[1].name == "lite-x2 on TensorRT"
    assert engines[1].runtime == "tensorrt"
    assert general(lite).runtime == "torch"


def test_what_it_was_not_built_for_takes_the_general_way(
    lite: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    builds_here(monkeypatch)
    plain = general(lite)
    engine = tensorrt_candidate(wanted(lite), plain, lambda _: None, capture=on_paper).take()
    other = torch.rand(1, 1, 9, 7)
    assert torch.equal(engine.run(other), plain.run(other))
    # The fake's plan repeats the sample and adds sixteenths: nothing like the network.
    assert torch.equal(engine.run(X)[:, :1], X)


def test_a_builder_that_fails_says_why(lite: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Wanted, "command", lambda self: [sys.executable, "-c", "exit('no luck')"])
    said: list[str] = []
    offer = tensorrt_candidate(wanted(lite), general(lite), said.append)
    with pytest.raises(DeviceError, match=r"^no TensorRT engine: no luck$"):
        offer.take()
    offer.close()
    assert len(said) == 1
    assert "building a TensorRT engine for 16x12" in said[0]


def test_the_run_never_exports(lite: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def export(*_: Any, **__: Any) -> bytes:
        raise AssertionError("that takes ten seconds")

    for module in (export_module, candidate_module):
        monkeypatch.setattr(module, "export_onnx", export, raising=False)
    monkeypatch.setattr(Wanted, "command", lambda self: [sys.executable, "-c", ""])
    offer = tensorrt_candidate(wanted(lite), general(lite), lambda _: None)
    with pytest.raises(DeviceError, match="built, but is not in the cache"):
        offer.take()
    offer.close()


def test_frames_do_not_wait_while_an_engine_is_looked_for(
    pretended: Upscaler, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TensorRT's libraries alone take seconds to load."""
    looked, go_on = threading.Event(), threading.Event()

    def find(device: str = "cuda") -> Machine:
        looked.set()
        assert go_on.wait(60)
        raise DeviceError("no GPU after all")

    monkeypatch.setattr(machines, "find_machine", find)
    picture = torch.rand(3, 12, 16)
    try:
        first = pretended(picture)  # while find waits
        assert looked.wait(60)
        assert not pretended.notes.said
    finally:
        go_on.set()
    for _ in range(2000):
        assert torch.equal(pretended(picture), first)
        if pretended.notes.said:
            break
        time.sleep(0.01)
    (note,) = pretended.notes.said
    assert note.startswith("no TensorRT engine: no GPU after all; going on with lite-x2")


def test_another_network_of_the_same_name_is_exported_anew(
    lite: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = EngineCache()
    path = tmp_path / "lite-x2.safetensors"
    path.write_bytes(lite.path.read_bytes())
    model = load_model(path)
    cache.store(network_key(model, "fp16"), b"graph")
    assert cached_network(model, "fp16", cache) == b"graph"
    assert cached_network(model, "fp32", cache) is None
    monkeypatch.setattr(network_cache, "version", lambda name: f"{name} 99")
    assert cached_network(model, "fp16", cache) is None
    monkeypatch.undo()
    path.write_bytes(load_model("lite-x4").path.read_bytes())
    assert cached_network(load_model(path), "fp16", cache) is None


def test_bfloat16_is_not_for_tensorrt(lite: Model) -> None:
    with pytest.raises(OptionError, match="expected one of auto, fp16, fp32"):
        tensorrt_candidate(wanted(lite, precision="bf16"), general(lite), lambda _: None)


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upscaler]:
    """An upscaler whose engine on the processor counts as one on CUDA."""
    monkeypatch.setattr(TensorRTFollower, "may_follow", lambda self, kind, device: kind != "torch")
    monkeypatch.setattr(EngineChoice, "check", lambda self, device: None)
    upscaler = Upscaler("lite-x2", device="cpu", precision="fp32", engine="tensorrt")
    yield upscaler
    upscaler.close()


def test_an_engine_that_is_wrong_is_rejected_in_a_run(
    pretended: Upscaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fake's plan is no super-resolution: the check against float32 has to find out."""
    builds_here(monkeypatch)
    monkeypatch.setattr(candidate_module, "GraphedEngine", lambda engine, **_: engine)
    monkeypatch.setattr(BackgroundBuild, "ready", lambda self: True)  # the next frame waits
    picture = torch.rand(3, 12, 16)
    expected = Upscaler("lite-x2", device="cpu", precision="fp32", engine="torch")(picture)
    for _ in range(2):
        assert torch.equal(pretended(picture), expected)
    assert [note for note in pretended.notes.said if "lite-x2 on TensorRT is rejected" in note]
    assert pretended.engine.runtime == "torch"


def test_a_good_engine_takes_over_in_a_run(
    pretended: Upscaler, monkeypatch: pytest.MonkeyPatch, lite: Model
) -> None:
    class Ready:
        def ready(self) -> bool:
            return True

        def take(self) -> Any:
            plain, plan = general(lite), general(lite)
            plan.traits = replace(plan.traits, runtime="tensorrt")
            return FixedShapeEngine("lite-x2 on TensorRT", plan, plain, lambda x: True)

        def close(self) -> None:
            """Nothing to stop."""

    asked: list[Wanted] = []

    def offer(wanted: Wanted, *_: Any) -> Ready:
        asked.append(wanted)
        return Ready()

    monkeypatch.setattr(candidate_module, "tensorrt_candidate", offer)
    for size in ((12, 16), (9, 9), (12, 16)):
        pretended(torch.rand(3, *size))
    assert [w.frame for w in asked] == [Size(16, 12)]
    assert pretended.engine.runtime == "tensorrt"
    assert "engine: lite-x2 on TensorRT" in pretended.notes.said


def test_what_keeps_tensorrt_away_is_said_and_the_run_goes_on(
    pretended: Upscaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise DeviceError("TensorRT cannot be imported: no such library")

    monkeypatch.setattr(candidate_module, "tensorrt_candidate", refuse)
    assert pretended(torch.rand(3, 12, 16)).shape == (3, 24, 32)
    assert any("no such library; going on with PyTorch" in n for n in pretended.notes.said)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"engine": "tensorrt"}, "needs a CUDA device"),
        ({"engine": "onnx"}, "expected auto, torch, tensorrt, compile"),
        ({"engine": "torch", "wait_for_engine": True}, "it is there at once"),
    ],
)
def test_choices_that_contradict_themselves(arguments: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Upscaler("lite-x2", device="cpu", **arguments)


def test_tensorrt_asked_for_and_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(DeviceError, match="TensorRT cannot be imported"):
        EngineChoice("tensorrt").check(torch.device("cuda", 0))
    with pytest.raises(OptionError, match="expected auto, fp16 or fp32"):
        EngineChoice("tensorrt", "bf16").check(torch.device("cuda", 0))
    assert not EngineChoice("torch").may_follow(torch.device("cuda", 0))
    assert not EngineChoice().may_follow(CPU)
    assert Upscaler("lite-x2", device="cpu", engine="auto").scale == 2


def test_sides_that_an_engine_cannot_take_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = builds_here(monkeypatch)
    unet = load_model("unet-x1")
    with pytest.raises(OptionError, match="multiples of 8, not 18x12"):
        tensorrt_candidate(wanted(unet, frame=Size(18, 12)), general(unet), lambda _: None)
    assert commands == []


def test_a_tile_is_what_is_built_for_and_what_is_checked(
    lite: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong engine for windows must not pass because the whole frame went another way."""
    builds_here(monkeypatch)
    monkeypatch.setattr(candidate_module, "GraphedEngine", lambda engine, **_: engine)
    monkeypatch.setattr(TensorRTFollower, "may_follow", lambda self, kind, device: kind != "torch")
    monkeypatch.setattr(EngineChoice, "check", lambda self, device: None)
    options: dict[str, Any] = {"device": "cpu", "precision": "fp32", "tile": (32, 32)}
    picture = torch.rand(3, 90, 100)
    expected = Upscaler("lite-x2", engine="torch", **options)(picture)
    with Upscaler("lite-x2", engine="tensorrt", wait_for_engine=True, **options) as upscaler:
        assert torch.equal(upscaler(picture), expected)
        assert [n for n in upscaler.notes.said if "lite-x2 on TensorRT is rejected" in n]
