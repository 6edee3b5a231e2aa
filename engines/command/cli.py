"""The command ``vidsr-engine``: ONNX files of networks, and TensorRT engines built from them."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from vidsr.engines.cache.keys import EngineKey
from vidsr.engines.cache.store import EngineCache, Entry
from vidsr.engines.command.listing import UNKNOWN, USABLE, human_bytes, row, state, table
from vidsr.engines.command.verify import Trial
from vidsr.engines.onnx_files.facts import (
    FloatType,
    NetworkFacts,
    NetworkType,
    is_exported,
    read_facts,
)
from vidsr.engines.trt import gpu as machines
from vidsr.engines.trt.build import DEFAULT_OPTIMIZATION_LEVEL, DEFAULT_WORKSPACE_BYTES
from vidsr.engines.trt.profile import profile_of
from vidsr.errors import (
    InputError,
    ModelError,
    OptionError,
    OutputError,
)
from vidsr.files import check_writable, written_whole
from vidsr.models.shipped import available, find_weights
from vidsr.option_values import parse_bytes
from vidsr.picture.size import Size
from vidsr.terminal.command import run_command, say
from vidsr.terminal.parser import Parser, reader

# What loads torch is imported where it is used: --help and wrong arguments need not wait for it.

NAME = "vidsr-engine"
ONNX = ".onnx"
DAY_S = 86400.0
EPILOG = """examples:
  vidsr-engine export lite-x4 -o lite-x4.onnx
  vidsr-engine export lite-x4 --precision int8 -o lite-x4-int8.onnx
  vidsr-engine build srresnet-x4 --size 960x540 --size 1920x1080
  vidsr-engine build lite-x4.onnx --size 3840x2160 --tile 960x540 --device cuda:1
  vidsr-engine list
  vidsr-engine verify                         checksums; on a GPU also that engines load
  vidsr-engine clean --stale                  what no longer runs here
engines lie in $VIDSR_CACHE, else in ~/.cache/vidsr/engines
exit status: 0 done, 2 arguments, 3 damaged engines, 4 target, 6 model,
7 no GPU or no TensorRT, 8 memory, 130 interrupted
"""


size = reader(Size.parse, "WxH such as 960x540", lambda found: min(found.width, found.height) >= 1)
level = reader(int, "0 to 5", lambda number: 0 <= number <= 5)
levels = reader(float, "0 to 100 levels", lambda number: 0 <= number <= 100)
days = reader(float, "a number of days above 0", lambda number: 0 < number < float("inf"))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = Parser(
        prog=NAME,
        description="Build TensorRT engines before they are needed, and look after them.",
        epilog=EPILOG,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    add = commands.add_parser
    _add_export(add("export", help="write a network as an ONNX file"))
    _add_build(add("build", help="build engines of a network, which takes minutes"))
    add("list", help="show what is there").set_defaults(work=_list)
    _add_verify(add("verify", help="read and check what is there"))
    _add_clean(add("clean", help="remove what is named"))
    return parser


def _add_network(parser: argparse.ArgumentParser, precisions: tuple[str, ...]) -> None:
    parser.add_argument("model", metavar="MODEL", help="a name of vidsr --list-models, or a path")
    parser.add_argument("--precision", choices=precisions, help="the network's numbers (fp16)")


def _add_export(parser: argparse.ArgumentParser) -> None:
    _add_network(parser, get_args(NetworkType))
    parser.add_argument(
        "--coding-error",
        type=levels,
        default=0.0,
        metavar="LEVELS",
        help="the expected error of the pictures, in levels of 8 bits, for which to take the "
        "network (0, clean)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="the target; required"
    )
    parser.set_defaults(work=_export)


def _add_build(parser: argparse.ArgumentParser) -> None:
    _add_network(parser, get_args(FloatType))
    parser.add_argument(
        "--size",
        type=size,
        action="append",
        required=True,
        metavar="WxH",
        help="a size of the source; may be repeated",
    )
    parser.add_argument(
        "--tile", type=size, metavar="WxH", help="the pixels that the network sees at once"
    )
    _add_device(parser)
    parser.add_argument(
        "--optimization-level",
        type=level,
        default=DEFAULT_OPTIMIZATION_LEVEL,
        metavar="N",
        help=f"TensorRT's effort, 0 to 5 ({DEFAULT_OPTIMIZATION_LEVEL})",
    )
    parser.add_argument(
        "--workspace",
        default=f"{DEFAULT_WORKSPACE_BYTES >> 20}M",
        metavar="SIZE",
        help="the most memory one layer may take beside its tensors (%(default)s)",
    )
    parser.set_defaults(work=_build)


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", default="cuda", metavar="NAME", help="an NVIDIA GPU: cuda, or cuda:1"
    )


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", nargs="*", metavar="MODEL", help="a model to compare with (all shipped)"
    )
    _add_device(parser)
    parser.set_defaults(work=_verify)


def _add_clean(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--all", action="store_true", help="remove everything")
    which.add_argument(
        "--stale", action="store_true", help="remove what cannot be used here any more"
    )
    which.add_argument(
        "--older-than", type=days, metavar="DAYS", help="remove what was not used for so long"
    )
    parser.set_defaults(work=_clean)


def _is_onnx(model: str) -> bool:
    return Path(model).suffix.lower() == ONNX


def _check_network(model: str, precision: str | None) -> None:
    """Raise OptionError, ModelError for a network that is not there."""
    if not _is_onnx(model):
        find_weights(model)
    elif precision:
        raise OptionError(f"--precision: {model} has one", hint="name the model instead.")
    elif not Path(model).is_file():
        raise ModelError(f"{model}: cannot be read: no such file")


def _network(args: argparse.Namespace) -> bytes:
    """Return the network as ONNX: out of the cache or exported, or read from what another wrote."""
    if not _is_onnx(args.model):
        return _cached(args.model, args.precision)
    try:
        data = Path(args.model).read_bytes()
    except OSError as error:
        raise ModelError(f"{args.model}: cannot be read: {error.strerror}") from error
    return data if is_exported(data) else _cached(args.model, args.precision)


def _cached(name: str, precision: FloatType | None) -> bytes:
    """Return a model as ONNX, out of the cache or exported and put there."""
    from vidsr.engines.onnx_files.network_cache import exported_network
    from vidsr.models.zoo import load_model

    return exported_network(load_model(name), precision or "fp16", EngineCache(), _say)


def _export(args: argparse.Namespace) -> None:
    output: Path = args.output
    if _is_onnx(args.model):
        raise OptionError(f"{args.model} is an ONNX file already.")
    if output.resolve() == Path(args.model).resolve():
        raise OutputError(f"{output}: is the model itself")
    check_writable(output)
    find_weights(args.model)
    from vidsr.engines.onnx_files.export import export_onnx
    from vidsr.models.zoo import load_model

    model = load_model(args.model)
    if model.strengths is not None:
        model = model.at(model.strengths.step_of(args.coding_error))
    elif args.coding_error:
        raise OptionError(f"--coding-error: {args.model} has one network for all pictures.")
    data = export_onnx(model, precision=args.precision or "fp16")
    with written_whole(output) as part:
        part.write_bytes(data)
    print(f"{output}: {human_bytes(len(data))}, {describe(read_facts(data))}")


def describe(facts: NetworkFacts) -> str:
    """Return what a reader has to know to run the file by other means."""
    return (
        f"{facts.name} in {facts.precision}, x [N, {facts.channels}, H, W] {facts.input_type} "
        f"-> y [N, {facts.channels * facts.shuffle**2}, ...] {facts.output_type}, "
        f"pixel shuffle {facts.shuffle}, offset {facts.offset:g}"
    )


def _build(args: argparse.Namespace) -> None:
    workspace = parse_bytes(args.workspace)
    machines.check_cuda_name(args.device)
    _check_network(args.model, args.precision)
    from vidsr.engines.trt.load import load_or_build

    machine = machines.find_machine(args.device)
    data = _network(args)
    facts = read_facts(data, source=args.model)
    for frame in dict.fromkeys(args.size):
        began = time.monotonic()
        load_or_build(
            data,
            facts,
            profile_of(facts, frame, args.tile),
            EngineCache(),
            machine.gpu,
            _say,
            device=machine.device,
            workspace_bytes=workspace,
            optimization_level=args.optimization_level,
            refittable=_has_strengths(args.model),
            trt=machine.trt,
        )
        took = time.monotonic() - began
        print(f"{facts.name} for {frame}: ready after {took:.1f} s", flush=True)


def _has_strengths(name: str) -> bool:
    """Return True for a model with networks for coded footage, whose engines take other weights."""
    from vidsr.models.shipped import strengths_path

    return not _is_onnx(name) and strengths_path(find_weights(name)).is_file()


def _list(args: argparse.Namespace) -> None:
    cache = EngineCache()
    entries = cache.entries()
    if not entries:
        return print(f"no engines in {cache.folder}")
    machine = machines.machine_or_reason()
    head = ("model", "shape", "GPU", "TensorRT", "size", "used", "state")
    print("\n".join(table([head, *(row(entry, machine) for entry in entries)])))
    if isinstance(machine, str):
        _say(f"which of them fit is not known: {machine}")
    return None


def _verify(args: argparse.Namespace) -> None:
    machines.check_cuda_name(args.device)
    for model in args.model:
        find_weights(model)
    entries = EngineCache().verify()
    machine = machines.machine_or_reason(args.device)
    trial = None if isinstance(machine, str) else Trial(machine, args.model or available())
    faults = 0
    for entry in entries:
        verdict, good = state(entry, machine), entry.key is not None
        if trial and verdict == USABLE and entry.path.suffix == EngineKey.suffix:
            verdict, good = trial.judge(entry)
        faults += not good
        print(f"{entry.path.name}: {'whole, ' if entry.key else ''}{verdict}", flush=True)
    if isinstance(machine, str):
        _say(f"none was loaded: {machine}")
    if faults:
        raise InputError(
            f"{faults} of {len(entries)} files are not to be used",
            hint="vidsr-engine clean --stale removes the damaged ones",
        )
    print(f"{len(entries)} files, all good")


def _clean(args: argparse.Namespace) -> None:
    cache = EngineCache()
    if args.stale:
        gone = _remove_stale(cache)
    else:
        gone = cache.clean(unused_for_seconds=(args.older_than or 0) * DAY_S)
    for entry in gone:
        print(f"removed {entry.path}")
    print(f"{len(gone)} files, {human_bytes(sum(entry.size_bytes for entry in gone))}")


def _remove_stale(cache: EngineCache) -> tuple[Entry, ...]:
    """Remove damaged entries, and those of other versions or GPUs where that can be told.

    Exported networks depend on packages only, which can always be told.
    """
    machine = machines.machine_or_reason()
    if isinstance(machine, str):
        _say(f"engines are removed only where they are damaged: {machine}")
    stale = [e for e in cache.verify() if state(e, machine) not in (USABLE, UNKNOWN)]
    for entry in stale:
        try:
            entry.path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{entry.path}: cannot be removed: {error.strerror}") from error
    return tuple(stale)


def _say(text: str) -> None:
    say(NAME, text)


def _work(args: argparse.Namespace, _: Callable[[], bool]) -> None:
    args.work(args)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return run_command(NAME, _work, argv, parser=build_parser)


if __name__ == "__main__":
    sys.exit(main())
