"""An ONNX file tried in another process, which may crash, hang or swell without harm."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

from vidsr.errors import ModelError
from vidsr.models.onnx_networks.contract import Contract

PROGRAM = "vidsr.models.onnx_networks.probe_program"
LIMIT_S = 120  # of CPU and of waiting
ROOM_BYTES = 4 << 30  # of address space, beside several times the file
COPIES = 6  # of the weights: as read, packed, folded


def try_network(path: Path, stored_bytes: int, *, limit_s: int = LIMIT_S) -> Contract:
    """Return the contract of the network in a file whose outline was checked.

    Args:
        path: The file.
        stored_bytes: Size of the file with the weights beside it.
        limit_s: Seconds that it may take.

    Raises:
        ModelError: It is no network for pictures, or ONNX Runtime fails on it.
    """
    room = ROOM_BYTES + COPIES * stored_bytes
    command = [sys.executable, "-m", PROGRAM, str(path.absolute()), str(room), str(limit_s)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{path}: tried for {limit_s} s without a result") from error
    if done.returncode:
        raise ModelError(f"{path}: ONNX Runtime breaks on it: {_end(done)}")
    return _outcome(path, done.stdout.decode(errors="replace"))


def _end(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return how the process ended, in words."""
    if done.returncode < 0:
        number = -done.returncode
        late = number in (signal.SIGXCPU, signal.SIGKILL)
        return "it takes too long" if late else signal.Signals(number).name
    last = done.stderr.decode(errors="replace").strip().splitlines()
    return last[-1][:200] if last else f"exit status {done.returncode}"


def _outcome(path: Path, text: str) -> Contract:
    try:
        outcome = json.loads(text)
        refusal = outcome.get("refusal")
        if refusal is None:
            return Contract.from_json(json.dumps(outcome["contract"]))
    except (ValueError, KeyError, AttributeError) as error:
        raise ModelError(f"{path}: the trial of it gave no answer") from error
    raise ModelError(f"{path}: {refusal}")
