"""Deliveries of one stream in order, whichever worker is done first."""

from __future__ import annotations

import random
import threading
from functools import partial

from vidsr.live.schedule.outbox import Outbox


def test_what_is_done_early_waits_for_what_came_before() -> None:
    outbox, given = Outbox(), list[int]()
    tickets = [outbox.draw() for _ in range(4)]
    for number in (2, 1, 3):
        outbox.fill(tickets[number], partial(given.append, number))
    assert given == []
    assert not outbox.is_empty
    outbox.fill(tickets[0], lambda: given.append(0))
    assert given == [0, 1, 2, 3]
    assert outbox.is_empty


def test_many_threads_deliver_one_at_a_time_and_in_order() -> None:
    outbox, given, inside = Outbox(), list[int](), threading.Lock()
    tickets = [outbox.draw() for _ in range(400)]
    random.Random(0).shuffle(tickets)

    def deliver(number: int) -> None:
        assert inside.acquire(blocking=False), "two deliveries at once"
        given.append(number)
        inside.release()

    def work(part: list[int]) -> None:
        for ticket in part:
            outbox.fill(ticket, partial(deliver, ticket))

    threads = [threading.Thread(target=work, args=(tickets[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert given == sorted(tickets)
