"""The way through the Triton kernels, interpreted: what plain torch gives, within a level."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.doubles.stub_engine import StubEngine
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat
from vidsr.picture.size import Size
from vidsr.upscaling import kernel_transform, transform

pytest.importorskip("triton")
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")

FORMATS: list[tuple[str, int, dict[str, Any]]] = [
    ("420", 8, {}),
    ("420", 10, {"matrix": 9, "siting": "topleft"}),
    ("422", 10, {"range": 2}),
    ("444", 8, {"matrix": 6, "siting": "center"}),
    ("gray", 8, {}),
    ("rgb", 8, {}),
]
YUV = {"420": (2, 2), "422": (2, 1), "444": (1, 1)}


def layout(kind: str, depth: int, **color: Any) -> VideoFormat:
    spec = ColorSpec(**({"matrix": 1, "range": 1} | color))
    if kind in ("gray", "rgb"):
        matrix = 0 if kind == "rgb" else 1
        return VideoFormat(19, 7, PixelFormat(kind, depth), replace(spec, matrix=matrix))  # type: ignore[arg-type]
    return VideoFormat(19, 7, PixelFormat("yuv", depth, YUV[kind]), spec)


def noise(layout: VideoFormat) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(3)
    top = 2**layout.pixel.depth
    return tuple(
        torch.randint(0, top, size).to(layout.pixel.dtype).to(DEVICE) for size in layout.plane_sizes
    )


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_transform, "has_kernels", lambda device: True)


def both(
    source: VideoFormat,
    target: VideoFormat,
    engine: Any,
    monkeypatch: pytest.MonkeyPatch,
    tile: Any,
) -> tuple[Any, Any]:
    planes = noise(source)
    assert kernel_transform.serves(source, target, engine)
    with torch.inference_mode():
        by_kernels = transform.enlarge_planes(planes, source, target, engine, tile)
        monkeypatch.setattr(kernel_transform, "has_kernels", lambda device: False)
        assert not kernel_transform.serves(source, target, engine)
        plain = transform.enlarge_planes(planes, source, target, engine, tile)
    return by_kernels, plain


@pytest.mark.parametrize("tile", [None, Size(8, 4)])
@pytest.mark.parametrize(
    ("kind", "depth", "color", "channels"),
    [
        (kind, depth, color, channels)
        for kind, depth, color in FORMATS
        for channels in (1, 3)
        if (kind, channels) != ("rgb", 1)  # which a luma engine leaves to plain torch
    ],
)
@pytest.mark.usefixtures("kernels")
def test_kernels_and_plain_torch_agree(
    kind: str, depth: int, color: Any, channels: int, tile: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = layout(kind, depth, **color)
    target = replace(source, width=source.width * 2, height=source.height * 2)
    engine = StubEngine(channels=channels, device=DEVICE)
    found, wanted = both(source, target, engine, monkeypatch, tile)
    assert [p.shape for p in found] == [p.shape for p in wanted]
    for mine, plain in zip(found, wanted, strict=True):
        assert mine.dtype == plain.dtype
        difference = (mine.int() - plain.int()).abs()
        # Sums in another order round the other way where a value lies on the border.
        assert difference.max() <= 1
        assert (difference > 0).float().mean() < 0.005


@pytest.mark.usefixtures("kernels")
def test_float16_that_counts_from_grey(monkeypatch: pytest.MonkeyPatch) -> None:
    source = layout("420", 8)
    target = replace(source, width=source.width * 2, height=source.height * 2)
    engine = StubEngine(
        channels=3, input_dtype=torch.float16, offset=0.5, change=lambda y: y.half(), device=DEVICE
    )
    found, wanted = both(source, target, engine, monkeypatch, None)
    for mine, plain in zip(found, wanted, strict=True):
        # Both read the same float16; noise spans the whole range, where 2^-12 is 1/16 of a level.
        assert (mine.int() - plain.int()).abs().max() <= 1


@pytest.mark.usefixtures("kernels")
def test_what_kernels_do_not_do_is_left_alone() -> None:
    source = layout("420", 8)
    engine = StubEngine(channels=3)
    exact = replace(source, width=38, height=14)
    assert kernel_transform.serves(source, exact, engine)
    assert not kernel_transform.serves(source, replace(exact, width=40), engine)
    assert not kernel_transform.serves(source, source, StubEngine(channels=3, scale=1))
    luma = StubEngine(channels=1)
    other = replace(exact, color=ColorSpec(matrix=9, range=1))
    assert kernel_transform.serves(source, exact, luma)
    assert not kernel_transform.serves(source, other, luma)
    assert kernel_transform.serves(source, other, engine)


@pytest.mark.usefixtures("kernels")
def test_more_rows_than_cuda_launches_go_the_plain_way() -> None:
    for channels in (1, 3):
        engine = StubEngine(channels=channels)
        for height, served in ((65535, True), (65536, False)):
            source = replace(layout("420", 8), height=height)
            target = replace(source, width=38, height=2 * height)
            assert kernel_transform.serves(source, target, engine) is served


@pytest.mark.parametrize(
    ("old", "new"), [("420", "444"), ("444", "420"), ("422", "420"), ("gray", "420")]
)
@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.usefixtures("kernels")
def test_luma_networks_to_another_pixel_format(
    old: str, new: str, depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = layout(old, 8)
    target = replace(layout(new, depth), width=source.width * 2, height=source.height * 2)
    engine = StubEngine(channels=1, device=DEVICE)
    found, wanted = both(source, target, engine, monkeypatch, None)
    for mine, plain in zip(found, wanted, strict=True):
        assert (mine.dtype, mine.shape) == (plain.dtype, plain.shape)
        # As above.
        difference = (mine.int() - plain.int()).abs()
        assert difference.max() <= 1
        assert (difference > 0).sum() <= max(1, 0.005 * difference.numel())


@pytest.mark.usefixtures("kernels")
def test_a_luma_network_takes_one_launch_for_luma_and_one_for_chroma(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Plain torch took some forty for the chroma, on a device that waits for each of them."""
    from vidsr.kernels.triton_kernels import resample_chroma, shuffle_to_luma

    grids = []

    class Noted:
        def __init__(self, kernel: Any) -> None:
            self.kernel = kernel

        def __getitem__(self, grid: tuple[int, int, int]) -> Any:
            grids.append(grid)
            return self.kernel[grid]

    for module, name in ((resample_chroma, "chroma_kernel"), (shuffle_to_luma, "_plane_kernel")):
        monkeypatch.setattr(module, name, Noted(getattr(module, name)))
    monkeypatch.setattr("vidsr.picture.chroma.resample", pytest.fail)
    source = layout("420", 8)
    target = replace(source, width=38, height=14)
    engine = StubEngine(channels=1, device=DEVICE)
    kernel_transform.enlarge_planes(noise(source), source, target, engine, None)
    assert len(grids) == 2


def test_processors_go_the_plain_way() -> None:
    assert not kernel_transform.has_kernels(torch.device("cpu"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there Triton works")
def test_a_triton_that_cannot_launch_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    kernel_transform.has_kernels.cache_clear()
    for _ in range(2):
        assert not kernel_transform.has_kernels(torch.device("cuda", 0))
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("cuda:0: Triton cannot run kernels")
    kernel_transform.has_kernels.cache_clear()


def test_an_unknown_matrix_of_the_target_counts_as_bt709() -> None:
    """Grey made colour has none, and RGB engines must write something."""
    gray = layout("gray", 8)
    frame = Frame(noise(gray), gray)
    target = VideoFormat(38, 14, PixelFormat("yuv", 8, (2, 2)), ColorSpec(matrix=2, range=1))
    large = transform.enlarge(frame, target, StubEngine(channels=3), None)
    assert all((plane == 128).all() for plane in large.planes[1:])
