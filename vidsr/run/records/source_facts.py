"""The identity of a source, wherever it lies: by its size, its version and samples of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Protocol

from vidsr.run.records.identity import SAMPLE_BYTES, file_facts
from vidsr.video.locator import Locator


class _File(Protocol):
    error: BaseException | None

    def read(self, size: int, /) -> bytes: ...

    def seek(self, offset: int, /) -> int: ...

    def close(self) -> None: ...


def source_facts(locator: Locator) -> dict[str, str]:
    """Return what a source is recognised by. Raises OSError, InputError."""
    if locator.kind == "object":
        from vidsr.video.stores.object_file import ObjectFile

        stored = ObjectFile(locator)
        return _facts(stored, stored.size, stored.version)
    if locator.kind == "address":
        from vidsr.video.addresses.address_medium import remote_file

        remote = remote_file(locator)
        return _facts(remote, remote.size or 0, remote.version)
    return file_facts(locator.path)


def _facts(file: _File, size: int, version: str) -> dict[str, str]:
    digest = hashlib.sha256()
    try:
        for place in (0, size // 2, max(0, size - SAMPLE_BYTES)):
            file.seek(place)
            digest.update(_exactly(file.read, min(SAMPLE_BYTES, size - place)))
            if file.error is not None:
                raise file.error
    finally:
        file.close()
    return {
        "source size": f"{size} bytes",
        "source version": version,
        "source content": digest.hexdigest()[:16],
    }


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    """Return so many bytes, or those that come before the end or an error."""
    data = b""
    while len(data) < size and (part := read(size - len(data))):
        data += part
    return data
