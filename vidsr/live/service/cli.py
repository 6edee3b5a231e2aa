"""The command ``vidsr-live``: one stream of the command line, or those of a configuration."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from vidsr import __version__
from vidsr.errors import OptionError, VidsrError
from vidsr.live.base.options import ServiceOptions, StreamOptions
from vidsr.live.base.records import SERVICE, STREAM, with_values, without_sound
from vidsr.live.service.checks import check_config, writes_output
from vidsr.live.service.config import load_config
from vidsr.live.service.flags import add_settings, given, time_of
from vidsr.live.service.signals import LiveInterruption
from vidsr.live.service.spec import ONLY, Config, StreamSpec
from vidsr.live.sinks.address import place_of
from vidsr.models.shipped import available
from vidsr.run.early_checks import check_report
from vidsr.run.records.record_file import STANDARD_OUTPUT, as_record, write_record
from vidsr.terminal.command import INTERRUPTED, Failure, run_command, say
from vidsr.terminal.parser import Parser

# Everything that loads torch is imported where it is used: what was typed wrong is answered before.

NAME = "vidsr-live"
NEVER_CAME = 3
logger = logging.getLogger("vidsr.live")
EPILOG = """examples:
  vidsr-live rtsp://HOST/cam -o rtmp://HOST/live/cam --model lite-fast-x2
  vidsr-live udp://127.0.0.1:5000 -o hls:FOLDER -o record:FOLDER/%H-%M-%S.mkv
  vidsr-live clip.mp4 --realtime -o pipe:nut | ffplay -
  vidsr-live --config cameras.toml --check
exit status: 0 ended or stopped by SIGTERM, 2 arguments, 3 the source never came
or was given up, 4 target, 6 model, 7 device, 130 interrupted, 141 reader gone
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = Parser(
        prog=NAME,
        usage="vidsr-live SOURCE -o SINK [-o SINK] [options]\n"
        "       vidsr-live --config FILE [--check] [options]",
        description="Upscale a running camera or broadcast within a deadline.",
        epilog=EPILOG,
    )
    parser.add_argument("source", nargs="?", metavar="SOURCE", help=argparse.SUPPRESS)
    parser.add_argument(
        "-o", "--sink", action="append", default=[], metavar="SINK", help="a sink; may be repeated"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file of streams")
    parser.add_argument("--check", action="store_true", help="check everything, and open nothing")
    parser.add_argument(
        "--duration",
        type=time_of("a time such as 30s"),
        metavar="TIME",
        help="the time after which to end",
    )
    parser.add_argument("--report", metavar="JSON", help="a file for the run's report")
    parser.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    parser.add_argument("--version", action="version", version=f"vidsr {__version__}")
    add_settings(parser)
    return parser


def config_of(arguments: argparse.Namespace) -> Config:
    """Return the streams that the command line names. Raises VidsrError."""
    values = vars(arguments)
    stream, service = given(values, STREAM), given(values, SERVICE)
    if arguments.config is not None:
        if arguments.source is not None or arguments.sink:
            raise OptionError("--config with SOURCE or -o: expected one of them.")
        if stream:
            flag = next(iter(stream)).flag
            raise OptionError(f"--config with {flag}: expected it in the file.")
        found = load_config(arguments.config)
        return Config(with_values(found.service, service), found.streams)
    if arguments.source is None:
        raise OptionError("SOURCE or --config is needed.", hint=f"{NAME} --help shows examples.")
    if not arguments.sink:
        raise OptionError("-o SINK is needed.", hint=f"{NAME} --help shows examples.")
    if len(set(map(place_of, arguments.sink))) < len(arguments.sink):
        raise OptionError("a SINK is given twice.")
    options = without_sound(with_values(StreamOptions(), stream))
    spec = StreamSpec(ONLY, arguments.source, tuple(arguments.sink), options)
    return Config(with_values(ServiceOptions(), service), (spec,))


def _run(arguments: argparse.Namespace, interruption: LiveInterruption) -> int:
    interruption.reloads = arguments.config is not None  # while streams start, too
    config = config_of(arguments)
    check_report(_report_file(arguments.report), ())
    check_config(config)
    if arguments.report == STANDARD_OUTPUT and writes_output(config):
        raise OptionError("--report - with a pipe as a sink: expected a file for one of them.")
    if arguments.check:
        count = len(config.streams)
        say(NAME, f"{count} stream{'s' * (count > 1)}, nothing wrong")
        return 0
    from vidsr.live.service.loop import Wishes, run_service
    from vidsr.live.service.progress import summary_of, unheard
    from vidsr.live.service.service import Service
    from vidsr.terminal.heap import keep_heap

    keep_heap()
    if interruption.reloads and not interruption.hears_reloads:
        logger.warning(
            "SIGHUP is ignored, as nohup has it: the configuration is not read again; "
            "`setsid` in place of `nohup` lets it through"
        )
    again = None if arguments.config is None else lambda: config_of(arguments)
    wishes = Wishes(arguments.duration, arguments.quiet, again)
    service, outcome = Service(config), "failed"
    try:
        service.start()
        outcome = run_service(NAME, service, wishes, interruption)
    finally:
        service.stop()
        if arguments.report:
            from vidsr.live.service.report import report_of

            write_record(arguments.report, as_record(report_of(service, outcome)))
    statuses = service.statuses()
    for status in () if arguments.quiet else statuses:
        say(NAME, summary_of(status))
    if outcome == "failed":
        for status in statuses:
            say(NAME, f"error: {status.name}: {status.source}: {status.error or 'no picture came'}")
        return NEVER_CAME
    if outcome == "unheard":
        raise unheard(statuses)
    return INTERRUPTED if outcome == "interrupted" else 0


def _report_file(name: str | None) -> Path | None:
    """Return the file of a report that is none on standard output."""
    return None if name is None or name == STANDARD_OUTPUT else Path(name)


def _report_failure(
    argv: Sequence[str] | None, failure: Failure, arguments: argparse.Namespace | None
) -> None:
    """Write the report of a command that failed before a stream ran, where one was asked for."""
    if arguments is None:  # what is wrong may be anywhere beside --report
        finder = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
        finder.add_argument("--report", nargs="?")
        arguments, _ = finder.parse_known_args(argv)
    file = _report_file(arguments.report)
    if file is None:
        return
    try:
        check_report(file, ())
        facts = {"outcome": "failed", "error": asdict(failure)}
        write_record(arguments.report, as_record(facts))
    except VidsrError as error:  # the first error is the one to see
        logger.debug("no report: %s", error)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    interruption = LiveInterruption()

    def work(arguments: argparse.Namespace, asked: Callable[[], bool]) -> int:
        return _run(arguments, interruption)

    return run_command(
        NAME,
        work,
        argv,
        parser=build_parser,
        interruption=interruption,
        memory_hint="give fewer streams, or a smaller model.",
        words={"--model": available},
        failed=lambda failure, arguments: _report_failure(argv, failure, arguments),
    )


if __name__ == "__main__":
    sys.exit(main())
