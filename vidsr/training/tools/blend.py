"""Command ``python -m vidsr.training.tools.blend``: weights between a network and its offspring.

A GAN trained from a network for fidelity stays near it, so that every network between the two
works: more share of the GAN is sharper and invents more. That is ESRGAN's network interpolation
(Wang et al. 2018, https://arxiv.org/abs/1809.00219, section 3.4).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from vidsr.errors import ModelError, OptionError, OutputError
from vidsr.files import check_writable
from vidsr.models.shipped import find_weights
from vidsr.terminal.command import run_command
from vidsr.terminal.parser import Parser

if TYPE_CHECKING:
    from torch import Tensor

    from vidsr.models.networks.config import GeneratorConfig
    from vidsr.models.zoo import Model

Weights: TypeAlias = "Mapping[str, Tensor]"

# Everything that loads torch is imported where it is used: what was typed wrong is answered before.


def blend(first: Model, second: Model, share: float) -> tuple[GeneratorConfig, Weights]:
    """Return dimensions and ``(1 - share) * first + share * second``, float32.

    A smaller network is grown to the size of the other, as ``--init`` grows it: channels that are
    new have the weights of the larger one and begin to reach the output as its share grows.

    Args:
        first: A network.
        second: One that was trained from it, or from which it was trained.
        share: Share of ``second``, 0 to 1.

    Raises:
        OptionError: The share is another.
        ModelError: Neither network can grow into the other's dimensions.
    """
    check_share(share)
    config, mine, other = _of_one_shape(first, second)
    counters = {name for name, value in mine.items() if not value.is_floating_point()}
    mixed = {name: mine[name].float().lerp(other[name].float(), share) for name in mine}
    return config, mixed | {name: other[name] for name in counters}


def _of_one_shape(first: Model, second: Model) -> tuple[GeneratorConfig, Weights, Weights]:
    """Return the larger dimensions and the weights of both in them."""
    with suppress(ValueError):
        return second.config, _grown(first, second), second.module.state_dict()
    with suppress(ValueError):
        return first.config, first.module.state_dict(), _grown(second, first)
    from vidsr.training.networks.student import differences

    one, another = differences(first.config, second.config)
    raise ModelError(
        f"{first.path} and {second.path} are of different shape: {one} beside {another}",
        hint="blend a network with one that was trained from it, or from the same weights.",
    )


def _grown(model: Model, larger: Model) -> Weights:
    """Return the weights of ``model`` in the dimensions of ``larger``. Raises ValueError."""
    from vidsr.models.checkpoint import build_generator
    from vidsr.training.networks.student import grow

    start = build_generator(larger.config)
    grow(start, model.module, larger.module.state_dict())
    return start.state_dict()


def check_share(share: float) -> None:
    """Raise OptionError for a share that is not between the two networks."""
    if not 0 <= share <= 1:
        raise OptionError(f"share = {share:g}: expected 0 to 1.")


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
    save_generator(arguments.output, *blend(first, second, arguments.share))
    print(arguments.output)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return run_command("blend", _work, argv, parser=build_parser)


if __name__ == "__main__":
    sys.exit(main())
