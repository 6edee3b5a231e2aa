"""CUDA kernels built by g++ and run thread by thread: their arithmetic without a GPU."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from vidsr.kernels.cuda.source import FOLDER, Launch

HEADER = Path(__file__).with_name("cuda_on_cpu.h")
HAVE_COMPILER = shutil.which("g++") is not None

_UNIT = """
#include "cuda_on_cpu.h"
#include "yuv_to_rgb.cu"
#include "shuffle_to_yuv.cu"
extern "C" unsigned long argument_bytes(bool to_rgb) {
    return to_rgb ? sizeof(YuvToRgb) : sizeof(ShuffleToYuv);
}
extern "C" void launch_yuv_to_rgb(
    void (*kernel)(YuvToRgb), const void* a, const unsigned* grid, const unsigned* block) {
    launch_on_cpu(kernel, a, grid, block);
}
extern "C" void launch_shuffle_to_yuv(
    void (*kernel)(ShuffleToYuv), const void* a, const unsigned* grid, const unsigned* block) {
    launch_on_cpu(kernel, a, grid, block);
}
"""
# Contraction is nvcc's business (-fmad=false there); aliasing rules are looser in CUDA C++.
_OPTIONS = ["-O2", "-std=c++17", "-shared", "-fPIC", "-ffp-contract=off", "-fno-strict-aliasing"]
_WARNINGS = ["-Wall", "-Werror", "-Wno-unknown-pragmas", "-Wno-unused-variable"]


@cache
def library() -> ctypes.CDLL:
    """Compile both sources into one shared library, once a process (about 3 s)."""
    folder = Path(mkdtemp(prefix="vidsr-cuda-on-cpu-"))
    try:
        unit, target = folder / "kernels.cpp", folder / "kernels.so"
        unit.write_text(_UNIT)
        folders = ["-I", str(HEADER.parent), "-I", str(FOLDER)]
        command = ["g++", *_OPTIONS, *_WARNINGS, *folders, str(unit), "-o", str(target)]
        subprocess.run(command, check=True, timeout=120)
        return ctypes.CDLL(str(target))
    finally:
        shutil.rmtree(folder)  # what is loaded stays loaded


def run(launch: Launch) -> None:
    """Run every thread; addresses in the launch are those of host memory."""
    run_entry(launch.entry, launch.argument, launch.grid, launch.block)


def run_entry(entry: str, argument: bytes, grid: tuple[int, ...], block: tuple[int, ...]) -> None:
    lib = library()
    name = "yuv_to_rgb" if entry.startswith("yuv_to_rgb") else "shuffle_to_yuv"
    expected = lib.argument_bytes(ctypes.c_bool(name == "yuv_to_rgb"))
    assert len(argument) == expected, "the struct of the source and its mirror differ in size"
    kernel = ctypes.cast(getattr(lib, entry), ctypes.c_void_p)
    sizes = ctypes.c_uint * 3
    getattr(lib, f"launch_{name}")(kernel, argument, sizes(*grid), sizes(*block))
