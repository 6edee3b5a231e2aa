"""Damaged files of every kind, each upscaled in a process of its own.

A server imports everything once and is forked for each run, which gets limits of time and memory.
A run is at fault where it dies of a signal or an error that is no ``VidsrError``, does not end,
writes frames that a plain decode does not show, or leaves a target or a working file behind.
The same seed makes the same files. ``tools/fuzz.py`` is the command.
"""

from __future__ import annotations

import json
import logging
import os
import random
import resource
import shutil
import signal
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import torch

import vidsr
import vidsr.api
from tests.makers.zoo import make_zoo
from vidsr.run import executor as executor
from vidsr.video.sink import file_sink as file_sink
from vidsr.video.source import file_source as file_source

TIME_LIMIT_S = 60.0
MEMORY_BYTES = 3 << 30  # beyond what the server's own imports take of address space
NUMBERS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\1")
# Mean grey levels by which a frame may differ from its source's: networks and codecs move it less.
GREY_LEVELS = 8.0
UNSPECIFIED = 2
TARGETS = ("out.mkv", "out.mp4", "out.mkv", "out.ts")


@dataclass
class Child:
    """A run in progress."""

    pid: int
    folder: Path
    seed: int
    started_s: float


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Return a damaged copy of a file; half of the damage lies in its first and last tenths."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 12))):
        size = max(1, len(out))
        part = chance.choice(((0, 0.1), (0.9, 1), (0, 1), (0, 1)))
        at = min(size - 1, int(size * chance.uniform(*part)))
        length = chance.choice((1, 4, 16, 100))
        match chance.randrange(7):
            case 0:
                out[at : at + 1] = bytes((chance.randrange(256),))
            case 1:
                out[at : at + 1] = bytes((out[at] ^ 1 << chance.randrange(8),)) if out else b""
            case 2:
                out[at : at + 4] = chance.choice(NUMBERS)
            case 3:
                out[at : at + length] = bytes(length)
            case 4:
                del out[at : at + length]
            case 5:
                out[at:at] = out[at : at + length]
            case _:
                out[at : at + length] = chance.randbytes(length)
    return bytes(out[: chance.randrange(len(out))]) if out and chance.random() < 0.1 else bytes(out)


def run_one(zoo: list[Path], seed: int, folder: Path) -> None:
    """Damage a file, upscale it, and write into ``folder`` what happened."""
    chance = random.Random(seed)
    original = chance.choice(zoo)
    source = folder / f"in{original.suffix}"
    source.write_bytes(mutate(original.read_bytes(), chance))
    target = folder / chance.choice(TARGETS)
    part = {"start": chance.choice((0.04, 0.1))} if chance.random() < 0.2 else {}
    result: dict[str, object] = {"source": original.name, "target": target.name, **part}
    try:
        choices: dict[str, Any] = {"preset": "ultrafast", "drop_incompatible": True, **part}
        vidsr.upscale(source, target, model="lite-x2", **choices)
        result["outcome"] = "written"
    except vidsr.VidsrError as error:
        result |= {"outcome": "refused", "message": str(error)}
    except BaseException:
        result |= {"outcome": "crashed", "message": traceback.format_exc()[-2000:]}
    note(folder, result)
    # A plain decode shows one tile of a grid.
    if result["outcome"] == "written" and not part and not original.name.startswith("grid"):
        # Damage comes out otherwise with frame threads, which are a plain decode as well.
        named = matrix_of(target)
        ways = [greys(source, threads=threads, matrix=named) for threads in ("SLICE", "AUTO")]
        result["message"] = compare(greys(target, strict=True), ways)
        note(folder, result)


def note(folder: Path, result: dict[str, object]) -> None:
    (folder / "result.json").write_text(json.dumps(result))


def matrix_of(path: Path) -> int:
    """Return the colour matrix that a file names."""
    with av.open(str(path), metadata_errors="replace") as container:
        return int(container.streams.video[0].codec_context.colorspace)


def greys(
    path: Path, *, strict: bool = False, threads: str = "SLICE", matrix: int = UNSPECIFIED
) -> list[float]:
    """Return the mean grey level of every frame that plain PyAV decodes.

    Frames are kept meanwhile, as programs keep them that work on several: what a decoder leaves out
    of a damaged frame is else what the last frame left in the same memory. Frames that name no
    matrix get ``matrix``: swscale's grey is that of BT.601, and of the same luma samples it makes
    ten levels less where BT.709 is named and chroma is strong.
    """
    images: list[av.VideoFrame] = []
    with av.open(str(path), metadata_errors="replace") as container:
        stream = container.streams.best("video") or container.streams.video[0]
        assert isinstance(stream, av.VideoStream)
        stream.thread_type = threads
        for packet in container.demux(stream):
            try:
                images += [i for i in packet.decode() if isinstance(i, av.VideoFrame)]
            except av.error.FFmpegError:
                if strict:
                    raise
        for image in images:
            if image.colorspace == UNSPECIFIED:
                image.colorspace = matrix
        return [float(image.to_ndarray(format="gray").mean()) for image in images]


def compare(written: list[float], ways: list[list[float]]) -> str:
    """Return what is wrong with the frames written, empty where nothing is."""
    most = max(len(way) for way in ways)
    if len(written) > most:
        return f"{len(written)} frames written, a plain decode shows {most}"
    shown = [level for way in ways for level in way]
    for number, level in enumerate(written):
        if all(abs(level - other) > GREY_LEVELS for other in shown):
            return f"frame {number} has a mean grey of {level:.1f}: no frame shown has"
    return ""


def start(zoo: list[Path], seed: int, folder: Path) -> Child:
    """Fork a run."""
    folder.mkdir()
    pid = os.fork()
    if pid:
        return Child(pid, folder, seed, time.monotonic())
    try:
        os.setpgid(0, 0)
        quiet()
        limit_memory()
        torch.set_num_threads(1)
        run_one(zoo, seed, folder)
    except BaseException:
        (folder / "harness.txt").write_text(traceback.format_exc())
    finally:
        os._exit(0)


def quiet() -> None:
    logging.disable(logging.CRITICAL)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def judge(child: Child, status: int, hung: bool) -> tuple[str, str]:
    """Return the outcome and, where it is a fault, a description."""
    stored = child.folder / "result.json"
    result = json.loads(stored.read_text()) if stored.exists() else {}
    what = f"seed {child.seed}, {result.get('source', 'unknown')} to {result.get('target', '?')}"
    outcome = str(result.get("outcome", ""))
    if hung:
        return "fault", f"{what}: not done after {TIME_LIMIT_S:g} s ({outcome or 'upscaling'})"
    if os.WIFSIGNALED(status):
        if outcome:  # vidsr was done: a plain decode died
            return outcome, ""
        return "fault", f"{what}: {signal.Signals(os.WTERMSIG(status)).name}"
    if (child.folder / "harness.txt").exists() and not outcome:
        return "fault", f"{what}: {(child.folder / 'harness.txt').read_text()}"
    left = {p.name for p in child.folder.iterdir() if p.name.startswith("out")}
    wanted = {str(result.get("target"))} if outcome == "written" else set()
    if left != wanted:
        return "fault", f"{what}: {outcome}, and {sorted(left)} lie there"
    wrong = outcome == "crashed" or (outcome == "written" and result.get("message"))
    return ("fault", f"{what}: {result.get('message')}") if wrong else (outcome, "")


def wait(children: list[Child]) -> tuple[Child, int, bool]:
    """Wait for a run to end, or for its time to be over."""
    while True:
        for child in children:
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                return child, status, False
            if time.monotonic() - child.started_s > TIME_LIMIT_S:
                os.kill(child.pid, signal.SIGKILL)
                return child, os.waitpid(child.pid, 0)[1], True
        time.sleep(0.005)


def prepare(folder: Path) -> list[Path]:
    """Make the sound files in a process of its own: threads do not survive a fork."""
    pid = os.fork()
    if not pid:
        quiet()
        make_zoo(folder)
        os._exit(0)
    os.waitpid(pid, 0)
    return sorted(folder.iterdir())


def fuzz(runs: int, seed: int, jobs: int, keep: Path | None) -> tuple[Counter[str], list[str]]:
    """Return how many runs ended how, and a line for each at fault."""
    ends: Counter[str] = Counter()
    faults: list[str] = []
    with TemporaryDirectory() as name:
        place = Path(name)
        (place / "zoo").mkdir()
        zoo = prepare(place / "zoo")
        children: list[Child] = []
        todo = iter(range(seed, seed + runs))
        while True:
            while len(children) < jobs and (number := next(todo, None)) is not None:
                children.append(start(zoo, number, place / f"run{number}"))
            if not children:
                return ends, faults
            child, status, hung = wait(children)
            children.remove(child)
            outcome, line = judge(child, status, hung)
            ends[outcome] += 1
            if line:
                faults.append(line)
                print(line, flush=True)
                if keep is not None:
                    shutil.copytree(child.folder, keep / child.folder.name, dirs_exist_ok=True)
            shutil.rmtree(child.folder)
