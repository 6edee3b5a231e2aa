"""The opening of a job's folder by its name."""

from __future__ import annotations

from vidsr.errors import OptionError
from vidsr.video.folders.folder import Folder
from vidsr.video.folders.local_folder import LocalFolder
from vidsr.video.locator import Locator


def open_folder(locator: Locator) -> Folder:
    """Return a folder; nothing is made. Raises OptionError, OutputError."""
    if locator.local:
        return LocalFolder(locator.path)
    if locator.kind != "object":
        words = f"{locator.scheme} addresses" if locator.kind == "address" else "pipes"
        hint = "name a folder, or an object store such as s3://bucket/film."
        raise OptionError(f"{locator}: {words} hold no folders of jobs", hint=hint)
    from vidsr.video.folders.remote_folder import RemoteFolder

    return RemoteFolder(locator)
