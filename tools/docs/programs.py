"""The programs that people call, and where the parser of each is built."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module

PROGRAMS = {
    "vidsr": "vidsr.cli",
    "vidsr-train": "vidsr.training.command.cli",
    "vidsr-degrade": "vidsr.degradation.cli",
    "vidsr-eval": "vidsr.quality.cli",
    "vidsr-job": "vidsr.jobs.cli",
    "vidsr-models": "vidsr.catalogue.cli",
    "vidsr-bench": "vidsr.bench.command.cli",
    "vidsr-engine": "vidsr.engines.command.cli",
    "vidsr-live": "vidsr.live.service.cli",
    "python -m vidsr.reconstruction.burst": "vidsr.reconstruction.burst",
    "python -m vidsr.training.tools.blend": "vidsr.training.tools.blend",
    "python -m vidsr.training.tools.quantise": "vidsr.training.tools.quantise",
    "python -m vidsr.training.tools.strengths": "vidsr.training.tools.strengths",
}
"""Modules by the words that start the program; each has a ``build_parser``."""


def parser_of(program: str) -> argparse.ArgumentParser:
    """Return a new parser of the program."""
    parser: argparse.ArgumentParser = import_module(PROGRAMS[program]).build_parser()
    return parser


def subparsers(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield name and parser of each subcommand."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()
