"""One frame enlarged: exact code values, chroma where it is sited, any format into any other."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.doubles.stub_engine import StubEngine
from vidsr.engines.engine import Engine
from vidsr.errors import InputError
from vidsr.picture import chroma, conversion
from vidsr.picture.color import ColorSpec, Siting, chroma_position
from vidsr.picture.frame import Family, Frame, PixelFormat, VideoFormat
from vidsr.picture.size import Size
from vidsr.upscaling import transform

CPU = torch.device("cpu")
SUBSAMPLINGS = {"420": (2, 2), "422": (2, 1), "444": (1, 1)}
SITINGS: tuple[Siting, ...] = ("left", "topleft", "center")


class Nearest(StubEngine):
    """An engine that repeats every sample ``scale`` times each way: its results are known."""

    def __init__(self, channels: int, scale: int = 2, **fields: Any) -> None:
        super().__init__("nearest", channels, scale, dtype=torch.float32, **fields)

    def run(self, x: Tensor) -> Tensor:
        return super().run(x).contiguous(memory_format=torch.channels_last)


def layout(
    width: int,
    height: int,
    kind: str = "420",
    *,
    depth: int = 8,
    full: bool = False,
    siting: Siting = "left",
    matrix: int = 1,
) -> VideoFormat:
    family: Family = "yuv"
    if kind in ("gray", "rgb"):
        family = "gray" if kind == "gray" else "rgb"
    color = ColorSpec(matrix=matrix, range=2 if full else 1, siting=siting)
    if family == "rgb":
        color = transform.RGB_FULL
    return VideoFormat(
        width, height, PixelFormat(family, depth, SUBSAMPLINGS.get(kind, (1, 1))), color
    )


def times(source: VideoFormat, scale: int) -> VideoFormat:
    return replace(source, width=source.width * scale, height=source.height * scale)


def flat(source: VideoFormat, codes: tuple[int, ...]) -> Frame:
    """A picture of one colour: one code value a plane."""
    dtype = source.pixel.dtype
    sizes = zip(source.plane_sizes, codes, strict=False)
    planes = (torch.full(size, code, dtype=torch.int32).to(dtype) for size, code in sizes)
    return Frame(tuple(planes), source, 7)


def noise(source: VideoFormat, seed: int = 0) -> Frame:
    random = np.random.default_rng(seed)
    dtype = np.uint8 if source.pixel.depth == 8 else np.uint16
    shapes = source.plane_sizes
    planes = (random.integers(0, 2**source.pixel.depth, s).astype(dtype) for s in shapes)
    return Frame(tuple(map(torch.from_numpy, planes)), source, 7)


def enlarge(frame: Frame, target: VideoFormat, engine: Engine) -> Frame:
    before = [p.clone() for p in frame.planes]
    result = transform.enlarge(frame, target, engine, None)
    assert all(torch.equal(*pair) for pair in zip(frame.planes, before, strict=True))
    assert (result.format, result.pts) == (target, frame.pts)
    assert [tuple(p.shape) for p in result.planes] == target.plane_sizes
    assert {p.dtype for p in result.planes} == {target.pixel.dtype}
    return result


def codes(frame: Frame) -> list[list[int]]:
    """The values that occur in each plane."""
    return [sorted(set(p.to(torch.int32).flatten().tolist())) for p in frame.planes]


def repeated(plane: Tensor, scale: int) -> Tensor:
    wide = plane.to(torch.int32).repeat_interleave(scale, 0)
    return wide.repeat_interleave(scale, 1)


FORMATS = [
    layout(6, 5, kind, depth=depth, full=full, siting=siting)
    for kind, depth, full, siting in itertools.product(
        ("420", "422", "444", "gray"), (8, 10, 12, 16), (False, True), SITINGS
    )
    if kind == "420" or siting == "left"
]


def name(value: object) -> str | None:
    if not isinstance(value, VideoFormat):
        return None
    return f"{value.pixel.name}-{value.color.siting}-{'full' if value.color.full_range else 'tv'}"


@pytest.mark.parametrize("source", FORMATS, ids=name)
@pytest.mark.parametrize("scale", [2, 4])
def test_luma_engines_keep_flat_pictures_to_the_code(source: VideoFormat, scale: int) -> None:
    """Every luma code down to the footroom, every chroma code: nothing clips, nothing rounds."""
    top = 2**source.pixel.depth - 1
    for luma, cb, cr in ((0, 0, top), (top, top, 0), (top // 3, top // 5, top // 2 + 1)):
        frame = flat(source, (luma, cb, cr))
        assert codes(enlarge(frame, times(source, scale), Nearest(1, scale))) == codes(frame)


@pytest.mark.parametrize("depth", [8, 10, 12, 16])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 2), (2, 3), (3, 3), (17, 9), (64, 21)])
def test_luma_code_values_pass_exactly(depth: int, full: bool, size: tuple[int, int]) -> None:
    source = layout(*size, depth=depth, full=full)
    frame = noise(source)
    for scale in (2, 4):
        result = enlarge(frame, times(source, scale), Nearest(1, scale))
        assert torch.equal(result.planes[0].to(torch.int32), repeated(frame.planes[0], scale))


@pytest.mark.parametrize("depth", [8, 10, 12, 16])
def test_rgb_code_values_pass_exactly_through_a_colour_engine(depth: int) -> None:
    source = layout(5, 3, "rgb", depth=depth)
    frame = noise(source)
    result = enlarge(frame, times(source, 2), Nearest(3))
    for old, new in zip(frame.planes, result.planes, strict=True):
        assert torch.equal(new.to(torch.int32), repeated(old, 2))


@pytest.mark.parametrize("depth", [8, 10, 16])
@pytest.mark.parametrize("kind", ["420", "422", "444"])
@pytest.mark.parametrize("full", [False, True])
def test_a_colour_engine_keeps_flat_colours(depth: int, kind: str, full: bool) -> None:
    """Colours inside the RGB cube come back within one code: RGB is float32 in between."""
    source = layout(7, 5, kind, depth=depth, full=full)
    unit = 2 ** (depth - 8)
    for colour in ((120, 128, 128), (100, 110, 140), (150, 140, 120), (16, 128, 128)):
        frame = flat(source, tuple(c * unit for c in colour))
        result = enlarge(frame, times(source, 2), Nearest(3))
        for old, new in zip(codes(frame), codes(result), strict=True):
            assert len(new) == 1
            assert abs(new[0] - old[0]) <= (1 if depth == 16 else 0)


@pytest.mark.parametrize("kind", ["420", "422", "444"])
@pytest.mark.parametrize("siting", SITINGS)
@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("size", [(40, 32), (41, 33)])
def test_chroma_lands_where_it_is_sited(
    kind: str, siting: Siting, scale: int, size: tuple[int, int]
) -> None:
    """A ramp over the picture stays that ramp over the larger one.

    Cubic interpolation reproduces a straight line; near the border it meets repeated samples.
    At 16 bits half a code of rounding is 1/500 of a sample here, siting errors are 1/8 and more.
    """
    source = layout(*size, kind, depth=16, siting=siting)
    target = times(source, scale)
    slope = 512.0

    def ramp(form: VideoFormat, axis: int, per_pixel: float, shift: float) -> Tensor:
        """Code 8000 at the left or upper edge of the picture, rising along ``axis``."""
        height, width = form.plane_sizes[1]
        step = form.pixel.subsampling[1 - axis]
        first = float(chroma_position(step, "y" if axis == 0 else "x", form.color.siting))
        centre = first + step * np.arange((height, width)[axis]) + shift  # in luma samples
        line = 8000 + slope * per_pixel * (centre + 0.5)
        grid = line[:, None] if axis == 0 else line[None, :]
        return torch.from_numpy(np.broadcast_to(grid, (height, width)).copy())

    cb, cr = (ramp(source, axis, 1.0, 0.0) for axis in (1, 0))
    luma = torch.zeros(source.plane_sizes[0])
    frame = Frame(tuple(p.round().to(torch.uint16) for p in (luma, cb, cr)), source, 7)
    result = enlarge(frame, target, Nearest(1, scale))
    edge = 3 * scale
    for axis, plane in ((1, result.planes[1]), (0, result.planes[2])):
        wanted = ramp(target, axis, 1 / scale, 0.0)
        inner = (slice(edge, -edge), slice(edge, -edge))
        torch.testing.assert_close(plane.double()[inner], wanted[inner], rtol=0, atol=1.5)


@pytest.mark.parametrize(
    ("old", "new"), list(itertools.product(["420", "422", "444"], ["420", "422", "444"]))
)
@pytest.mark.parametrize("sitings", list(itertools.product(SITINGS, SITINGS)), ids="-".join)
def test_chroma_moves_to_another_grid(old: str, new: str, sitings: tuple[Siting, Siting]) -> None:
    """Siting and subsampling may change on the way; a ramp shows any shift."""
    source = layout(48, 40, old, depth=16, siting=sitings[0])
    target = times(layout(48, 40, new, depth=16, siting=sitings[1]), 2)

    def ramp(form: VideoFormat, scale: int) -> Tensor:
        height, width = form.plane_sizes[1]
        step = form.pixel.subsampling[0]
        first = float(chroma_position(step, "x", form.color.siting))
        line = 9000 + 512 * (first + step * np.arange(width) + 0.5) / scale
        return torch.from_numpy(np.broadcast_to(line, (height, width)).copy())

    cb = ramp(source, 1).round().to(torch.uint16)
    frame = Frame((torch.zeros(source.plane_sizes[0], dtype=torch.uint16), cb, cb), source)
    result = enlarge(frame, target, Nearest(1))
    torch.testing.assert_close(
        result.planes[1].double()[:, 8:-8], ramp(target, 2)[:, 8:-8], rtol=0, atol=1.5
    )


@pytest.mark.parametrize("siting", SITINGS)
def test_chroma_of_a_colour_engine_stays_in_place(siting: Siting) -> None:
    """Nearest enlargement puts pixel x at 2x and 2x+1, which has its centre of mass in place."""
    source = layout(48, 40, "420", depth=16, siting=siting)
    target = times(source, 2)
    height, width = source.plane_sizes[1]
    first = float(chroma_position(2, "x", siting))
    line = 30000 + 100 * (first + 2 * np.arange(width) + 0.5)
    cb = torch.from_numpy(np.broadcast_to(line, (height, width)).round().astype(np.uint16).copy())
    luma = torch.full(source.plane_sizes[0], 30000, dtype=torch.int32).to(torch.uint16)
    result = enlarge(Frame((luma, cb, cb), source), target, Nearest(3))
    wanted = 30000 + 100 * (first + 2 * np.arange(2 * width) + 0.5) / 2
    # Steps of nearest enlargement are 100 codes wide: their average is off by a quarter at most.
    difference = result.planes[1].double()[8:-8, 8:-8] - torch.from_numpy(wanted)[8:-8]
    assert difference.abs().max() <= 26


@pytest.mark.parametrize(("old", "new"), list(itertools.product((8, 10, 12, 16), (8, 10, 12, 16))))
@pytest.mark.parametrize("ranges", list(itertools.product((False, True), (False, True))))
@pytest.mark.parametrize("engine", [Nearest(1), Nearest(3)], ids=["luma", "colour"])
def test_depth_and_range_change_as_h273_says(
    old: int, new: int, ranges: tuple[bool, bool], engine: Nearest
) -> None:
    source = layout(4, 4, "444", depth=old, full=ranges[0])
    target = times(layout(4, 4, "444", depth=new, full=ranges[1]), 2)
    one, other = (conversion.quantization(f) for f in (source, target))
    codes_in = [round(one.luma_offset + one.luma_span * 0.6)]
    codes_in += [round(one.chroma_offset + one.chroma_span * v) for v in (0.03, -0.02)]
    result = enlarge(flat(source, tuple(codes_in)), target, engine)
    wanted = [other.luma_offset + other.luma_span * (codes_in[0] - one.luma_offset) / one.luma_span]
    wanted += [
        other.chroma_offset + other.chroma_span * (c - one.chroma_offset) / one.chroma_span
        for c in codes_in[1:]
    ]
    for got, exact in zip(codes(result), wanted, strict=True):
        assert len(got) == 1
        assert abs(got[0] - exact) <= 0.51 + (0.5 if new == 16 and engine.channels == 3 else 0)


@pytest.mark.parametrize("engine", [Nearest(1), Nearest(3)], ids=["luma", "colour"])
@pytest.mark.parametrize("kinds", list(itertools.permutations(["420", "444", "gray", "rgb"], 2)))
@pytest.mark.parametrize("size", [(1, 1), (3, 3), (5, 4)])
def test_families_into_each_other(
    engine: Nearest, kinds: tuple[str, str], size: tuple[int, int]
) -> None:
    """Mid-grey is the same colour everywhere, and stays it."""
    source = layout(*size, kinds[0], full=True)
    target = times(layout(*size, kinds[1], full=True), 2)
    middle = {"gray": (100,), "rgb": (100, 100, 100)}.get(kinds[0], (100, 128, 128))
    wanted = {"gray": [[100]], "rgb": [[100]] * 3}.get(kinds[1], [[100], [128], [128]])
    assert codes(enlarge(flat(source, middle), target, engine)) == wanted


@pytest.mark.parametrize("engine", [Nearest(1), Nearest(3)], ids=["luma", "colour"])
@pytest.mark.parametrize(("matrix", "weights"), [(1, (0.2126, 0.0722)), (6, (0.299, 0.114))])
def test_colour_between_yuv_and_rgb(
    engine: Nearest, matrix: int, weights: tuple[float, float]
) -> None:
    red, green, blue = 200 / 255, 90 / 255, 60 / 255
    kr, kb = weights
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    yuv = [16 + 219 * luma]
    yuv += [128 + 224 * (blue - luma) / (2 - 2 * kb), 128 + 224 * (red - luma) / (2 - 2 * kr)]
    as_rgb, as_yuv = layout(6, 4, "rgb"), layout(6, 4, "420", matrix=matrix)
    got = codes(enlarge(flat(as_rgb, (90, 60, 200)), times(as_yuv, 2), engine))
    assert [abs(g[0] - w) <= 0.6 and len(g) == 1 for g, w in zip(got, yuv, strict=True)] == [
        True
    ] * 3
    rounded = tuple(round(v) for v in yuv)
    back = codes(enlarge(flat(as_yuv, rounded), times(as_rgb, 2), engine))
    # Half a code of rounding in each of Y, Cb and Cr is at most 2 codes of any colour.
    for g, w in zip(back, (90, 60, 200), strict=True):
        assert len(g) == 1
        assert abs(g[0] - w) <= 2


def test_matrix_changes_go_through_rgb() -> None:
    """JPEG pictures are BT.601: a BT.709 source must be converted, not relabelled."""
    source = layout(6, 4, "444", matrix=1)
    target = times(layout(6, 4, "444", matrix=6, full=True), 2)
    frame = flat(source, (100, 110, 140))
    via = enlarge(frame, times(layout(6, 4, "rgb", depth=16), 2), Nearest(1))
    there = Frame(via.planes, via.format)
    wanted = conversion.rgb_to_yuv(conversion.yuv_to_rgb(there.planes, there.format), target)
    for engine in (Nearest(1), Nearest(3)):
        for got, want in zip(enlarge(frame, target, engine).planes, wanted, strict=True):
            assert (got.int() - want.int()).abs().max() <= 1  # 16-bit RGB in between
    assert abs(codes(enlarge(frame, target, Nearest(1)))[0][0] - 98) <= 1


def test_two_names_of_bt601_are_one_matrix() -> None:
    source, target = layout(4, 4, matrix=5), times(layout(4, 4, matrix=6), 2)
    frame = flat(source, (3, 2, 250))  # far outside RGB, where a conversion would clip
    assert codes(enlarge(frame, target, Nearest(1))) == codes(frame)


@pytest.mark.parametrize("matrix", [0, 8, 14])
def test_luma_engines_need_no_matrix(matrix: int) -> None:
    source = layout(4, 4, matrix=matrix)
    frame = flat(source, (90, 70, 180))
    assert codes(enlarge(frame, times(source, 2), Nearest(1))) == codes(frame)


def test_a_colour_engine_says_when_it_lacks_a_matrix() -> None:
    source = layout(4, 4, matrix=14)
    with pytest.raises(InputError, match=r"ICtCp.*lite"):
        enlarge(flat(source, (90, 70, 180)), times(source, 2), Nearest(3))


@pytest.mark.parametrize("engine", [Nearest(1), Nearest(3)], ids=["luma", "colour"])
@pytest.mark.parametrize("matrix", [1, 2, 6, 8])
@pytest.mark.parametrize("kinds", [("gray", "420"), ("gray", "gray"), ("rgb", "gray")])
def test_grey_needs_no_matrix(engine: Nearest, matrix: int, kinds: tuple[str, str]) -> None:
    if kinds == ("gray", "420") and engine.channels == 3 and matrix == 8:
        pytest.skip("a colour engine cannot write a matrix it does not know")
    source = layout(4, 4, kinds[0], matrix=matrix, full=True)
    target = times(layout(4, 4, kinds[1], matrix=matrix, full=True), 2)
    frame = flat(source, (77, 77, 77))
    assert codes(enlarge(frame, target, engine)) == [[77], [128], [128]][: len(target.plane_sizes)]


@pytest.mark.parametrize("matrix", [1, 6, 9])
def test_grey_of_a_colour_picture_is_its_luma(matrix: int) -> None:
    source = layout(6, 4, "420", matrix=matrix)
    target = times(layout(6, 4, "gray", matrix=matrix), 2)
    for engine in (Nearest(1), Nearest(3)):
        assert codes(enlarge(flat(source, (100, 90, 170)), target, engine)) == [[100]]


@pytest.mark.parametrize("engine", [Nearest(1), Nearest(3)], ids=["luma", "colour"])
@pytest.mark.parametrize("size", [(13, 7), (1, 1), (31, 18), (20, 14)])
@pytest.mark.parametrize("kind", ["420", "gray", "rgb"])
def test_any_final_size(engine: Nearest, size: tuple[int, int], kind: str) -> None:
    source = layout(10, 7, kind)
    target = replace(source, width=size[0], height=size[1])
    frame = flat(source, (120, 90, 160))
    for got, want in zip(codes(enlarge(frame, target, engine)), codes(frame), strict=True):
        assert len(got) == 1
        assert abs(got[0] - want[0]) <= (1 if kind == "420" and engine.channels == 3 else 0)


@pytest.mark.parametrize("engine", [Nearest(1), Nearest(3)], ids=["luma", "colour"])
def test_a_final_resize_shifts_nothing(engine: Nearest) -> None:
    """A ramp of luma is the same ramp at three times the size."""
    source = layout(40, 30, "444", depth=16)
    target = times(source, 3)
    line = 8000 + 900 * (np.arange(40) + 0.5)
    luma = torch.from_numpy(np.broadcast_to(line, (30, 40)).round().astype(np.uint16).copy())
    grey = torch.full((30, 40), 32768, dtype=torch.int32).to(torch.uint16)
    result = enlarge(Frame((luma, grey, grey), source), target, engine)
    wanted = torch.from_numpy(8000 + 900 * (np.arange(120) + 0.5) / 3)
    # Nearest makes steps of 450 codes out of the ramp, which Lanczos follows half-way.
    difference = result.planes[0].double()[:, 20:-20] - wanted[20:-20]
    assert difference.abs().max() < 250
    assert difference.mean().abs() < 2


def test_a_frame_of_another_size_comes_out_in_the_targets() -> None:
    """Streams change their size midway; the file cannot."""
    target = times(layout(16, 12), 2)
    for size in ((16, 12), (8, 6), (20, 30), (15, 11)):
        frame = flat(layout(*size), (100, 110, 140))
        for engine in (Nearest(1), Nearest(3)):
            got = codes(enlarge(frame, target, engine))
            assert all(len(g) == 1 for g in got)
            assert all(abs(g[0] - w) <= 1 for g, w in zip(got, (100, 110, 140), strict=True))


def test_resize_keeps_the_ends_of_the_picture_in_place() -> None:
    x = torch.linspace(0, 1, 60).expand(1, 1, 8, 60).contiguous()
    y = transform.resize(x, Size(90, 8))
    centre = (np.arange(90) + 0.5) * 60 / 90 - 0.5
    torch.testing.assert_close(
        y[0, 0, 0, 6:-6].double(), torch.from_numpy(centre / 59)[6:-6], rtol=0, atol=1e-3
    )
    assert transform.resize(x, Size(60, 8)) is x


@pytest.mark.parametrize("subsampling", [(2, 2), (2, 1), (1, 1)])
def test_chroma_resampling_of_one_sample(subsampling: tuple[int, int]) -> None:
    source = VideoFormat(1, 1, PixelFormat("yuv", 8, subsampling), ColorSpec(matrix=1))
    out = chroma.resample_chroma(
        torch.full((2, 1, 1), 0.25), source, times(source, 4), source.pixel
    )
    torch.testing.assert_close(out, torch.full_like(out, 0.25))
    assert tuple(out.shape[1:]) == times(source, 4).plane_sizes[1]


def test_planes_given_may_be_windows_of_others() -> None:
    """Decoders pad their lines: planes arrive with gaps between the rows."""
    source = layout(9, 5)
    frame = noise(source)
    padded = tuple(
        torch.nn.functional.pad(p, (0, 7, 0, 2))[: p.shape[0], : p.shape[1]] for p in frame.planes
    )
    assert not padded[0].is_contiguous()
    for engine in (Nearest(1), Nearest(3)):
        one = enlarge(frame, times(source, 2), engine)
        other = enlarge(Frame(padded, source, 7), times(source, 2), engine)
        assert all(torch.equal(*p) for p in zip(one.planes, other.planes, strict=True))


def test_colour_gives_way_to_luma_where_rgb_would_be_clipped() -> None:
    # Hard edges between saturated colours: interpolated chroma leaves the RGB cube beside them.
    generator = torch.Generator().manual_seed(5)
    rgb = torch.randint(0, 2, (3, 9, 7), generator=generator).float()
    large = transform.enlarge_rgb(rgb, Nearest(channels=1, scale=4), None)
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    assert large.min() >= 0
    assert large.max() <= 1
    luma = (rgb * weights).sum(0).repeat_interleave(4, 0).repeat_interleave(4, 1)
    # Six roundings of float32 at most, each 6e-8.
    torch.testing.assert_close((large * weights).sum(0), luma, rtol=0, atol=1e-6)
