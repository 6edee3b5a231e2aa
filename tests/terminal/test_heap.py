"""The heap keeps what it has: what one frame used serves the next."""

from __future__ import annotations

import subprocess
import sys

import pytest

from vidsr.terminal.heap import ARENAS, OWN_CHOICE

FRAMES = 40
# Page faults of the second half of the frames, when all that is ever needed has been there once.
COUNT = """
import resource
import torch
torch.set_num_threads(1)
from vidsr.terminal.heap import keep_heap
kept = keep_heap()
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.models.checkpoint import build_generator
from vidsr.models.networks.config import GeneratorConfig
net = build_generator(GeneratorConfig(kind="lite", scale=2, channels=1, width=32, blocks=1))
engine = TorchEngine(net, device="cpu", precision="fp32")
x = torch.rand(1, 1, 240, 320)
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for index in range({frames}):
    if index == {frames} // 2:
        before = faults()
    engine.run(x)
print(kept, faults() - before)
"""


def count_faults(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> tuple[str, int]:
    for name in OWN_CHOICE:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-c", COUNT.format(frames=FRAMES)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    kept, count = run.stdout.split()
    return kept, int(count)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a setting of glibc")
def test_frames_take_no_new_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, count = count_faults({}, monkeypatch)
    if kept == "False":
        pytest.skip("not glibc")
    # One activation of 32 channels has 2400 pages; a few faults come from Python itself.
    assert count < 100 * FRAMES // 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a setting of glibc")
def test_the_environment_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    threshold = {"MALLOC_MMAP_THRESHOLD_": "65536"}
    kept, count = count_faults(threshold, monkeypatch)
    assert kept == "False"
    assert count > 1000 * FRAMES // 2


# Heaps of glibc after eight threads have asked for memory at one time.
HEAPS = """
import ctypes
import threading
from vidsr.terminal.heap import keep_one_heap, return_free
kept = keep_one_heap()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
meeting = threading.Barrier(8)
def ask():
    meeting.wait()
    assert libc.malloc(1 << 20)
    meeting.wait()
threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
return_free()
print(kept, flush=True)
file = libc.fdopen(1, b"w")
libc.malloc_info(0, file)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a setting of glibc")
@pytest.mark.parametrize(("environment", "one"), [({}, True), ({ARENAS: "4"}, False)])
def test_threads_of_batches_share_a_heap(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], one: bool
) -> None:
    for name in (*OWN_CHOICE, ARENAS):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-c", HEAPS]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    kept = run.stdout.startswith("True")
    if one and not kept:
        pytest.skip("not glibc")
    assert kept == one
    assert not one or run.stdout.count("<heap nr=") == 1
