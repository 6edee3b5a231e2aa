"""Command ``python -m vidsr.training.tools.strengths``: networks for coded footage, beside a model.

What was trained from a model by ``--init`` on coded footage is stored as its descendant, so that
``vidsr --strength`` goes from the one to the other with what the codec did to a frame.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from vidsr.errors import ModelError, OptionError
from vidsr.files import check_writable
from vidsr.models.shipped import find_weights
from vidsr.models.strengths import StrengthCurve
from vidsr.terminal.command import run_command
from vidsr.terminal.parser import Parser

if TYPE_CHECKING:
    from vidsr.models.zoo import Model

# Everything that loads torch is imported where it is used: what was typed wrong is told before.


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = Parser(
        prog="python -m vidsr.training.tools.strengths",
        description="Store networks taught on coded footage beside the one they grew from.",
    )
    parser.add_argument("parent", metavar="PARENT", help="a name or path of the network to follow")
    parser.add_argument(
        "descendants",
        metavar="DESCENDANT",
        nargs="+",
        help="a path of a network trained from it, that for the least error first",
    )
    parser.add_argument(
        "--curve",
        type=parse_curve,
        required=True,
        metavar="LEVELS:POSITION,...",
        help="the positions for expected errors, such as 0.5:0,1.5:1,4:2: 0 is PARENT, 1 the "
        "first DESCENDANT; required",
    )
    return parser


def parse_curve(text: str) -> StrengthCurve:
    """Return the curve that ``0.5:0,1.5:1`` stands for. Raises argparse.ArgumentTypeError."""
    try:
        pairs = [tuple(map(float, pair.split(":"))) for pair in text.split(",")]
        levels, positions = zip(*pairs, strict=True)
        return StrengthCurve(levels, positions)
    except (ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected pairs such as 0.5:0,1.5:1, both rising"
        ) from error


def _check(arguments: argparse.Namespace) -> None:
    from vidsr.models.shipped import strengths_path

    paths = [find_weights(name) for name in (arguments.parent, *arguments.descendants)]
    if arguments.curve.positions[-1] > len(arguments.descendants):
        raise OptionError(
            f"--curve leads to {arguments.curve.positions[-1]:g}: expected at most "
            f"{len(arguments.descendants)}, the number of descendants."
        )
    check_writable(strengths_path(paths[0]))


def require_same_layers(parent: Model, descendant: Model) -> None:
    """Raise ModelError unless the two networks have the same layers."""
    shapes = [
        {name: tuple(weight.shape) for name, weight in model.module.state_dict().items()}
        for model in (parent, descendant)
    ]
    if shapes[0] != shapes[1] or parent.config.kind != descendant.config.kind:
        raise ModelError(
            f"{descendant.path}: its layers are not those of {parent.path}",
            hint=f"train it with --init {parent.name}.",
        )


def _work(arguments: argparse.Namespace, _: Callable[[], bool]) -> None:
    _check(arguments)
    from vidsr.models.strength_files import save_strengths
    from vidsr.models.zoo import load_model

    parent = load_model(arguments.parent)
    descendants = [load_model(path) for path in arguments.descendants]
    for descendant in descendants:
        require_same_layers(parent, descendant)
    path = save_strengths(
        parent.path,
        parent.module.state_dict(),
        [descendant.module.state_dict() for descendant in descendants],
        arguments.curve,
    )
    print(path)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return run_command("strengths", _work, argv, parser=build_parser)


if __name__ == "__main__":
    sys.exit(main())
