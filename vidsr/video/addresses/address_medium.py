"""Addresses and playlists as a medium: opened as often as can be, reaching what they may alone."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from urllib.parse import urlsplit, urlunsplit

from av.container import InputContainer

from vidsr.errors import InputError
from vidsr.notes import Notes
from vidsr.video.addresses.connection import Patience
from vidsr.video.addresses.ftp_connection import FtpConnector
from vidsr.video.addresses.http_connection import SCHEMES, HttpConnector
from vidsr.video.addresses.playlists import BEGINNING, LONGEST_BYTES, checked_playlist
from vidsr.video.addresses.remote_file import RemoteFile
from vidsr.video.locator import Locator
from vidsr.video.media.containers import Opening, checked, open_container
from vidsr.video.media.front_to_back import check_front_to_back
from vidsr.video.probing.longer_look import look_longer

# FFmpeg's own ways around ours: a connection kept open, and the next segment's ahead of time.
_OPTIONS = {"http_persistent": "0", "http_multiple": "0"}
_OWN = {"http": SCHEMES, "https": ("https",), "ftp": ("ftp",), "": ()}
"""Protocols that a playlist may read from for what it was read through itself."""
_SNIFFED_BYTES = 4096


@dataclass
class AddressMedium:
    """A medium behind an address, or a local playlist.

    Args:
        locator: The address, or the playlist.
        allow: Protocols that a playlist may read from beside its own; ``file`` for files.
        notes: What collects assumptions.
        patience: The limits of waiting.
        layout: FFmpeg's name of the format, None to find out.
        options: Options of the demuxer.
    """

    locator: Locator
    allow: tuple[str, ...]
    notes: Notes
    patience: Patience = field(default_factory=Patience)
    layout: str | None = None
    options: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.allowed = {*_OWN[self.locator.scheme], *self.allow}
        self._stopped = threading.Event()
        self._error: BaseException | None = None
        self._files: list[RemoteFile | BinaryIO] = []
        self._main: RemoteFile | None = None
        self._own = self._listed = False

    @property
    def may_seek(self) -> bool:
        """True where the server sends parts."""
        return self._main is None or self._listed or self._main.seekable()

    @property
    def size(self) -> int | None:
        """Bytes in all, None where the server does not say or a playlist names many."""
        return None if self._main is None or self._listed else self._main.size

    def open(self) -> InputContainer:
        """Open from the beginning. Raises InputError."""
        return look_longer(self._open({}), self._open)

    def sample(self) -> InputContainer:
        """Open it once more. Raises InputError."""
        return self._open({})

    def _open(self, options: dict[str, str]) -> InputContainer:
        # What FFmpeg would open without asking, as lists of files do.
        native = {"protocol_whitelist": "file,data" if "file" in self.allowed else "data"}
        playlists = ("hls", "applehttp", *(("concat",) if "file" in self.allowed else ()))
        way = Opening(
            {**_OPTIONS, **native, **self.options, **options},
            self.layout,
            playlists=playlists,
            io_open=self._io_open,
            hint="vidsr reads what FFmpeg reads; the file may be incomplete or no video.",
        )
        # Without the log-in: FFmpeg's messages name what it opens.
        name = _split(self.locator.text)[1]
        if not self.locator.scheme:
            name = str(self.locator.path.absolute())
        self._own = True
        try:
            container = open_container(str(self.locator), name, way)
        except BaseException:
            self.check()
            raise
        return checked(container, self.check)

    def _io_open(self, url: str, flags: int, options: dict[str, str]) -> Any:
        """Open what FFmpeg asks for. What goes wrong waits in ``check``; FFmpeg gets nothing."""
        own, self._own = self._own, False
        try:
            return self._opened(url, own)
        except BaseException as error:
            if self._error is None:
                self._error = error
            return io.BytesIO()

    def _opened(self, url: str, own: bool) -> Any:
        locator = self.locator if own else self._named(url)
        scheme = "file" if locator.local else locator.scheme
        if not own and scheme not in self.allowed:
            where = "a file of this machine" if scheme == "file" else f"a {scheme} address"
            raise InputError(
                f"{self.locator}: is a playlist that names {where}, which it may not read",
                hint=f"allow = {scheme!r} lets it." if scheme in _OWN or locator.local else "",
            )
        file: Any
        if scheme == "file":
            file = locator.path.open("rb")
            self._files = [f for f in self._files if not f.closed] + [file]
            head = file.read(_SNIFFED_BYTES)
            file.seek(0)
        else:
            file = self._remote(locator)
            head = file.peek(_SNIFFED_BYTES)
            if own:
                self._begin(file, head)
        if head.removeprefix(b"\xef\xbb\xbf").startswith(BEGINNING):
            return self._playlist(file, locator)
        return file

    def _named(self, url: str) -> Locator:
        """Return what a playlist names; on its own server with the same log-in."""
        login, plain = _split(self.locator.text)
        own, other = urlsplit(plain), urlsplit(url)
        if login and (own.scheme, own.netloc) == (other.scheme, other.netloc):
            url = urlunsplit(other._replace(netloc=f"{login}@{other.netloc}"))
        return Locator.of(url)

    def _begin(self, file: RemoteFile, head: bytes) -> None:
        """Look at the main file's beginning. Raises InputError for what cannot be read so."""
        self._main = file
        name = str(self.locator)
        if not head:
            raise InputError(f"{name}: is empty")
        check_front_to_back(head, name, seeks=file.seekable())
        if not file.certain:
            self.notes.say(
                "the server does not say how long the file is: an early end would not be noticed"
            )

    def _remote(self, locator: Locator) -> RemoteFile:
        file = remote_file(locator, self.patience, self._stopped)
        self._files = [f for f in self._files if not f.closed] + [file]
        return file

    def _playlist(self, file: Any, locator: Locator) -> io.BytesIO:
        data = b""
        while len(data) < LONGEST_BYTES and (part := file.read(_SNIFFED_BYTES)):
            data += part
        file.close()
        self.check()
        self._listed = True
        text = data.decode("utf-8", "replace")
        return io.BytesIO(checked_playlist(text, locator, self.notes).encode())

    def head(self, size: int) -> bytes:
        """Return the first bytes, read once more; empty for what is in many files."""
        if self._main is None or self._listed:
            return b""
        if size <= len(self._main.head):
            return self._main.head[:size]
        file = self._remote(self.locator)
        data = b""
        while len(data) < size and (part := file.read(size - len(data))):
            data += part
        file.close()
        return data

    def check(self) -> None:
        """Raise what went wrong with reading, the first of it."""
        for file in self._files:
            if isinstance(file, RemoteFile) and file.error is not None and self._error is None:
                self._error = file.error
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End a read that waits."""
        self._stopped.set()
        for file in tuple(self._files):
            if isinstance(file, RemoteFile):
                file.interrupt()

    def close(self) -> None:
        """End every connection."""
        for file in self._files:
            file.close()


def remote_file(
    locator: Locator, patience: Patience | None = None, stopped: threading.Event | None = None
) -> RemoteFile:
    """Return the file behind an address, connected. Raises InputError."""
    patience = patience or Patience()
    kind = FtpConnector if locator.scheme == "ftp" else HttpConnector
    connector = kind(locator.text, patience)
    return RemoteFile(connector, locator, patience, stopped or threading.Event())


def _split(url: str) -> tuple[str, str]:
    """Return the log-in of an address, and the address without it."""
    parts = urlsplit(url)
    login, _, host = parts.netloc.rpartition("@")
    return login, urlunsplit(parts._replace(netloc=host))
