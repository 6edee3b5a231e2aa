"""The plan of a shared job: its folder made, beside its target or in a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vidsr.errors import OptionError
from vidsr.jobs.order_checks import check_encoder_options
from vidsr.jobs.orders import folder_beside, is_readable
from vidsr.notes import Notes
from vidsr.run.early_checks import check_run
from vidsr.run.options import RunOptions
from vidsr.run.spec import JobSpec
from vidsr.video.locator import Locator, Name

if TYPE_CHECKING:
    from vidsr.jobs.shared_job import SharedJob


@contextmanager
def planned(
    source: Name, target: Name, folder: Name | None, options: RunOptions
) -> Iterator[SharedJob]:
    """Make the folder of a shared job and yield the job.

    Args:
        source: A file, an address or an object.
        target: A file, or an object; with ``folder`` its name alone counts.
        folder: A folder in a store; None for the one beside the target.
        options: The options of the run.

    Raises:
        VidsrError: The run cannot be.
    """
    check_encoder_options(options.encoder_option or ())
    read, written = _whole(Locator.of(source)), Locator.of(target)
    if not is_readable(read):
        raise _unread(read)
    if folder is None and written.kind != "object":
        written = _whole(written)
        check_run(read, written, options)
        place = None
    else:
        place = folder_beside(written) if folder is None else Locator.of(folder)
        if place.kind != "object":
            hint = "a folder on this machine lies beside its target."
            raise OptionError(f"{place}: expected an object store such as s3://.", hint=hint)
    from vidsr.jobs.sending import check_free
    from vidsr.jobs.shared_job import opened

    if place is not None:
        if written.kind == "object":
            check_free(written, overwrite=options.overwrite)
        written = Locator("file", written.name)
    spec = JobSpec.of(read, written, options)
    with opened(spec, Notes(), alone=True, anew=True, folder=place) as shared:
        yield shared


def _whole(locator: Locator) -> Locator:
    """Return a file's name as it is from anywhere."""
    return Locator.of(locator.path.absolute()) if locator.local else locator


def _unread(source: Locator) -> OptionError:
    if str(source) != source.text:
        return OptionError(
            f"{source}: holds credentials, which the folder would keep.",
            hint="name an object of a store, with credentials in its own configuration.",
        )
    return OptionError(f"{source}: cannot be shared.", hint="name a file, or an object of a store.")
