"""Command that runs one peer on one clip; it ends with 0 also if the peer is absent."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn

from vidsr.bench.peers import PEERS
from vidsr.errors import OptionError, OutputError, VidsrError
from vidsr.video.sink.codec_defaults import CODECS

X264 = CODECS["h264"]
FOLDER_VARIABLE = "VIDSR_BENCH_MODELS"


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Parser(argparse.ArgumentParser):
    """Parser that raises its errors, to be shown in one line like all others."""

    def error(self, message: str) -> NoReturn:
        raise OptionError(message)


def build_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m vidsr.bench.peers",
        description="Upscale a clip as the users of another program would, and time it.",
    )
    parser.add_argument("name", choices=[p.name for p in PEERS], metavar="NAME")
    parser.add_argument("source", type=Path, metavar="SOURCE")
    parser.add_argument(
        "target", type=Path, metavar="TARGET", help="an .mp4 file, replaced if it exists"
    )
    parser.add_argument(
        "--model", default="lite-x4", help="model, which decides the scale too (lite-x4)"
    )
    parser.add_argument(
        "--frames", type=int, default=48, help="number of SOURCE's first frames (48)"
    )
    parser.add_argument(
        "--threads", type=int, default=cores(), help="threads of the network (all cores)"
    )
    parser.add_argument("--preset", default=X264.preset, choices=X264.presets, metavar="PRESET")
    parser.add_argument("--crf", type=int, default=X264.crf, help=f"CRF of x264 ({X264.crf})")
    parser.add_argument(
        "--models",
        type=Path,
        default=os.environ.get(FOLDER_VARIABLE),
        help=f"folder of FSRCNN_x4.pb and _x2.pb, for opencv (${FOLDER_VARIABLE})",
    )
    return parser


def upscale(args: argparse.Namespace) -> dict[str, Any]:
    """Run the peer; return the line of JSON, as a dict. Raises VidsrError."""
    from vidsr.bench.peers.job import Absent
    from vidsr.bench.peers.loop import run

    job = _job(args)
    peer = next(p for p in PEERS if p.name == args.name)
    try:
        opened = import_module(peer.module).open_peer(job)
    except Absent as absent:
        return _line(args.name, absent=str(absent))
    timing = run(job, opened)
    network = opened.network
    return _line(
        args.name,
        frames=timing.frames,
        frame_s=timing.frame_s,
        flush_s=timing.flush_s,
        network_s=network.seconds if network else None,
        cpu_s=timing.cpu_s,
        psnr_note=opened.note,
        versions={name: _version(name) for name in opened.packages},
    )


def _line(name: str, **known: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "name": name, "frames": 0, "frame_s": [], "flush_s": 0.0, "network_s": None, "cpu_s": 0.0,
        "absent": None, "psnr_note": None, "versions": {},
    }  # fmt: skip
    return nothing | known


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # built and put in place by hand
        return "unknown"


def _job(args: argparse.Namespace) -> Any:
    from vidsr.bench.peers.job import PeerJob
    from vidsr.bench.peers.loop import size_and_rate
    from vidsr.models.zoo import load_model

    _check(args)
    width, height, rate = size_and_rate(args.source)
    return PeerJob(
        source=args.source,
        target=args.target,
        model=load_model(args.model),
        frames=args.frames,
        threads=args.threads,
        preset=args.preset,
        crf=args.crf,
        width=width,
        height=height,
        rate=rate,
        models=args.models,
    )


def _check(args: argparse.Namespace) -> None:
    for name in ("frames", "threads"):
        if getattr(args, name) < 1:
            raise OptionError(f"--{name} {getattr(args, name)}: expected 1 or more")
    if not 0 <= args.crf <= X264.crf_max:
        raise OptionError(f"--crf {args.crf}: expected 0 to {X264.crf_max}")
    if not args.target.absolute().parent.is_dir():
        raise OutputError(f"{args.target.parent}: no such folder", hint="create it first")
    if args.target.resolve() == args.source.resolve():
        raise OutputError(f"{args.target}: is the source itself")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        print(json.dumps(upscale(build_parser().parse_args(argv))))
    except VidsrError as error:
        print(f"vidsr.bench.peers: error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
