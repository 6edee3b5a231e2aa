"""Engines built by another process: found, awaited, failed, stopped."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from tests.doubles.stub_engine import StubEngine
from vidsr.engines.engine import Engine
from vidsr.engines.selection.background_build import BackgroundBuild
from vidsr.engines.selection.fixed_shape import FixedShapeEngine
from vidsr.errors import DeviceError

WAIT_S = 60.0


def builder(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def until_ready(build: BackgroundBuild) -> None:
    end = time.monotonic() + WAIT_S
    while not build.ready() and time.monotonic() < end:
        time.sleep(0.01)
    assert build.ready()


def test_what_is_in_the_cache_needs_no_process(tmp_path: Path) -> None:
    engine = StubEngine()
    build = BackgroundBuild(builder(f"open({str(tmp_path / 'ran')!r}, 'w')"), lambda: engine)
    assert build.take() is engine
    assert build.ready()
    assert not list(tmp_path.iterdir())
    build.close()


def test_an_engine_is_loaded_when_it_has_been_built(tmp_path: Path) -> None:
    plan, engine = tmp_path / "plan", StubEngine()

    def load() -> Engine | None:
        return engine if plan.exists() else None

    build = BackgroundBuild(builder(f"open({str(plan)!r}, 'w')"), load)
    until_ready(build)
    assert build.take() is engine
    build.close()


def test_taking_waits() -> None:
    loads = []

    def load() -> Engine | None:
        loads.append(1)
        return StubEngine() if len(loads) > 1 else None

    build = BackgroundBuild(builder("import time; time.sleep(0.3)"), load)
    assert build.take().name == "stub"


def test_the_last_word_of_a_failing_builder_is_the_reason() -> None:
    code = "import sys; sys.exit('first\\nvidsr-engine: error: no room for tactics.\\n')"
    build = BackgroundBuild(builder(code), lambda: None)
    with pytest.raises(DeviceError, match=r"^no TensorRT engine: no room for tactics\.$"):
        build.take()


def test_a_builder_may_die_without_a_word() -> None:
    build = BackgroundBuild(builder("import os; os._exit(3)"), lambda: None)
    with pytest.raises(DeviceError, match="ended with 3"):
        build.take()


def test_an_engine_that_is_not_where_it_should_be() -> None:
    with pytest.raises(DeviceError, match="not in the cache"):
        BackgroundBuild(builder(""), lambda: None).take()


def test_a_builder_that_says_a_lot_does_not_stop() -> None:
    build = BackgroundBuild(builder("import sys; sys.stderr.write('x' * 10**6)"), lambda: None)
    until_ready(build)
    build.close()


@pytest.mark.parametrize("ignores", [False, True])
def test_closing_ends_the_builder(
    ignores: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidsr.engines.selection.background_build.STOP_S", 0.5)
    begun = tmp_path / "begun"
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN); " if ignores else ""
    code = f"import signal, time; {ignore}open({str(begun)!r}, 'w'); time.sleep(60)"
    build = BackgroundBuild(builder(code), lambda: None)
    end = time.monotonic() + WAIT_S
    while not begun.exists() and time.monotonic() < end:
        time.sleep(0.01)
    process = build._work._process
    assert process is not None
    build.close()
    assert process.returncode is not None
    assert build.ready()
    build.close()


def test_closing_before_the_builder_begins_means_that_none_does(tmp_path: Path) -> None:
    looked, go_on = threading.Event(), threading.Event()

    def load() -> None:
        looked.set()
        assert go_on.wait(WAIT_S)

    build = BackgroundBuild(builder(f"open({str(tmp_path / 'ran')!r}, 'w')"), load)
    assert looked.wait(WAIT_S)
    threading.Timer(0.2, go_on.set).start()
    build.close()
    assert build.ready()
    assert not list(tmp_path.iterdir())


def test_whoever_forgets_to_close_leaves_no_builder() -> None:
    begun = threading.Event()
    build = BackgroundBuild(builder("import time; time.sleep(60)"), lambda: None, begun.set)
    assert begun.wait(WAIT_S)
    process = build._work._process
    assert process is not None
    del build
    assert process.returncode is not None


def test_shapes_that_no_engine_was_built_for_take_the_general_way() -> None:
    fixed = StubEngine("fixed", input_dtype=torch.float16, offset=0.5, change=lambda y: y.half())
    general = StubEngine("general", input_dtype=torch.float32)
    engine: Engine = FixedShapeEngine("both", fixed, general, lambda x: x.shape[3] == 4)
    for width, runs in ((4, (1, 0)), (5, (1, 1)), (4, (2, 1))):
        x = torch.rand(1, 1, 3, width).half()
        result = engine.run(x).float() + engine.offset
        expected = general.run(x.float())
        general.runs -= 1
        assert (fixed.runs, general.runs) == runs
        torch.testing.assert_close(result, expected, rtol=0, atol=2**-11)  # of float16 at 1/2
