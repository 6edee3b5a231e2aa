"""FTP: a file from any place on, in passive mode."""

from __future__ import annotations

import contextlib
import ftplib
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from vidsr.errors import NoInputError
from vidsr.video.addresses.connection import (
    BrokenError,
    Connection,
    Patience,
    hang_up,
    unreadable,
)
from vidsr.video.locator import Locator

_NO_SUCH_FILE = "550"


@dataclass
class FtpConnector:
    """Connections to one file on an FTP server; without a user's name it is ``anonymous``.

    Args:
        url: The address, perhaps with user and password.
        patience: The limits of waiting.
    """

    url: str
    patience: Patience

    def __post_init__(self) -> None:
        self.locator = Locator.of(self.url)

    def connect(self, begin: int, version: str) -> Connection:
        """Ask for the bytes from ``begin`` on. Raises BrokenError, InputError."""
        ftp = ftplib.FTP(timeout=self.patience.timeout_s)
        try:
            return self._connected(ftp, begin)
        except ftplib.error_perm as error:
            ftp.close()
            if str(error).startswith(_NO_SUCH_FILE):
                raise NoInputError(f"{self.locator}: no such file") from error
            raise unreadable(self.locator, f"the server refuses ({str(error)[:3]})") from error
        except (OSError, EOFError, ftplib.Error) as error:
            ftp.close()
            raise BrokenError(getattr(error, "strerror", None) or str(error)) from error

    def _connected(self, ftp: ftplib.FTP, begin: int) -> Connection:
        parts = urlsplit(self.url)
        ftp.connect(parts.hostname or "", parts.port or ftplib.FTP_PORT)
        ftp.login(unquote(parts.username or "anonymous"), unquote(parts.password or ""))
        ftp.voidcmd("TYPE I")
        path = unquote(parts.path).lstrip("/")
        size = None
        with contextlib.suppress(ftplib.error_perm):
            size = ftp.size(path)
        try:
            data, length = ftp.ntransfercmd(f"RETR {path}", rest=begin or None)
            ranged, first = True, begin
        except ftplib.error_perm as error:
            if not begin or str(error).startswith(_NO_SUCH_FILE):
                raise
            data, length = ftp.ntransfercmd(f"RETR {path}")
            ranged, first = False, 0

        def read(size: int) -> bytes:
            try:
                return data.recv(size)
            except OSError as error:
                raise BrokenError(error.strerror or str(error)) from error

        def close() -> None:
            data.close()
            ftp.close()

        size = length if size is None else size
        return Connection(
            read=read,
            close=close,
            begin=first,
            size=size,
            ranged=ranged and size is not None,
            certain=size is not None,
            interrupt=lambda: hang_up(data.fileno()),
        )
