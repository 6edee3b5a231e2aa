"""ONNX Runtime, imported when it is first needed, with the settings that files of others need."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

from vidsr.errors import DeviceError, ModelError

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
LONGEST_REASON = 200  # characters
SILENT = 4  # severity; what matters is raised
TYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(uint8)": "uint8"}


def import_runtime() -> Any:
    """Import the module ``onnxruntime``. Raises DeviceError where it is absent."""
    try:
        return importlib.import_module("onnxruntime")
    except (ImportError, OSError) as error:
        raise DeviceError(
            f"ONNX models need ONNX Runtime, which cannot be imported: {error}",
            hint="pip install -e '.[onnx]'",
        ) from error


def open_session(
    path: Path,
    threads: int,
    *,
    provider: str = CPU,
    plain: bool = False,
    arena: bool = True,
) -> Any:
    """Return a session that runs a file on ``threads`` threads.

    Args:
        path: The file; weights beside it are found from there.
        threads: Threads of one run, the caller's own among them.
        provider: Name of what runs it, such as ``CPUExecutionProvider``.
        plain: True runs the graph as it is written, without fusing or folding anything.
        arena: False gives memory back after every run.

    Raises:
        DeviceError: ONNX Runtime is absent.
        ModelError: It refuses the file.
    """
    runtime = import_runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    options.enable_cpu_mem_arena = arena
    # Waiting threads would take the cores of decoder and encoder.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if plain:
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    providers = [provider] if provider == CPU else [provider, CPU]
    try:
        return runtime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # its exceptions have no common base of their own
        raise ModelError(f"{path}: ONNX Runtime refuses it: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """Return what an exception says, in one line without codes and paths of source files."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    said = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", lines[0])
    said = re.sub(r"^Load model from .* failed: ?", "", said)
    return said.strip(" :")[:LONGEST_REASON]
