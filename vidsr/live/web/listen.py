"""Address and port on which the web server listens."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from vidsr.errors import OptionError

DEFAULT_LISTEN = "127.0.0.1:9464"
HIGHEST_PORT = 65535


@dataclass(frozen=True)
class Listen:
    """An address to bind.

    Args:
        host: An IP address or a name, without brackets.
        port: 1 to 65535; 0 for any that is free.
    """

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Return True if only programs of this machine can connect."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Return True for ``localhost`` and the addresses that never leave the machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_listen(text: str) -> Listen:
    """Return the address of ``HOST:PORT``, ``[IPv6]:PORT`` or ``:PORT``, which is every address.

    Raises:
        OptionError: The text is none of these.
    """
    host, colon, port = text.strip().rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if bracketed:
        host = host[1:-1]
    plain = bracketed or ":" not in host
    if not (colon and plain and port.isascii() and port.isdigit()) or int(port) > HIGHEST_PORT:
        raise OptionError(
            f"listen = {text!r}: expected HOST:PORT with a port from 0 to {HIGHEST_PORT}",
            hint=f"write {DEFAULT_LISTEN}, or [::1]:9464 for IPv6",
        )
    return Listen(host or "0.0.0.0", int(port))
