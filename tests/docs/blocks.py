"""Blocks of code in the documents that people read, by language."""

from __future__ import annotations

import re
from pathlib import Path

from tests.paths import ROOT

FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def documents() -> list[Path]:
    """Return README, pages, and the other Markdown files of the repository."""
    loose = [*ROOT.glob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
    card = ROOT / "vidsr" / "models" / "weights" / "README.md"
    return sorted([*loose, card, *(ROOT / "docs").rglob("*.md")])


def blocks(path: Path, language: str) -> list[str]:
    """Return the text of every fenced block of one language in a file."""
    found = FENCE.findall(path.read_text(encoding="utf-8"))
    return [text for name, text in found if name == language]


def shell_lines() -> list[tuple[str, str]]:
    """Return (file, line) of every command line; parts joined by ``&&`` are lines of their own."""
    found: dict[str, str] = {}
    for path in documents():
        name = path.relative_to(ROOT).as_posix()
        text = "\n".join(blocks(path, "sh"))
        for line in filter(None, (part.strip() for part in text.splitlines())):
            for part in line.split(" && "):
                found.setdefault(part.strip(), name)
    return [(name, line) for line, name in found.items() if not line.startswith("#")]


def program_lines() -> list[str]:
    """Return every command line that calls one of the project's programs."""
    starts = ("vidsr", "python -m vidsr")
    lines = [line for _, line in shell_lines() if line.startswith(starts)]
    return [line for line in lines if "--help" not in line]
