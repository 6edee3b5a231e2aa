"""Reader of the names of TensorRT that a source uses; types come from the bindings' docstrings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

Found = dict[str, dict[str, str]]  # path of a class -> attribute -> docstring; "" is the module
# What a variable (or an attribute of self, less its underscore) of that name is, in every source.
VARIABLES = {
    "builder": "Builder",
    "config": "IBuilderConfig",
    "context": "IExecutionContext",
    "engine": "ICudaEngine",
    "logger": "ILogger",
    "network": "INetworkDefinition",
    "onnx_parser": "OnnxParser",
    "onnx_refitter": "OnnxParserRefitter",
    "refitter": "Refitter",
    "problem": "ParserError",
    "runtime": "Runtime",
    "severity": "ILogger.Severity",
    "shapes": "IOptimizationProfile",
    "tensor": "ITensor",
    "timing": "ITimingCache",
}
NOT_TENSORRT = {"level", "mode"}  # parameters that are only compared with members of an enum
# What these functions give; of others only "created(what, make, messages)" is followed.
FUNCTIONS = {
    "_parse": "INetworkDefinition",
    "_timing_cache": "ITimingCache",
    "import_tensorrt": "",
    "make_logger": "ILogger",
}
# Present in one version alone, as the code knows. It is deprecated in 11, where it has no effect.
ONLY_IN = {("NetworkDefinitionCreationFlag", "STRONGLY_TYPED"): "10"}


@dataclass
class Use:
    """Use of an attribute of a class of TensorRT: where it stands and the keywords of its call."""

    where: str
    owner: str
    name: str
    keywords: tuple[str, ...] = ()


@dataclass
class Reader(ast.NodeVisitor):
    """Collector of uses and mistakes in one source; types come from docstrings of the bindings."""

    found: Found
    file: str
    uses: list[Use] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    checks_parameters: bool = True  # that those of type Any are known; examples have other ones
    foreign: set[str] = field(default_factory=set)  # variables of the function that are others
    own: set[str] = field(default_factory=set)  # attributes of self that are TensorRT's

    def visit_Attribute(self, node: ast.Attribute) -> None:
        owner = self.type_of(node.value)
        if owner is not None:
            self.uses.append(Use(f"{self.file}:{node.lineno}", owner, node.attr))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        named = tuple(keyword.arg for keyword in node.keywords if keyword.arg)
        if named and isinstance(node.func, ast.Attribute):
            owner = self.type_of(node.func.value)
            if owner is not None:
                where = f"{self.file}:{node.lineno}"
                self.uses.append(Use(where, owner, node.func.attr, named))
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target, value in pairs(node):
            kind = self.type_of(value)
            if kind and VARIABLES.get(name_of(target)) != kind:
                self.mistakes.append(f"{self.file}:{node.lineno}: {name_of(target)} is {kind}")
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.own = set()
        for child in ast.walk(node):
            if isinstance(child, ast.FunctionDef):
                self.foreign = self.others_in(child)
                for target, value in assigned(child):
                    if isinstance(target, ast.Attribute) and self.type_of(value) is not None:
                        self.own.add(name_of(target))
        self.generic_visit(node)
        self.own = set()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        before, self.foreign = self.foreign, self.foreign | self.others_in(node)
        self.generic_visit(node)
        self.foreign = before

    def others_in(self, node: ast.FunctionDef) -> set[str]:
        """Return names of another meaning here: of another type, or assigned from elsewhere."""
        self.foreign = {a.arg for a in node.args.args if a.annotation and not is_any(a.annotation)}
        for target, value in assigned(node):
            if isinstance(target, ast.Name) and self.type_of(value) is None:
                self.foreign.add(target.id)
        return self.foreign

    def visit_arguments(self, node: ast.arguments) -> None:
        for argument in (*node.args, *node.kwonlyargs):
            known = argument.arg in {"trt", *VARIABLES, *NOT_TENSORRT}
            if self.checks_parameters and is_any(argument.annotation):
                where = f"{self.file}:{argument.lineno}"
                self.mistakes += [] if known else [f"{where}: what is {argument.arg}?"]
        self.generic_visit(node)

    def type_of(self, node: ast.expr) -> str | None:
        """Return a class of TensorRT, '' for its module, None for anything else."""
        if name_of(node) == "trt":
            return ""
        name = name_of(node)
        known = name in self.own if isinstance(node, ast.Attribute) else name not in self.foreign
        if name in VARIABLES and known:
            return VARIABLES[name]
        if isinstance(node, ast.Attribute):
            owner = self.type_of(node.value)
            path = f"{owner}.{node.attr}".lstrip(".")
            if owner is None or path in self.found:
                return None if owner is None else path
            return self.returned(owner, node.attr)
        if isinstance(node, ast.Lambda):
            return self.type_of(node.body)
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                called = node.func.id
                return self.type_of(node.args[1]) if called == "created" else FUNCTIONS.get(called)
            return self.type_of(node.func)
        return None

    def returned(self, owner: str, name: str) -> str | None:
        text = self.found.get(owner, {}).get(name, "")
        match = re.search(r"-> tensorrt_bindings\.tensorrt\.([\w.]+)", text)
        # Host memory is made to bytes at once, and members of enums are only compared.
        return match[1] if match and match[1] in VARIABLES.values() else None


def name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    return node.attr.lstrip("_") if own and node.value.id == "self" else ""  # type: ignore[attr-defined]


def is_any(annotation: ast.expr | None) -> bool:
    return isinstance(annotation, ast.Name) and annotation.id == "Any"


def pairs(node: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield targets and what is assigned to each."""
    for target in node.targets:
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            yield from zip(target.elts, node.value.elts, strict=True)
        else:
            yield target, node.value


def assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    for child in ast.walk(node):
        if isinstance(child, ast.Assign):
            yield from pairs(child)


def read(source: Path, found: Found) -> Reader:
    reader = Reader(found, source.name, checks_parameters=source.parent.name != "examples")
    reader.visit(ast.parse(source.read_text()))
    return reader


def missing(uses: list[Use], version: str, found: Found) -> Iterator[str]:
    for use in uses:
        if ONLY_IN.get((use.owner, use.name), version) != version:
            continue
        members = found.get(use.owner, {})
        if use.name not in members:
            yield f"{use.where}: TensorRT {version} has no {use.owner}.{use.name}"
            continue
        for keyword in use.keywords:
            if not re.search(rf"\b{keyword}: ", members[use.name]):
                yield f"{use.where}: {use.owner}.{use.name} has no argument {keyword}"
