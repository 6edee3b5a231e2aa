"""Queues that do not wait: what is dropped, what is counted, and what always gets through."""

from __future__ import annotations

import threading

import pytest

from vidsr.run.stages.channel import Channel, QueueCounts, QueueRule, WhenFull


def weigh(item: int) -> int:
    """Even numbers are frames, odd ones packets."""
    return int(item % 2 == 0)


def filled(when_full: WhenFull, items: list[int], capacity: int = 2) -> tuple[list[int], list[int]]:
    """What is left in a queue that nobody reads meanwhile, and what was dropped."""
    dropped: list[int] = []
    rule = QueueRule("q", capacity, when_full, weigh, dropped.append)
    channel: Channel[int] = Channel(rule)
    for item in items:
        channel.put(item)
    channel.finish()
    left, frames = list(channel), sum(map(weigh, items))
    assert channel.counts == QueueCounts(frames, len(dropped), sum(map(weigh, left)))
    return left, dropped


@pytest.mark.parametrize(
    ("when_full", "left", "dropped"),
    [
        ("drop_oldest", [1, 3, 5, 6, 7, 8], [0, 2, 4]),
        ("drop_newest", [0, 1, 2, 3, 5, 7], [4, 6, 8]),
    ],
)
def test_frames_are_dropped_and_packets_are_not(
    when_full: WhenFull, left: list[int], dropped: list[int]
) -> None:
    assert filled(when_full, list(range(9))) == (left, dropped)


@pytest.mark.parametrize("when_full", ["wait", "drop_oldest", "drop_newest"])
def test_nothing_is_dropped_where_there_is_room(when_full: WhenFull) -> None:
    assert filled(when_full, list(range(9)), capacity=5) == (list(range(9)), [])


@pytest.mark.parametrize("when_full", ["drop_oldest", "drop_newest"])
def test_a_queue_full_of_packets_drops_a_frame_and_goes_on(when_full: WhenFull) -> None:
    packets = [1] * Channel.LIGHT_ITEMS
    left, dropped = filled(when_full, [0, *packets[1:], 2])
    assert (left, dropped) == {
        "drop_oldest": ([*packets[1:], 2], [0]),
        "drop_newest": ([0, *packets[1:]], [2]),
    }[when_full]


def test_items_that_cannot_be_compared_are_dropped_too() -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise AssertionError("planes have no truth")

        __hash__ = object.__hash__

    channel: Channel[Odd] = Channel(QueueRule("q", 1, "drop_oldest"))
    first, second = Odd(), Odd()
    channel.put(first)
    channel.put(second)
    assert next(iter(channel)) is second


def test_who_drops_may_use_the_queue() -> None:
    """What is dropped is given back outside the lock."""
    free = threading.Event()

    def give_back(_: int) -> None:
        channel.finish()
        free.set()

    channel: Channel[int] = Channel(QueueRule("q", 1, "drop_newest", dropped=give_back))
    channel.put(1)
    channel.put(2)
    assert free.is_set()
    assert list(channel) == [1]
