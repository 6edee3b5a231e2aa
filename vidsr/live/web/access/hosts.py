"""Check of the header Host, against pages whose name was made to lead to this machine."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

from vidsr.live.web.listen import Listen, is_loopback


def host_name(header: str) -> str:
    """Return the name or address of a Host header, in lower case without port and brackets."""
    text = header.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].rstrip(".")


class AllowedHosts:
    """Names under which the server answers.

    A page of a stranger can have its own name resolve to this machine and then read answers as if
    they were its own (DNS rebinding). Such a request still carries the stranger's name.

    On a loopback address: the loopback names. Elsewhere: every literal address, which no such
    page can have, the machine's own name, and the names that the options give.

    Args:
        listen: What the server binds.
        names: Names from the options.
    """

    def __init__(self, listen: Listen, names: Iterable[str] = ()) -> None:
        self._any_address = not listen.is_loopback
        self._names = {listen.host.lower(), *(host_name(name) for name in names)}
        if self._any_address:
            own = socket.gethostname().lower()
            self._names |= {own, own.partition(".")[0], f"{own.partition('.')[0]}.local"}

    def allows(self, header: str) -> bool:
        """Return True if a request with this Host header is meant for the server."""
        name = host_name(header)
        if not name:
            return False
        return is_loopback(name) or name in self._names or (self._any_address and _literal(name))


def _literal(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
