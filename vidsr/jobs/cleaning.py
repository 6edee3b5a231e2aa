"""The removal of a job's folder, damaged ones included, and of no other folder."""

from __future__ import annotations

from vidsr.errors import OutputError
from vidsr.jobs.orders import Order, check_place
from vidsr.video.folders.folder import FINISHED, LEASE_SUFFIX, Folder, is_own
from vidsr.video.folders.opening import open_folder
from vidsr.video.locator import Locator, Name
from vidsr.video.pieces.job_folder import ENDING, ORDER, PIECE_SUFFIX, RECORD

_TELLING = (ORDER, RECORD, FINISHED, PIECE_SUFFIX, LEASE_SUFFIX)


def clean(name: Name) -> None:
    """Remove a folder of a job, and what jobs have written there.

    Raises:
        OutputError: It is none of a job, lies elsewhere than its order says, is in use, or holds
            more than what is of a job, which stays.
    """
    locator = Locator.of(name)
    folder = open_folder(locator)
    try:
        order = Order.read(locator)
    except OutputError:
        if not looks_like_a_job(locator, folder):
            raise
    else:
        check_place(order)
    try:
        folder.enter(shared=False)
        folder.destroy()
    finally:
        folder.leave()
    if folder.exists():
        raise OutputError(
            f"{locator}: is not empty, or cannot be removed",
            hint="what vidsr wrote there and may remove is gone; look at the rest.",
        )


def looks_like_a_job(locator: Locator, folder: Folder) -> bool:
    """Return True for a folder that is a job's by its name and contents, whatever its order says.

    Its name ends as those of jobs do, something that jobs write lies in it, and nothing else does.
    Raises OutputError where its contents cannot be listed.
    """
    if not locator.text.rstrip("/\\").endswith(ENDING):
        return False
    try:
        names = folder.names()
    except OSError as error:
        raise OutputError(f"{locator}: cannot be read: {error.strerror}") from error
    if not names:
        return locator.local and folder.exists()
    return all(map(is_own, names)) and any(name.endswith(_TELLING) for name in names)
