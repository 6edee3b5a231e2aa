"""After fork in a host that has used vidsr: an error, not a hang."""

from __future__ import annotations

import os

import pytest

from tests.doubles.warm import run_warm

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

PROGRAM = """
import os, sys, time
import av, numpy as np, torch
torch.set_num_threads({threads})
import vidsr
from vidsr import DeviceError, Upscaler
def frame(): return av.VideoFrame.from_ndarray(np.zeros((24, 24, 3), np.uint8), format="rgb24")
picture = np.zeros((24, 24, 3), np.uint8)
{before}
child = os.fork()
if not child:
    try:
        {inside}
    except DeviceError as error:
        os._exit(7 if "forked" in str(error) and "spawn" in str(error) else 1)
    except BaseException as error:
        print(repr(error), file=sys.stderr)
        os._exit(1)
    os._exit(0)
end = time.monotonic() + 60
while time.monotonic() < end:
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        sys.exit(os.waitstatus_to_exitcode(status))
    time.sleep(0.02)
os.kill(child, 9)
sys.exit(99)
"""
LOADED = "u = Upscaler('lite-x2', device='cpu')"


def ending(before: str, inside: str, threads: int = 2) -> int:
    code = PROGRAM.format(before=before, inside=inside, threads=threads)
    done = run_warm(code)
    assert done.returncode != 1, done.stderr
    return done.returncode


@pytest.mark.parametrize(
    "inside",
    [
        "u(picture)",
        "u(frame())",
        "list(u.stream([frame()]))",
        "list(u.stream([picture]))",
        "s.push(frame())",
        "Upscaler('lite-x2', device='cpu')",
    ],
)
def test_a_child_of_a_host_that_has_used_it_gets_an_error(inside: str) -> None:
    before = f"{LOADED}; u(picture); s = u.session(); [s.push(frame()) for _ in range(4)]"
    assert ending(before, inside) == 7


def test_loading_alone_is_use() -> None:
    assert ending(LOADED, "u(picture)") == 7


@pytest.mark.parametrize(
    ("before", "inside", "threads"),
    [
        ("pass", "Upscaler('lite-x2', device='cpu')(picture)", 2),  # the host has not used it
        (f"{LOADED}; u(picture)", "u(picture)", 1),  # no threads to miss
        (f"{LOADED}; u(picture)", "torch.set_num_threads(1); u(picture)", 2),  # as the hint says
    ],
)
def test_what_works_is_let_alone(before: str, inside: str, threads: int) -> None:
    assert ending(before, inside, threads) == 0
