"""What a codec did to a picture: the expected error of what was decoded, in levels of 8 bits."""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Literal, get_args

from vidsr.errors import OptionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# How a value was come by: the quantisers of the stream, the quantisation tables of a JPEG, the
# bytes spent on the picture, the look of the picture alone, or the word of whoever handed it over.
Basis = Literal["quantiser", "tables", "bytes", "picture", "given"]
BASES: tuple[Basis, ...] = get_args(Basis)
BLOCK = 16
MOST_LEVELS = 64.0  # that a caller may give: a quarter of full scale, far beyond any codec


@dataclass(frozen=True)
class CodingError:
    """The expected error of a decoded picture against what its encoder was given.

    Attributes:
        levels: Root mean square over the luma of the whole picture, in levels of 8 bits whatever
            the depth: 0 for a clean picture, 2 to 3 for H.264 at CRF 18, 5 to 6 at CRF 28.
        basis: Source of the value.
        blocks: The same for each block of 16x16 pixels, ``[ceil(h / 16), ceil(w / 16)]`` float32;
            None where the stream does not say or the picture was turned.
    """

    levels: float
    basis: Basis
    blocks: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)


def given_error(levels: float | None) -> CodingError | None:
    """Return what a caller says of a picture; None for None.

    Args:
        levels: Root mean square on luma in levels of 8 bits, 0 to ``MOST_LEVELS``.

    Raises:
        OptionError: ``levels`` is no such number.
    """
    if levels is None:
        return None
    given: object = levels
    number = isinstance(given, Real) and not isinstance(given, bool)
    if not (number and 0 <= levels <= MOST_LEVELS):  # NaN fails as well
        raise OptionError(
            f"coding_error = {levels!r}: expected None or 0 to {MOST_LEVELS:g}",
            hint="levels of 8 bits: H.264 at CRF 18 has 2 to 3, at CRF 28 5 to 6.",
        )
    return CodingError(float(levels), "given")
