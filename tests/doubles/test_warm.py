"""Warm processes behave as fresh ones: status, streams, signals, folder, end."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from subprocess import PIPE, TimeoutExpired

import pytest

from tests.doubles.warm import Loaded, WarmProcess, command, run_warm

pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks")
WAITS = "import sys\nprint('up', flush=True)\nsys.stdin.read()"


def test_what_it_writes_and_how_it_ends() -> None:
    code = "import sys; print(*sys.argv[1:]); sys.stderr.write('told'); sys.exit(7)"
    done = run_warm(code, ["a", Path("b")])
    assert (done.returncode, done.stdout, done.stderr) == (7, "a b\n", "told")


def test_it_is_loaded_and_another_process_each_time(tmp_path: Path) -> None:
    code = (
        "import os, sys; print(os.getpid(), 'torch' in sys.modules, os.getcwd(), os.environ['X'])"
    )
    words = [run_warm(code, folder=tmp_path, environment={"X": x}).stdout.split() for x in "ab"]
    assert [line[1:] for line in words] == [["True", str(tmp_path), x] for x in "ab"]
    assert len({line[0] for line in words} | {str(os.getpid())}) == 3


def test_without_pytorch() -> None:
    code = "import sys; print('torch' in sys.modules); sys.exit(3)"
    done = run_warm(code, loaded="commands")
    assert (done.returncode, done.stdout, done.stderr) == (3, "False\n", "")


@pytest.mark.parametrize("loaded", ["torch", "commands"])
def test_what_it_ends_with_is_done(loaded: Loaded) -> None:
    code = """
import atexit, sys, threading, time
atexit.register(print, 'last')
thread = threading.Thread(target=lambda: (time.sleep(0.2), print('thread')))
thread.start()
sys.exit(4)
"""
    done = run_warm(code, loaded=loaded)
    assert (done.returncode, done.stdout, done.stderr) == (4, "thread\nlast\n", "")


@pytest.mark.parametrize("loaded", ["torch", "commands"])
def test_what_cannot_be_written_is_told(loaded: Loaded) -> None:
    code, pipes = f"{WAITS}; print('more')", {"stdin": PIPE, "stdout": PIPE, "stderr": PIPE}
    with WarmProcess(code, loaded=loaded, **pipes) as process:  # type: ignore[arg-type]
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.stdout.close()
        process.stdin.close()
        _, said = process.communicate()
        assert process.returncode == 120
    assert b"BrokenPipeError" in said


def test_an_error_is_a_traceback_and_what_runs_at_exit_runs() -> None:
    done = run_warm("import atexit; atexit.register(print, 'last'); 1 / 0")
    assert (done.returncode, done.stdout) == (1, "last\n")
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_signals_reach_it(number: signal.Signals) -> None:
    with WarmProcess(WAITS, stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        assert process.poll() is None
        with pytest.raises(TimeoutExpired):
            process.wait(0.01)
        process.send_signal(number)
        _, said = process.communicate()
        assert process.returncode == -number
        assert (b"KeyboardInterrupt" in said) == (number == signal.SIGINT)


def test_a_pipe_ends_with_its_process_alone() -> None:
    with (
        WarmProcess(WAITS, stdin=PIPE, stdout=PIPE) as first,
        WarmProcess(WAITS, stdin=PIPE, stdout=PIPE) as second,
    ):
        assert first.stdin is not None
        first.stdin.close()
        assert first.communicate() == (b"up\n", b"")
        assert first.returncode == 0
        assert second.poll() is None


def test_a_command() -> None:
    done = run_warm(command("vidsr.cli"), ["none.mkv", "-o", "out.mkv"])
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("vidsr: error: ")
