"""Fixtures that all tests share: one thread, a quick exporter, Triton's interpreter, data."""

from __future__ import annotations

import atexit
import gc
import os
import signal
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

# Threads of PyTorch that wait sleep: vidsr asks for it, too late where PyTorch is loaded before it.
# Frames side by side on busy cores took their tests 14 s of CPU time and more, instead of 1.5.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Processes that tests start take one thread, too, of which several share few cores; it is read when
# PyTorch is loaded. Who measures with more says so.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch

from tests import order
from tests.doubles.quick_export import reading_operators_once
from tests.paths import find_data

if not torch.cuda.is_available():
    # Triton's kernels then run in its interpreter, on tensors of the CPU. It asks when a kernel is
    # defined, so this comes before any test imports one.
    os.environ.setdefault("TRITON_INTERPRET", "1")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As shells have it in the background. Tests of Ctrl-C, and all processes that tests start,
    # would ignore it as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)

with suppress(ImportError):  # tests of a GPU do without it
    from hypothesis import HealthCheck, settings

    # Examples that take long to draw are a fault of a busy machine, not of a test.
    patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("patient", patient)
    settings.load_profile("patient")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Return one more worker than cores: tests wait for processes, servers and clusters.

    Of two workers on two cores, a fifth of the time.
    """
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # xdist reads it
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Keep the collector of cycles from what is there when tests begin: it stays to the end.

    To look through PyTorch and twelve thousand tests takes half a second, often for one test.
    """
    gc.disable()
    worker = getattr(session.config, "workerinput", None)  # of xdist
    if worker and [Path(place).resolve() for place in session.config.args] == [order.TESTS]:
        order.import_from(int(worker["workerid"].removeprefix("gw")), worker["workercount"])
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
        atexit.register(gc.unfreeze)  # else libraries of nanobind complain of what is left


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with tests that wait, so that they meet tests that compute."""
    order.by_waiting(items)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Set one thread: sums this small take longer to share out than to compute.

    Five times, on busy cores. Tests of what threads change set their own number, and set it back.
    """
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _quick_export() -> Iterator[None]:
    """Export networks in half the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.onnx, "export", reading_operators_once(torch.onnx.export))
        yield


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep engines and findings of tests in a folder of this session."""
    folder = tmp_path_factory.mktemp("cache")
    folder.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDSR_CACHE", str(folder))
        yield


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return ``find_data``, or skip the test."""
    folder = find_data()
    if not folder.is_dir():
        pytest.skip(f"no data folder at {folder}; VIDSR_DATA names another")
    return folder


@pytest.fixture(scope="session")
def clips_dir(data_dir: Path) -> Path:
    """Return the folder of real clips."""
    folder = data_dir / "clips"
    if not folder.is_dir():
        pytest.skip(f"no clips in {data_dir}")
    return folder
