"""Command ``python -m vidsr.training.tools.blend``: weights between a network and its offspring.

A GAN trained from a network for fidelity stays near it, so that every network between the two
works: more share of the GAN is sharper and invents more. That is ESRGAN's network interpolation
(Wang et al. 2018, https://arxiv.org/abs/1809.00219, section 3.4).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vidsr.errors import ModelError, OptionError, OutputError
from vidsr.files import check_writable
from vidsr.models.shipped import find_weights
from vidsr.terminal.command import run_command
from vidsr.terminal.parser import Parser

if TYPE_CHECKING:
    from torch import Tensor

    from vidsr.models.zoo import Model

# Everything that loads torch is imported where it is used: what was typed wrong is told before.


def blend(first: Model, second: Model, share: float) -> dict[str, Tensor]:
    """Return ``(1 - share) * first + share * second``, float32; ``share`` from 0 to 1.

    Raises OptionError for another share, ModelError for networks of different shape.
    """
    check_share(share)
    if first.config != second.config:
        raise ModelError(
            f"{first.path} and {second.path} are of different shape",
            hint="blend a network with what was trained from it by --init.",
        )
    mine, other = _weights(first), _weights(second)
    return {name: mine[name].lerp(other[name], share) for name in mine}


def check_share(share: float) -> None:
    """Raise OptionError for a share that is not between the two networks."""
    if not 0 <= share <= 1:
        raise OptionError(f"share = {share:g}: expected 0 to 1.")


def _weights(model: Model) -> Mapping[str, Tensor]:
    return {name: value.float() for name, value in model.module.state_dict().items()}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = Parser(
        prog="python -m vidsr.training.tools.blend",
        description="Mix the weights of a network with those of another that grew from it.",
    )
    parser.add_argument("first", metavar="FIRST", help="a name or path, such as a srresnet")
    parser.add_argument(
        "second", metavar="SECOND", help="a name or path, such as the srgan trained from it"
    )
    parser.add_argument(
        "--share",
        type=float,
        default=0.5,
        metavar="X",
        help="the share of SECOND, 0 to 1 (%(default)s)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="the target; required"
    )
    return parser


def _check(arguments: argparse.Namespace) -> None:
    output: Path = arguments.output
    if output.suffix != ".safetensors":
        raise OptionError(f"{output}: expected a file named .safetensors.")
    if output.exists():
        raise OutputError(f"{output}: exists already", hint="name another file.")
    check_writable(output)
    check_share(arguments.share)
    for model in (arguments.first, arguments.second):
        find_weights(model)


def _work(arguments: argparse.Namespace, _: Callable[[], bool]) -> None:
    _check(arguments)
    from vidsr.models.checkpoint import save_generator
    from vidsr.models.zoo import load_model

    first, second = load_model(arguments.first), load_model(arguments.second)
    save_generator(arguments.output, second.config, blend(first, second, arguments.share))
    print(arguments.output)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return run_command("blend", _work, argv, parser=build_parser)


if __name__ == "__main__":
    sys.exit(main())
