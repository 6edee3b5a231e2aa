"""A network in an ONNX file, tried on a drawn scene: which contract it keeps.

Whoever trained it knew range and order of its numbers; files seldom say. Every reading is tried,
and the one under which the network makes the scene larger wins.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vidsr.models.onnx_networks.contract import Contract, End, Order, ValueRange
from vidsr.models.onnx_networks.ends import Array, from_network, to_network
from vidsr.models.onnx_networks.runtime import first_line
from vidsr.models.onnx_networks.scene import (
    LARGEST_DB,
    Picture,
    draw,
    faithfulness_db,
    likeness_db,
    luma,
)
from vidsr.models.onnx_networks.statement import (
    FORMAT_KEY,
    RANGE_KEY,
    STATED_ORDERS,
    STATED_RANGES,
)

SIDES = (32, 64, 128)  # of the scene, the first that the network takes
MULTIPLES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128)
LEAST_DB = 20.0  # below, it is no picture made larger; bicubic interpolation reaches 24 to 30
TIE_DB = 0.5  # readings nearer than that are equally good
# A network that takes and gives BGR treats RGB nearly as well: only a clear gain tells.
ORDER_DB = 3.0
PATIENCE_S = 30.0  # after which no further reading is tried
LARGEST_SCALE = 16
RANGES: tuple[ValueRange, ...] = ("unit", "byte", "signed")


FOLDS = (2, 3, 4)
"""Factors of pixel shuffles that a file may leave to whoever runs it."""


class Refusal(Exception):
    """Error of a network that turns no picture into a larger one; the text says why."""


@dataclass(frozen=True)
class Face:
    """One end as the file declares it: name, type, and sizes, None for what is open."""

    name: str
    type: str
    sizes: tuple[int | None, ...]


class Network:
    """A session that is tried. ``run`` takes and gives arrays as the network has them."""

    def __init__(self, session: Any, taken: Face, given: Face) -> None:
        self._session, self.taken, self.given = session, taken, given

    def run(self, x: Array) -> Array:
        result: Array = self._session.run([self.given.name], {self.taken.name: x})[0]
        return result


@dataclass(frozen=True)
class Reading:
    """One way to understand both ends, and what came of it."""

    input: End
    output: End
    likeness_db: float
    faithfulness_db: float
    rank: int

    @property
    def score_db(self) -> float:
        """Number by which readings are compared."""
        return (self.likeness_db + self.faithfulness_db) / 2


def find_contract(network: Network, metadata: Mapping[str, str]) -> Contract:
    """Return the contract of a network. Raises Refusal."""
    taken, given = _declared(network)
    side, scale = _first_size(network, taken, given)
    readings = _readings(network, taken, given, metadata, side, scale)
    best, rivals = choose(readings)
    if best.likeness_db <= -LARGEST_DB:
        raise Refusal("it gives numbers that are not finite, at every range")
    if best.likeness_db < LEAST_DB:
        raise Refusal(
            f"it makes no picture larger: at best {best.likeness_db:.1f} dB from a drawn scene, "
            f"expected {LEAST_DB:g} or more, whatever the range and the order of channels"
        )
    contract = Contract(
        input=best.input,
        output=best.output,
        scale=scale,
        fixed_size=_fixed(network.taken.sizes, taken),
        fixed_batch=network.taken.sizes[0] or 1,
        likeness_db=round(best.likeness_db, 1),
        rivals=rivals,
    )
    return contract if contract.fixed_size else _with_sizes(network, contract, side)


def _declared(network: Network) -> tuple[End, End]:
    """Return both ends, ranges and orders still open. Raises Refusal."""
    ends = []
    for face, what in ((network.taken, "input"), (network.given, "output")):
        if face.type not in ("float32", "float16", "uint8"):
            raise Refusal(f"its {what} holds {face.type}, expected float32, float16 or uint8")
        if len(face.sizes) != 4:
            raise Refusal(f"its {what} has {len(face.sizes)} axes, expected N, C, H and W")
        ends.append(End(name=face.name, type=face.type))  # type: ignore[arg-type]
    sizes = network.taken.sizes
    if sizes[1] in (1, 3):
        channels = sizes[1]
    elif sizes[3] in (1, 3):
        channels = sizes[3]
        ends = [replace(end, layout="nhwc") for end in ends]
    elif sizes[1] is None and sizes[3] is None:
        channels = 3
    else:
        raise Refusal(f"it takes {_many(sizes)}, expected 1 or 3 channels")
    if (sizes[0] or 1) > 64:
        raise Refusal(f"it takes {sizes[0]} pictures at once, expected 64 at most")
    order: Order = "luma" if channels == 1 else "rgb"
    return replace(ends[0], order=order), replace(ends[1], order=order)


def _many(sizes: tuple[int | None, ...]) -> str:
    return "x".join(str(size or "?") for size in sizes)


def _fixed(sizes: tuple[int | None, ...], end: End) -> tuple[int, int] | None:
    """Return height and width where the file declares them; an open one equals the other."""
    height, width = sizes[2:] if end.layout == "nchw" else sizes[1:3]
    if height is None and width is None:
        return None
    return height or width or 1, width or height or 1


def _first_size(network: Network, taken: End, given: End) -> tuple[tuple[int, int], int]:
    """Return the size of the scene and the scale. Raises Refusal."""
    fixed = _fixed(network.taken.sizes, taken)
    sizes = [fixed] if fixed else [(side, side) for side in SIDES]
    reason = ""
    for size in sizes:
        try:
            return size, _scale(network, taken, given, size)
        except Refusal:
            raise
        except Exception as error:  # of ONNX Runtime, which has no common base
            reason = reason or first_line(error)
    shown = " or ".join(f"{w}x{h}" for h, w in sizes)
    raise Refusal(f"it takes no picture of {shown}: {reason}")


def _scale(network: Network, taken: End, given: End, size: tuple[int, int]) -> int:
    low, _ = _scene(size, 1, taken)
    result = network.run(to_network(_batch(low, network), taken))
    shape = from_network(result, given).shape if result.ndim == 4 else result.shape
    channels = low.shape[0]
    if len(shape) != 4 or shape[1] != channels:
        folded = shape[2:] == size and shape[1] in [channels * n * n for n in FOLDS]
        why = ", a picture before its pixel shuffle" if folded else ""
        raise Refusal(
            f"it gives {_many(result.shape)} for {channels} channels of {size[1]}x{size[0]}{why}"
        )
    scale = int(shape[2]) // size[0]
    if scale < 1 or scale > LARGEST_SCALE or shape[2:] != (size[0] * scale, size[1] * scale):
        raise Refusal(
            f"it gives {shape[3]}x{shape[2]} for {size[1]}x{size[0]}, expected a whole multiple "
            f"up to {LARGEST_SCALE}"
        )
    return scale


def _scene(size: tuple[int, int], scale: int, end: End) -> tuple[Picture, Picture]:
    low, high = draw(*size, scale)
    return (luma(low), luma(high)) if end.order == "luma" else (low, high)


def _batch(picture: Picture, network: Network) -> Array:
    return np.repeat(picture[None], network.taken.sizes[0] or 1, axis=0)


def _readings(
    network: Network,
    taken: End,
    given: End,
    metadata: Mapping[str, str],
    size: tuple[int, int],
    scale: int,
) -> list[Reading]:
    """Try every reading that the file leaves open."""
    low, high = _scene(size, scale, taken)
    found: list[Reading] = []
    start = time.monotonic()
    outputs = list(_ends(given, {}))
    for entered in _ends(taken, metadata):
        if found and time.monotonic() - start > PATIENCE_S:
            break
        raw = network.run(to_network(_batch(low, network), entered))
        for left in outputs:
            picture = from_network(raw, left)[0]
            rank = _rank(entered, left)
            like, faithful = likeness_db(picture, high), faithfulness_db(picture, low)
            found.append(Reading(entered, left, like, faithful, rank))
    return found


def _ends(end: End, metadata: Mapping[str, str]) -> Iterator[End]:
    """Yield the readings of one end, likely ones first."""
    stated_range = STATED_RANGES.get(metadata.get(RANGE_KEY, ""))
    stated_order = STATED_ORDERS.get(metadata.get(FORMAT_KEY, ""))
    ranges: tuple[ValueRange, ...] = (stated_range,) if stated_range else RANGES
    if end.type == "uint8":
        ranges = ("byte",)
    orders: tuple[Order, ...] = ("rgb", "bgr")
    if end.order == "luma":
        orders = ("luma",)
    elif stated_order:
        orders = (stated_order,)
    for value_range in ranges:
        for order in orders:
            yield replace(end, range=value_range, order=order)


def _rank(entered: End, left: End) -> int:
    """Return how unusual a reading is; equal ends and RGB of unit range come first."""
    return (
        8 * (entered.order != left.order)
        + 4 * (entered.range != left.range)
        + 2 * RANGES.index(entered.range) * (entered.type != "uint8")
        + (left.order == "bgr")
    )


def choose(readings: list[Reading]) -> tuple[Reading, tuple[str, ...]]:
    """Return the best reading, and in words what else is as likely."""
    top = max(each.score_db for each in readings)
    near = [each for each in readings if each.score_db >= top - TIE_DB]
    best = min(near, key=lambda each: each.rank)
    plain = _swapped(readings, best)
    if plain is not None and best.input.order == "bgr" == best.output.order:
        best = plain if best.score_db - plain.score_db < ORDER_DB else best
    rivals = []
    other = _swapped(readings, best)
    if other is not None and abs(best.score_db - other.score_db) < ORDER_DB:
        rivals.append("the order of channels makes no clear difference, RGB is taken")
    ranges = {
        each.input.range
        for each in near
        if each.input.range != best.input.range and each.output.range == each.input.range
    }
    if ranges:
        rivals.append(f"a range of {' or '.join(sorted(ranges))} fits as well")
    return best, tuple(rivals)


def _swapped(readings: list[Reading], one: Reading) -> Reading | None:
    """Return the reading that swaps red and blue at both ends; None where it was not tried."""
    if one.input.order != one.output.order or one.input.order == "luma":
        return None
    order: Order = "rgb" if one.input.order == "bgr" else "bgr"
    wanted = replace(one.input, order=order), replace(one.output, order=order)
    return next((each for each in readings if (each.input, each.output) == wanted), None)


def _with_sizes(network: Network, contract: Contract, side: tuple[int, int]) -> Contract:
    """Return the contract with the sizes that the network takes."""
    multiple = next((m for m in MULTIPLES if _takes(network, contract, _odd(m, side[0]))), None)
    if multiple is None:  # traced for one size, whatever it declares
        return replace(contract, fixed_size=side)
    sides = [multiple * n for n in (1, 2, 4, 8, 16, 32, 64, 128)]
    minimum = next((s for s in sides if _takes(network, contract, (s, s))), side[0])
    return replace(contract, multiple=multiple, minimum=minimum)


def _odd(multiple: int, side: int) -> tuple[int, int]:
    """Return a size near ``side`` of odd multiples, which is no multiple of anything larger."""
    count = max(1, side // multiple) | 1
    return multiple * count, multiple * (count + 2)


def _takes(network: Network, contract: Contract, size: tuple[int, int]) -> bool:
    low, _ = _scene(size, 1, contract.input)
    try:
        raw = network.run(to_network(_batch(low, network), contract.input))
    except Exception:  # of ONNX Runtime, which has no common base
        return False
    shape = from_network(raw, contract.output).shape if raw.ndim == 4 else raw.shape
    return shape[2:] == (size[0] * contract.scale, size[1] * contract.scale)
