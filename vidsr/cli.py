"""The command ``vidsr``: arguments in, checked before anything is loaded, and a run of them."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from vidsr import __version__
from vidsr.batch.arguments import BatchParser, add_batch_options, is_batch, typed_target
from vidsr.batch.command import run_batch
from vidsr.batch.items import is_done, is_empty
from vidsr.clusters.choice import Choice, add_cluster_options
from vidsr.errors import OptionError, VidsrError
from vidsr.models.shipped import available
from vidsr.option_values import in_words
from vidsr.preview.command import run_preview
from vidsr.run.early_checks import check_report, check_run
from vidsr.run.option_listings import add_options
from vidsr.run.options import RunOptions
from vidsr.run.records.enhance_words import check_typed, wishes_named
from vidsr.run.records.record_file import STANDARD_OUTPUT, as_record, write_record
from vidsr.run.spec import JobSpec
from vidsr.terminal.command import Failure, run_command, say
from vidsr.terminal.flags import flags_of
from vidsr.terminal.names import typed_name
from vidsr.terminal.progress_choice import KINDS
from vidsr.video.locator import Locator
from vidsr.video.media.descriptors import STDIN, STDOUT, descriptor_named, is_stream
from vidsr.video.sink.codec_defaults import CODECS

# Everything that loads torch is imported where it is used: that takes seconds, during which the
# command has to be ready for Ctrl-C, and what was typed wrong has been answered before.

NAME = "vidsr"
logger = logging.getLogger("vidsr")
EPILOG = """examples:
  vidsr clip.mp4 -o clip_4x.mp4               four times larger, the rest kept
  vidsr clip.mkv -o clip_2x.mkv --scale 2 --crf 14
  vidsr old.avi -o new.mkv --height 1080 --codec hevc
  vidsr frames/%05d.png -o large/%05d.png     numbered pictures, either way
  vidsr season/ extra.mov -o season_4x/       several inputs, into a folder
exit status: 0 done, 1 some of several failed, 2 arguments, 3 source, 4 target,
5 container, 6 model, 7 device, 8 memory limit, 130 interrupted,
141 pipe closed, 143 terminated
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command; its options are those of ``RunOptions``."""
    parser = BatchParser(
        prog=NAME,
        usage="vidsr INPUT... -o OUTPUT [options]",
        description="Make a video four times larger; timing, colour and sound stay what they are.",
        epilog=EPILOG,
    )
    parser.add_argument(
        "inputs", nargs="*", type=typed_name, metavar="INPUT", help=argparse.SUPPRESS
    )
    parser.add_argument(
        "-o",
        "--output",
        type=typed_target,
        metavar="OUTPUT",
        help="the target, - for a pipe; required",
    )
    add_options(parser)
    add_cluster_options(parser.add_argument_group("many workers"))
    add_batch_options(parser.add_argument_group("several inputs: files, folders, 'a/*.mov', @LIST"))
    _add_output(parser.add_argument_group("output and logging"))
    return parser


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    group.add_argument("--estimate", action="store_true", help="measure how long, with --dry-run")
    group.add_argument("--preview", action="store_true", help="three places, before and after")
    group.add_argument("--report", metavar="JSON", help="a file for the run's report; -: stdout")
    group.add_argument(
        "--progress",
        choices=KINDS,
        default="auto",
        metavar="KIND",
        help="auto, bar, lines, json or none (auto)",
    )
    group.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    group.add_argument("--list-models", action="store_true", help="print the models and stop")
    group.add_argument("--version", action="version", version=f"vidsr {__version__}")


def _list_models() -> None:
    from vidsr.models.shipped import METHODS, PURPOSES, method_scales
    from vidsr.models.zoo import load_model

    for name in available():
        model = load_model(name)
        numbers = sum(p.numel() for p in model.module.parameters())
        sees = "luma" if model.config.channels == 1 else "RGB"
        size = f"x{model.config.scale}  {numbers / 1e3:7.1f} K parameters on {sees:4}"
        print(f"{name:21} {size}  {PURPOSES.get(name, '')}".rstrip())
    for method, words in METHODS.items():
        scales = "|".join(f"x{scale}" for scale in method_scales(method))
        none = f"{'':4}{'no':>7}   parameters on luma"
        print(f"{f'{method}-{scales}':21} {none}  without learning: {words}")


def _work(arguments: argparse.Namespace, interrupted: Callable[[], bool]) -> int | None:
    check_typed(arguments.enhance, getattr(arguments, "typed", {}))
    with wishes_named(arguments.enhance):
        return _do(arguments, interrupted)


def _do(arguments: argparse.Namespace, interrupted: Callable[[], bool]) -> int | None:
    if arguments.list_models:
        _list_models()
        return None
    if arguments.preview and arguments.input is not None:
        run_preview(arguments, RunOptions.of(vars(arguments)), interrupted)
        return None
    if arguments.input is None or arguments.output is None:
        raise OptionError("INPUT and -o OUTPUT are needed.", hint="vidsr --help shows examples.")
    _check_streams(arguments)
    options = RunOptions.of(vars(arguments))
    if is_batch(arguments):
        _check_one(arguments)
        return _several(arguments, options, interrupted)
    _one(arguments, options, interrupted)
    return None


def _check_one(arguments: argparse.Namespace) -> None:
    """Raise OptionError where workers are asked for that share one run, and there are several."""
    for name in ("jobs", "cluster"):
        if getattr(arguments, name) is not None:
            raise OptionError(
                f"--{name} with several inputs: expected one.",
                hint="a loop of commands, one for each input, shares each among workers.",
            )


def _several(
    arguments: argparse.Namespace, options: RunOptions, interrupted: Callable[[], bool]
) -> int:
    flags = flags_of(build_parser())
    if arguments.watch:
        from vidsr.batch.watch.watching import watch

        return watch(arguments, options, flags, interrupted)
    return run_batch(arguments, options, flags, interrupted)


def _one(
    arguments: argparse.Namespace, options: RunOptions, interrupted: Callable[[], bool]
) -> None:
    if arguments.skip_existing:
        if is_done(arguments.output):
            return say(NAME, f"{arguments.output}: exists already, skipped")
        if is_empty(arguments.output):
            options = replace(options, overwrite=True)
    if arguments.name is not None:
        raise OptionError("`name` with one target: expected a folder as OUTPUT.")
    if arguments.settle is not None:
        raise OptionError("`settle` without `watch`: expected both, or neither.")
    check_report(_report_file(arguments.report), _files(arguments))
    check_run(arguments.input, arguments.output, options, planned=arguments.dry_run)
    if arguments.estimate and not arguments.dry_run:
        raise OptionError("--estimate without --dry-run.", hint="a run says it by itself.")
    if arguments.dry_run:
        return _print_plan(arguments, options)
    return _upscale(arguments, options, interrupted)


def _check_streams(arguments: argparse.Namespace) -> None:
    """Raise OptionError where two things would share a pipe, or one would be read twice."""
    source, target = Locator.of(arguments.input), Locator.of(arguments.output)
    if _shares_output(arguments) and not arguments.dry_run:
        raise OptionError(
            "--report - and -o - are both given: expected one of them on standard output.",
            hint="name a file for the report.",
        )
    if arguments.estimate and (is_stream(source, STDIN) or is_stream(target, STDOUT)):
        raise OptionError("--estimate with a pipe: expected files, which can be read twice.")


def _shares_output(arguments: argparse.Namespace) -> bool:
    """Return True if video and report would both go to standard output."""
    if arguments.output is None or arguments.report != STANDARD_OUTPUT:
        return False
    return descriptor_named(Locator.of(arguments.output), STDOUT) == STDOUT


def _print_plan(arguments: argparse.Namespace, options: RunOptions) -> None:
    from vidsr.run.job import plan_job

    spec = JobSpec.of(arguments.input, arguments.output, options)
    plan = plan_job(spec)
    lines, facts = list(plan.lines), plan.facts() | {"dry_run": True}
    if arguments.estimate:
        from vidsr.run.executor import estimate_s

        facts["estimate_s"] = seconds = estimate_s(spec)
        said = "unknown, since the source does not say how many frames it has"
        lines.append(f"time     {said if seconds is None else f'about {in_words(seconds)}'}")
    lines_to = sys.stderr if arguments.report == STANDARD_OUTPUT else sys.stdout
    print("\n".join(lines), file=lines_to)
    if arguments.report:
        write_record(arguments.report, as_record(facts))


def _upscale(
    arguments: argparse.Namespace, options: RunOptions, interrupted: Callable[[], bool]
) -> None:
    from vidsr.api import run
    from vidsr.terminal.heap import keep_heap
    from vidsr.terminal.progress_choice import make_progress

    choice = Choice.of(arguments, options)
    keep_heap()
    kind, quiet = arguments.progress, arguments.quiet
    progress = make_progress(kind, NAME, quiet=quiet, interrupted=interrupted)
    report = choice.run(JobSpec.of(arguments.input, arguments.output, options), progress)
    if report is None:
        report = run(arguments.input, arguments.output, options, progress=progress)
    if arguments.report:
        write_record(arguments.report, report.to_json())
    if not arguments.quiet:
        say(NAME, report.summary())


def _report_file(name: str | None) -> Path | None:
    """Return the file of a report that is none on standard output."""
    return None if name is None or name == STANDARD_OUTPUT else Path(name)


def _names(arguments: argparse.Namespace) -> dict[str, Path | str]:
    """Return source and target by the keys of the report, where they are named."""
    named = {"source": arguments.input, "target": arguments.output}
    return {key: name for key, name in named.items() if name is not None}


def _files(arguments: argparse.Namespace) -> tuple[Path, ...]:
    """Return source and target, where they are files."""
    return tuple(name for name in _names(arguments).values() if isinstance(name, Path))


def _report_failure(
    argv: Sequence[str] | None, failure: Failure, arguments: argparse.Namespace | None
) -> None:
    """Write the report of a run that failed, where one was asked for and nothing is in its way."""
    names: tuple[Path, ...] = ()
    facts: dict[str, str] = {}
    if arguments is None:  # what is wrong may be anywhere beside --report
        finder = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
        finder.add_argument("--report", nargs="?")
        arguments, _ = finder.parse_known_args(argv)
    else:
        names = _files(arguments)
        facts = {key: str(Locator.of(name)) for key, name in _names(arguments).items()}
    if arguments.report is None or (facts and _shares_output(arguments)):
        return
    try:
        check_report(_report_file(arguments.report), names)
        write_record(arguments.report, as_record(facts | {"error": asdict(failure)}))
    except VidsrError as error:  # the first error is the one to see
        logger.debug("no report: %s", error)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return run_command(
        NAME,
        _work,
        argv,
        parser=build_parser,
        interrupted="interrupted; the target was not written",
        memory_hint="give a smaller --max-memory or --tile.",
        words={"--model": available, "--codec": lambda: CODECS},
        failed=lambda failure, arguments: _report_failure(argv, failure, arguments),
    )


if __name__ == "__main__":
    sys.exit(main())
