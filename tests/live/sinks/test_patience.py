"""Sinks that are waited for: nothing is dropped, and the end of the stream ends the waiting."""

from __future__ import annotations

import threading
import time

from vidsr.live.base.items import CLOCK_HZ, CodedPacket
from vidsr.live.sinks.packet_queue import PacketQueue
from vidsr.live.sinks.patience import Patience


def packet(second: int) -> CodedPacket:
    return CodedPacket(b"p", "video", second * CLOCK_HZ, second * CLOCK_HZ, CLOCK_HZ, key=True)


def test_a_full_queue_is_waited_for_until_the_end() -> None:
    patience = Patience()
    queue = PacketQueue(limit_s=2.0, patience=patience)
    dropped: list[int] = []

    def write() -> None:
        dropped.extend(queue.put(packet(number))[0] for number in range(12))

    writer = threading.Thread(target=write)
    writer.start()
    got = [queue.get(5) for _ in range(6)]
    assert [each.pts // CLOCK_HZ for each in got if each] == list(range(6))
    time.sleep(0.3)
    assert writer.is_alive()
    assert not any(dropped)
    patience.end()
    writer.join(60)
    assert not writer.is_alive()
    assert sum(dropped) > 0
