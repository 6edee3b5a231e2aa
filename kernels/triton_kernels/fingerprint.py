"""A fingerprint of all that decides what a kernel compiles to: its code, its forms, the compiler.

Compiling is deterministic, so that a table measured under the same fingerprint needs no measuring
again. Launchers, messages and docstrings, which change nothing compiled, are left out of it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent


def fingerprint(forms: Iterable[Any], *settings: object) -> str:
    """Return the fingerprint of kernels in ``forms`` (variants) compiled with ``settings``.

    Args:
        forms: each with a name, kernel, signature, constexprs, aligned and options.
        settings: what else the compiler is given, by its repr.
    """
    import triton

    digest = sha256(f"triton {triton.__version__} {settings}".encode())
    sources = (path.read_text() for path in sorted(FOLDER.glob("*.py")))
    for source in sources:
        digest.update("\n".join(compiled_code(source)).encode())
    for form in forms:
        facts = form.signature, form.constexprs, form.aligned, form.options
        digest.update(f"{form.name} {form.kernel.fn.__name__} {facts}".encode())
    return digest.hexdigest()


def compiled_code(source: str) -> list[str]:
    """Return the statements of a module that its kernels are made of, without docstrings.

    A module without kernels has none: its constants reach them as those of a form.
    """
    statements = ast.parse(source).body
    kernels = [s for s in statements if isinstance(s, ast.FunctionDef) and _is_kernel(s)]
    names = [s for s in statements if isinstance(s, ast.Assign | ast.AnnAssign) or _is_shared(s)]
    return [ast.unparse(s) for s in (*names, *map(_bare, kernels))] if kernels else []


def _is_shared(statement: ast.stmt) -> bool:
    module = statement.module if isinstance(statement, ast.ImportFrom) else None
    return module is not None and module.startswith("vidsr.kernels")


def _is_kernel(function: ast.FunctionDef) -> bool:
    return any("triton.jit" in ast.unparse(d) for d in function.decorator_list)


def _bare(function: ast.FunctionDef) -> ast.FunctionDef:
    if ast.get_docstring(function) is not None:
        function.body = function.body[1:] or [ast.Pass()]
    return function
