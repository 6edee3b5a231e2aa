"""Pictures and tensors in device memory, described in plain numbers for the CUDA C++ kernels.

Every stride is in bytes, as in numpy. Nothing but the standard library is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vidsr.errors import OptionError

FloatType = Literal["float16", "float32"]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Meaning of a picture's codes, in plain numbers; sizes in pixels.

    ``subsampling`` is (across, down) and ``cosited`` says for both whether chroma sample 0 lies on
    luma sample 0 (else between 0 and 1); (0, 0) is luma alone. ``kr`` and ``kb`` are the luma
    weights of red and blue. ``high_bits`` puts codes in the high bits of 16, as P010 does.
    Raises OptionError for what the kernels cannot do.
    """

    width: int
    height: int
    depth: int = 8
    subsampling: tuple[int, int] = (2, 2)
    cosited: tuple[bool, bool] = (True, False)
    kr: float = 0.2126
    kb: float = 0.0722
    full_range: bool = False
    high_bits: bool = False

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise OptionError(f"picture of {self.width}x{self.height}: expected 1x1 or more")
        if not 8 <= self.depth <= 16:
            raise OptionError(f"depth = {self.depth}: expected 8 to 16 bits")
        if self.subsampling not in ((2, 2), (2, 1), (1, 1), (0, 0)):
            raise OptionError(
                f"subsampling = {self.subsampling}: expected (2, 2), (2, 1), (1, 1), (0, 0)"
            )

    @property
    def sample_bytes(self) -> int:
        return 1 if self.depth == 8 else 2

    @property
    def plane_sizes(self) -> list[tuple[int, int]]:
        """(height, width) of Y and, unless luma is alone, of Cb and Cr."""
        across, down = self.subsampling
        if not across:
            return [(self.height, self.width)]
        chroma = (-(-self.height // down), -(-self.width // across))
        return [(self.height, self.width), chroma, chroma]

    @property
    def packed_bytes(self) -> int:
        """Bytes of all samples."""
        return sum(h * w for h, w in self.plane_sizes) * self.sample_bytes


@dataclass(frozen=True)
class Plane:
    """Device memory of one component; strides in bytes to the next picture, row and sample.

    An interleaved CbCr plane is two of these, one sample apart, with ``sample`` two samples.
    """

    address: int
    picture: int
    row: int
    sample: int


@dataclass(frozen=True)
class Floats:
    """Device memory of ``[N, C, H, W]``; strides in bytes along each of the axes."""

    address: int
    picture: int
    channel: int
    row: int
    pixel: int

    @classmethod
    def packed(
        cls,
        address: int,
        shape: tuple[int, int, int],
        dtype: FloatType,
        *,
        channels_last: bool = False,
    ) -> Floats:
        """Return dense memory of ``shape`` = (C, H, W) a picture, in order NCHW or NHWC."""
        channels, height, width = shape
        size = 2 if dtype == "float16" else 4
        picture = channels * height * width * size
        if channels_last:
            return cls(address, picture, size, width * channels * size, channels * size)
        return cls(address, picture, height * width * size, width * size, size)


def packed_planes(
    picture: Picture, address: int, *, semi_planar: bool = False
) -> tuple[Plane, ...]:
    """Return planes that follow one another without gaps, as do the pictures of a batch.

    ``semi_planar`` interleaves Cb and Cr (nv12, p010, nv16).
    """
    size, stride = picture.sample_bytes, picture.packed_bytes
    planes, start = [], address
    for number, (height, width) in enumerate(picture.plane_sizes):
        if semi_planar and number:
            first = address + picture.width * picture.height * size
            planes.append(Plane(first + (number - 1) * size, stride, 2 * width * size, 2 * size))
        else:
            planes.append(Plane(start, stride, width * size, size))
        start += height * width * size
    return tuple(planes)
