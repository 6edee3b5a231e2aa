"""Numbers that tell how a picture's luma was coded: shares of small steps and coefficients.

All are shares of whole numbers that are counted exactly, and so are the same on every machine.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from vidsr.video.coding.blind.patches import Patches

Numbers = NDArray[np.float64]
Bytes = NDArray[np.int8]
Sizes = NDArray[np.float32]
Places = NDArray[np.int16]

# A block of 8x8 is flat, textured or has an edge, by how far apart its samples are.
_KINDS = (8, 32)
_STEPS = np.array([1, 2, 3, 5, 9], np.int16)
# Of coefficients of the orthonormal transform, in levels.
_SIZES = (0.5, 1.0, 2.0, 4.0)
_BINS = len(_SIZES) + 1
_GROUPS = 4
_MOST_STEP = 8

# The transforms of H.264, whole numbers near the discrete cosine transform.
_BASIS_4 = np.array([[1, 1, 1, 1], [2, 1, -1, -2], [1, -1, -1, 1], [1, -2, 2, -1]], np.float32)
_BASIS_8 = np.array(
    [
        [8, 8, 8, 8, 8, 8, 8, 8],
        [12, 10, 6, 3, -3, -6, -10, -12],
        [8, 4, -4, -8, -8, -4, 4, 8],
        [10, -3, -12, -6, 6, 12, 3, -10],
        [8, -8, -8, 8, 8, -8, -8, 8],
        [6, -12, 3, 10, -10, -3, 12, -6],
        [4, -8, 8, -4, -4, 8, -8, 4],
        [3, -6, 10, -12, 12, -10, 6, -3],
    ],
    np.float32,
)


def features(cut: Patches) -> Numbers:
    """Return the numbers for one picture.

    Args:
        cut: Its patches in levels of 8 bits, ``[n, 32, 64]``.
    """
    across, down = np.diff(cut, axis=2), np.diff(cut, axis=1)
    kinds = _kinds(cut)
    return np.concatenate(
        [
            _runs(across, down, 1),
            _runs(across, down, 3),
            _steps_by_kind(across, down, kinds),
            _coefficients(cut, 4, kinds),
            _coefficients(cut[:, 2:-2, 2:-2], 4, None),
            _coefficients(cut, 8, kinds),
            _coefficients(cut[:, 4:-4, 4:-4], 8, None),
            _grid(across, down),
            _scales(cut),
        ]
    )


def _kinds(cut: Patches) -> NDArray[np.intp]:
    """Return 0, 1 or 2 for each block of 8x8, ``[n, 4, 8]``."""
    n, height, width = cut.shape
    rows = cut.reshape(n, height // 8, 8, width)
    high, low = rows.max(axis=2), rows.min(axis=2)
    whole = (n, height // 8, width // 8, 8)
    apart = high.reshape(whole).max(axis=3) - low.reshape(whole).min(axis=3)
    found: NDArray[np.intp] = np.digitize(apart, _KINDS)
    return found


@cache
def _alike() -> tuple[NDArray[np.intp], int]:
    """Return a class for each run of three steps: mirrored and negative ones are alike."""
    classes: dict[tuple[int, ...], int] = {}
    table = []
    for run in np.ndindex(5, 5, 5):
        steps = tuple(each - 2 for each in run)
        negative = tuple(-each for each in steps)
        key = min(steps, steps[::-1], negative, negative[::-1])
        table.append(classes.setdefault(key, len(classes)))
    return np.array(table), len(classes)


def _runs(across: Patches, down: Patches, unit: int) -> Numbers:
    """Return roots of the shares of runs of three steps, in units of some levels up to two."""
    counts = np.zeros(125)
    for steps, axis in ((across, 2), (down, 1)):
        whole = np.clip(steps, -3 * unit, 3 * unit).astype(np.int8)  # arithmetic is twice as fast
        if unit > 1:
            whole = np.sign(whole) * ((np.abs(whole) + unit // 2) // unit)
        whole = np.clip(whole, -2, 2)
        one, two, three = (_shifted(whole, axis, i) for i in range(3))
        code = one * np.int8(25) + two * np.int8(5) + three  # -62 to 62
        counts += np.bincount(code.ravel().astype(np.int16) + 62, minlength=125)
    table, classes = _alike()
    found: Numbers = np.sqrt(np.bincount(table, counts, classes) / counts.sum())
    return found


def _shifted(steps: Bytes, axis: int, by: int) -> Bytes:
    until = steps.shape[axis] - 2 + by
    return steps[:, :, by:until] if axis == 2 else steps[:, by:until]


def _steps_by_kind(across: Patches, down: Patches, kinds: NDArray[np.intp]) -> Numbers:
    """Return roots of the shares of sizes of steps inside blocks of each kind, and of the kinds."""
    counts = np.zeros(18)
    each = np.repeat(np.repeat(kinds.astype(np.int8) * 6, 8, axis=1), 8, axis=2)
    table = np.digitize(np.arange(256), _STEPS).astype(np.int8)
    for steps, kind in ((across, each[:, :, 1:]), (down, each[:, 1:])):
        counts += np.bincount((table[np.abs(steps)] + kind).ravel(), minlength=18)
    by_kind = counts.reshape(3, 6)
    total = by_kind.sum(axis=1, keepdims=True)
    shares = by_kind / np.maximum(total, 1)
    found: Numbers = np.sqrt(np.concatenate([shares.ravel(), (total / total.sum()).ravel()]))
    return found


@cache
def _transform(size: int) -> tuple[Sizes, Sizes, Places]:
    """Return a matrix for flat blocks, limits of sizes ``[4, size ** 2]``, and first bins by place.

    Bins are five for each group of frequencies; those of the mean come last, and do not count.
    """
    basis = _BASIS_4 if size == 4 else _BASIS_8
    norms = np.sqrt(np.square(basis).sum(axis=1))
    limits = np.outer(_SIZES, np.outer(norms, norms)).astype(np.float32)
    order = np.add.outer(np.arange(size), np.arange(size)) * (8 // size)
    groups = (np.digitize(order, [1, 4, 7, 10]).ravel() - 1) % (_GROUPS + 1)
    return np.kron(basis, basis).T, limits, (_BINS * groups).astype(np.int16)


def _coefficients(cut: Patches, size: int, kinds: NDArray[np.intp] | None) -> Numbers:
    """Return roots of the shares of sizes of coefficients, by frequency and kind of block."""
    n, height, width = cut.shape
    blocks = cut.astype(np.float32).reshape(n, height // size, size, width // size, size)
    matrix, limits, first = _transform(size)
    # Whole numbers below 2 ** 24: exact in any order.
    values = np.abs(blocks.swapaxes(2, 3).reshape(-1, size * size) @ matrix)
    bins = np.repeat(first[None], len(values), axis=0)
    for limit in limits:
        bins += values >= limit
    all_bins = _BINS * (_GROUPS + 1)
    if kinds is not None:
        each = kinds.repeat(8 // size, axis=1).repeat(8 // size, axis=2).ravel()
        bins += (all_bins * each[:, None]).astype(np.int16)
    kinds_of_blocks = 1 if kinds is None else 3
    counted = np.bincount(bins.ravel(), minlength=kinds_of_blocks * all_bins)
    counts = counted.reshape(kinds_of_blocks, _GROUPS + 1, _BINS)[:, :_GROUPS]
    shares = counts / np.maximum(counts.sum(axis=2, keepdims=True), 1)
    found: Numbers = np.sqrt(shares).ravel()
    return found


def _grid(across: Patches, down: Patches) -> Numbers:
    """Return how far steps at edges of 4, 8 and 16 samples, and at any phase, are from others."""
    found = []
    for steps, axes in ((across, (0, 1)), (down, (0, 2))):
        mean = np.minimum(np.abs(steps), _MOST_STEP).mean(axis=axes)
        mean = np.append(mean, mean.mean())
        for period in (4, 8, 16):
            phases = mean[: len(mean) // period * period].reshape(-1, period).mean(axis=0)
            inner = phases[:-1].mean() if period == 4 else np.median(phases)
            found.append((phases[-2 if period == 16 else -1] - inner) / (mean.mean() + 0.1))
            found.append((phases.max() - inner) / (mean.mean() + 0.1))
    both: Numbers = np.array(found).reshape(2, -1).mean(axis=0)
    return both


def _scales(cut: Patches) -> Numbers:
    """Return how busy the picture is at several distances."""
    found = []
    for by in (1, 2, 4):
        steps = np.abs(cut[:, :, by:] - cut[:, :, :-by]).mean()
        found.append(np.log2(float(steps) + 0.1))
    bend = np.abs(2 * cut[:, 1:-1, 1:-1] - cut[:, :-2, 1:-1] - cut[:, 2:, 1:-1])
    means = bend.reshape(len(cut), -1).mean(axis=1)
    found += [float(np.log2(each + 0.1)) for each in np.quantile(means, (0.1, 0.5, 0.9))]
    return np.array(found)
