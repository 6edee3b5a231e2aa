"""The process that sends to one peer of the network; its parent kills it where that hangs.

Reads an order and packets from standard input, writes lines of JSON to standard output. Neither
its arguments nor its environment hold the address.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

from vidsr.live.base.items import CodedPacket
from vidsr.live.sinks.children.messages import End, Message, MessageReader, Order
from vidsr.live.sinks.children.sockets import limit_sockets
from vidsr.live.sinks.muxing.muxer import MUX_ERRORS, Muxer
from vidsr.live.sinks.reports import failure_of
from vidsr.terminal.lifeline import die_with_parent

REPORT_S = 0.5
_READ_BYTES = 1 << 20


class Link:
    """The two pipes to the parent."""

    def __init__(self) -> None:
        self._reader = MessageReader()
        self._reported_s = 0.0

    def messages(self) -> Iterator[Message | None]:
        """Yield messages as they come, None where there is none for a while; ends with the pipe."""
        while True:
            while (message := self._reader.next()) is not None:
                yield message
            if not select.select((0,), (), (), REPORT_S)[0]:
                yield None
                continue
            data = os.read(0, _READ_BYTES)
            if not data:
                return
            self._reader.feed(data)

    def say(self, **facts: Any) -> None:
        """Write a line to the parent."""
        os.write(1, (json.dumps(facts) + "\n").encode())
        self._reported_s = time.monotonic()

    @property
    def due(self) -> bool:
        """True where the parent has heard nothing for a while."""
        return time.monotonic() - self._reported_s >= REPORT_S


def serve(link: Link) -> int:
    """Send until the parent ends it; return the exit status."""
    messages = link.messages()
    order = next((message for message in messages if message is not None), None)
    if not isinstance(order, Order):
        return 2
    file: Any = None
    try:
        if order.kind == "srt":
            file = open_srt(order.url)
        muxer = Muxer(file or order.url, order.container, order.format, order.options)
    except MUX_ERRORS as error:
        return fail(link, error, "connecting failed")
    limit_sockets()
    link.say(state="running", packets=0, bytes=0)
    try:
        send_all(link, muxer, messages)
        if file is not None:
            file.close()
    except MUX_ERRORS as error:
        if file is not None:
            file.abort()
        link.say(packets=muxer.packets, bytes=muxer.size_bytes)
        return fail(link, error, "sending failed")
    return 0


def open_srt(url: str) -> Any:
    """Return a connection of SRT as a file object. Raises OSError."""
    from vidsr.live.sinks.children import srt

    return srt.open_srt(url)


def send_all(link: Link, muxer: Muxer, messages: Iterator[Message | None]) -> None:
    """Send packets, and tell how many, until the end."""
    for message in messages:
        if isinstance(message, End):
            break
        if isinstance(message, CodedPacket):
            muxer.write(message)
        if link.due:
            link.say(packets=muxer.packets, bytes=muxer.size_bytes)
    muxer.close()
    link.say(packets=muxer.packets, bytes=muxer.size_bytes)


def fail(link: Link, error: BaseException, doing: str) -> int:
    """Tell the parent why this is the end."""
    failure = failure_of(error, doing)
    link.say(failure=[failure.reason, failure.text, failure.permanent])
    return 1


def main() -> int:
    """Run the child; the first argument is its parent's number."""
    die_with_parent(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the parent, which decides
    with contextlib.suppress(BrokenPipeError):
        return serve(Link())
    return 1


if __name__ == "__main__":
    # Neither trailers nor destructors of libraries may hold up an end that the parent waits for.
    os._exit(main())
