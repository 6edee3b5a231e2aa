"""An ONNX file tried in another process, which may crash, hang or swell without harm."""

from __future__ import annotations

import json
import platform
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from vidsr.cache.findings import finding_key, recall, remember
from vidsr.errors import ModelError
from vidsr.models.onnx_networks.contract import Contract
from vidsr.models.onnx_networks.runtime import import_runtime

WHAT = "trial of an ONNX file"
RULE = "1"  # raised where a trial would understand files otherwise
PROGRAM = "vidsr.models.onnx_networks.probe_program"
LIMIT_S = 120  # of CPU and of waiting
ROOM_BYTES = 4 << 30  # of address space, beside several times the file
COPIES = 6  # of the weights: as read, packed, folded


def known_contract(path: Path, files: Sequence[Path]) -> Contract:
    """Return the contract of a network, tried unless the same files were tried before.

    Only what was understood is remembered: a refusal may be that of a busy machine.

    Args:
        path: The file, whose outline was checked.
        files: That file and those that hold weights beside it.

    Raises:
        ModelError: See ``try_network``.
    """
    key = finding_key(WHAT, path.name, files, _under())
    try:
        return Contract.from_json(json.dumps((recall(key) or {})["contract"]))
    except (KeyError, ValueError):
        pass
    contract = try_network(path, sum(file.stat().st_size for file in files))
    remember(key, {"contract": json.loads(contract.to_json())})
    return contract


def _under() -> dict[str, str]:
    """Return what an outcome holds under: the library that ran the file, and this program's rules.

    Memory and time were measured on the machine that keeps them.
    """
    runtime = import_runtime()
    return {"onnxruntime": runtime.__version__, "rule": RULE, "machine": platform.machine()}


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
