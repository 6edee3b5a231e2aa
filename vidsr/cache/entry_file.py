"""One file of the cache: whose it must be, what it looks like, how it appears whole.

    magic 8 | schema 4 | key length 4 | payload length 8 | key | payload | sha256 of all that: 32

Lengths are in bytes, numbers little-endian and unsigned, the key is JSON.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import struct
import tempfile
from io import BufferedReader
from pathlib import Path

from vidsr.cache.keys import SCHEMA
from vidsr.errors import OutputError

MAGIC = b"vidsrTRT"
HEADER = struct.Struct("<8sIIQ")
CHECKSUM_BYTES = hashlib.sha256().digest_size
KEY_LIMIT_BYTES = 1 << 16  # a key takes about 700
TEMPORARY = ".tmp"


class Refused(Exception):
    """A file that must not be used; ``str`` says why in a few words."""


def write(path: Path, key: bytes, payload: bytes) -> None:
    """Make ``path`` appear whole, readable by its owner alone. Raises OutputError.

    Synced before it is renamed: after a power cut the name holds the old file or the new one.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=TEMPORARY)  # 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_pack(key, payload))
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error


def _pack(key: bytes, payload: bytes) -> bytes:
    body = HEADER.pack(MAGIC, SCHEMA, len(key), len(payload)) + key + payload
    return body + hashlib.sha256(body).digest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: Path) -> tuple[bytes, bytes]:
    """Return key and payload, checked. Raises Refused, FileNotFoundError where there is no file."""
    with _open(path) as file:
        data = file.read()
    key_end = HEADER.size + _key_length(data[: HEADER.size], len(data))
    if hashlib.sha256(data[:-CHECKSUM_BYTES]).digest() != data[-CHECKSUM_BYTES:]:
        raise Refused("it is damaged: the checksum differs")
    return data[HEADER.size : key_end], data[key_end:-CHECKSUM_BYTES]


def read_key(path: Path) -> bytes:
    """Return the key alone, its file's size checked, its checksum not. Raises Refused."""
    with _open(path) as file:
        header = file.read(HEADER.size)
        return file.read(_key_length(header, os.fstat(file.fileno()).st_size))


def touch(path: Path) -> None:
    """Record that the file was used: its time of change is that of its last use."""
    try:
        os.utime(path, follow_symlinks=False)
    except OSError:
        return  # a read-only cache serves as well


def _key_length(header: bytes, size: int) -> int:
    """Return the key's length, from a header that fits ``size`` bytes. Raises Refused."""
    if not header.startswith(MAGIC[: len(header)]):
        raise Refused("it is not a file of this cache")
    if len(header) < HEADER.size:
        raise Refused(f"it is cut off after {size} bytes")
    _, schema, key, payload = HEADER.unpack(header)
    if schema != SCHEMA:
        raise Refused(f"it has the layout of schema {schema}, this version reads {SCHEMA}")
    expected = HEADER.size + key + payload + CHECKSUM_BYTES
    if size < expected:
        raise Refused(f"it is cut off after {size} of {expected} bytes")
    if size > expected or key > KEY_LIMIT_BYTES:
        raise Refused(f"it is damaged: {size} bytes, not {expected}")
    return int(key)


def _open(path: Path) -> BufferedReader:
    """Open a plain file, owned by the user, which no one else may change. Raises Refused.

    What is checked is the open file, not its name: that may mean another one a moment later.
    """
    try:
        # Not blocking: a named pipe would otherwise wait for a writer.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        link = error.errno == errno.ELOOP
        why = "it is a symbolic link" if link else f"it cannot be read: {error.strerror}"
        raise Refused(why) from error
    try:
        _check(os.fstat(handle))
        return os.fdopen(handle, "rb")
    except Refused:
        os.close(handle)
        raise


def _check(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise Refused("it is not a plain file")
    if reason := foreign(found):
        raise Refused(f"it is {reason}")


def foreign(found: os.stat_result) -> str:
    """Return why somebody else could have put something there; empty if nobody could."""
    if found.st_uid != os.geteuid():
        return f"owned by user {found.st_uid}, not by user {os.geteuid()}"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"writable by others (mode {stat.S_IMODE(found.st_mode):04o})"
    return ""
