"""The public transform: every kind of picture, with the same values and its own type back."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from torch import Tensor

from vidsr import OptionError, Upscaler
from vidsr.errors import MemoryLimitError, ModelError
from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.models.families import choose_model, is_family
from vidsr.models.networks.config import GeneratorConfig
from vidsr.option_values import Precision
from vidsr.picture import conversion
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat, view_planes
from vidsr.quality.set_scores import score_sets, set_means
from vidsr.upscaling.transform import RGB_FULL

Array = np.ndarray[Any, Any]


OWN: dict[str, dict[str, Any]] = {
    "srresnet": {"kind": "srresnet", "scale": 2, "width": 16, "blocks": 2},
    "rrdb": {"kind": "rrdb", "scale": 2, "width": 8, "blocks": 1, "growth": 4},
    "unet": {"kind": "unet", "scale": 1, "width": 8, "blocks": 1},
}


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Checkpoints of the user's own: small and untrained."""
    folder = tmp_path_factory.mktemp("weights")
    for name, fields in OWN.items():
        config = GeneratorConfig(**({"channels": 3} | fields))
        torch.manual_seed(3)
        net = build_generator(config)
        with torch.no_grad():
            if name == "unet":  # not the identity it starts as, and not far from it
                net.tail.weight.normal_(std=0.02)
            else:  # near a grey picture, so that little is clipped
                net.tail.bias.fill_(0.5)  # type: ignore[union-attr]
        save_generator(folder / f"my-{name}.safetensors", config, net.state_dict())
    return {name: folder / f"my-{name}.safetensors" for name in OWN}


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A restorer that has learned nothing yet and changes nothing."""
    config = GeneratorConfig(kind="unet", scale=1, channels=3, width=4, blocks=1, levels=3)
    path = tmp_path_factory.mktemp("weights") / "identity.safetensors"
    save_generator(path, config, build_generator(config).state_dict())
    return path


@cache
def shipped(name: str) -> Upscaler:
    return Upscaler(name, device="cpu", precision="fp32")


@pytest.fixture(params=["lite-x2", "lite-x4", *OWN])
def upscaler(request: pytest.FixtureRequest, own: dict[str, Path]) -> Upscaler:
    if request.param not in OWN:
        return shipped(request.param)
    return Upscaler(own[request.param], device="cpu", precision="fp32")


def photo(height: int = 21, width: int = 26, seed: int = 0) -> Array:
    """Smooth colour with some grain, ``[H, W, 3]`` uint8."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / (3 + i)) * np.cos(y / (4 + i)) for i in range(3)]
    picture = 128 + 70 * np.stack(waves, -1) + random.normal(0, 8, (height, width, 3))
    return np.asarray(picture.round().clip(0, 255), dtype=np.uint8)


def as_tensor(picture: Array) -> Tensor:
    return torch.from_numpy(picture.copy()).permute(2, 0, 1)


def test_kinds_and_types_come_back_and_values_agree(upscaler: Upscaler) -> None:
    picture = photo()
    before = picture.copy()
    large = upscaler(picture)
    assert large.dtype == np.uint8
    assert large.shape == (21 * upscaler.scale, 26 * upscaler.scale, 3)
    assert np.array_equal(picture, before)
    tensor = upscaler(as_tensor(picture))
    assert tensor.dtype == torch.uint8
    assert np.array_equal(tensor.permute(1, 2, 0).numpy(), large)
    frame = upscaler(av.VideoFrame.from_ndarray(picture, format="rgb24"))
    assert np.array_equal(frame.to_ndarray(format="rgb24"), large)


@pytest.mark.parametrize(
    ("dtype", "peak", "tolerance"),
    # In levels of 8 bits: half a level of rounding; float16 adds 1/16 of a level on the way out, as
    # much on the way in, and there the network may double it.
    [("u1", 255, 0.0), ("u2", 65535, 0.51), ("f2", 1, 0.7), ("f4", 1, 0.51), ("f8", 1, 0.51)],
)
def test_numpy_types(upscaler: Upscaler, dtype: str, peak: int, tolerance: float) -> None:
    levels = upscaler(photo())
    given = (photo() / 255 * peak).round(0 if peak > 1 else 7).astype(dtype)
    before = given.copy()
    result = upscaler(given)
    assert result.dtype == np.dtype(dtype)
    assert np.array_equal(given, before)
    assert np.abs(result.astype(float) / peak * 255 - levels.astype(float)).max() <= tolerance
    result[:] = 0  # the caller's own


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    # bfloat16 holds 8 bits: half a level in, as much out, and what the network makes of it.
    [(torch.float16, 0.7), (torch.bfloat16, 3.0), (torch.float32, 0.51), (torch.float64, 0.51)],
)
def test_float_tensors_keep_their_type(
    upscaler: Upscaler, dtype: torch.dtype, tolerance: float
) -> None:
    x = (as_tensor(photo()).double() / 255).to(dtype)
    before = x.clone()
    y = upscaler(x)
    assert y.dtype == dtype
    assert torch.equal(x, before)
    difference = y.double() * 255 - as_tensor(upscaler(photo())).double()
    assert difference.abs().max() <= tolerance
    assert 0 <= y.min() <= y.max() <= 1


def test_results_are_ordinary_tensors(upscaler: Upscaler) -> None:
    x = torch.rand(3, 6, 5, requires_grad=True)
    for y in (upscaler(x), upscaler(x.detach()[None]), upscaler((x * 255).to(torch.uint8))):
        assert not y.is_inference()
        assert not y.requires_grad
        y.mul_(0)  # writable outside inference mode
    y = upscaler(x).requires_grad_()
    (y * y).sum().backward()  # type: ignore[no-untyped-call]
    assert y.grad is not None


def test_a_batch_is_its_pictures(upscaler: Upscaler) -> None:
    pictures = torch.stack([as_tensor(photo(seed=s)) for s in range(3)])
    batch = upscaler(pictures)
    assert batch.shape[0] == 3
    for one, large in zip(pictures, batch, strict=True):
        assert torch.equal(upscaler(one), large)


def test_any_memory_layout(upscaler: Upscaler) -> None:
    picture = photo(20, 24)
    wanted = upscaler(picture[::2, ::-1].copy())
    assert np.array_equal(upscaler(picture[::2, ::-1]), wanted)
    assert np.array_equal(upscaler(np.asfortranarray(picture[::2, ::-1])), wanted)
    fixed = picture[::2, ::-1].copy()
    fixed.flags.writeable = False  # PyTorch warns about these, and warnings are errors here
    assert np.array_equal(upscaler(fixed), wanted)
    swapped = (fixed / 255).astype(">f4")
    assert np.allclose(upscaler(swapped) * 255, wanted, atol=0.51)
    tensor = as_tensor(picture)
    assert not tensor.is_contiguous()
    expected = upscaler(tensor[:, ::2, 3:].contiguous())
    assert torch.equal(upscaler(tensor[:, ::2, 3:]), expected)


def test_grey_arrays(upscaler: Upscaler) -> None:
    gray = photo()[..., 1]
    large = upscaler(gray)
    assert large.shape == (21 * upscaler.scale, 26 * upscaler.scale)
    assert large.dtype == np.uint8
    colour = upscaler(np.repeat(gray[..., None], 3, axis=2)).astype(float)
    assert np.abs(large - colour.mean(2)).max() <= 1
    floats = upscaler(gray.astype(np.float32) / 255)
    assert np.abs(floats.astype(np.float32) * 255 - large.astype(np.float32)).max() <= 0.51


@pytest.mark.parametrize("name", ["lite-x2", "lite-x4"])
def test_flat_pictures_stay_nearly_flat(name: str) -> None:
    """A trained network is no identity: two levels, away from the border it sees padding at."""
    for level in (0, 16, 128, 235, 255):
        large = shipped(name)(np.full((40, 40, 3), level, dtype=np.uint8))
        inner = large[48:-48, 48:-48].astype(int) if name == "lite-x4" else large[24:-24, 24:-24]
        assert np.abs(inner.astype(int) - level).max() <= 2


FORMATS = {
    "yuv420p": "yuv420p",
    "yuv420p10le": "yuv420p10le",
    "nv12": "yuv420p",
    "yuv422p": "yuv422p",
    "rgb24": "gbrp",
    "pal8": "gbrp",
    "gray": "gray",
    "yuvj420p": "yuv420p",
    "rgba": "gbrp",
    "p010le": "yuv420p10le",
}


def video_frame(name: str, height: int = 12, width: int = 16) -> av.VideoFrame:
    rgb = av.VideoFrame.from_ndarray(photo(height, width), format="rgb24")
    if name == "pal8":
        indices = np.arange(height * width, dtype=np.uint8).reshape(height, width)
        palette = np.full((256, 4), 255, dtype=np.uint8)
        palette[:, 1:] = np.arange(256)[:, None]  # A R G B
        parts: Any = (indices, palette)  # which PyAV takes, its stubs do not say so
        return av.VideoFrame.from_ndarray(parts, format="pal8")
    return rgb.reformat(format=name)


@pytest.mark.parametrize("name", list(FORMATS))
def test_video_frames(upscaler: Upscaler, name: str) -> None:
    frame = video_frame(name)
    frame.pts, frame.time_base = 1234, Fraction(1, 90000)
    frame.color_primaries, frame.color_trc = 9, 16
    if name.startswith(("yuv", "nv12", "p010")):
        frame.colorspace = 9
    before = bytes(frame.planes[0])
    large = upscaler(frame)
    assert isinstance(large, av.VideoFrame)
    assert large.format.name == FORMATS[name]
    assert (large.width, large.height) == (16 * upscaler.scale, 12 * upscaler.scale)
    assert (large.pts, large.time_base) == (1234, Fraction(1, 90000))
    assert (int(large.color_primaries), int(large.color_trc)) == (9, 16)
    if FORMATS[name] != "gbrp":
        assert large.colorspace == frame.colorspace
    if name == "yuvj420p":
        assert large.color_range == 2
    elif FORMATS[name] != "gbrp":
        assert large.color_range == frame.color_range
    assert bytes(frame.planes[0]) == before
    level = np.mean([p.float().mean() for p in view_planes(frame.reformat(format=FORMATS[name]))])
    result = np.mean([p.float().mean() for p in view_planes(large)])
    if upscaler.model.config.kind == "lite":  # the other one is untrained
        assert abs(result - level) < 0.01 * 2 ** PixelFormat.nearest(name).depth


@pytest.mark.parametrize("name", ["yuv420p", "rgb24", "gray"])
def test_frames_made_in_memory_have_no_time(upscaler: Upscaler, name: str) -> None:
    frame = video_frame(name)
    assert frame.time_base is None
    large = upscaler(frame)
    assert (large.pts, large.time_base) == (None, None)


@pytest.mark.parametrize("name", ["yuv420p", "yuv420p10le", "gray", "rgb24", "yuv444p"])
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (3, 2), (7, 9)])
def test_odd_frames(upscaler: Upscaler, name: str, size: tuple[int, int]) -> None:
    frame = av.VideoFrame(size[1], size[0], name)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    large = upscaler(frame)
    assert (large.height, large.width) == (size[0] * upscaler.scale, size[1] * upscaler.scale)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (3, 3), (1, 40)])
def test_tiny_pictures(upscaler: Upscaler, size: tuple[int, int]) -> None:
    picture = photo(*size)
    assert upscaler(picture).shape == (size[0] * upscaler.scale, size[1] * upscaler.scale, 3)
    assert np.array_equal(as_tensor(upscaler(picture)), upscaler(as_tensor(picture)))


@pytest.mark.parametrize("tile", [(1, 1), (8, 8), (5, 300), (16, 7), (500, 500)])
def test_tiles_change_not_one_bit(upscaler: Upscaler, tile: tuple[int, int]) -> None:
    tiled = Upscaler(upscaler.model.path, device="cpu", precision="fp32", tile=tile)
    picture = photo(23, 31)
    assert np.array_equal(tiled(picture), upscaler(picture))
    x = as_tensor(picture).float() / 255
    assert torch.equal(tiled(x), upscaler(x))
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
    for one, other in zip(view_planes(tiled(frame)), view_planes(upscaler(frame)), strict=True):
        assert torch.equal(one, other)


def test_a_memory_limit_changes_not_one_bit(upscaler: Upscaler) -> None:
    picture = photo(200, 300)
    engine = upscaler.engine
    pixels = 200 * 300
    limit = pixels * 50 * upscaler.scale**2 + pixels * engine.bytes_per_pixel // 2
    small = Upscaler(
        upscaler.model.path, device="cpu", precision="fp32", max_memory=int(limit * 1.6)
    )
    layout = VideoFormat(300, 200, PixelFormat("rgb", 16), RGB_FULL)
    if engine.bytes_per_pixel > 100 * upscaler.scale**2:  # else frames outweigh the network
        assert small.plan(layout, small.target_format(layout)) is not None
    assert np.array_equal(small(picture), upscaler(picture))


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (torch.rand(5, 5), r"expected \[3, H, W\]"),
        (torch.rand(1, 5, 5), r"expected \[3, H, W\]"),
        (torch.rand(4, 5, 5), r"expected \[3, H, W\]"),
        (torch.rand(1, 1, 3, 5, 5), r"expected \[3, H, W\]"),
        (torch.rand(5, 5, 3), r"expected \[3, H, W\]"),
        (torch.zeros(3, 5, 5, dtype=torch.int16), "floating point or uint8"),
        (torch.zeros(3, 5, 5, dtype=torch.bool), "floating point or uint8"),
        (torch.zeros(3, 5, 5, dtype=torch.complex64), "floating point or uint8"),
        (torch.rand(0, 3, 5, 5), "empty"),
        (torch.rand(3, 0, 5), "empty"),
        (np.zeros((5, 5, 4), np.uint8), r"expected \[H, W, 3\]"),
        (np.zeros((3, 5, 5), np.uint8), r"expected \[H, W, 3\]"),
        (np.zeros(5, np.uint8), r"expected \[H, W, 3\]"),
        (np.zeros((2, 5, 5, 3), np.uint8), r"expected \[H, W, 3\]"),
        (np.zeros((5, 5, 3), np.int32), "uint8, uint16 or floats"),
        (np.zeros((5, 5, 3), bool), "uint8, uint16 or floats"),
        (np.zeros((5, 5, 3), complex), "uint8, uint16 or floats"),
        (np.zeros((0, 5, 3), np.uint8), "empty"),
        (np.zeros((0, 0), np.uint8), "empty"),
        ([[1, 2], [3, 4]], "torch.Tensor, numpy.ndarray or av.VideoFrame, got type list"),
        ("photo.png", "type str"),
        (None, "type NoneType"),
    ],
)
def test_what_is_no_picture(picture: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        shipped("lite-x2")(picture)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": 3}, "lite-x3|scale"),
        ({"scale": 1}, "scale = 1, but model auto upscales 2 or 4 times.*such as denoise-x1"),
        ({"model": "srresnet", "scale": 1}, "scale = 1, but model srresnet upscales"),
        ({"model": "lite-x2", "scale": 1}, "scale = 1, but lite-x2 upscales 2 times"),
        ({"model": "unet", "scale": 2}, "scale = 2, but unet keeps the size.*leave `scale` out"),
        ({"model": "lite-x2", "scale": 4}, "upscales 2 times.*leave `scale` out"),
        ({"model": "lite-x2", "tile": (0, 5)}, "at least 1"),
        ({"model": "lite-x2", "tile": (5, -1)}, "at least 1"),
        ({"model": "lite-x2", "max_memory": 0}, "memory '0'"),
        ({"model": "lite-x2", "max_memory": -5}, "memory '-5'"),
        ({"model": "lite-x2", "max_memory": "much"}, "memory 'much'"),
        ({"model": "lite-x2", "device": "gpu"}, "expected"),
        ({"model": "lite-x2", "precision": "int8"}, "expected"),
    ],
)
def test_arguments_that_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((OptionError, ModelError), match=message):
        Upscaler(**({"device": "cpu"} | arguments))


def test_a_picture_beyond_the_limit() -> None:
    small = Upscaler("lite-x4", device="cpu", max_memory="1M")
    with pytest.raises(MemoryLimitError, match="`max_memory`"):
        small(photo(200, 300))
    with pytest.raises(MemoryError):
        small(torch.rand(3, 200, 300))


def test_automatic_choices() -> None:
    cpu = torch.device("cpu")
    assert choose_model("auto", None, cpu) == "lite-x4"
    assert choose_model("auto", 2, cpu) == "lite-x2"
    assert choose_model("srgan", None, cpu) == "srgan-x4"
    assert choose_model("lite", 2, cpu) == "lite-x2"
    assert choose_model("lite-x2", None, cpu) == "lite-x2"
    assert choose_model("rrdb", None, cpu) == "rrdb-x4"
    assert [choose_model("unet", scale, cpu) for scale in (None, 1)] == ["unet-x1"] * 2
    assert [is_family(n) for n in ("auto", "lite", "lite-x4", Path("lite"), "unet")] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_planes_are_planned_once_per_format() -> None:
    upscaler = Upscaler("lite-x2", device="cpu", max_memory="64M")
    source = VideoFormat(640, 360, PixelFormat("yuv", 8, (2, 2)), RGB_FULL)
    target = upscaler.target_format(source)
    assert (target.width, target.height) == (1280, 720)
    assert upscaler.plan(source, target) == upscaler.plan(source, target)
    assert Upscaler("lite-x2", device="cpu", tile=(9, 8)).plan(source, target) == (9, 8)


def test_frames_keep_their_planes_and_time() -> None:
    source = VideoFormat(5, 4, PixelFormat("gray", 8), RGB_FULL)
    plane = torch.randint(0, 255, (4, 5), dtype=torch.uint8)
    before = plane.clone()
    large = shipped("lite-x2").enlarge(Frame((plane,), source, 99))
    assert large.pts == 99
    assert large.planes[0].shape == (8, 10)
    assert torch.equal(plane, before)


def test_a_restorer_of_ones_own_keeps_the_size(own: dict[str, Path]) -> None:
    for scale in (None, 1):
        assert Upscaler(own["unet"], scale=scale, device="cpu").scale == 1
    with pytest.raises(OptionError, match=r"scale = 2, but my-unet keeps the size"):
        Upscaler(own["unet"], scale=2, device="cpu")


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", ["yuv420p", "yuv420p10le", "yuv422p", "yuvj420p", "yuv444p"])
def test_what_a_restorer_leaves_alone_stays_to_the_last_bit(
    identity: Path, name: str, precision: Precision
) -> None:
    """Samples as a camera makes them, and samples outside what RGB can show."""
    upscaler = Upscaler(identity, device="cpu", precision=precision)
    grain = av.VideoFrame(19, 13, name)
    for plane in view_planes(grain):
        top = 1024 if "10" in name else 256
        plane.copy_(torch.randint(0, top, plane.shape, dtype=torch.int32).to(plane.dtype))
    for frame in (video_frame(name, 13, 19), grain):
        same = upscaler(frame)
        assert (same.width, same.height, same.format.name) == (19, 13, name.replace("j", ""))
        for old, new in zip(view_planes(frame), view_planes(same), strict=True):
            assert torch.equal(old, new)


def test_a_restored_frame_is_its_restored_rgb_picture(own: dict[str, Path]) -> None:
    """Where chroma is not subsampled, adding the change and converting the picture agree."""
    upscaler = Upscaler(own["unet"], device="cpu", precision="fp32")
    frame = video_frame("yuv444p", 22, 30)
    layout = VideoFormat(30, 22, PixelFormat("yuv", 8), ColorSpec(matrix=6))
    source = Frame(view_planes(frame), layout, 0)
    added = upscaler.enlarge(source)
    rgb = conversion.yuv_to_rgb(source.planes, layout)
    converted = conversion.rgb_to_yuv(upscaler(rgb), layout)
    assert not torch.equal(added.planes[0], source.planes[0])
    for one, other in zip(added.planes, converted, strict=True):
        assert (one.int() - other.int()).abs().max() <= 1  # rounding at a half, either way


def test_a_restorer_may_finish_at_another_size(identity: Path) -> None:
    upscaler = Upscaler(identity, device="cpu", precision="fp32")
    source = VideoFormat(16, 12, PixelFormat("yuv", 8, (2, 2)), ColorSpec(matrix=1))
    planes = tuple(torch.full(size, 90, dtype=torch.uint8) for size in source.plane_sizes)
    target = VideoFormat(25, 19, source.pixel, source.color)
    large = upscaler.enlarge(Frame(planes, source, 0), target)
    assert [tuple(p.shape) for p in large.planes] == target.plane_sizes
    for plane in large.planes:
        assert (plane.int() - 90).abs().max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least_db"), [("lite-x4", 31.2), ("lite-x2", 37.0)])
def test_shipped_weights_are_as_good_as_they_were_trained(
    name: str, least_db: float, data_dir: Path
) -> None:
    """Y PSNR on Set5. Bicubic reaches 28.43 at x4 and 33.66 at x2."""
    if not (data_dir / "eval" / "Set5").is_dir():
        pytest.skip(f"no eval/Set5 in {data_dir}")
    scale = int(name[-1])
    upscaler = Upscaler(name, scale=scale, device="cpu", engine="torch")
    scores = score_sets(upscaler, data_dir / "eval", scale=scale, sets=("Set5",))
    assert set_means(scores)["Set5"]["model_db"] >= least_db


@pytest.mark.parametrize("wrong", [200.0, float("nan"), -30.0])
def test_floats_beyond_the_unit_range_are_refused(wrong: float) -> None:
    upscaler = Upscaler("lite-x2")
    picture = np.full((4, 4, 3), 0.5, np.float32)
    picture[1, 2, 0] = wrong
    with pytest.raises(OptionError, match=r"expected in \[0, 1\]"):
        upscaler(picture)
