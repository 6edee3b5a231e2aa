"""The queue of a sink: bounded, and led by a key frame after every gap."""

from __future__ import annotations

from vidsr.live.base.items import CLOCK_HZ, CodedPacket
from vidsr.live.sinks.packet_queue import PacketQueue

STEP = CLOCK_HZ // 25


def video(number: int, *, key: bool = False, size: int = 1) -> CodedPacket:
    return CodedPacket(bytes(size), "video", number * STEP, number * STEP, key=key)


def sound(number: int) -> CodedPacket:
    return CodedPacket(b"s", "sound", number * STEP, number * STEP, key=True)


def drained(queue: PacketQueue) -> list[int]:
    packets = []
    while (packet := queue.get(0.0)) is not None:
        packets.append(packet.pts // STEP)
    return packets


def test_nothing_before_a_key_frame_and_it_is_asked_for_now_and_then() -> None:
    queue = PacketQueue()
    answers = [queue.put(video(number)) for number in range(20)]
    assert all(dropped == 1 for dropped, _ in answers)
    assert [number for number, (_, asks) in enumerate(answers) if asks] == [0, 13]
    assert queue.put(sound(20)) == (0, False)
    assert queue.put(video(21, key=True)) == (0, False)
    assert queue.put(sound(22)) == (0, False)
    assert drained(queue) == [21, 22]


def test_a_full_queue_is_emptied_and_begins_with_a_key_frame() -> None:
    queue = PacketQueue(limit_s=2.0)
    dropped = [queue.put(video(n, key=n in (0, 60)))[0] for n in range(62)]
    # 0 to 50 are two seconds; number 51 does not fit any more.
    assert dropped == [0] * 51 + [52] + [1] * 8 + [0, 0]
    assert sum(dropped) + len(queue) == 62
    assert drained(queue) == [60, 61]


def test_a_key_frame_is_asked_for_where_packets_are_lost() -> None:
    queue = PacketQueue(limit_bytes=10)
    queue.put(video(0, key=True, size=8))
    assert queue.put(video(1, size=8)) == (2, True)
    assert queue.put(video(2, size=8)) == (1, False)


def test_a_paused_queue_drops_all_and_asks_for_nothing() -> None:
    queue = PacketQueue()
    queue.put(video(0, key=True))
    assert queue.pause() == 1
    assert queue.put(video(1, key=True)) == (1, False)
    assert queue.resume()
    assert not queue.resume()
    assert queue.put(video(2)) == (1, True)
    assert queue.put(video(3, key=True)) == (0, False)
    assert drained(queue) == [3]


def test_what_is_there_can_be_had_after_the_end() -> None:
    queue = PacketQueue()
    queue.put(video(0, key=True))
    queue.close()
    assert queue.closed
    assert drained(queue) == [0]
