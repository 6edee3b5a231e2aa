"""What a codec did to a picture: the expected error of what was decoded, in levels of 8 bits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

# How a value was come by: the quantisers of the stream, the quantisation tables of a JPEG, the
# bytes spent on the picture, or the look of the picture alone.
Basis = Literal["quantiser", "tables", "bytes", "picture"]
BASES: tuple[Basis, ...] = get_args(Basis)
BLOCK = 16


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
