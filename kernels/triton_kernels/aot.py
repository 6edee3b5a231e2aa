"""Compiles every kernel variant that ships, ahead of time and without a GPU.

``python -m vidsr.kernels.triton_kernels.aot`` prints the registers, shared memory and spills of
each on each architecture; with ``--write`` into kernels/resources.json. Registers and shared
memory differ a little between versions of Triton; spills must be 0 with any.

All together take twelve minutes of one core. Tests hold the table against what ships, and compile
what ``--sample`` does. While the table's fingerprint is that of the kernels and of the compiler,
that is a form of each module for each architecture, in 15 s, to show that the table still holds.
Otherwise it is every variant for sm_90, and for each of the other architectures one in eleven, in
two and a half minutes, until ``--write`` has measured anew.

A kernel module joins by being named in ``MODULES`` and by a function

    def variants() -> list[Variant]: ...

which lists all that its launcher can launch, as to types, constants and options: where 16 does not
divide a stride or size, or it is 1, Triton compiles once more at run time. The easy way is to make
the launcher's arguments for tensors on torch's ``meta`` device, in a size whose strides are
multiples of 16 as in real video:

    Variant.of("u8-fp16-nhwc-420", _kernel, _arguments(out, planes, ...), OPTIONS)

Types, constants and alignment then follow from the very arguments of a launch; a launcher ends in
``_kernel[grid](**_arguments(...), **OPTIONS)``. Names are unique in their module.

With no size and no stride a multiple of 16, which is not in the table, nothing spills on sm_90 with
Triton 3.9 either; tests compile the forms that once did.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vidsr.errors import OptionError
from vidsr.kernels.triton_kernels.fingerprint import fingerprint

MODULES = ("yuv_to_rgb", "shuffle_to_yuv", "shuffle_to_luma", "resample_chroma", "pixel_shuffle")
# A100; RTX 30; RTX 40 and L4; H100 and H200; B200; RTX 50.
ARCHITECTURES = (80, 86, 89, 90, 100, 120)
TABLE = Path(__file__).resolve().parents[1] / "resources.json"
# CUDA 12.8, the first that knows sm_100 and sm_120. By itself Triton writes the newest PTX that
# its ptxas reads (3.9: 9.4), which an older driver or ptxas refuses.
PTX_VERSION = 87
# What tests compile of kernels that have changed: everything for one architecture, for the others
# every so many variants. A prime, so that the turns of neither types, factors nor formats fall in
# step with it. Of kernels that have not, architectures take variants that far apart.
SAMPLED_WHOLE, SAMPLED_EVERY = 90, 11
FEW = 36

Target = tuple[str, str, int]  # module, variant, architecture

_TYPES = {
    torch.uint8: "u8",
    torch.uint16: "u16",
    torch.float16: "fp16",
    torch.bfloat16: "bf16",
    torch.float32: "fp32",
}


def type_name(dtype: torch.dtype) -> str:
    """Return triton's name of a tensor's element type."""
    return _TYPES[dtype]


@dataclass(frozen=True)
class Variant:
    """A kernel with the types, constants and launch options that it is compiled for."""

    name: str
    kernel: Any  # a triton.JITFunction, which has no type annotations
    signature: dict[str, str]  # every parameter, in order: Triton's type, or "constexpr"
    constexprs: dict[str, Any]  # the value of each "constexpr"
    aligned: tuple[str, ...]  # parameters that are multiples of 16 (pointers: bytes)
    options: dict[str, Any]  # num_warps, enable_fp_fusion, ...

    @classmethod
    def of(
        cls, name: str, kernel: Any, arguments: Mapping[str, Any], options: Mapping[str, Any]
    ) -> Variant:
        """Return what Triton makes of a launch with ``arguments``, by parameter name."""
        signature, constexprs, aligned = {}, {}, []
        for parameter in kernel.params:
            value = arguments[parameter.name]
            signature[parameter.name] = _type_of(value)
            if parameter.is_constexpr:
                signature[parameter.name] = "constexpr"
                constexprs[parameter.name] = value
            elif not parameter.do_not_specialize and _is_aligned(value):
                aligned.append(parameter.name)
        return cls(name, kernel, signature, constexprs, tuple(aligned), dict(options))


def _type_of(value: object) -> str:
    if isinstance(value, Tensor):
        return "*" + _TYPES[value.dtype]
    return "fp32" if isinstance(value, float) else "i32"


def _is_aligned(value: object) -> bool:
    # torch allocates at multiples of 64 bytes at least.
    return isinstance(value, Tensor) or (isinstance(value, int) and value % 16 == 0)


@dataclass(frozen=True)
class Usage:
    """Resources of a thread (registers, spills) or a program (shared memory) of a variant."""

    kernel: str
    variant: str
    arch: int
    registers: int
    shared_bytes: int
    spill_bytes: int  # local memory of a thread

    @property
    def key(self) -> Target:
        """One of ``targets``."""
        return self.kernel, self.variant, self.arch


@dataclass(frozen=True)
class Table:
    """Usages of variants, and the fingerprint of the kernels and compiler that they are of."""

    fingerprint: str
    rows: tuple[Usage, ...]


def unaligned(variant: Variant) -> Variant:
    """Return the variant of sizes and strides of which nothing is known; tensors stay aligned."""
    tensors = [name for name in variant.aligned if variant.signature[name].startswith("*")]
    return replace(variant, aligned=tuple(tensors))


def compile_variant(variant: Variant, arch: int) -> Any:
    """Return Triton's compiled kernel of sm_``arch``, with ``asm["ptx"]`` and ``asm["cubin"]``.

    Raises OptionError where the interpreter has taken the compiler's place.
    """
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    kernel = variant.kernel
    if not isinstance(kernel, triton.JITFunction):
        raise OptionError("TRITON_INTERPRET is set", hint="unset it to compile kernels.")
    attributes = {
        (kernel.arg_names.index(name),): [["tt.divisibility", 16]] for name in variant.aligned
    }
    source = ASTSource(kernel, variant.signature, variant.constexprs, attributes)
    options = {**variant.options, "ptx_version": PTX_VERSION}
    return triton.compile(source, target=GPUTarget("cuda", arch, 32), options=options)


def spills_and_registers(cubin: bytes) -> tuple[int, int]:
    """Return bytes of local memory and registers of a thread, as cuobjdump of Triton reads them."""
    import triton

    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        tool = [triton.knobs.nvidia.cuobjdump.path, "-res-usage", file.name]
        text = subprocess.run(tool, check=True, capture_output=True, text=True).stdout
    (usage,) = re.findall(r"REG:(\d+) STACK:(\d+) .*LOCAL:(\d+)", text)
    registers, stack, local = map(int, usage)
    return stack + local, registers


@cache
def variants_of(module: str) -> dict[str, Variant]:
    """Return the variants of one of ``MODULES`` by name."""
    found = import_module(f"vidsr.kernels.triton_kernels.{module}").variants()
    by_name = {variant.name: variant for variant in found}
    if len(by_name) != len(found):
        raise ValueError(f"{module}: two variants of one name")
    return by_name


def targets() -> list[Target]:
    """Return all that ships."""
    return [(m, name, arch) for m in MODULES for name in variants_of(m) for arch in ARCHITECTURES]


def fingerprint_now() -> str:
    """Return the fingerprint of all that ships, and of the installed compiler."""
    variants = [variant for module in MODULES for variant in variants_of(module).values()]
    return fingerprint(variants, PTX_VERSION, ARCHITECTURES)


def sample(recorded: bool) -> list[Target]:
    """Return the part of ``targets`` that tests compile; other variants for each architecture.

    Args:
        recorded: True if the table's fingerprint is ``fingerprint_now``.
    """
    return _one_of_each() if recorded else _one_in_eleven()


def _one_of_each() -> list[Target]:
    found: list[Target] = []
    for module in MODULES:
        names = list(variants_of(module))
        found += [
            (module, names[i * SAMPLED_EVERY % len(names)], arch)
            for i, arch in enumerate(ARCHITECTURES)
        ]
    return found


def _one_in_eleven() -> list[Target]:
    found: list[Target] = []
    for i, arch in enumerate(ARCHITECTURES):
        start, step = (0, 1) if arch == SAMPLED_WHOLE else (i, SAMPLED_EVERY)
        found += [target for target in targets() if target[2] == arch][start::step]
    return found


def measure(target: Target) -> Usage:
    """Compile one of ``targets``."""
    module, name, arch = target
    compiled = compile_variant(variants_of(module)[name], arch)
    spills, registers = spills_and_registers(compiled.asm["cubin"])
    return Usage(module, name, arch, registers, compiled.metadata.shared, spills)


def measure_all(of: Sequence[Target]) -> list[Usage]:
    """Compile on every core; a few here, since a process takes as long to start as six kernels."""
    if len(of) <= FEW:
        return list(map(measure, of))
    # Spawned, since torch's threads do not survive a fork.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as pool:
        return list(pool.map(measure, of, chunksize=4))


def to_json(table: Table) -> str:
    """Return the table as JSON, one line a row, so that a change shows as the rows it changes."""
    rows = ",\n".join(json.dumps(asdict(usage)) for usage in table.rows)
    return f'{{"fingerprint": "{table.fingerprint}", "rows": [\n{rows}\n]}}\n'


def parse(text: str) -> Table:
    """Return what ``to_json`` wrote."""
    found = json.loads(text)
    return Table(found["fingerprint"], tuple(Usage(**row) for row in found["rows"]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(
        prog="python -m vidsr.kernels.triton_kernels.aot", description=__doc__
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--write", action="store_true", help=f"write {TABLE.name}")
    which.add_argument("--sample", action="store_true", help="only what tests compile")
    options = parser.parse_args(arguments)
    now = fingerprint_now()
    chosen = targets()
    if options.sample:
        chosen = sample(recorded=parse(TABLE.read_text()).fingerprint == now)
    text = to_json(Table(now, tuple(measure_all(chosen))))
    if options.write:
        TABLE.write_text(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
