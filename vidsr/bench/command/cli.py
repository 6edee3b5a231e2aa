"""The command ``vidsr-bench``: this machine's frames a second, their limits and other tools."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from vidsr import __version__
from vidsr.bench.command.measure import measure
from vidsr.bench.outcome.text import lines
from vidsr.bench.peers import PEERS
from vidsr.bench.request import Request, check_files, size
from vidsr.errors import OptionError
from vidsr.files import write_text
from vidsr.models.shipped import is_onnx_model
from vidsr.option_values import GREATEST_SCALE, EngineKind
from vidsr.terminal.command import run_command, say
from vidsr.terminal.parser import Parser, reader

# Nothing here loads torch or PyAV: see vidsr.bench.worker_task.

NAME = "vidsr-bench"
QUIET_S = 10.0  # between two lines where stderr is no terminal
# Not "auto", which changes engines in the middle of a run.
MEASURED: tuple[EngineKind, ...] = ("torch", "tensorrt", "openvino", "onnxruntime")
EPILOG = """examples:
  vidsr-bench                                       the whole command on a drawn clip of 640x360
  vidsr-bench clip.mp4 --stages --json result.json  each stage, the machine's ceilings, the limit
  vidsr-bench --size 320x180 --model lite-x4 --against naive,opencv,ffmpeg
  vidsr-bench --realtime                            180p to 1080p: which of them hold 30 fps
  vidsr-bench --find-max --rate 60                  the largest size that holds 60 fps
  vidsr-bench --streams 16 --size 320x180 --rate 25 16 cameras that share the device
--realtime, --find-max and --streams, where nothing else is asked for, measure nothing else.
A frame counts from its decoding to the end of its encoding; of clips shorter than the 48 frames of
the default, filling the pipeline and emptying the encoder are a large part.
The drawn clip pans a texture under moving hard edges, with a little noise; x264 encodes it once.
exit status: 0 done, 2 arguments, 3 source, 4 --json or --plot, 6 model, 7 device,
8 memory, 130 interrupted
"""


scale = reader(int, f"a whole number of 1 to {GREATEST_SCALE}", lambda n: 1 <= n <= GREATEST_SCALE)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = Parser(
        prog=NAME,
        description="Measure frames a second on this machine, and what limits them.",
        epilog=EPILOG,
    )
    parser.add_argument(
        "input", nargs="?", type=Path, metavar="INPUT", help="a video to measure on"
    )
    parser.add_argument(
        "--size", type=size, metavar="WxH", help="the size of a drawn clip (640x360)"
    )
    _add_run(parser.add_argument_group("what runs"))
    _add_what(parser.add_argument_group("what is measured (default: the whole command)"))
    _add_output(parser.add_argument_group("output (default: a text)"))
    return parser


def _add_run(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--model", default="auto", metavar="NAME|PATH", help="a model, as for vidsr (auto)"
    )
    group.add_argument("--scale", type=scale, metavar="N", help="the factor, as for vidsr")
    group.add_argument(
        "--device", default="auto", metavar="NAME", help="a device: auto, cpu, cuda, or cuda:1"
    )
    group.add_argument(
        "--engine",
        choices=MEASURED,
        help="the runtime of the network (torch; onnxruntime for an ONNX file)",
    )
    group.add_argument("--codec", metavar="NAME", help="the codec, as for vidsr")
    group.add_argument("--preset", metavar="NAME", help="the encoder's effort, as for vidsr")


def _add_what(group: argparse._ArgumentGroup) -> None:
    names = ", ".join(peer.name for peer in PEERS)
    group.add_argument(
        "--frames", type=int, default=48, metavar="N", help="the frames of a repeat (48)"
    )
    group.add_argument(
        "--repeats", type=int, default=3, metavar="N", help="the number of repeats (3)"
    )
    group.add_argument(
        "--stages", action="store_true", help="measure each stage alone, beside its ceiling"
    )
    group.add_argument(
        "--against",
        type=_names,
        default=(),
        metavar="LIST",
        help=f"the tools to compare with: {names}",
    )
    group.add_argument("--realtime", action="store_true", help="measure 180p to 1080p at --rate")
    group.add_argument(
        "--find-max", action="store_true", help="find the largest 16:9 size at --rate"
    )
    group.add_argument(
        "--streams",
        type=int,
        metavar="N",
        help="let N drawn cameras of --size share the device, FRAMES x REPEATS frames each",
    )
    group.add_argument(
        "--rate", type=float, metavar="FPS", help="the rate to hold, and of drawn clips (30)"
    )


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--json", type=Path, metavar="FILE", help="a file for everything measured")
    group.add_argument("--plot", type=Path, metavar="PNG", help="a picture of it as bars")
    group.add_argument("--version", action="version", version=f"vidsr {__version__}")


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not names:
        raise argparse.ArgumentTypeError(f"expected names with commas between, got {text!r}")
    return names


def request_of(args: argparse.Namespace) -> Request:
    """Return the request that the arguments make. Raises OptionError, NoInputError."""
    if args.input is not None and args.size is not None:
        raise OptionError("INPUT and --size are both given: expected one of them.")
    if args.input is not None and args.rate is not None and not (args.realtime or args.find_max):
        raise OptionError(
            "--rate beside INPUT: it is of drawn clips, INPUT has its own.",
            hint="leave it out, or ask for --realtime or --find-max.",
        )
    alone = args.realtime or args.find_max or args.streams is not None
    sized = args.size and args.streams is None  # the size of the cameras, where there are some
    asked = bool(args.input or sized or args.stages or args.against)
    request = Request(
        input=args.input,
        size=args.size or Request.size,
        model=args.model,
        scale=args.scale,
        device=args.device,
        engine=args.engine or _engine_of(args.model),
        codec=args.codec,
        preset=args.preset,
        frames=args.frames,
        repeats=args.repeats,
        rate=Request.rate if args.rate is None else args.rate,
        main=asked or not alone,
        stages=args.stages,
        against=args.against,
        realtime=args.realtime,
        find_max=args.find_max,
        streams=args.streams,
    )
    request.check()
    return request


def _engine_of(model: str) -> EngineKind:
    """Return the engine of a model where none is named."""
    return "onnxruntime" if is_onnx_model(model) else "torch"


class _Teller:
    """Printer of what is being measured: a line that the next one replaces, on a terminal.

    Elsewhere a line of its own, the first at once and others ``QUIET_S`` apart at least.
    """

    def __init__(self) -> None:
        self._last_s: float | None = None

    def __call__(self, text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K{NAME}: {text}", end="", file=sys.stderr, flush=True)
            return
        now_s = time.monotonic()
        if self._last_s is None or now_s - self._last_s >= QUIET_S:
            self._last_s = now_s
            say(NAME, text)


def _work(argv: Sequence[str], args: argparse.Namespace, _: Callable[[], bool]) -> None:
    request = request_of(args)
    check_files(args.json, args.plot, args.input)
    with tempfile.TemporaryDirectory(prefix="vidsr-bench-") as folder:
        try:
            result = measure(request, Path(folder), shlex.join([NAME, *argv]), _Teller())
        finally:
            _clear()
    print("\n".join(lines(result)))
    sys.stdout.flush()  # here, where a closed pipe is expected
    if args.json:
        write_text(args.json, result.to_json() + "\n")
    if args.plot:
        from vidsr.bench.outcome.plot import draw

        draw([json.loads(result.to_json())], args.plot)


def _clear() -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    return run_command(NAME, partial(_work, words), words, parser=build_parser)


if __name__ == "__main__":
    sys.exit(main())
