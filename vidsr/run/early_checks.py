"""The checks of a run that need neither PyTorch nor PyAV, made before they are loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vidsr.engines.selection.allowed_combinations import check_combination, named_device
from vidsr.errors import OutputError
from vidsr.fetching.if_named import fetch_if_named
from vidsr.files import check_writable
from vidsr.models.families import check_model, check_restorer
from vidsr.run.media_kinds import FILES, Openers
from vidsr.run.options import RunOptions
from vidsr.video.locator import Locator, Name
from vidsr.video.pieces.job_folder import is_left_finished
from vidsr.video.sink.output_options import check_encoding
from vidsr.video.sink.sink_kinds import choose_sink, in_format
from vidsr.video.sink.target_file import Target
from vidsr.video.source.source_kinds import choose_source


def check_run(
    src: Name, dst: Name, options: RunOptions, openers: Openers = FILES, *, planned: bool = False
) -> Target:
    """Return the target of a run for which everything is there and nothing in its way.

    With ``planned`` a target that exists is in nobody's way, since nothing is written. Neither is
    one that a run in pieces has finished, whose folder is all that is left to remove.

    Raises:
        OptionError: The suffix of ``dst`` or a choice about the target is wrong.
        InputError: There is no source.
        OutputError: The target exists already, or its folder cannot be written to.
        ModelError: There is no such model.
    """
    source, name = Locator.of(src), Locator.of(dst)
    opener = choose_sink(name, openers.sinks)
    overwrite = options.overwrite or planned
    target = in_format(opener.target(name, overwrite=overwrite), options.format)
    check_combination(
        options.engine, options.precision, options.wait_for_engine, named_device(options.device)
    )
    check_encoding(options.output, target)
    _check_models(options)
    choose_source(source, openers.sources).check(source)
    left = not options.restart and is_left_finished(target)
    opener.check(replace(target, overwrite=overwrite or left), source)
    return target


def check_options(options: RunOptions) -> None:
    """Raise OptionError or ModelError for what no source and no target makes right."""
    check_combination(
        options.engine, options.precision, options.wait_for_engine, named_device(options.device)
    )
    _check_models(options)


def check_report(report: Path | None, taken: tuple[Path, ...]) -> None:
    """Raise OutputError where a report could not be written after the work."""
    if report is None:
        return
    if report.resolve() in [path.resolve() for path in taken]:
        raise OutputError(f"`report` {report}: is the source or the target itself")
    check_writable(report, "`report`")


def _check_models(options: RunOptions) -> None:
    if options.restore is not None:
        fetch_if_named(options.restore)
        check_restorer(options.restore)
    fetch_if_named(options.network)
    check_model(options.network, options.scale, open_scale=options.wanted_size is not None)
