"""The page of the service, where one is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vidsr.live.base.options import ServiceOptions
from vidsr.live.base.status import StreamsView

if TYPE_CHECKING:
    from vidsr.live.web.options import WebOptions
    from vidsr.live.web.server import WebServer


def web_options(options: ServiceOptions) -> WebOptions | None:
    """Return the options of the web server, None where nobody listens. Raises OptionError."""
    if options.listen is None:
        return None
    from vidsr.live.web.listen import parse_listen
    from vidsr.live.web.options import WebOptions

    parse_listen(options.listen)
    file = None if options.token_file is None else Path(options.token_file)
    return WebOptions(
        listen=options.listen,
        token=options.token,
        token_file=file,
        hosts=options.hosts,
        viewers=options.viewers,
    )


def start_web(view: StreamsView, options: ServiceOptions) -> WebServer | None:
    """Start the page of streams; None where nobody listens. Raises VidsrError."""
    asked = web_options(options)
    if asked is None:
        return None
    from vidsr.live.web.server import WebServer

    server = WebServer(view, asked)
    server.start()
    return server
