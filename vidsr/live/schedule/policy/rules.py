"""Numbers of the policy, each with the reason why it is what it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Numbers of the policy.

    Args:
        climb_frames: Consecutive frames with room for the better level before it is taken.
        climb_frame_s: Time that counts for one of these where frames come more slowly.
        climb_least: Least of these, however slowly they come.
        climb_most: The most that relapses make of ``climb_frames``, which double it each time.
        relapse_s: A step down within this time after a step up is a relapse.
        climb_apart_s: Least time between two steps up of one stream.
        climb_budget: Share of a frame's budget that the better level may take.
        full_load: Predicted load, 1 for all workers busy, above which levels are lowered.
        climb_load: Load that a step up may lead to. The gap to ``full_load`` keeps small errors of
            the predictions from moving levels to and fro.
        replan_s: Least time between two looks at the load of all streams.
        credit_rounds: Rounds of its share that a stream may save up.
        waiting_frames: Frames that a stream may have waiting where it upscales all of them.
        trial_frames: Frames of a trial, in which a stream shows whether it stands still: a level
            that reuses is taken without room for whole frames, by one stream at a time.
        trial_blind: How many of these say nothing: a level that has not run has nothing to reuse.
        trial_share: What is taken to change of a frame until the trial has shown it.
        measure_s: Time after which the level above is measured anew, beside the live frames, where
            what is known of it keeps a stream below while the workers have little to do: it may
            be of a busy hour. Every relapse doubles the time.
        measure_doublings: The most of these.
        measure_load: Load up to which that is done.
        measure_part: Share of one worker's time that it may take.
        probe_s: Time in which every frame was dropped as late, after which one is tried.
        batch_sizes: Sizes of batches, growing; engines are made for these.
        batch_wait_s: Longest time that a batch waits for another frame.
        batch_wait_share: The same as a share of the interval between frames.
    """

    climb_frames: int = 50
    climb_frame_s: float = 0.04
    climb_least: int = 10
    climb_most: int = 800
    relapse_s: float = 10.0
    climb_apart_s: float = 1.0
    climb_budget: float = 0.7
    full_load: float = 1.0
    climb_load: float = 0.92
    replan_s: float = 0.1
    credit_rounds: float = 3.0
    waiting_frames: int = 4
    trial_frames: int = 6
    trial_blind: int = 2
    trial_share: float = 0.1
    measure_s: float = 2.0
    measure_doublings: int = 4
    measure_load: float = 0.6
    measure_part: float = 0.05
    probe_s: float = 1.0
    batch_sizes: tuple[int, ...] = (1, 2, 4, 8)
    batch_wait_s: float = 0.002
    batch_wait_share: float = 0.1


STANDARD = Rules()
