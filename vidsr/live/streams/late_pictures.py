"""A pipe of pictures that is opened by its first one: its header states the source's rate."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from vidsr.live.base.roles import SinkEvents
from vidsr.live.sinks.address import parse_sink
from vidsr.live.sinks.opening import check_here, open_live_sink
from vidsr.live.sinks.pictures import PipePictures
from vidsr.picture.frame import Frame


class LatePictures:
    """Sink of pictures that opens the one of an address when the rate is known.

    Args:
        text: The address.
        events: The one to whom the sink reports.
        rate: Function that returns frames a second once there is a picture.

    Raises:
        OptionError: The address cannot work here.
    """

    def __init__(self, text: str, events: SinkEvents, rate: Callable[[], Fraction]) -> None:
        self._text, self._events, self._rate = text, events, rate
        self._sink: PipePictures | None = None
        address = parse_sink(text)
        check_here(address)
        self.name = address.name

    def show(self, frame: Frame) -> None:
        """Take a frame."""
        if self._sink is None:
            sink = open_live_sink(self._text, events=self._events, rate=self._rate())
            assert isinstance(sink, PipePictures), f"{self.name} is no sink of pictures"
            self._sink = sink
        self._sink.show(frame)

    def close(self) -> None:
        """Close the sink, if there has been a picture."""
        if self._sink is not None:
            self._sink.close()
        else:
            self._events.sink_state(self.name, "closed")
