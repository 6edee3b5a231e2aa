"""The TensorRT engine on a stand-in for TensorRT: what fails, what is kept, what is said."""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.doubles.fake_tensorrt import FakeTensorRT
from vidsr.cache.file_lock import locked
from vidsr.cache.keys import Gpu, Profile, TimingKey
from vidsr.cache.store import EngineCache
from vidsr.engines.engine import Engine
from vidsr.engines.onnx_files.facts import NetworkFacts
from vidsr.engines.trt.build import build_engine, import_tensorrt
from vidsr.engines.trt.engine import TensorRTEngine
from vidsr.engines.trt.load import load_or_build
from vidsr.engines.trt.log import Messages
from vidsr.errors import DeviceError, MemoryLimitError, OptionError
from vidsr.models.zoo import load_model

CPU = torch.device("cpu")
STREAM = 7
MODEL = json.dumps({"channels": 3, "shuffle": 2, "dtype": "FLOAT"}).encode()
HALF_MODEL = MODEL.replace(b"FLOAT", b"HALF")
PROFILE = Profile((1, 3, 2, 2), (1, 3, 8, 8), (2, 3, 16, 16))
FACTS = NetworkFacts(
    name="espcn-x2",
    kind="espcn",
    channels=3,
    scale=2,
    shuffle=2,
    halo=4,
    alignment=1,
    precision="fp16",
    input_type="fp32",
    output_type="fp32",
    offset=0.0,
    bytes_per_pixel=100,
)
GPU = Gpu(
    name="NVIDIA H200",
    compute_capability=(9, 0),
    sm_count=132,
    driver_version="580.65",
    cuda_version="13.0",
)
Make = Callable[..., TensorRTEngine]


def plan_of(trt: FakeTensorRT) -> bytes:
    return build_engine(MODEL, profiles=[PROFILE], trt=trt)[0]


def engine_on(trt: FakeTensorRT, model: bytes = MODEL, **facts: Any) -> TensorRTEngine:
    messages = Messages()
    plan, _ = build_engine(model, profiles=[PROFILE], trt=trt, messages=messages)
    return TensorRTEngine(
        plan,
        dataclasses.replace(FACTS, **facts),
        device=CPU,
        trt=trt,
        messages=messages,
        stream=lambda _: STREAM,
    )


def expected(x: Tensor) -> Tensor:
    """What the stand-in computes, by other means."""
    steps = (torch.arange(4) / 16).to(x.dtype).view(1, 1, 4, 1, 1)
    return (x.unsqueeze(2) + steps).flatten(1, 2)


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines")


@pytest.fixture
def make(cache: EngineCache) -> Make:
    """``load_or_build`` with what every test has alike."""

    def make(trt: FakeTensorRT, said: list[str], **changes: Any) -> TensorRTEngine:
        gpu, profile = changes.pop("gpu", GPU), changes.pop("profile", PROFILE)
        return load_or_build(
            MODEL, FACTS, profile, cache, gpu, said.append,
            device=CPU, trt=trt, stream=lambda _: STREAM, **changes,
        )  # fmt: skip

    return make


@pytest.mark.parametrize("version", ["10.16.1.11", "11.4.0.106"])
def test_networks_are_strongly_typed(version: str) -> None:
    trt = FakeTensorRT(version)
    plan_of(trt)
    (build,) = trt.builds
    strongly_typed = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    assert build.network.flags == (strongly_typed if version.startswith("10") else 0)
    assert build.network.get_input(0).allowed_formats == 1 << int(trt.TensorFormat.LINEAR)
    assert build.network.get_output(0).allowed_formats == 1 << int(trt.TensorFormat.LINEAR)
    assert build.config.workspace_bytes == 1 << 30


def test_options_reach_the_builder() -> None:
    trt = FakeTensorRT()
    build_engine(
        MODEL,
        profiles=[PROFILE],
        trt=trt,
        workspace_bytes=5,
        optimization_level=4,
        timing_cache=b"t",
    )
    (build,) = trt.builds
    assert build.config.workspace_bytes == 5
    assert build.config.builder_optimization_level == 4
    assert build.config.profiles[0].shapes == [PROFILE.min, PROFILE.opt, PROFILE.max]
    assert build.timings_before == b"t"


def test_timings_of_another_gpu_are_left_aside() -> None:
    trt = FakeTensorRT(fail="timing")
    _, timings = build_engine(MODEL, profiles=[PROFILE], trt=trt, timing_cache=b"foreign")
    assert trt.builds[0].timings_before == b""
    assert timings == b"+"


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("builder", "TensorRT made no builder: .*nullptr"),
        ("network", "TensorRT made no network: it does not say why"),
        ("parse", r"cannot read the ONNX model: Conv /head/Conv: no importer for this operator$"),
        ("profile", r"TensorRT rejects Profile\("),
        ("plan", "TensorRT made no plan: a kernel was skipped; out of workspace$"),
    ],
)
def test_builds_that_fail(step: str, message: str) -> None:
    with pytest.raises(DeviceError, match=message) as caught:
        plan_of(FakeTensorRT(fail=step))
    assert "\n" not in str(caught.value)


def test_what_tensorrt_says_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="vidsr"), pytest.raises(DeviceError):
        plan_of(FakeTensorRT(fail="plan"))
    assert [record.getMessage() for record in caplog.records] == [
        "TensorRT: a kernel is slow",
        "TensorRT: a kernel was skipped",
        "TensorRT: out of workspace",
    ]  # fmt: skip


def test_it_is_an_engine() -> None:
    engine: Engine = engine_on(FakeTensorRT(), offset=0.5)
    assert (engine.name, engine.channels, engine.scale, engine.shuffle) == ("espcn-x2", 3, 2, 2)
    assert (engine.halo, engine.alignment, engine.bytes_per_pixel) == (4, 1, 100)
    assert (engine.dtype, engine.input_dtype) == (torch.float16, torch.float32)
    assert (engine.offset, engine.device) == (0.5, CPU)


@pytest.mark.parametrize("size", [(2, 2), (3, 5), (16, 7)])
@pytest.mark.parametrize("model", [MODEL, HALF_MODEL])
def test_it_runs(size: tuple[int, int], model: bytes) -> None:
    dtype = torch.float16 if model is HALF_MODEL else torch.float32
    trt = FakeTensorRT()
    kind = "fp16" if model is HALF_MODEL else "fp32"
    engine = engine_on(trt, model, input_type=kind, output_type=kind)
    x = torch.rand(2, 3, *size).to(dtype)
    # Both add a sixteenth, exact in either type, to the same numbers.
    torch.testing.assert_close(engine.run(x), expected(x), rtol=0, atol=0)
    strided = x.to(memory_format=torch.channels_last)
    torch.testing.assert_close(engine.run(strided), expected(x), rtol=0, atol=0)
    assert trt.runs == [STREAM, STREAM]


def test_buffers_are_used_again_until_the_shape_changes() -> None:
    engine = engine_on(FakeTensorRT())
    first = engine.run(torch.zeros(1, 3, 4, 4))
    second = engine.run(torch.ones(1, 3, 4, 4))
    assert first.data_ptr() == second.data_ptr()
    assert engine._context.shapes_set == 1
    other = engine.run(torch.zeros(1, 3, 4, 5))
    assert other.shape == (1, 12, 4, 5)
    assert first.amin() == 1  # still the caller's
    assert engine._context.shapes_set == 2


@pytest.mark.parametrize("shape", [(3, 3, 8, 8), (1, 1, 8, 8), (1, 3, 1, 8), (1, 3, 8, 17), (3, 8)])
def test_shapes_outside_the_profile(shape: tuple[int, ...]) -> None:
    engine = engine_on(FakeTensorRT())
    with pytest.raises(OptionError) as caught:
        engine.run(torch.zeros(shape))
    assert f"shape = {shape}: expected (1, 3, 2, 2) to (2, 3, 16, 16)" in str(caught.value)


def test_input_of_another_dtype() -> None:
    with pytest.raises(OptionError, match=r"float16 on cpu: expected torch\.float32 on cpu"):
        engine_on(FakeTensorRT()).run(torch.zeros(1, 3, 8, 8, dtype=torch.float16))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("execute", "espcn-x2 on cpu: TensorRT refused a run: it does not say why"),
        ("shape", "TensorRT refused shape = "),
        ("address", "TensorRT refused the address of x"),
        ("wrong output", r"the plan gives \(1, 12, 8, -1\) for .*, not \(1, 12, 8, 8\)"),
    ],
)
def test_runs_that_fail(step: str, message: str) -> None:
    engine = engine_on(FakeTensorRT(fail=step))
    for _ in range(2):  # a failure is not forgotten by the second call
        with pytest.raises(DeviceError, match=message):
            engine.run(torch.zeros(1, 3, 8, 8))


def test_a_shape_that_failed_is_not_taken_for_set() -> None:
    trt = FakeTensorRT()
    engine, x = engine_on(trt), torch.rand(1, 3, 4, 4)
    engine.run(x)
    trt.fail.add("shape")  # the context may then hold either shape
    with pytest.raises(DeviceError, match="refused shape"):
        engine.run(torch.zeros(1, 3, 8, 8))
    trt.fail.clear()
    torch.testing.assert_close(engine.run(x), expected(x), rtol=0, atol=0)
    assert engine._context.shapes_set == 3


def test_no_room_for_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, x = engine_on(FakeTensorRT()), torch.zeros(1, 3, 8, 8)

    def full(*_: Any, **__: Any) -> Tensor:
        raise torch.OutOfMemoryError("full")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "empty", full)
        with pytest.raises(MemoryLimitError, match="no memory for an output"):
            engine.run(x)
    torch.testing.assert_close(engine.run(x), expected(x), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("engine", "no engine of a plan: made by another version"),
        ("context", "TensorRT made no context"),
        ("two inputs", "the plan has 2 inputs, not one"),
    ],
)
def test_plans_that_do_not_load(step: str, message: str) -> None:
    with pytest.raises(DeviceError, match=message):
        engine_on(FakeTensorRT(fail=step))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("input_type", r"not torch\.float16 and torch\.float32$"),
        ("output_type", r"not torch\.float32 and torch\.float16$"),
    ],
)
def test_a_plan_with_other_dtypes(changed: str, said: str) -> None:
    takes = r"takes torch\.float32 and gives torch\.float32, "
    with pytest.raises(DeviceError, match=takes + said):
        engine_on(FakeTensorRT(), MODEL, **{changed: "fp16"})


def test_the_second_start_does_not_build(make: Make, cache: EngineCache) -> None:
    said: list[str] = []
    first, second = FakeTensorRT(), FakeTensorRT()
    make(first, said)
    engine = make(second, said)
    assert (len(first.builds), len(second.builds)) == (1, 0)
    assert said == [
        "TensorRT engine of espcn-x2: none is built yet; building it, which takes minutes"
    ]
    x = torch.rand(1, 3, 5, 3)
    torch.testing.assert_close(engine.run(x), expected(x), rtol=0, atol=0)


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"gpu": dataclasses.replace(GPU, driver_version="590")}, "gpu.driver_version 580.65 -> 590"),
    ({"optimization_level": 5}, "optimization_level 3 -> 5"),
    (
        {"profile": dataclasses.replace(PROFILE, max=(2, 3, 16, 20))},
        "profiles.0.max [2, 3, 16, 16] -> [2, 3, 16, 20]",
    ),
]


@pytest.mark.parametrize(("changes", "reason"), CHANGES)
def test_a_stale_engine_is_built_anew(make: Make, changes: dict[str, Any], reason: str) -> None:
    said: list[str] = []
    make(FakeTensorRT(), said)
    trt = FakeTensorRT()
    make(trt, said, **changes)
    assert len(trt.builds) == 1
    assert len(said) == 2
    assert f"none fits: {reason}" in said[1]
    assert "\n" not in said[1]


def test_a_damaged_engine_is_built_anew(make: Make, cache: EngineCache) -> None:
    said: list[str] = []
    make(FakeTensorRT(), said)
    (path,) = cache.folder.glob("*.engine")
    path.write_bytes(path.read_bytes()[:-1])
    make(FakeTensorRT(), said)
    assert f"{path} is not used: it is cut off" in said[1]
    again = FakeTensorRT()
    make(again, said)
    assert not again.builds
    assert len(said) == 2


def test_a_cached_engine_that_does_not_load_is_built_anew(
    make: Make, cache: EngineCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    make(FakeTensorRT(), said)
    (entry,) = [e for e in cache.entries() if e.path.suffix == ".engine"]
    trt = FakeTensorRT()
    load, trt.fail = trt.Runtime.deserialize_cuda_engine, {"engine"}

    def once(runtime: Any, plan: bytes) -> Any:
        try:
            return load(runtime, plan)
        finally:
            trt.fail = set()

    monkeypatch.setattr(trt.Runtime, "deserialize_cuda_engine", once)
    make(trt, said)
    assert len(trt.builds) == 1
    assert f"{entry.path} does not load: TensorRT made no engine of a plan" in said[1]


def test_a_plan_that_does_not_load_is_removed(make: Make, cache: EngineCache) -> None:
    make(FakeTensorRT(), [])
    with pytest.raises(DeviceError):
        make(FakeTensorRT(fail="engine"), [])
    assert not list(cache.folder.glob("*.engine"))


def test_builds_are_locked(make: Make, cache: EngineCache, monkeypatch: pytest.MonkeyPatch) -> None:
    trt = FakeTensorRT()
    build, free = trt.Builder.build_serialized_network, []

    def watched(*args: Any) -> Any:
        for path in cache.folder.glob("*.lock"):
            with locked(path, block=False) as held:
                free.append(held)
        return build(*args)

    monkeypatch.setattr(trt.Builder, "build_serialized_network", watched)
    make(trt, [])
    assert free == [False]


def test_timings_are_carried_to_the_next_build(make: Make, cache: EngineCache) -> None:
    trt = FakeTensorRT()
    make(trt, [])
    make(trt, [], optimization_level=4)
    assert [build.timings_before for build in trt.builds] == [b"", b"+"]
    assert cache.load(TimingKey(tensorrt_version=trt.__version__, gpu=GPU)).payload == b"++"


def test_a_failed_build_keeps_nothing(make: Make, cache: EngineCache) -> None:
    for step in ("plan", "engine"):
        with pytest.raises(DeviceError):
            make(FakeTensorRT(fail=step), [])
        assert not list(cache.folder.glob("*.engine"))


def test_a_cache_that_cannot_be_written(
    make: Make, cache: EngineCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert make(FakeTensorRT(), said).run(torch.zeros(1, 3, 8, 8)).shape == (1, 12, 8, 8)
    assert sum("not kept for the next start" in line for line in said) == 2
    assert not list(cache.folder.glob("*.engine"))


def test_tensorrt_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(DeviceError, match=r"TensorRT cannot be imported.*Hint: pip install"):
        import_tensorrt()


def refittable(trt: FakeTensorRT, **options: Any) -> TensorRTEngine:
    plan, _ = build_engine(MODEL, profiles=[PROFILE], trt=trt, refittable=True)
    shifted = json.dumps(json.loads(MODEL) | {"shift": 0.5}).encode()
    return TensorRTEngine(
        plan,
        FACTS,
        device=CPU,
        trt=trt,
        stream=lambda _: STREAM,
        reweigh=lambda model: shifted,
        **options,
    )


def test_other_weights_are_written_on_the_stream_of_the_runs() -> None:
    trt = FakeTensorRT()
    engine = refittable(trt)
    x = torch.rand(1, 3, 8, 8)
    before = engine.run(x).clone()
    assert engine.traits.adjustable
    assert engine.adjusted(load_model("lite-x2")) is engine
    assert trt.refits == [STREAM]
    torch.testing.assert_close(engine.run(x), before + 0.5)


def test_a_plan_that_takes_no_other_weights_says_so() -> None:
    engine = engine_on(FakeTensorRT())
    assert not engine.traits.adjustable
    with pytest.raises(DeviceError, match="not built to take other weights"):
        engine.adjusted(load_model("lite-x2"))


def test_a_refit_that_fails_is_a_device_error() -> None:
    engine = refittable(FakeTensorRT(fail="refit"))
    with pytest.raises(DeviceError, match="TensorRT refused to write other weights"):
        engine.adjusted(load_model("lite-x2"))


def test_refittable_engines_are_engines_of_their_own(make: Make, cache: EngineCache) -> None:
    trt = FakeTensorRT()
    make(trt, [])
    make(trt, [], refittable=True)
    make(trt, [], refittable=True)
    assert len(trt.builds) == 2
    assert [bool(build.config.flags) for build in trt.builds] == [False, True]
