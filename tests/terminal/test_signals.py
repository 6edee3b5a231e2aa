"""Signals that end a command, also where Python loses what their handler raises."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.makers.clips import make_clip
from vidsr import api
from vidsr.run.options import RunOptions
from vidsr.terminal.progress_bar import ProgressBar
from vidsr.terminal.signals import PATIENCE_S, Interruption, signals_caught

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as Unix has them")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def asked(interruption: Interruption) -> bool:
    """Return what a signal may have set meanwhile, which a type checker cannot know."""
    return interruption.asked


def test_a_second_signal_waits_until_things_are_put_away(clock: list[float]) -> None:
    with signals_caught() as interruption:
        assert not asked(interruption)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert asked(interruption)
        clock[0] += PATIENCE_S / 2
        signal.raise_signal(signal.SIGINT)
        clock[0] += 2 * PATIENCE_S
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_handlers_are_those_of_before_afterwards() -> None:
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with signals_caught():
        assert isinstance(signal.getsignal(signal.SIGHUP), Interruption)
    assert before == [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]


def test_what_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with signals_caught() as interruption:
            signal.raise_signal(signal.SIGHUP)
            assert not interruption.asked
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


class Finalized:
    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_python_loses_ends_the_run_at_the_next_frame(tmp_path: Path) -> None:
    clip, target = make_clip(tmp_path / "a.mkv", frames=4), tmp_path / "b.mkv"
    with signals_caught() as interruption:
        Finalized()  # deleted at once
        assert interruption.asked  # and nothing was raised
        progress = ProgressBar(interrupted=lambda: interruption.asked)
        with pytest.raises(KeyboardInterrupt):
            api.run(clip.path, target, RunOptions(model="lite-x2", device="cpu"), progress=progress)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]
