"""Every kernel that ships compiles for every architecture, without a GPU, and spills nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("triton")

from tests.doubles.warm import run_module
from vidsr.errors import OptionError
from vidsr.kernels.triton_kernels import aot
from vidsr.kernels.triton_kernels.fingerprint import compiled_code, fingerprint

# Kernels that compile are not the interpreter's, which is chosen when a kernel is defined.
COMPILER = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}

# One process for all: to load PyTorch and Triton takes it longer than any of these.
FOUND = """
import contextlib, io, json
from dataclasses import replace
from vidsr.kernels.triton_kernels import aot
def compiled(variant):
    return aot.spills_and_registers(aot.compile_variant(variant, 90).asm["cubin"])
variant = aot.variants_of("yuv_to_rgb")["u8-fp32-nhwc-subsampled"]
starved = compiled(replace(variant, options={**variant.options, "maxnreg": 24}))
unaligned = {
    variant.name: compiled(aot.unaligned(variant))[0]
    for variant in aot.variants_of("shuffle_to_yuv").values()
    if variant.name.startswith("fp16") and "-x1-yuv420" in variant.name
}
lists = {"targets": aot.targets(), "recorded": aot.sample(True), "changed": aot.sample(False)}
with contextlib.redirect_stdout(io.StringIO()) as printed:
    aot.main(["--sample"])
found = {"starved": starved, "unaligned": unaligned, "lists": lists, "table": printed.getvalue()}
print(json.dumps(found))
"""


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


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what a process with the compiler lists, and finds in kernels that it compiles."""
    found: dict[str, Any] = json.loads(run("-c", FOUND, cache=tmp_path_factory.mktemp("cache")))
    return found


@pytest.fixture(scope="module")
def lists(compiled: dict[str, Any]) -> dict[str, list[aot.Target]]:
    """All that ships, and the samples of it that are compiled."""
    every = compiled["lists"]
    return {name: [(kernel, form, arch) for kernel, form, arch in every[name]] for name in every}


def test_the_committed_table_is_of_all_that_ships_and_nothing_spills(
    lists: dict[str, list[aot.Target]],
) -> None:
    committed = aot.parse(aot.TABLE.read_text()).rows
    assert [u.key for u in committed] == lists["targets"]
    assert {u.arch for u in committed} == {80, 86, 89, 90, 100, 120}
    assert [u for u in committed if u.spill_bytes] == []


@pytest.mark.slow
def test_a_sample_of_what_ships_compiles_and_nothing_spills(compiled: dict[str, Any]) -> None:
    found = aot.parse(compiled["table"])
    table = aot.parse(aot.TABLE.read_text())
    committed = [u.key for u in table.rows]
    assert {u.key for u in found.rows} <= set(committed)
    if found.fingerprint == table.fingerprint:  # then nothing may differ, and the table holds
        assert set(found.rows) <= set(table.rows)
    else:
        # Registers and shared memory may differ with the version of Triton: those of the table are
        # a record, while spills must be 0 with any.
        assert [u.key for u in found.rows if u.arch == 90] == [k for k in committed if k[2] == 90]
    for arch in aot.ARCHITECTURES:
        assert {u.kernel for u in found.rows if u.arch == arch} == set(aot.MODULES)
    assert [u for u in found.rows if u.spill_bytes] == []
    assert all(0 < u.registers <= 255 for u in found.rows)


@pytest.mark.parametrize("kind", ["recorded", "changed"])
def test_the_sample_is_of_every_architecture_and_module(
    kind: str, lists: dict[str, list[aot.Target]]
) -> None:
    chosen, shipped = lists[kind], lists["targets"]
    assert len(set(chosen)) == len(chosen)
    assert {(module, arch) for module, _, arch in chosen} == {
        (module, arch) for module in aot.MODULES for arch in aot.ARCHITECTURES
    }
    assert set(chosen) <= set(shipped)
    whole = [key for key in shipped if key[2] == 90]
    assert kind == "recorded" or [key for key in chosen if key[2] == 90] == whole


KERNEL = '''
"""Some module."""
STEP = 2

def launch(): ...

@triton.jit
def _kernel(x, N: tl.constexpr):
    """Do it."""
    tl.store(x, N * STEP)
'''


@pytest.mark.parametrize(
    ("old", "new", "compiled_anew"),
    [
        ("Some module", "A module", False),
        ("Do it", "Do so", False),
        ("STEP = 2", "STEP = 2  # two", False),
        ("launch(): ...", "launch(): return 1", False),
        ("STEP = 2", "STEP = 3", True),
        ("N * STEP", "N + STEP", True),
        ("x, N:", "y, N:", True),
        ("@triton.jit\n", "@triton.jit(do_not_specialize=['x'])\n", True),
    ],
)
def test_a_fingerprint_follows_what_is_compiled(old: str, new: str, compiled_anew: bool) -> None:
    assert KERNEL.count(old) == 1
    changed = compiled_code(KERNEL.replace(old, new)) != compiled_code(KERNEL)
    assert changed == compiled_anew


def test_a_fingerprint_follows_forms_and_settings() -> None:
    class Kernel:
        fn = compiled_code

    form = aot.Variant("a", Kernel, {"x": "*u8"}, {"N": 2}, ("x",), {"num_warps": 2})
    changed = [
        replace(form, name="b"),
        replace(form, signature={"x": "*u16"}),
        replace(form, constexprs={"N": 4}),
        replace(form, aligned=()),
        replace(form, options={"num_warps": 4}),
    ]
    prints = [fingerprint([each], 87) for each in (form, *changed)]
    prints += [fingerprint([form], 88), fingerprint([form, form], 87), fingerprint([], 87)]
    assert len(set(prints)) == len(prints)
    assert fingerprint([form], 87) == prints[0]


def test_a_kernel_short_of_registers_shows_its_spills(compiled: dict[str, Any]) -> None:
    spills, registers = compiled["starved"]
    assert spills > 0
    assert registers <= 24


@pytest.mark.slow
def test_odd_sizes_spill_nothing_where_they_once_did(compiled: dict[str, Any]) -> None:
    spills = compiled["unaligned"]
    assert len(spills) == 8  # 8 and 16 bits, planar and not, in either memory order
    assert [name for name in spills if spills[name] != 0] == []


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


def test_the_module_is_a_command() -> None:
    done = run_module([sys.executable, "-m", "vidsr.kernels.triton_kernels.aot", "--help"])
    assert done.returncode == 0, done.stderr
    assert "--sample" in done.stdout
