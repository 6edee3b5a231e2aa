"""The part of ``vidsr-eval`` that is about opinions: a page to make, votes to count."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from vidsr.errors import OptionError, OutputError
from vidsr.files import check_writable, write_text
from vidsr.quality.opinion.trials import Key, key_path

if TYPE_CHECKING:
    from vidsr.quality.opinion.page import Rows

SEED = 0
BESIDE = (
    *("opinion_seed", "model", "hr", "lr", "data", "codec", "no_reference", "sheet", "baselines"),
    *("metrics", "frames", "start", "strength", "shuffle", "border"),
)
"""Options of measuring, which counting votes does not heed."""


def check_opinion(args: argparse.Namespace) -> None:
    """Raise OptionError or OutputError for options about opinions that do not fit."""
    for name in ("seed", "results"):
        if getattr(args, f"opinion_{name}") is not None and args.opinion is None:
            raise OptionError(
                f"--opinion-{name} is given without --opinion.", hint="--opinion names the page."
            )
    if args.opinion is not None and args.opinion.suffix.lower() not in (".html", ".htm"):
        raise OutputError(f"--opinion {args.opinion}: expected a name that ends in .html")
    if args.opinion_results is None:
        return
    for name in BESIDE:
        if getattr(args, name) not in (None, False):
            raise OptionError(
                f"--{name.replace('_', '-')} beside --opinion-results: expected one of them.",
                hint="counting votes measures nothing.",
            )


def check_methods(count: int) -> None:
    """Raise OptionError where a page of so many methods would have no pair to show."""
    if count < 2:
        raise OptionError(
            f"--opinion: expected two methods or more to compare, got {count}",
            hint="--model may be repeated, and --baselines names filters.",
        )


def report_opinions(args: argparse.Namespace) -> None:
    """Print scores from the votes in files, and write them as JSON. Raises a VidsrError."""
    from vidsr.quality.opinion.scores import opinion_json, opinion_markdown
    from vidsr.quality.opinion.votes import count_votes

    if args.json not in (None, "-"):
        check_writable(Path(args.json), "--json")
    tally = count_votes(Key.read(key_path(args.opinion)), args.opinion_results)
    if args.json != "-":
        print(opinion_markdown(tally))
    if args.json == "-":
        print(opinion_json(tally))
    elif args.json:
        write_text(Path(args.json), opinion_json(tally) + "\n")


def write_page(path: Path, rows: Rows, seed: int | None) -> None:
    """Write the page, and its key beside it. Raises OutputError."""
    from vidsr.quality.opinion.page import blind_page

    page, key = blind_page(rows, SEED if seed is None else seed)
    write_text(key_path(path), key.to_json() + "\n")
    write_text(path, page)
