"""Options of the web server, as the configuration, the command and programs give them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from vidsr.live.web.listen import DEFAULT_LISTEN


@dataclass(frozen=True, kw_only=True)
class WebOptions:
    """Options of the web server.

    Args:
        listen: ``HOST:PORT``; port 0 takes a free one. An address that other machines reach needs
            a token.
        token: The secret that programs and browsers show. None takes that of the environment
            variable ``VIDSR_LIVE_TOKEN``, else of ``token_file``; on a loopback address there may
            be none at all.
        token_file: A file that holds the token. Where a token is needed and the file is missing,
            a token is made and written to it. None is ``vidsr/live-token`` in the user's folder
            of state.
        hosts: Names under which browsers reach the server, beside its own addresses, such as the
            name of a proxy in front of it.
        viewers: Most viewers of moving pictures at one time.
    """

    listen: str = DEFAULT_LISTEN
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    hosts: tuple[str, ...] = ()
    viewers: int = 64
