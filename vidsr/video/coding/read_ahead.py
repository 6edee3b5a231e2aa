"""Reading of packets some way ahead of their decoding, so that their headers are known before."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from vidsr.video.coding.packet_log import LEAST_AHEAD, held_bytes
from vidsr.video.items import Packet

# Packets of pictures that cannot build on others are large, and few of them are needed. Sound
# counts as well: a slide show has minutes of it between two pictures, a short video hours behind.
_MOST_BYTES = 64 << 20

See = Callable[[Packet], None]
Read = Callable[[], "Packet | None"]


class ReadAhead:
    """Packets of all streams in their order, each given when enough of the video's were seen.

    What goes wrong with reading is raised where it would have been: behind the packets before it.

    Attributes:
        enough: True where nothing more has to be read ahead, as behind the end of a part.

    Args:
        read: Function that returns the next packet, None at the end.
        stream: Index of the video.
        see: Receiver of each of the video's packets when it is read; None reads none ahead.
        see_other: Receiver of each of the others, None for nobody.
    """

    def __init__(
        self, read: Read, stream: int, see: See | None, see_other: See | None = None
    ) -> None:
        self._read, self._stream = read, stream
        self._see, self._see_other = see, see_other
        self._held: deque[Packet] = deque()
        self._count = self._bytes = 0
        self.enough = self._ended = False
        self._error: Exception | None = None

    def __iter__(self) -> Iterator[Packet]:
        return self

    def __next__(self) -> Packet:
        """Return the next packet. Raises what reading it raised."""
        if self._see is None:
            return self._next_read()
        while not self._is_full:
            self._read_one()
        if self._held:
            return self._take()
        if self._error is not None:
            raise self._error
        raise StopIteration

    @property
    def _is_full(self) -> bool:
        if self.enough and self._held:
            return True
        stopped = self._ended or self._error is not None
        # One more than is ahead: the packet that is given next.
        return stopped or self._count > LEAST_AHEAD or self._bytes > _MOST_BYTES

    def _next_read(self) -> Packet:
        packet = self._read()
        if packet is None:
            raise StopIteration
        return packet

    def _read_one(self) -> None:
        try:
            packet = self._read()
        except Exception as error:  # raised when it is its turn
            self._error = error
            return
        if packet is None:
            self._ended = True
            return
        self._held.append(packet)
        counts = self._counts(packet)
        self._count += counts
        self._bytes += held_bytes(packet.size, of_video=counts)
        if (see := self._see if counts else self._see_other) is not None:
            see(packet)

    def _take(self) -> Packet:
        packet = self._held.popleft()
        counts = self._counts(packet)
        self._count -= counts
        self._bytes -= held_bytes(packet.size, of_video=counts)
        return packet

    def _counts(self, packet: Packet) -> bool:
        return packet.stream.index == self._stream and packet.size > 0
