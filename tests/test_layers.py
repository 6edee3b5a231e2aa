"""Imports go one way: who may import whom, held for every module of the package."""

from __future__ import annotations

import ast
from itertools import pairwise
from pathlib import Path

import pytest

from tests.paths import ROOT

# From the ground up. A room imports rooms below its own line and none beside it.
LAYERS = (
    ("errors", "notes"),
    ("picture", "option_values", "files", "cache"),
    ("classical",),
    ("video", "models", "kernels"),
    ("terminal", "fetching"),
    ("engines",),
    ("upscaling", "lean", "reconstruction"),
    ("run", "quality"),
    ("api", "batch", "preview", "jobs"),
    ("__init__", "clusters"),
    ("degradation", "catalogue", "cli", "live"),
    ("training", "bench", "__main__"),
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
LOOSE_MODULES = 6
MODULES_SIDE_BY_SIDE = 15
VERSION = "vidsr.__version__"  # asked of the package by commands; it loads nothing


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in (ROOT / "vidsr").rglob("*.py"):
        found[".".join(path.relative_to(ROOT).with_suffix("").parts)] = path
    for room in ("engines", "kernels"):  # symlinks, which rglob does not follow
        for path in (ROOT / room).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(("vidsr", *parts))] = path
    return found


MODULES = modules()


def imported(path: Path) -> set[str]:
    """Dotted names of the project's own modules that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{path}: expected the full name, got a relative import"
            assert not node.level, f"{path}: expected the full name, got a relative import"
            inner = {f"{node.module}.{alias.name}" for alias in node.names} - {VERSION}
            names |= {name if name in MODULES else node.module for name in inner}
    return {name for name in names if name.split(".")[0] == "vidsr"}


def room(name: str) -> str:
    """The room of a module: the first part below ``vidsr``."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_import_goes_up(name: str) -> None:
    here = room(name)
    others = {room(target) for target in imported(MODULES[name])} - {here}
    if here == "__init__":  # names the public objects, which lie everywhere, and loads them late
        return
    up = {other for other in others if LEVEL[other] >= LEVEL[here]}
    assert not up, f"{name} of level {LEVEL[here]} imports {up}"


def folder_of(name: str) -> str:
    """The folder of a module; a loose module is a folder of its own."""
    folder = name.rpartition(".")[0] if name in MODULES else name
    return name if folder == "vidsr" else folder


def folder_graph() -> dict[str, set[str]]:
    """The folders that the modules of each folder import from, inside one room too."""
    graph: dict[str, set[str]] = {}
    for name, path in MODULES.items():
        if name.endswith(("__init__", "__main__")):  # nobody imports what starts a program
            continue
        targets = {folder_of(target) for target in imported(path)}
        graph.setdefault(folder_of(name), set()).update(targets - {folder_of(name), "vidsr"})
    return graph


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """A circle of folders, empty where there is none."""
    done: set[str] = set()

    def walk(folder: str, way: list[str]) -> list[str]:
        if folder in way:
            return [*way[way.index(folder) :], folder]
        if folder in done:
            return []
        for target in sorted(graph.get(folder, ())):
            if found := walk(target, [*way, folder]):
                return found
        done.add(folder)
        return []

    for folder in sorted(graph):
        if found := walk(folder, []):
            return found
    return []


def test_no_circle_of_folders() -> None:
    found = cycle(folder_graph())
    why = [
        f"{name} -> {target}"
        for here, there in pairwise(found)
        for name, path in MODULES.items()
        if folder_of(name) == here
        for target in imported(path)
        if folder_of(target) == there
    ]
    assert not found, "\n".join(why)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("from vidsr import Upscaler", {"vidsr"}),
        ("from vidsr import upscale, __version__", {"vidsr"}),
        ("from vidsr import __version__", set()),
        ("def late():\n    from vidsr.run import job", {"vidsr.run.job"}),
        ("import vidsr.api", {"vidsr.api"}),
    ],
)
def test_imports_are_seen_wherever_they_stand(line: str, found: set[str], tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(line)
    assert imported(path) == found


def test_a_relative_import_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("from .api import upscale")
    with pytest.raises(AssertionError, match="relative"):
        imported(path)


def test_a_circle_would_be_found() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


def test_few_modules_are_loose() -> None:
    loose = [p.stem for p in (ROOT / "vidsr").glob("*.py") if not p.stem.startswith("__")]
    assert len(loose) <= LOOSE_MODULES, loose


def test_no_folder_is_a_heap() -> None:
    counts: dict[Path, int] = {}
    for path in MODULES.values():
        counts[path.parent] = counts.get(path.parent, 0) + (path.stem != "__init__")
    heaps = {str(folder): n for folder, n in counts.items() if n > MODULES_SIDE_BY_SIDE}
    assert not heaps
