"""Pieces are given out once, again where they were lost, twice where they are slow."""

from __future__ import annotations

import pytest

from vidsr.clusters.dispatch import HELD_S, LEAST_SLOW_S, MOST_TRIES, Dispatch
from vidsr.clusters.messages import Assignment, Event
from vidsr.errors import DeviceError, InputError, OutputError


class Folder:
    """Pieces that are there."""

    def __init__(self) -> None:
        self.there: set[int] = set()

    def has(self, piece: int) -> bool:
        return piece in self.there


def made(piece: int) -> Event:
    return Event("made", piece, 5)


def test_each_piece_is_given_out_once() -> None:
    dispatch = Dispatch(range(3), Folder().has)
    given = [dispatch.next(0.0) for _ in range(4)]
    assert given == [Assignment(0), Assignment(1), Assignment(2), None]
    for piece in (2, 0, 1):
        assert not dispatch.finished
        dispatch.take(made(piece), 1.0)
    assert dispatch.finished
    assert (dispatch.tally.made, dispatch.tally.frames) == (3, 15)


def test_a_piece_that_others_have_made_is_left_out() -> None:
    folder = Folder()
    dispatch = Dispatch(range(2), folder.has)
    folder.there.add(0)
    assert dispatch.next(0.0) == Assignment(1)
    assert dispatch.next(0.0) is None


def test_a_lost_piece_is_the_next_one_whoever_holds_its_lease() -> None:
    dispatch = Dispatch(range(3), Folder().has)
    assert dispatch.next(0.0) == Assignment(0)
    dispatch.take(Event("lost", 0), 1.0)
    assert dispatch.next(1.0) == Assignment(0, anyway=True)
    assert dispatch.tally.lost == 1


def test_a_piece_that_ends_every_worker_ends_the_run() -> None:
    dispatch = Dispatch([7], Folder().has)
    for _ in range(MOST_TRIES - 1):
        dispatch.next(0.0)
        dispatch.take(Event("lost", 7), 0.0)
    dispatch.next(0.0)
    with pytest.raises(OutputError, match="piece 7: its worker ended 3 times"):
        dispatch.take(Event("lost", 7), 0.0)


def test_a_held_piece_is_looked_at_later() -> None:
    folder = Folder()
    dispatch = Dispatch(range(2), folder.has)
    dispatch.next(0.0)
    dispatch.next(0.0)
    dispatch.take(Event("held", 0), 1.0)
    dispatch.take(made(1), 1.0)
    assert dispatch.next(1.0) is None
    assert not dispatch.finished
    assert dispatch.next(1.0 + HELD_S) == Assignment(0)
    folder.there.add(0)
    dispatch.take(Event("held", 0), 5.0)
    assert dispatch.finished


def test_a_slow_piece_is_given_to_a_second_worker_and_no_third() -> None:
    dispatch = Dispatch(range(3), Folder().has)
    for _ in range(3):
        dispatch.next(0.0)
    for piece in (0, 1):
        dispatch.take(made(piece), 20.0)
    assert dispatch.next(39.0) is None
    assert dispatch.next(41.0) == Assignment(2, anyway=True)
    assert dispatch.next(400.0) is None
    dispatch.take(made(2), 50.0)
    assert dispatch.finished
    dispatch.take(Event("held", 2), 51.0)  # from the slow one, which nobody waits for
    assert dispatch.tally.twice == 1


def test_seconds_are_not_worth_a_second_worker() -> None:
    dispatch = Dispatch(range(2), Folder().has)
    dispatch.next(0.0)
    dispatch.next(0.0)
    dispatch.take(made(0), 0.1)
    assert dispatch.next(LEAST_SLOW_S - 1) is None


def test_one_of_two_workers_may_be_lost() -> None:
    dispatch = Dispatch(range(2), Folder().has)
    dispatch.next(0.0)
    dispatch.next(0.0)
    dispatch.take(made(0), 20.0)
    assert dispatch.next(60.0) == Assignment(1, anyway=True)
    dispatch.take(Event("lost", 1), 61.0)
    assert not dispatch.finished
    dispatch.take(made(1), 62.0)
    assert dispatch.finished


def test_frames_of_pieces_at_work_count() -> None:
    dispatch = Dispatch(range(2), Folder().has)
    dispatch.next(0.0)
    dispatch.take(Event("frames", 0, 3), 0.5)
    dispatch.take(Event("frames", 0, 2), 0.6)  # of a second worker
    dispatch.take(Event("frames", 9, 2), 0.6)  # of a piece that is done
    assert dispatch.frames_at_work == 3
    dispatch.take(made(0), 1.0)
    assert dispatch.frames_at_work == 0


def test_failures_end_the_run_with_their_own_error() -> None:
    dispatch = Dispatch(range(1), Folder().has)
    dispatch.next(0.0)
    failed = Event.of_error("failed", InputError("clip.mp4: is gone", hint="x."), 0, "host, 3")
    with pytest.raises(InputError, match=r"clip.mp4: is gone \(on host, 3\). Hint: x."):
        dispatch.take(failed, 1.0)
    with pytest.raises(DeviceError, match="no head"):
        dispatch.take(Event("broken", error="DeviceError", message="no head"), 1.0)


def test_events_travel_as_lines() -> None:
    event = Event("made", 3, 250, "host, process 4", notes=("a loss",))
    assert Event.from_json(event.to_json()) == event
    unknown = Event("broken", error="SystemExit", message="x")
    assert isinstance(unknown.as_error(), OutputError)
