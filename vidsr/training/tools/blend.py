"""Command ``python -m vidsr.training.tools.blend``: weights between a network and its offspring.

A GAN trained from a network for fidelity stays near it, so that every network between the two
works: more share of the GAN is sharper and invents more. That is ESRGAN's network interpolation
(Wang et al. 2018, https://arxiv.org/abs/1809.00219, section 3.4).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from vidsr.errors import ModelError, OptionError, OutputError, VidsrError
from vidsr.models.checkpoint import save_generator
from vidsr.models.zoo import Model, load_model
from vidsr.terminal.parser import Parser


def blend(first: Model, second: Model, share: float) -> dict[str, Tensor]:
    """Return ``(1 - share) * first + share * second``, float32; ``share`` from 0 to 1.

    Raises OptionError for another share, ModelError for networks of different shape.
    """
    if not 0 <= share <= 1:
        raise OptionError(f"share = {share:g}: allowed is 0 to 1.")
    if first.config != second.config:
        raise ModelError(
            f"{first.path} and {second.path} are of different shape",
            hint="blend a network with what was trained from it by --init.",
        )
    mine, other = _weights(first), _weights(second)
    return {name: mine[name].lerp(other[name], share) for name in mine}


def _weights(model: Model) -> Mapping[str, Tensor]:
    return {name: value.float() for name, value in model.module.state_dict().items()}


def build_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m vidsr.training.tools.blend",
        description="Mix the weights of a network with those of another that grew from it.",
    )
    parser.add_argument("first", metavar="FIRST", help="name or path, such as a srresnet")
    parser.add_argument("second", metavar="SECOND", help="such as the srgan trained from it")
    parser.add_argument(
        "--share", type=float, default=0.5, metavar="X", help="of SECOND, 0 to 1 (%(default)s)"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    arguments = build_parser().parse_args(argv)
    output: Path = arguments.output
    try:
        if output.suffix != ".safetensors":
            raise OptionError(f"{output}: allowed are files named .safetensors.")
        if output.exists():
            raise OutputError(f"{output}: exists already", hint="name another file.")
        first, second = load_model(arguments.first), load_model(arguments.second)
        save_generator(output, second.config, blend(first, second, arguments.share))
        print(output)
    except VidsrError as error:
        print(f"blend: error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
