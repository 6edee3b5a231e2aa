"""The command ``vidsr-job``: a run that several processes share, by verbs on a folder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from vidsr import __version__
from vidsr.errors import OptionError
from vidsr.notes import Notes
from vidsr.run.option_listings import add_options
from vidsr.run.options import RunOptions
from vidsr.terminal.command import run_command, say
from vidsr.terminal.names import typed_name
from vidsr.terminal.parser import Parser

if TYPE_CHECKING:
    from vidsr.jobs.orders import Order
    from vidsr.jobs.shared_job import SharedJob

NAME = "vidsr-job"
EPILOG = """examples:
  vidsr-job plan film.mkv -o film_4x.mkv      makes the folder film_4x.mkv.vidsr-job
  vidsr-job work film_4x.mkv.vidsr-job        on any machine that sees it, any number of times
  vidsr-job status film_4x.mkv.vidsr-job
  vidsr-job join film_4x.mkv.vidsr-job        puts film_4x.mkv in its place
  vidsr-job plan s3://films/film.mkv -o s3://films/film_4x.mkv    the same in an object store
exit status: 0 done, 2 arguments, 3 source, 4 target or folder, 5 container, 6 model,
7 device, 8 memory limit, 130 interrupted, 143 terminated
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = Parser(
        prog=NAME,
        description="Share a run among processes and machines that see one folder.",
        epilog=EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"vidsr {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    plan = verbs.add_parser("plan", help="cut a run into pieces and make its folder")
    plan.add_argument("input", type=typed_name, metavar="INPUT")
    plan.add_argument("-o", "--output", type=typed_name, metavar="OUTPUT", required=True)
    plan.add_argument(
        "--folder",
        type=typed_name,
        metavar="ADDRESS",
        help="a folder in an object store, such as s3://bucket/film (beside OUTPUT)",
    )
    add_options(plan)
    _add_work(_verb(verbs, "work", "make missing pieces until there are none"))
    join = _verb(verbs, "join", "join all pieces into the target")
    join.add_argument(
        "-o",
        "--output",
        type=typed_name,
        metavar="OUTPUT",
        help="the target of a job in an object store (what lies beside the folder there)",
    )
    status = _verb(verbs, "status", "print what is done, and by whom the rest is made")
    status.add_argument("more", nargs="*", type=typed_name, metavar="FOLDER", help="other folders")
    status.add_argument(
        "--json", action="store_true", help="print a JSON object, or a list of them for several"
    )
    _verb(verbs, "clean", "remove the folder and what is in it")
    for verb in verbs.choices.values():
        verb.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    return parser


def _verb(verbs: argparse._SubParsersAction[Parser], name: str, help: str) -> Parser:
    verb = verbs.add_parser(name, help=help)
    verb.add_argument("folder", type=typed_name, metavar="FOLDER")
    return verb


def _add_work(parser: Parser) -> None:
    parser.add_argument("--device", metavar="NAME", help="a device of this machine (the order's)")
    parser.add_argument("--piece", type=int, metavar="N", help="the one piece to make, from 0")
    parser.add_argument("--pieces", type=int, metavar="N", help="the most pieces to make (all)")
    parser.add_argument(
        "--no-wait", action="store_true", help="end when others make all that is missing"
    )
    parser.add_argument(
        "--stale",
        type=float,
        metavar="SECONDS",
        default=60.0,
        help="the time after which a silent worker's piece is anybody's (60)",
    )


def _work(arguments: argparse.Namespace, interrupted: Callable[[], bool]) -> None:
    {"plan": _plan, "work": _make, "join": _join, "status": _status, "clean": _clean}[
        arguments.verb
    ](arguments)


def _plan(arguments: argparse.Namespace) -> None:
    options = RunOptions.of(vars(arguments))
    from vidsr.jobs.planning import planned

    with planned(arguments.input, arguments.output, arguments.folder, options) as shared:
        print(shared.folder.name)
        if not arguments.quiet:
            say(NAME, f"{shared.cuts.count} pieces of about {shared.cuts.frames} frames")


def _order(arguments: argparse.Namespace) -> Order:
    from vidsr.jobs.orders import Order

    return Order.read(arguments.folder)


def _make(arguments: argparse.Namespace) -> None:
    for name in ("pieces", "stale"):
        value = getattr(arguments, name)
        if value is not None and value <= 0:
            raise OptionError(f"--{name} {value}: expected more than 0.")
    order = _order(arguments)
    if arguments.piece is not None and not 0 <= arguments.piece < order.pieces:
        raise OptionError(f"--piece {arguments.piece}: expected 0 to {order.pieces - 1}.")
    from vidsr.jobs.shared_job import open_order
    from vidsr.jobs.turns import WorkOptions
    from vidsr.jobs.work import work
    from vidsr.terminal.heap import keep_heap

    keep_heap()
    notes = Notes()
    wishes = WorkOptions(
        arguments.piece, arguments.pieces, wait=not arguments.no_wait, stale_s=arguments.stale
    )
    with open_order(order.of_device(arguments.device), notes, alone=False) as shared:
        done = work(shared, wishes, notes, _teller(arguments, shared))
    if not arguments.quiet:
        plural = "" if done.pieces == 1 else "s"
        say(NAME, f"{done.pieces} piece{plural} made here, {done.frames} frames")


def _teller(arguments: argparse.Namespace, shared: SharedJob) -> Callable[[int, int, int], None]:
    def told(piece: int, frames: int, missing: int) -> None:
        if not arguments.quiet:  # of the pieces that were asked for: of one, none is left
            rest = f", {missing} left" if arguments.piece is None else ""
            say(NAME, f"piece {piece} of {shared.cuts.count} is done{rest}")

    return told


def _join(arguments: argparse.Namespace) -> None:
    order = _order(arguments)
    from vidsr.jobs.joining import join_order

    written, target = join_order(order, arguments.output, Notes())
    if not arguments.quiet:
        say(NAME, f"{target}: {written.frames} frames, {written.size_bytes / 1e6:.1f} MB")


def _status(arguments: argparse.Namespace) -> None:
    from vidsr.jobs.orders import Order

    orders = [Order.read(folder) for folder in (arguments.folder, *arguments.more)]
    from vidsr.jobs.status import Status

    found = [Status.of(order) for order in orders]
    if not arguments.json:
        print("\n".join(line for status in found for line in status.lines()))
    elif arguments.more:
        print("[" + ",\n".join(status.to_json() for status in found) + "]")
    else:
        print(found[0].to_json())


def _clean(arguments: argparse.Namespace) -> None:
    from vidsr.jobs.cleaning import clean

    clean(arguments.folder)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return run_command(
        NAME,
        _work,
        argv,
        parser=build_parser,
        interrupted="interrupted; finished pieces are kept",
        memory_hint="give a smaller --max-memory or --tile to vidsr-job plan.",
    )


if __name__ == "__main__":
    sys.exit(main())
