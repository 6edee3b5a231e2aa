"""File systems of fsspec, opened by address; how to reach them stands in its own configuration."""

from __future__ import annotations

from typing import Any

from vidsr.errors import OptionError, VidsrError
from vidsr.video.locator import Locator
from vidsr.video.stores.failures import FAULTS, failure_of

# Stores that put an object whole or not at all; elsewhere a name is given to what is whole.
ATOMIC = frozenset(
    ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "r2", "oss", "oci", "memory", "tos")
)
# Stores of which fsspec asks to create an object only where none is. Of the others it looks first
# and writes then, between which another may write.
EXCLUSIVE = frozenset(("s3", "s3a", "r2", "gs", "gcs", "memory"))
_S3 = ("s3", "s3a")
# botocore tries again by itself, and s3fs around it: without this 25 times. A store that is only
# slow answers what nobody waits for any more as well, and is slower still.
_S3_TRIES = {"connect_timeout": 5, "read_timeout": 60, "retries": {"total_max_attempts": 2}}


def check_address(locator: Locator) -> None:
    """Raise OptionError for an address that holds a password or a key.

    It would be written into the folder of the job, and into lists of processes.
    """
    text, _, _ = locator.text.partition("://")[2].partition("/")
    if ":" in text.rpartition("@")[0] or "***" in str(locator).rpartition("@")[2]:
        raise OptionError(
            f"{locator}: holds credentials",
            hint="give them in the environment or in fsspec's configuration.",
        )


def open_filesystem(locator: Locator, kind: type[VidsrError]) -> tuple[Any, str]:
    """Return fsspec's file system of an address, and the path in it; nothing is asked of a server.

    Args:
        locator: An address.
        kind: The error to raise.

    Raises:
        VidsrError: A package is missing, or fsspec knows no such store.
    """
    try:
        import fsspec
    except ImportError as error:
        raise _missing(locator, kind) from error
    check_address(locator)
    # Lists and instances that fsspec keeps would be those of a moment that is past.
    options: dict[str, Any] = {"use_listings_cache": False}
    if locator.scheme in _S3:
        given = fsspec.config.conf.get("s3", {}).get("config_kwargs", {})
        options["config_kwargs"] = {**_S3_TRIES, **given}
    try:
        files, path = fsspec.url_to_fs(locator.text, **options)
    except ImportError as error:
        raise _missing(locator, kind) from error
    except FAULTS:
        raise
    except Exception as error:
        failure = failure_of(error)
        reason = "no such kind of store" if isinstance(error, ValueError) else failure.reason
        raise kind(f"{locator}: {reason}", hint=failure.hint) from error
    return files, str(path)


def _missing(locator: Locator, kind: type[VidsrError]) -> VidsrError:
    if locator.scheme in _S3:
        hint = "pip install -e '.[remote]'"
    else:
        hint = f"install the package with which fsspec reads {locator.scheme} addresses."
    return kind(f"{locator}: a package that reads it is missing", hint=hint)
