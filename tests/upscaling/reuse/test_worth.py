"""The judge of reuse: gives up after a row of failures, tries again, and is not fooled by one."""

from __future__ import annotations

from vidsr.upscaling.reuse.worth import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, RETRIES, Worth


def measured() -> Worth:
    """Return a judge that knows a whole frame to take a second."""
    worth = Worth()
    for _ in range(2):
        worth.whole(1.0, compared=False)
    return worth


def paused_for(worth: Worth) -> int:
    """Return how many frames pass until one is compared."""
    frames = 0
    while not worth.next_frame():
        frames += 1
    return frames


def test_the_first_frame_is_too_slow_to_count() -> None:
    worth = Worth()
    worth.whole(60.0, compared=False)
    assert not worth.measured
    worth.whole(1.0, compared=False)
    assert worth.measured


def test_pauses_grow_while_nothing_comes_of_it() -> None:
    worth, pauses = measured(), []
    for turn in range(6):
        for _ in range(RETRIES if turn else FAILURES):
            assert worth.next_frame()
            worth.whole(1.0, compared=True)
        assert worth.paused
        pauses.append(paused_for(worth))
    assert pauses == [FIRST_PAUSE, 50, 100, 200, LONGEST_PAUSE, LONGEST_PAUSE]


def test_key_frames_are_no_reason_to_pause() -> None:
    worth = measured()
    for number in range(200):
        assert worth.next_frame()
        if number % 2:
            worth.parts(0.2)
        else:
            worth.whole(1.0, compared=True)
    assert not worth.paused


def test_parts_that_take_as_long_as_the_whole_count_as_failures() -> None:
    worth = measured()
    for _ in range(FAILURES):
        worth.parts(1.2)
    assert worth.paused
    assert paused_for(worth) == FIRST_PAUSE
    worth.parts(0.3)
    assert not worth.paused
