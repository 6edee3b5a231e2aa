"""Tiles of networks whose reach is not known: neighbours overlap and fade into each other.

The result has no seams, but is not that of the whole picture: see ``tiling.is_exact``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from vidsr.engines.tile_spans import Span

Window = tuple[Span, Span]  # rows and columns


def blend(windows: Sequence[Window], results: Iterable[Tensor], grow: int) -> Tensor:
    """Return the picture that the results of overlapping windows make together.

    The weight of a result rises linearly from a cut edge of its window over the whole overlap with
    the neighbour, and where windows meet, weights are scaled to a sum of one.

    Args:
        windows: Cover a picture as a grid, in pixels of the input.
        results: What an engine gives for each window, [N, C, h, w], ``grow`` times as large. Each
            is read before the next one is asked for.
        grow: Samples of a result for a pixel of the input.
    """
    rows = _weights({window[0] for window in windows}, grow)
    columns = _weights({window[1] for window in windows}, grow)
    height, width = (max(span.stop for span in spans) * grow for spans in (rows, columns))
    out: Tensor | None = None
    for (down, across), result in zip(windows, results, strict=True):
        if out is None:
            out, dtype = result.new_zeros(*result.shape[:2], height, width).float(), result.dtype
        weight = rows[down][:, None] * columns[across][None, :]
        there = out[
            ...,
            down.start * grow : down.stop * grow,
            across.start * grow : across.stop * grow,
        ]
        there += result.float() * weight.to(result.device)
    assert out is not None
    return out.to(dtype)


def _weights(spans: Iterable[Span], grow: int) -> dict[Span, Tensor]:
    """Return the weight of each sample of each window along an axis, float32."""
    ordered = sorted(spans, key=lambda span: span.start)
    raised = [_trapezoid(span, ordered, grow) for span in ordered]
    total = torch.zeros(ordered[-1].stop * grow, dtype=torch.float64)
    for span, weight in zip(ordered, raised, strict=True):
        total[span.start * grow : span.stop * grow] += weight
    return {
        span: (weight / total[span.start * grow : span.stop * grow]).float()
        for span, weight in zip(ordered, raised, strict=True)
    }


def _trapezoid(span: Span, spans: Sequence[Span], grow: int) -> Tensor:
    """Return weights that rise over the overlap with each neighbour; 1 to the picture's border."""
    length = (span.stop - span.start) * grow
    at = torch.arange(length, dtype=torch.float64) + 0.5
    weight = torch.ones(length, dtype=torch.float64)
    before = max((other.stop for other in spans if other.start < span.start), default=span.start)
    after = min((other.start for other in spans if other.start > span.start), default=span.stop)
    if before > span.start:
        weight = torch.minimum(weight, at / ((before - span.start) * grow))
    if after < span.stop:
        weight = torch.minimum(weight, (length - at) / ((span.stop - after) * grow))
    return weight
