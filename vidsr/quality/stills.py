"""Scores of pictures, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from torch import Tensor

from vidsr.quality.gallery import Gallery
from vidsr.quality.methods import Method
from vidsr.quality.metrics.measure import (
    blind_scores,
    least_side,
    luma_of,
    luma_of_original,
    measure,
)
from vidsr.quality.pairs import PicturePair, read_pair
from vidsr.quality.results import ORIGINAL, Row


def score_pictures(
    pairs: Iterable[PicturePair],
    methods: Sequence[Method],
    *,
    scale: int,
    border: int,
    metrics: Sequence[str],
    gallery: Gallery | None = None,
) -> Iterator[Row]:
    """Yield rows of every picture by every method; with NIQE also rows of the original.

    Raises InputError at the first picture that cannot be read or whose sizes do not fit: a mean
    over fewer pictures would look like another model's.
    """
    for pair in pairs:
        original, lr = read_pair(pair, scale, least_side(border))
        outputs = {method.name: method.upscale(lr) for method in methods}
        scores = score_outputs(outputs, original, border=border, metrics=metrics)
        if gallery is not None:
            gallery.add(f"{pair.group} {pair.name}", lr, outputs, original, scores)
        for name, values in scores.items():
            yield Row(pair.group, pair.name, name, values)


def score_outputs(
    outputs: dict[str, Tensor], original: Tensor, *, border: int, metrics: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return scores by method, with those of the original at the end if it has any."""
    reference, grey = luma_of_original(original), original.shape[0] == 1
    scores = {}
    for name, output in outputs.items():
        plane = luma_of(output, original)
        against = measure(plane, reference, border=border, metrics=metrics)
        scores[name] = against | blind_scores(plane, metrics, full_range=grey)
    if own := blind_scores(reference, metrics, full_range=grey):
        scores[ORIGINAL] = own
    return scores
