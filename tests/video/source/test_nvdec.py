"""NVDEC without a card: PyAV's names as they are, and surfaces played by pictures of the processor.

A ``Surface`` has the attributes of PyAV's CUDA frames and real planes of NV12, P010 and P016,
with their pitch; a ``Card`` stands in for a container whose decoder puts such frames out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
import torch
from av.codec.hwaccel import HWAccel
from torch.utils.dlpack import from_dlpack

import vidsr
from tests.makers.clips import decode, interlaced_pictures, make_clip, noise, samples
from vidsr.cli import main
from vidsr.errors import DeviceError, OptionError
from vidsr.notes import Notes
from vidsr.picture.frame import Frame, view_planes
from vidsr.video.info import SourceCounts
from vidsr.video.locator import Locator
from vidsr.video.source import nvdec
from vidsr.video.source.file_source import FileSource
from vidsr.video.source.frame_reader import Pictures
from vidsr.video.source.nvdec import Nvdec, has_tensors, open_nvdec, unpack
from vidsr.video.source.open_container import open_input

LAYOUTS = {"yuv420p": ("nv12", 0), "yuv420p10le": ("p010le", 6), "yuv420p12le": ("p016le", 4)}
BROUGHT = "are brought from the GPU to the CPU"
GIVES_UP = "NVDEC cannot decode this stream exactly: the CPU does"


def semiplanar(image: av.VideoFrame) -> av.VideoFrame:
    """The samples as NVDEC lays them out: chroma in pairs, the high bits of 16."""
    name, shift = LAYOUTS[image.format.name]
    # First with all that hangs on the picture; tags that swscale cannot read, and samples, follow.
    target = image.reformat(format=name, threads=1, src_colorspace=5, dst_colorspace=5)
    target.colorspace, target.color_range = image.colorspace, image.color_range
    y, u, v = (plane << shift for plane in samples(image))
    pairs = np.stack((u, v), axis=-1).reshape(u.shape[0], -1)
    for plane, known in zip(target.planes, (y, pairs), strict=True):
        lines = np.frombuffer(memoryview(plane), known.dtype).reshape(plane.height, -1)
        lines[:, : known.shape[1]] = known
    return target


class Surface:
    """A decoded picture that says it lies on a card."""

    format = SimpleNamespace(name="cuda", components=())

    def __init__(self, image: av.VideoFrame, extra: int = 0) -> None:
        self._image, self.width, self.height = image, image.width + extra, image.height
        known = image.format.name in LAYOUTS
        self._laid_out = semiplanar(image) if known else image
        self.sw_format = self._laid_out.format

    @property
    def planes(self) -> list[Any]:
        return [_OnCard(plane) for plane in self._laid_out.planes]

    @property
    def pts(self) -> int | None:
        return self._image.pts

    @pts.setter
    def pts(self, value: int | None) -> None:
        self._image.pts = value

    @property
    def time_base(self) -> Fraction | None:
        return self._image.time_base

    @time_base.setter
    def time_base(self, value: Fraction) -> None:
        self._image.time_base = value

    def reformat(self, **settings: Any) -> av.VideoFrame:
        brought = self._laid_out
        brought.pts = self.pts
        if self.time_base is not None:
            brought.time_base = self.time_base
        return brought.reformat(**settings)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._image, name)


class _OnCard:
    """A plane that gives its tensor as a CUDA plane does, by a capsule and for no stream."""

    def __init__(self, plane: Any) -> None:
        self._plane = plane

    def __dlpack__(self, *, stream: int | None = None) -> Any:
        assert stream is None
        return self._plane.__dlpack__()


class _Packet:
    def __init__(self, packet: Any, surface: Callable[[Any], Any]) -> None:
        self.__dict__.update(_packet=packet, _surface=surface)

    def decode(self) -> list[Any]:
        return [self._surface(image) for image in self._packet.decode()]

    def __bytes__(self) -> bytes:
        return bytes(self._packet)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._packet, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._packet, name, value)


class Card:
    """A container whose video decoder puts out what ``surface`` makes of its pictures."""

    def __init__(self, container: Any, surface: Callable[[Any], Any]) -> None:
        self._container, self._surface = container, surface

    def demux(self, *streams: Any) -> Iterator[Any]:
        for packet in self._container.demux(*streams):
            video = packet.stream.type == "video"
            yield _Packet(packet, self._surface) if video else packet

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)


def accelerator() -> HWAccel:
    return HWAccel("cuda", is_hw_owned=True)  # asks for no card before it is used


STAY, LEAVE = Nvdec(accelerator(), stay=True), Nvdec(accelerator(), stay=False)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def install(surface: Callable[[Any], Any] = Surface) -> None:
        def opened(
            locator: Locator, framerate: Fraction | None, hwaccel: HWAccel | None = None
        ) -> Any:
            container = open_input(locator, framerate)
            return container if hwaccel is None else Card(container, surface)

        monkeypatch.setattr("vidsr.video.source.file_source.open_input", opened)

    return install


def read(path: Path, **choices: Any) -> tuple[FileSource, list[Frame]]:
    with FileSource(path, **choices) as source:
        return source, [item for item in source if isinstance(item, Frame)]


def assert_same(one: tuple[FileSource, list[Frame]], other: tuple[FileSource, list[Frame]]) -> None:
    """Every sample, time, count and description; not who decoded."""
    assert len(one[1]) == len(other[1]) > 0
    for a, b in zip(one[1], other[1], strict=True):
        assert (a.pts, a.duration, a.format) == (b.pts, b.duration, b.format)
        assert all(torch.equal(p, q) for p, q in zip(a.planes, b.planes, strict=True))
    assert one[0].counts == other[0].counts
    assert one[0].info == other[0].info


# PyAV's names


def test_pyav_still_names_things_so() -> None:
    accel = HWAccel("cuda", device="1", is_hw_owned=True, allow_software_fallback=True)
    assert (accel.device_id, accel.is_hw_owned) == (1, True)
    assert "cuda" in av.codec.hwaccel.hwdevices_available()
    mine = {name for name in vars(Surface) if not name.startswith("_")}
    for name in mine | {"width", "height", "sw_format", "interlaced_frame", "is_corrupt"}:
        assert hasattr(av.VideoFrame, name)
    assert noise(8, 8).sw_format is None
    assert av.VideoFormat("cuda", 8, 8).components == ()


@pytest.mark.parametrize("decoder", ["h264", "hevc", "vp9", "mpeg2video"])
def test_ffmpeg_has_nvdec_for(decoder: str) -> None:
    configs = av.Codec(decoder, "r").hardware_configs
    assert any(c.is_supported and c.format and c.format.name == "cuda" for c in configs)


def test_pyav_still_rounds_the_chroma_of_odd_sizes_down() -> None:
    """Once it does not, ``has_tensors`` may say yes to odd sizes."""
    chroma = av.VideoFrame(7, 5, "nv12").planes[1]
    assert tuple(from_dlpack(chroma.__dlpack__()).shape) == (2, 3, 2)


# Surfaces as planes


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("size", [(2, 2), (34, 18), (66, 50)])
def test_planes_hold_the_code_values(name: str, size: tuple[int, int]) -> None:
    image = noise(*size, name)  # the whole range: the highest bit is some value's
    surface: Any = Surface(image)
    luma = from_dlpack(surface.planes[0].__dlpack__())
    assert luma.stride(0) > luma.shape[1]  # a pitch beyond the samples
    assert has_tensors(surface)
    planes = unpack(surface)
    assert [p.is_contiguous() for p in planes] == [True] * 3
    assert all(np.array_equal(p.numpy(), s) for p, s in zip(planes, samples(image), strict=True))
    assert {p.dtype for p in planes} == {torch.uint8 if name == "yuv420p" else torch.uint16}


@pytest.mark.parametrize("name", LAYOUTS)
def test_planes_are_copies(name: str) -> None:
    image = noise(16, 8, name)
    surface: Any = Surface(image)
    planes = unpack(surface)
    for plane in view_planes(surface._laid_out):
        plane.zero_()  # the decoder fills the surface again
    assert all(np.array_equal(p.numpy(), s) for p, s in zip(planes, samples(image), strict=True))


def test_odd_sizes_and_full_chroma_have_no_tensors() -> None:
    for image in (noise(33, 18), noise(34, 17), noise(34, 18, "yuv444p")):
        surface: Any = Surface(image)
        assert not has_tensors(surface)


# Whole streams


@pytest.mark.parametrize(
    "made",
    [
        {"pts": [0, 40, 90, 100, 210, 250, 300, 340], "time_base": Fraction(1, 1000)},
        {"codec": "libx264", "bframes": 2, "frames": 12, "rate": Fraction(30000, 1001)},
        {"codec": "libx265", "pix_fmt": "yuv420p10le", "size": (70, 50)},
        {"codec": "libx265", "pix_fmt": "yuv420p12le"},
    ],
)
def test_frames_that_stay_are_the_processors(
    made: dict[str, Any], tmp_path: Path, card: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(tmp_path / "a.mkv", **made)
    plain = read(clip.path)
    card()
    monkeypatch.setattr(nvdec, "fetch", pytest.fail)
    notes = Notes()
    stayed = read(clip.path, hwaccel=STAY, notes=notes)
    assert_same(plain, stayed)
    assert (plain[0].decoder, stayed[0].decoder) == ("cpu", "cuda")
    assert not any("NVDEC" in note or BROUGHT in note for note in notes.said)


def test_a_part_is_cut_as_the_processor_cuts_it(tmp_path: Path, card: Callable[..., None]) -> None:
    clip = make_clip(tmp_path / "a.mp4", frames=30, gop=10, bframes=2)
    part = {"start_s": 0.5, "duration_s": 0.4}
    plain = read(clip.path, **part)
    card()
    assert_same(plain, read(clip.path, hwaccel=STAY, **part))


def test_where_another_device_enlarges_every_frame_is_fetched(
    tmp_path: Path, card: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(tmp_path / "a.mkv")
    plain = read(clip.path)
    card()
    monkeypatch.setattr(nvdec, "unpack", pytest.fail)
    notes = Notes()
    assert_same(plain, read(clip.path, hwaccel=LEAVE, notes=notes))
    assert not any(BROUGHT in note for note in notes.said)  # what was asked for is no news


@pytest.mark.parametrize(
    ("made", "choices"),
    [
        ({"interlaced": True, "pictures": interlaced_pictures(6)}, {}),
        ({"rotation": 90.0}, {"upright": True}),
        ({"codec": "ffv1", "size": (35, 21)}, {}),
        ({"pix_fmt": "yuv444p"}, {}),
    ],
)
def test_what_needs_the_processor_is_brought_there_and_said_once(
    made: dict[str, Any], choices: dict[str, Any], tmp_path: Path, card: Callable[..., None]
) -> None:
    clip = make_clip(tmp_path / "a.mov" if "rotation" in made else tmp_path / "a.mkv", **made)
    plain = read(clip.path, **choices)
    card()
    notes = Notes()
    assert_same(plain, read(clip.path, hwaccel=STAY, notes=notes, **choices))
    assert [BROUGHT in note for note in notes.said].count(True) == 1


def test_interlaced_frames_stay_where_nobody_deinterlaces(
    tmp_path: Path, card: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = interlaced_pictures(4)
    clip = make_clip(tmp_path / "a.mkv", interlaced=True, pictures=pictures)
    plain = read(clip.path, deinterlace="off")
    card()
    monkeypatch.setattr(nvdec, "fetch", pytest.fail)
    assert_same(plain, read(clip.path, deinterlace="off", hwaccel=STAY))


def _pushed(images: list[Any]) -> tuple[list[Frame], SourceCounts, tuple[str, ...]]:
    counts, notes = SourceCounts(), Notes()
    choices: dict[str, Any] = {"deinterlace": True, "upright": False, "stay": True}
    pictures = Pictures(Fraction(1, 25), "h264", counts=counts, notes=notes, **choices)
    return [frame for image in images for frame in pictures.push(image)], counts, notes.said


def test_a_change_of_tags_or_size_midstream_is_met_as_ever() -> None:
    first, other, larger = noise(64, 48), noise(64, 48, seed=1), noise(96, 64, seed=2)
    for image, matrix in ((first, 5), (other, 1), (larger, 5)):
        image.colorspace = matrix
    plain, counts, said = _pushed([first, other, larger])
    frames, mine, told = _pushed([Surface(image) for image in (first, other, larger)])
    assert [f.format for f in frames] == [f.format for f in plain]
    assert all(
        torch.equal(p, q)
        for a, b in zip(frames, plain, strict=True)
        for p, q in zip(a.planes, b.planes, strict=True)
    )
    assert mine == counts
    assert (counts.conformed, counts.resized) == (1, 1)
    assert [note for note in told if BROUGHT not in note] == list(said)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("matrix", range(1, 11))
def test_what_is_fetched_keeps_values_and_tags(name: str, matrix: int) -> None:
    image = noise(34, 17, name)
    image.colorspace, image.color_range = matrix, 2
    image.color_primaries, image.color_trc = 9, 16
    surface: Any = Surface(image)
    fetched = nvdec.fetch(surface)
    assert fetched.format.name == name
    assert (fetched.colorspace, fetched.color_range) == (matrix, 2)
    assert (fetched.color_primaries, fetched.color_trc) == (9, 16)
    assert all(np.array_equal(a, b) for a, b in zip(samples(fetched), samples(image), strict=True))


# What NVDEC does not decode


def _deep(image: av.VideoFrame) -> Surface:
    return Surface(image.reformat(format="yuv444p16le"))


@pytest.mark.parametrize(
    "surface", [lambda image: image, lambda image: Surface(image, extra=2), _deep]
)
def test_the_processor_decodes_what_nvdec_cannot(
    surface: Callable[[Any], Any], tmp_path: Path, card: Callable[..., None]
) -> None:
    """FFmpeg's fallback; a picture cropped at the left, which it leaves in; unknown bits of 16."""
    clip = make_clip(tmp_path / "a.mkv")
    plain = read(clip.path)
    card(surface)
    notes = Notes()
    fallen = read(clip.path, hwaccel=STAY, notes=notes)
    assert_same(plain, fallen)
    assert fallen[0].decoder == "cpu"
    assert list(notes.said).count(GIVES_UP) == 1
    assert fallen[0].stream.thread_count == plain[0].stream.thread_count  # not NVDEC's one


def test_a_decoder_that_dies_at_once_is_replaced(tmp_path: Path, card: Callable[..., None]) -> None:
    def fails(image: Any) -> Any:
        raise av.error.ExternalError(1, "no surfaces")

    clip = make_clip(tmp_path / "a.mkv")
    plain = read(clip.path)
    card(fails)
    notes = Notes()
    assert_same(plain, read(clip.path, hwaccel=STAY, notes=notes))
    assert GIVES_UP in notes.said


def test_frames_that_fall_back_later_are_said(tmp_path: Path, card: Callable[..., None]) -> None:
    clip = make_clip(tmp_path / "a.mkv")
    plain = read(clip.path)
    card(lambda image: Surface(image) if image.pts < 200 else image)
    notes = Notes()
    assert_same(plain, read(clip.path, hwaccel=STAY, notes=notes))
    assert "NVDEC cannot decode every frame: the CPU does the others" in notes.said


# From the command line to the report


@pytest.mark.parametrize(
    ("devices", "index", "stay"),
    [(["cuda:1"], 1, True), (["cpu"], 0, False), (["cuda:1", "cuda:0"], 1, False)],
)
def test_the_card_that_enlarges_decodes(
    devices: list[str], index: int, stay: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def accel(kind: str, device: str, **settings: Any) -> Any:
        asked.append({"kind": kind, "device": device, **settings})
        return SimpleNamespace(create=lambda codec: None, device_id=int(device))

    monkeypatch.setattr(nvdec, "HWAccel", accel)
    monkeypatch.setattr(nvdec, "shared_context", lambda accel: nullcontext())
    assert open_nvdec(tuple(map(torch.device, devices))).stay is stay
    settings = {
        "is_hw_owned": True,
        "allow_software_fallback": True,
        "options": asked[0]["options"],
    }
    assert asked == [{"kind": "cuda", "device": str(index), **settings}]


@pytest.mark.parametrize("has_cuda", [True, False])
def test_ffmpeg_takes_pytorchs_context_and_never_asks_for_the_primary_one(
    has_cuda: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It refuses that one when PyTorch has used it before."""
    happened: list[Any] = []

    @contextmanager
    def device(index: int) -> Iterator[None]:
        happened.append(f"enter {index}")
        yield
        happened.append("leave")

    def accel(kind: str, device: str, *, options: dict[str, object], **_: Any) -> Any:
        happened.append(options)
        return SimpleNamespace(create=lambda codec: happened.append(codec.name), device_id=1)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_cuda)
    monkeypatch.setattr(torch.cuda, "device", device)
    monkeypatch.setattr(torch, "empty", lambda *_, device: happened.append("made"))
    monkeypatch.setattr(nvdec, "HWAccel", accel)
    open_nvdec((torch.device("cuda:1"),))
    shared = [{"primary_ctx": "0", "current_ctx": "1"}, "enter 1", "made", "h264", "leave"]
    assert happened == (shared if has_cuda else [{"primary_ctx": "0"}, "h264"])
    assert HWAccel("cuda", options={"primary_ctx": "0"}, is_hw_owned=True).options == {
        "primary_ctx": "0"  # PyAV's own choice would be 1
    }


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_no_card_is_one_line_and_status_7(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DeviceError, match="decoder = 'cuda' needs an NVIDIA GPU and its driver"):
        open_nvdec((torch.device("cpu"),))
    clip = make_clip(tmp_path / "a.mkv", frames=1)
    assert main([str(clip.path), "-o", str(tmp_path / "b.mkv"), "--decoder", "cuda"]) == 7
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "--decoder cpu decodes on the CPU" in said
    assert [p.name for p in tmp_path.iterdir()] == ["a.mkv"]


def test_other_decoders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="decoder = 'gpu': expected cpu or cuda"):
        vidsr.upscale(tmp_path / "a.mkv", tmp_path / "b.mkv", decoder="gpu")  # type: ignore[arg-type]


def test_a_run_from_end_to_end(
    tmp_path: Path, card: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(tmp_path / "a.mkv", pts=[0, 40, 90, 100, 210], time_base=Fraction(1, 1000))
    choices: dict[str, Any] = {"model": "lite-x2", "device": "cpu", "codec": "ffv1"}
    plain = vidsr.upscale(clip.path, tmp_path / "plain.mkv", **choices)
    card()
    monkeypatch.setattr("vidsr.run.job.open_nvdec", lambda devices: STAY)
    report = vidsr.upscale(clip.path, tmp_path / "card.mkv", decoder="cuda", **choices)
    assert (plain.decoder, report.decoder) == ("cpu", "cuda")
    assert report.frames == plain.frames == 5
    for a, b in zip(decode(tmp_path / "plain.mkv"), decode(tmp_path / "card.mkv"), strict=True):
        assert (a.pts, a.duration) == (b.pts, b.duration)
        assert all(np.array_equal(p, q) for p, q in zip(samples(a), samples(b), strict=True))
