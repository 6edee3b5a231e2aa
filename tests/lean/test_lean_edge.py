"""The example for boxes without torch: end to end on stand-ins, and free of torch."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from tests.doubles import lean_fakes
from tests.doubles.cuda_on_cpu import HAVE_COMPILER
from tests.makers.clips import Tags, decode, make_clip, picture, samples
from tests.paths import ROOT
from vidsr.engines.onnx_files.facts import NetworkFacts
from vidsr.errors import DeviceError, InputError, ModelError, OptionError
from vidsr.lean import LeanUpscaler
from vidsr.picture import conversion
from vidsr.picture.chroma import resample_chroma
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import PixelFormat, VideoFormat, view_planes
from vidsr.video.pixel_formats import read_format

EXAMPLE = ROOT / "examples" / "lean_edge.py"

needs_compiler = pytest.mark.skipif(not HAVE_COMPILER, reason="no g++ to build kernels for the CPU")


def facts(**changes: Any) -> NetworkFacts:
    """Of a network that makes RGB four times larger; what does not matter here is 1."""
    values: dict[str, Any] = {f.name: 1 for f in fields(NetworkFacts) if f.default is MISSING}
    values |= {"name": "nearest-x4", "kind": "nearest", "channels": 3, "scale": 4, "shuffle": 2}
    values |= {"precision": "fp16", "input_type": "fp16", "output_type": "fp16", "offset": 0.5}
    return NetworkFacts(**values | changes)


@pytest.fixture
def lean(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The example as a module, on the stand-ins."""
    lean_fakes.install(monkeypatch)
    spec = importlib.util.spec_from_file_location("lean_edge", EXAMPLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("vidsr.lean.cuda_stream", None)  # it holds the stand-ins
    assert lean_fakes.Contexts.depth == 0, "the context was left on the stack"


@pytest.fixture
def onnx(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(lean_fakes.onnx_file(facts()))
    return path


def enlarged(plane: np.ndarray[Any, Any], factor: int) -> np.ndarray[Any, Any]:
    return plane.repeat(factor, axis=0).repeat(factor, axis=1)


def expected(image: av.VideoFrame) -> list[np.ndarray[Any, Any]]:
    """What the reference makes of a BT.709 picture whose every pixel is repeated, four times."""
    color = ColorSpec(matrix=1, range=1)
    small = VideoFormat(image.width, image.height, PixelFormat("yuv", 8, (2, 2)), color)
    rgb = conversion.yuv_to_rgb(view_planes(image), small)
    rgb = rgb.repeat_interleave(4, 1).repeat_interleave(4, 2)
    large = replace(small, width=4 * small.width, height=4 * small.height)
    return [plane.numpy() for plane in conversion.rgb_to_yuv(rgb, large)]


@needs_compiler
def test_main(lean: Any, onnx: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Uneven times, overlapping slots, a lossless codec: every picture, time and tag arrives."""
    pts = [0, 3, 4, 9, 10]
    clip = make_clip(
        tmp_path / "in.mkv",
        size=(38, 22),
        pts=pts,
        time_base=Fraction(1, 25),
        codec="ffv1",
        tags=Tags(matrix=1, primaries=1, transfer=1, range=1),
    )
    target, plan = tmp_path / "out.mkv", tmp_path / "net.plan"
    arguments = [str(onnx), str(clip.path), str(target), "--codec", "ffv1", "--plan", str(plan)]
    lean.main(arguments)
    assert "5 frames" in capsys.readouterr().out
    result = decode(target)
    assert [f.pts * f.time_base for f in result if f.pts is not None and f.time_base] == clip.times
    assert {(f.colorspace, f.color_primaries, f.color_trc, f.color_range) for f in result} == {
        (1, 1, 1, 1)
    }
    for before, after in zip(clip.pictures, result, strict=True):
        assert (after.width, after.height, after.format.name) == (152, 88, "yuv420p")
        for plane, wanted in zip(samples(after), expected(before), strict=True):
            assert (
                np.abs(plane.astype(int) - wanted).max() <= 1
            )  # RGB was rounded to half precision
    log = lean_fakes.Stream.log
    frame = ["upload", "wait", "yuv_to_rgb", "network", "shuffle_to_yuv", "wait", "download"]
    assert log == ["build", *frame, *frame, *["finish", *frame] * 3, "finish", "finish"]

    lean_fakes.Stream.log.clear()
    lean.main(arguments)  # the plan is there now
    assert "build" not in lean_fakes.Stream.log


@needs_compiler
@pytest.mark.parametrize("name", ["gray", "yuv422p", "yuv444p", "yuv420p10le", "nv12", "p010le"])
def test_pixel_formats(lean: Any, tmp_path: Path, name: str) -> None:
    """Every plane of a grey picture comes back grey, with its samples in place."""
    path = tmp_path / "net.onnx"
    path.write_bytes(lean_fakes.onnx_file(facts(scale=2, input_type="fp32", output_type="fp32")))
    planar = {"nv12": "yuv420p", "p010le": "yuv420p10le"}.get(name, name)
    # Even sizes where FFmpeg converts: to p010 it spoils the last chroma column of odd ones.
    source = picture(19, 13, name) if planar == name else picture(20, 14, planar)
    for plane in view_planes(source)[1:]:
        plane[:] = 1 << source.format.components[0].bits - 1
    source.pts, source.time_base = 7, Fraction(1, 30)
    with lean.LeanUpscaler(path) as upscaler:
        large = upscaler(source.reformat(format=name, threads=1) if planar != name else source)
    assert (large.format.name, large.pts, large.time_base) == (name, 7, Fraction(1, 30))
    back = large.reformat(format=planar, threads=1) if planar != name else large
    for before, after in zip(samples(source), samples(back), strict=True):
        assert np.array_equal(after, enlarged(before, 2)[: after.shape[0], : after.shape[1]])


@needs_compiler
def test_what_it_cannot_do(lean: Any, onnx: Path, tmp_path: Path) -> None:
    with lean.LeanUpscaler(onnx) as upscaler:
        with pytest.raises(InputError, match="pictures are rgb24"):
            upscaler(av.VideoFrame(16, 16, "rgb24"))
        upscaler(picture(16, 16))
        with pytest.raises(InputError, match="those before were"):
            upscaler(picture(18, 16))
    onnx.write_bytes(lean_fakes.onnx_file(facts(alignment=4)))
    with (
        lean.LeanUpscaler(onnx) as upscaler,
        pytest.raises(OptionError, match="multiples of 4"),
    ):
        upscaler(picture(18, 16))
    with pytest.raises(ModelError, match="cannot be read"):
        lean.LeanUpscaler(tmp_path / "absent.onnx")


def waves(shape: tuple[int, ...], peak: int) -> np.ndarray[Any, Any]:
    """Slopes of up to a fifth of ``peak`` a sample: a siting that is wrong by 3/16 shows."""
    rows, columns = np.indices(shape)
    return np.asarray((0.5 + 0.3 * np.sin(rows * 0.6) * np.cos(columns * 0.7)) * peak)


@needs_compiler
@pytest.mark.parametrize(
    ("name", "matrix"),
    [("yuv420p", 1), ("yuv420p", 9), ("yuv422p", 1), ("yuv444p", 6), ("yuv420p10le", 9)],
)
def test_networks_on_luma(lean: Any, onnx: Path, name: str, matrix: int) -> None:
    """Luma goes through the network; chroma is interpolated where it is sited, as elsewhere."""
    onnx.write_bytes(lean_fakes.onnx_file(facts(channels=1)))
    image = av.VideoFrame(45, 38, name)
    image.pts, image.time_base = 3, Fraction(1, 25)
    image.colorspace, image.color_range = matrix, 1
    layout = read_format(image, "")
    peak = 2**layout.pixel.depth - 1
    for plane in view_planes(image):
        plane.copy_(torch.from_numpy(waves(tuple(plane.shape), peak).astype(np.int32)))
    with lean.LeanUpscaler(onnx) as upscaler:
        large = upscaler(image)
        list(upscaler.stream([image] * 3))
    assert (large.pts, large.time_base, large.format.name) == (3, Fraction(1, 25), name)
    assert (large.colorspace, large.color_range) == (matrix, 1)
    luma, *chroma = samples(large)
    # Half precision keeps 1 to 2^-11: half a code of 10 bits, rounded once more.
    assert np.abs(luma.astype(int) - enlarged(samples(image)[0], 4)).max() <= 1
    target = replace(layout, width=180, height=152)
    small = torch.stack([plane.float() for plane in view_planes(image)[1:]])
    wanted = resample_chroma(small, layout, target, layout.pixel).numpy()
    # 0.5 is rounding to codes; both weigh in float32.
    assert np.abs(np.stack(chroma).astype(float) - wanted).max() <= 0.501


@needs_compiler
@pytest.mark.parametrize("name", ["gray", "nv12", "p010le"])
def test_luma_of_other_layouts(lean: Any, onnx: Path, name: str) -> None:
    onnx.write_bytes(lean_fakes.onnx_file(facts(channels=1, scale=2)))
    planar = {"nv12": "yuv420p", "p010le": "yuv420p10le"}.get(name, name)
    source = picture(20, 14, planar)
    with lean.LeanUpscaler(onnx) as upscaler:
        large = upscaler(source.reformat(format=name, threads=1) if name != planar else source)
        wanted = upscaler(source) if name == planar else None
    assert (large.width, large.height, large.format.name) == (40, 28, name)
    if wanted is None:
        with lean.LeanUpscaler(onnx) as upscaler:
            wanted = upscaler(source)
        large = large.reformat(format=planar, threads=1)
    for one, other in zip(samples(large), samples(wanted), strict=True):
        assert np.array_equal(one, other)


@needs_compiler
def test_a_plan_is_executable_code(
    lean: Any, onnx: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What others may have written is not loaded, nor is anything but a plan written over."""
    plan = tmp_path / "net.plan"

    def start() -> None:
        with lean.LeanUpscaler(onnx, plan) as upscaler:
            upscaler(picture(16, 16))

    start()
    assert plan.stat().st_mode & 0o777 == 0o600
    assert "nearest-x4" in caplog.text
    assert "does not exist yet; building it" in caplog.text
    plan.chmod(0o666)
    with pytest.raises(OptionError, match=r"writable by others .*executable code"):
        start()
    plan.chmod(0o600)
    start()
    whole = plan.read_bytes()
    for spoilt in (whole[:-1], b"my film", whole[:-40] + bytes(8) + whole[-32:]):
        plan.write_bytes(spoilt)
        with pytest.raises(OptionError, match=r"net\.plan: it is"):
            start()
        assert plan.read_bytes() == spoilt
    assert lean_fakes.Stream.log.count("build") == 1


@needs_compiler
def test_a_plan_for_something_else_is_built_anew(
    lean: Any,
    onnx: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = tmp_path / "net.plan"

    def start() -> None:
        with lean.LeanUpscaler(onnx, plan) as upscaler:
            upscaler(picture(16, 16))

    start()
    monkeypatch.setattr(lean_fakes.Device, "sm_count", 142)
    start()
    assert "net.plan does not fit: gpu.sm_count 132 -> 142; building it" in caplog.text
    onnx.write_bytes(lean_fakes.onnx_file(facts(name="other-x4")))
    start()
    assert "model nearest-x4 -> other-x4" in caplog.text
    start()
    assert lean_fakes.Stream.log.count("build") == 3


def test_without_pycuda(onnx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycuda", None)
    monkeypatch.delitem(sys.modules, "vidsr.lean.cuda_stream", raising=False)
    with pytest.raises(DeviceError, match=r"PyCUDA cannot be imported.*Hint: pip install pycuda"):
        LeanUpscaler(onnx)


def test_imports_nothing_that_needs_torch() -> None:
    """In a process where torch cannot be imported; and without pycuda up to the first use."""
    tree = ast.parse(EXAMPLE.read_text())
    imported = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module]
    imported += [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    outside = {name.partition(".")[0] for name in imported} - set(sys.stdlib_module_names)
    assert outside == {"av", "vidsr"}
    code = (
        "import sys; from unittest.mock import MagicMock; sys.modules['torch'] = None\n"
        "from vidsr.lean import LeanUpscaler\nassert 'pycuda' not in sys.modules\n"
        "for name in ('pycuda', 'pycuda.driver', 'pycuda.compiler'):\n"
        "    sys.modules[name] = MagicMock()\n"
        "import vidsr.lean.cuda_stream\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
