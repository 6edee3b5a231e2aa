"""Every kernel that ships compiles for every architecture, without a GPU, and spills nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton")

from vidsr.errors import OptionError
from vidsr.kernels.triton_kernels import aot

# Kernels that compile are not the interpreter's, which is chosen when a kernel is defined.
COMPILER = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}

SPILLING = """
from dataclasses import replace
from vidsr.kernels.triton_kernels import aot
variant = aot.variants_of("yuv_to_rgb")["u8-fp32-nhwc-subsampled"]
starved = replace(variant, options={**variant.options, "maxnreg": 24})
cubin = aot.compile_variant(starved, 90).asm["cubin"]
print(*aot.spills_and_registers(cubin))
"""

UNALIGNED = """
from vidsr.kernels.triton_kernels import aot
for variant in aot.variants_of("shuffle_to_yuv").values():
    if variant.name.startswith("fp16") and "-x1-yuv420" in variant.name:
        cubin = aot.compile_variant(aot.unaligned(variant), 90).asm["cubin"]
        print(variant.name, aot.spills_and_registers(cubin)[0])
"""

TARGETS = (
    "import json; from vidsr.kernels.triton_kernels import aot; print(json.dumps(aot.targets()))"
)


def run(*arguments: str, cache: Path) -> str:
    """Standard output of a Python that has the compiler, and an empty cache of its results."""
    process = subprocess.run(
        [sys.executable, *arguments],
        env=COMPILER | {"TRITON_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_the_committed_table_is_of_all_that_ships_and_nothing_spills(tmp_path: Path) -> None:
    targets = json.loads(run("-c", TARGETS, cache=tmp_path))
    committed = aot.parse(aot.TABLE.read_text())
    assert [list(u.key) for u in committed] == targets
    assert {u.arch for u in committed} == {80, 86, 89, 90, 100, 120}
    assert [u for u in committed if u.spill_bytes] == []


@pytest.mark.slow
def test_a_sample_of_what_ships_compiles_and_nothing_spills(tmp_path: Path) -> None:
    measured = aot.parse(run("-m", "vidsr.kernels.triton_kernels.aot", "--sample", cache=tmp_path))
    committed = [u.key for u in aot.parse(aot.TABLE.read_text())]
    # Registers and shared memory may differ with the version of Triton: those of the table are a
    # record, while spills must be 0 with any.
    assert {u.key for u in measured} <= set(committed)
    assert [u.key for u in measured if u.arch == 90] == [k for k in committed if k[2] == 90]
    for arch in (80, 86, 89, 100, 120):
        assert {u.kernel for u in measured if u.arch == arch} == set(aot.MODULES)
    assert [u for u in measured if u.spill_bytes] == []
    assert all(0 < u.registers <= 255 for u in measured)


def test_a_kernel_short_of_registers_shows_its_spills(tmp_path: Path) -> None:
    spills, registers = map(int, run("-c", SPILLING, cache=tmp_path).split())
    assert spills > 0
    assert registers <= 24


@pytest.mark.slow
def test_odd_sizes_spill_nothing_where_they_once_did(tmp_path: Path) -> None:
    rows = [line.split() for line in run("-c", UNALIGNED, cache=tmp_path).splitlines()]
    assert len(rows) == 8  # 8 and 16 bits, planar and not, in either memory order
    assert [name for name, spills in rows if spills != "0"] == []


def test_every_module_with_kernels_is_compiled() -> None:
    folder = Path(aot.__file__).parent
    launching = {path.stem for path in folder.glob("*.py") if "def variants(" in path.read_text()}
    assert launching - {"aot"} == set(aot.MODULES)


def test_the_interpreter_does_not_compile() -> None:
    if "TRITON_INTERPRET" not in os.environ:
        pytest.skip("the compiler is at work here")
    variant = aot.Variant("any", object(), {}, {}, (), {})
    with pytest.raises(OptionError, match="TRITON_INTERPRET"):
        aot.compile_variant(variant, 90)
