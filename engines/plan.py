"""What an engine is built for: the shape of what a network sees of a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidsr.engines.engine_key import Profile
from vidsr.engines.facts import NetworkFacts

if TYPE_CHECKING:
    from vidsr.engines.tensorrt_engine import NetworkFacts as PlanFacts


def profile_of(
    facts: NetworkFacts, frame: tuple[int, int], tile: tuple[int, int] | None
) -> Profile:
    """The one shape that frames of (height, width), or windows of them, have for the network.

    Sizes are rounded up to whole steps of its coarsest grid.
    """
    from vidsr.tiling import plan_tiles

    height, width = frame
    if tile is not None:
        window = plan_tiles(*frame, *tile, facts.halo, facts.alignment)[0]
        height, width = (span.stop - span.start for span in (window.rows, window.columns))
    step = facts.alignment
    shape = (1, facts.channels, -(-height // step) * step, -(-width // step) * step)
    return Profile(shape, shape, shape)


def plan_facts(facts: NetworkFacts) -> PlanFacts:
    """The same for :class:`vidsr.engines.tensorrt_engine.TensorRTEngine`."""
    from vidsr.engines.devices import DTYPES
    from vidsr.engines.tensorrt_engine import NetworkFacts as PlanFacts

    return PlanFacts(
        name=facts.name,
        channels=facts.channels,
        scale=facts.scale,
        shuffle=facts.shuffle,
        halo=facts.halo,
        alignment=facts.alignment,
        dtype=DTYPES[facts.precision],
        input_dtype=DTYPES[facts.input_type],
        offset=facts.offset,
        bytes_per_pixel=facts.bytes_per_pixel,
    )
