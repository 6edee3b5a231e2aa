"""``python -m vidsr.training.tools.quantise``: 8-bit steps of a network, from photographs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vidsr.degradation.recipe_files import read_recipe
from vidsr.errors import OptionError
from vidsr.files import check_writable, write_text
from vidsr.models.shipped import find_weights
from vidsr.terminal.command import run_command
from vidsr.terminal.parser import Parser
from vidsr.video.image_sequences import picture_files

if TYPE_CHECKING:
    from vidsr.degradation.recipe import Recipe
    from vidsr.models.zoo import Model

# Everything that loads torch is imported where it is used: what was typed wrong is told before.


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = Parser(
        prog="python -m vidsr.training.tools.quantise",
        description="Find the steps with which a network runs in 8 bits: lite ones with --engine "
        "openvino, all in vidsr-engine export --precision int8.",
    )
    parser.add_argument(
        "model", metavar="MODEL", help="a name or path of a lite network on luma, or of srresnet"
    )
    parser.add_argument("photos", type=Path, metavar="PHOTOS", help="a folder of photographs")
    parser.add_argument(
        "--recipe",
        default="bicubic",
        metavar="NAME|FILE",
        help="the recipe that the network was trained on (bicubic)",
    )
    parser.add_argument(
        "--coded",
        action="store_true",
        help="find those of the networks for coded footage beside the model",
    )
    parser.add_argument(
        "--count",
        type=int,
        default=24,
        metavar="N",
        help="the number of photographs (24)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="the target; by default beside the weights, and replaced",
    )
    return parser


def _check(arguments: argparse.Namespace) -> None:
    if arguments.count < 1:
        raise OptionError(f"--count {arguments.count}: expected 1 or more.")
    find_weights(arguments.model)
    read_recipe(arguments.recipe)
    picture_files(arguments.photos)
    if arguments.output is not None:
        check_writable(arguments.output)


def _work(arguments: argparse.Namespace, _: Callable[[], bool]) -> None:
    _check(arguments)
    from vidsr.degradation.recipe import Recipe
    from vidsr.engines.quantised.steps import steps_path
    from vidsr.models.zoo import load_model
    from vidsr.training.tools.find_steps import make_steps

    model, recipe = load_model(arguments.model), Recipe.load(arguments.recipe)
    if arguments.coded:
        text, beside = _coded(model, arguments, recipe)
    else:
        steps = make_steps(model, arguments.photos, recipe, arguments.count)
        text, beside = steps.to_json(), steps_path(model.path)
    output = arguments.output or beside
    write_text(output, text)
    print(output)


def _coded(model: Model, arguments: argparse.Namespace, recipe: Recipe) -> tuple[str, Path]:
    """Return the steps of every network for coded footage as JSON, and where they lie."""
    from vidsr.engines.quantised.coded_steps import coded_steps_json, coded_steps_path
    from vidsr.training.tools.find_steps import make_steps

    if model.strengths is None:
        raise OptionError(
            f"--coded: {model.name} has no networks for coded footage",
            hint="python -m vidsr.training.tools.strengths puts them beside it.",
        )
    networks = (
        make_steps(model.at(step), arguments.photos, recipe, arguments.count)
        for step in range(1, model.strengths.last_step + 1)
    )
    return coded_steps_json(model, networks), coded_steps_path(model.path)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return run_command("quantise", _work, argv, parser=build_parser)


if __name__ == "__main__":
    sys.exit(main())
