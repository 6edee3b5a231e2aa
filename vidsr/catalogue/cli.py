"""The command ``vidsr-models``: list, show, fetch and convert models."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidsr import __version__
from vidsr.errors import ModelError, OptionError, OutputError
from vidsr.files import check_writable
from vidsr.models.families import check_model, member_of
from vidsr.models.shipped import find_weights
from vidsr.picture.size import Size
from vidsr.terminal.command import run_command, say
from vidsr.terminal.parser import Parser, reader

if TYPE_CHECKING:
    from vidsr.upscaling.upscaler import Upscaler

NAME = "vidsr-models"
EPILOG = """examples:
  vidsr-models list
  vidsr-models show realesr-animevideov3-x4.param
  vidsr-models show net.onnx --picture frame.png -o sheet.png
  vidsr-models convert 4x_anime.pth -o 4x_anime.safetensors
exit status: 0 done, 2 arguments, 3 picture, 4 target, 6 model, 7 device, 8 memory limit,
130 interrupted
"""


size = reader(Size.parse, "WxH such as 320x180", lambda found: min(found.width, found.height) >= 1)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = Parser(
        prog=NAME,
        description="Show what models are and what they cost here, and convert them.",
        epilog=EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"vidsr {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    listing = verbs.add_parser("list", help="list the models that have names here")
    listing.add_argument("--json", action="store_true", help="print a JSON array")
    _add_show(verbs.add_parser("show", help="show what a model is, and what it costs here"))
    fetch = verbs.add_parser("fetch", help="fetch a model that your index names")
    fetch.add_argument("model", metavar="NAME", help="a name of your index")
    _add_convert(verbs.add_parser("convert", help="write a model as safetensors"))
    return parser


def _add_show(parser: Parser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a name or a path")
    parser.add_argument("--json", action="store_true", help="print a JSON object")
    parser.add_argument("--device", default="auto", metavar="NAME", help="the device (auto)")
    parser.add_argument("--engine", default="auto", metavar="NAME", help="the runtime (auto)")
    parser.add_argument(
        "--size",
        type=size,
        default="320x180",
        metavar="WxH",
        help="the size of the frame that is timed (%(default)s)",
    )
    parser.add_argument("--no-run", action="store_true", help="time nothing")
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", help="a picture for a contact sheet"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="SHEET", help="the sheet, a .png")


def _add_convert(parser: Parser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a name or a path")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="target")
    parser.add_argument(
        "--order", choices=("rgb", "bgr"), help="of an ONNX file: the order of channels to state"
    )
    parser.add_argument(
        "--range", choices=("unit", "byte", "signed"), help="of an ONNX file: 0..1, 0..255 or -1..1"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the target")


def _work(arguments: argparse.Namespace, interrupted: Callable[[], bool]) -> None:
    {"list": _list, "show": _show, "fetch": _fetch, "convert": _convert}[arguments.verb](arguments)


def _list(arguments: argparse.Namespace) -> None:
    from vidsr.catalogue.listing import as_table, list_models

    models = list_models()
    print(json.dumps([m.as_record() for m in models]) if arguments.json else as_table(models))


def _fetch(arguments: argparse.Namespace) -> None:
    path = _fetched(arguments.model)
    if path is None:
        raise ModelError(
            f"model = {arguments.model!r}: the index of $VIDSR_MODELS has no such name",
            hint="VIDSR_MODELS names a folder, the models.toml in it what can be fetched",
        )
    print(path)


def _fetched(model: str) -> Path | None:
    from vidsr.fetching.fetch import fetch_named

    return fetch_named(model, lambda text: say(NAME, text))


def _show(arguments: argparse.Namespace) -> None:
    if (arguments.picture is None) != (arguments.output is None):
        raise OptionError("--picture and -o: expected both for a contact sheet, or neither.")
    if arguments.output is not None:
        check_writable(arguments.output)
    _fetched(arguments.model)
    check_model(arguments.model, None)  # before PyTorch is loaded
    from vidsr.catalogue.facts_of import fact_lines, facts_of
    from vidsr.upscaling.upscaler import Upscaler

    with Upscaler(arguments.model, device=arguments.device, engine=arguments.engine) as upscaler:
        if arguments.picture is not None:
            _try_cuts(upscaler, arguments.picture)
        found = upscaler.pool.surroundings
        model, facts = upscaler.model, facts_of(upscaler.model, found)
        record: dict[str, Any] = {"name": model.name, "file": str(model.path)} | asdict(facts)
        lines = [("model", model.name), ("file", str(model.path))]
        lines += [(line.name, line.text) for line in fact_lines(facts, found)]
        lines += [("note", text) for text in upscaler.notes.said]
        record["tile_error_levels"] = None if found is None else dict(found.levels)
        record["notes"] = list(upscaler.notes.said)
        if not arguments.no_run:
            record["cost"], words = _cost(upscaler, arguments)
            lines.append(("cost", words))
        if arguments.picture is not None:
            _sheet(upscaler, arguments)
            lines.append(("sheet", str(arguments.output)))
    if arguments.json:
        print(json.dumps(record))
    else:
        print("\n".join(f"{name:8} {text}" for name, text in lines))


def _cost(upscaler: Upscaler, arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from vidsr.catalogue.measure import measure

    cost = measure(upscaler, arguments.size)
    return asdict(cost), cost.text()


def _try_cuts(upscaler: Upscaler, picture: Path) -> None:
    from vidsr.catalogue.measure import try_cuts

    try_cuts(upscaler, picture)


def _sheet(upscaler: Upscaler, arguments: argparse.Namespace) -> None:
    from vidsr.catalogue.comparison import write_sheet

    write_sheet(upscaler, arguments.picture, arguments.output)


def _convert(arguments: argparse.Namespace) -> None:
    target: Path = arguments.output
    check_writable(target)
    if target.exists() and not arguments.overwrite:
        raise OutputError(f"{target}: exists already", hint="`overwrite` replaces it.")
    _fetched(arguments.model)
    check_model(arguments.model, None)
    path = find_weights(member_of(arguments.model))
    from vidsr.catalogue.convert import convert, state
    from vidsr.models.zoo import load_model

    if arguments.order or arguments.range:
        state(path, target, arguments.order, arguments.range)
    else:
        convert(load_model(path), target)
    say(NAME, f"{target}: {target.stat().st_size / 1e6:.1f} MB")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return run_command(NAME, _work, argv, parser=build_parser)
