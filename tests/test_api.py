"""One call for one file: what every option does, and what is left behind when one is refused."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
import torch

import vidsr
from tests.makers.clips import (
    Clip,
    Tone,
    decode,
    interlaced_pictures,
    make_clip,
    packet_times,
    seconds,
)
from vidsr import (
    ContainerError,
    DeviceError,
    InputError,
    MemoryLimitError,
    ModelError,
    OptionError,
    OutputError,
    Report,
    VidsrError,
)
from vidsr.notes import Notes
from vidsr.run.job import prepare
from vidsr.run.options import RunOptions
from vidsr.upscaling.memory_plan import frame_bytes
from vidsr.video.info import SourceInfo


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """Eight pictures of 64x48 at 25 a second, with sound."""
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mkv", audio=Tone())


def upscale(clip: Clip, target: Path, **options: Any) -> Report:
    settings = {"model": "lite-x2", "device": "cpu", "precision": "fp32", "codec": "ffv1"}
    return vidsr.upscale(clip.path, target, **(settings | options))


def stream(path: Path) -> tuple[str, str, int, int]:
    """(codec, pixel format, width, height) of the first video stream."""
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        return context.name, context.pix_fmt or "", context.width, context.height


def times(path: Path) -> list[float]:
    return [round(float(seconds(f)), 4) for f in decode(path)]


def test_everything_stays_but_the_size(clip: Clip, tmp_path: Path) -> None:
    target = tmp_path / "large.mkv"
    report = upscale(clip, target, codec=None)
    assert stream(target) == ("h264", "yuv420p", 128, 96)
    assert times(target) == [round(float(t), 4) for t in clip.times]
    assert packet_times(target) == packet_times(clip.path)
    assert report.frames == 8
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("options", "size", "model"),
    [
        ({"model": "auto"}, (256, 192), "lite-x4"),
        ({"model": "auto", "scale": 2}, (128, 96), "lite-x2"),
        ({"model": "lite", "scale": 4}, (256, 192), "lite-x4"),
        ({"model": "auto", "size": "128x96"}, (128, 96), "lite-x2"),
        ({"model": "auto", "size": (100, 60)}, (100, 60), "lite-x2"),
        ({"model": "auto", "height": 72}, (96, 72), "lite-x2"),
        ({"model": "auto", "height": 120}, (160, 120), "lite-x4"),
        ({"model": "lite-x4", "height": 72}, (96, 72), "lite-x4"),
        ({"model": "auto", "scale": 4, "height": 72}, (96, 72), "lite-x4"),
        ({"model": "auto", "size": "50x30"}, (50, 30), "lite-x2"),
    ],
)
def test_sizes(
    clip: Clip, tmp_path: Path, options: dict[str, Any], size: tuple[int, int], model: str
) -> None:
    target = tmp_path / "large.mkv"
    report = upscale(clip, target, duration=0.05, **options)
    assert stream(target)[2:] == size == report.size
    assert report.model == model


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"start": 0.12}, range(3, 8)),
        ({"duration": 0.12}, range(3)),
        ({"start": 0.08, "duration": 0.12}, range(2, 5)),
        ({"start": 0}, range(8)),
        ({"duration": 99}, range(8)),
    ],
)
def test_parts(clip: Clip, tmp_path: Path, options: dict[str, Any], kept: range) -> None:
    target = tmp_path / "part.mkv"
    report = upscale(clip, target, **options)
    shift = kept[0] if options.get("start") else 0
    assert times(target) == [round((n - shift) / 25, 4) for n in kept]
    assert report.frames == len(kept)


def test_interlaced_frames_are_deinterlaced_unless_told_otherwise(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", pictures=interlaced_pictures(6), interlaced=True)
    assert upscale(clip, tmp_path / "b.mkv").counts.deinterlaced == 6
    assert upscale(clip, tmp_path / "c.mkv", deinterlace="off").counts.deinterlaced == 0
    assert len(decode(tmp_path / "b.mkv")) == len(decode(tmp_path / "c.mkv")) == 6


@pytest.mark.parametrize("framerate", [10, 10.0, Fraction(10)])
def test_framerate_is_that_of_pictures(tmp_path: Path, framerate: float | Fraction) -> None:
    for index in range(3):
        make_clip(tmp_path / f"{index}.png", frames=1, codec="png", pix_fmt="rgb24")
    vidsr.upscale(
        tmp_path / "%d.png", tmp_path / "a.mkv", model="lite-x2", device="cpu", framerate=framerate
    )
    assert times(tmp_path / "a.mkv") == [0, 0.1, 0.2]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"codec": "h264"}, ("h264", "yuv420p")),
        ({"codec": "h264", "pix_fmt": "yuv444p"}, ("h264", "yuv444p")),
        ({"codec": "hevc", "preset": "ultrafast"}, ("hevc", "yuv420p")),
        ({"codec": "ffv1", "pix_fmt": "yuv420p10le"}, ("ffv1", "yuv420p10le")),
    ],
)
def test_encoding(
    clip: Clip, tmp_path: Path, options: dict[str, Any], wanted: tuple[str, str]
) -> None:
    target = tmp_path / "a.mkv"
    report = upscale(clip, target, duration=0.05, **options)
    assert stream(target)[:2] == wanted
    assert (report.codec, report.pixel_format) == (options["codec"], wanted[1])


def test_crf_and_preset_reach_the_encoder(clip: Clip, tmp_path: Path) -> None:
    sizes = [
        upscale(clip, tmp_path / f"{crf}.mkv", codec="h264", crf=crf).output_bytes
        for crf in (0, 20, 51)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3
    options = RunOptions(model="lite-x2", device="cpu", codec="h264", preset="slow", crf=9)
    with prepare(clip.path, tmp_path / "x.mkv", options, Notes()) as job:
        assert job.output.options["preset"] == "slow"
        assert job.output.options["crf"] == "9"


def test_streams_the_target_cannot_hold(clip: Clip, tmp_path: Path) -> None:
    target = tmp_path / "a.webm"  # the sound is AAC
    with pytest.raises(ContainerError, match="`drop_incompatible`"):
        upscale(clip, target, codec=None)
    report = upscale(clip, target, codec=None, duration=0.05, drop_incompatible=True)
    assert any("dropped" in note for note in report.notes)
    assert [s["action"] for s in report.streams] == ["encode", "drop"]


def test_an_existing_target_is_replaced_only_on_request(clip: Clip, tmp_path: Path) -> None:
    target = tmp_path / "a.mkv"
    target.write_bytes(b"precious")
    with pytest.raises(OutputError, match="`overwrite`"):
        upscale(clip, target)
    assert target.read_bytes() == b"precious"
    upscale(clip, target, overwrite=True)
    assert len(decode(target)) == 8


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_precision_and_tiles_are_those_asked_for(
    clip: Clip, tmp_path: Path, precision: str
) -> None:
    report = upscale(clip, tmp_path / "a.mkv", precision=precision, tile=(16, 24), duration=0.05)
    assert report.precision == {"fp32": "float32", "bf16": "bfloat16"}[precision]
    assert report.tile == "24x16"
    assert report.device == "cpu"


def test_tiles_and_limits_change_no_picture(clip: Clip, tmp_path: Path) -> None:
    options = RunOptions(model="lite-x2", device="cpu", precision="fp32")
    with prepare(clip.path, tmp_path / "x.mkv", options, Notes()) as job:
        engine, source = job.upscaler.engine, job.info.format
        beside = frame_bytes(source, job.output.format, engine)
    # Room for four fifths of a frame: the smallest tile with its halo has three quarters.
    limit = beside + 64 * 48 * 4 // 5 * engine.bytes_per_pixel
    cases: dict[str, dict[str, Any]] = {
        "whole": {},
        "tiled": {"tile": (16, 20)},
        "limited": {"max_memory": limit},
        "large": {"tile": (999, 999)},
    }
    reports = {
        name: upscale(clip, tmp_path / f"{name}.mkv", **choices) for name, choices in cases.items()
    }
    assert reports["whole"].tile == "whole frames" != reports["limited"].tile
    whole = [bytes(f.planes[0]) for f in decode(tmp_path / "whole.mkv")]
    for name in ("tiled", "limited", "large"):
        assert [bytes(f.planes[0]) for f in decode(tmp_path / f"{name}.mkv")] == whole


class Watcher:
    """Remembers what it is told; ``trip`` makes it raise at that frame."""

    def __init__(self, trip: int = 0) -> None:
        self.told: list[Any] = []
        self.trip = trip

    def start(self, info: SourceInfo) -> None:
        self.told.append(info.frames)

    def frame(self, done: int, output_bytes: int) -> None:
        self.told.append(done)
        if done == self.trip:
            raise KeyboardInterrupt

    def close(self) -> None:
        self.told.append("close")


def test_progress_is_told_of_every_frame(clip: Clip, tmp_path: Path) -> None:
    watcher = Watcher()
    upscale(clip, tmp_path / "a.mkv", progress=watcher)
    assert watcher.told[0] >= 8  # an estimate: the sound lasts a little longer
    assert watcher.told[1:] == [*range(1, 9), "close"]


def test_an_interrupt_leaves_nothing_behind(clip: Clip, tmp_path: Path) -> None:
    watcher = Watcher(trip=3)
    with pytest.raises(KeyboardInterrupt):
        upscale(clip, tmp_path / "a.mkv", progress=watcher)
    assert watcher.told[1:] == [1, 2, 3, "close"]
    assert list(tmp_path.iterdir()) == []
    assert not [t for t in threading.enumerate() if t.name.startswith("vidsr")]


def test_a_failed_overwrite_leaves_the_old_file(clip: Clip, tmp_path: Path) -> None:
    target = tmp_path / "a.mkv"
    target.write_bytes(b"precious")
    with pytest.raises(KeyboardInterrupt):
        upscale(clip, target, overwrite=True, progress=Watcher(trip=2))
    assert target.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [target]


def test_the_report_is_whole_and_consistent(clip: Clip, tmp_path: Path) -> None:
    target, path = tmp_path / "a.mkv", tmp_path / "a.json"
    report = upscale(clip, target, start=0.04)
    report.write(path)
    said = json.loads(path.read_text())
    assert set(said) == {*Report.__dataclass_fields__, "fps", "coding_error", "computed_share"}
    assert said["source"] == str(clip.path)
    assert said["target"] == str(target)
    assert (said["model"], said["scale"], said["size"]) == ("lite-x2", 2, [128, 96])
    assert said["frames"] == len(decode(target)) == 7
    assert said["counts"]["decoded"] == 8  # the first was cut off
    assert said["output_bytes"] == target.stat().st_size
    assert said["video_s"] == pytest.approx(7 / 25)
    assert said["fps"] == pytest.approx(7 / said["elapsed_s"])
    assert sum(said["stages"].values()) <= 3 * said["elapsed_s"]
    assert all(seconds > 0 for seconds in said["stages"].values())
    assert [s["kind"] for s in said["streams"]] == ["video", "audio"]
    assert "7 frames 128x96" in report.summary()
    assert ": 1 frame 128x96 in" in replace(report, frames=1).summary()
    assert str(target) in report.summary()
    assert "\n" not in report.summary()


def test_a_report_that_cannot_be_written(clip: Clip, tmp_path: Path) -> None:
    report = upscale(clip, tmp_path / "a.mkv", duration=0.05)
    with pytest.raises(OutputError, match="report cannot be written"):
        report.write(tmp_path / "absent" / "a.json")


def test_notes_are_said_once_and_kept(
    clip: Clip, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "vidsr")
    report = upscale(clip, tmp_path / "a.mkv")
    assert any("no colour matrix" in note for note in report.notes)
    assert len(set(report.notes)) == len(report.notes)
    assert [r.message for r in caplog.records if r.name == "vidsr"] == list(report.notes)


REFUSED: list[tuple[dict[str, Any], type[VidsrError], str]] = [
    ({"size": "0x0"}, OptionError, "0x0"),
    ({"size": "big"}, OptionError, "expected WxH"),
    ({"size": (0, 10)}, OptionError, "expected WxH"),
    ({"height": -1}, OptionError, "expected a whole number"),
    ({"height": 0}, OptionError, "expected a whole number"),
    ({"size": "10x10", "height": 10}, OptionError, "both"),
    ({"size": "99999x10"}, OptionError, "16384"),
    ({"size": "51x31", "codec": "h264"}, OptionError, "multiple of 2x2"),
    ({"scale": 3, "model": "auto"}, OptionError, "expected 1, 2 or 4"),
    ({"scale": 4}, OptionError, "leave `scale` out"),
    ({"start": -5}, OptionError, "start = -5"),
    ({"start": float("nan")}, OptionError, "start = nan"),
    ({"start": 3600}, InputError, "no frame lies in the part|could be decoded"),
    ({"duration": 0}, OptionError, "duration = 0"),
    ({"duration": float("nan")}, OptionError, "duration = nan"),
    ({"duration": float("inf")}, OptionError, "duration = inf"),
    ({"framerate": 0}, OptionError, "framerate = 0"),
    ({"framerate": -25}, OptionError, "framerate = -25"),
    ({"framerate": 10**6}, OptionError, "framerate = 1000000"),
    ({"codec": "h265"}, OptionError, "did you mean hevc"),
    ({"codec": "h264", "crf": 99}, OptionError, "crf = 99.*0 to 51"),
    ({"codec": "h264", "crf": -1}, OptionError, "crf = -1.*0 to 51"),
    ({"codec": "ffv1", "crf": 3}, OptionError, "no quality setting"),
    ({"codec": "h264", "preset": "warp"}, OptionError, "preset = 'warp'"),
    ({"codec": "h264", "pix_fmt": "rgb24"}, OptionError, "pix_fmt = 'rgb24'"),
    ({"device": "tpu"}, OptionError, "expected"),
    ({"precision": "int8"}, OptionError, "expected auto, fp32"),
    ({"precision": "fp16"}, OptionError, "fp16"),
    ({"tile": (0, 0)}, OptionError, "16 or more"),
    ({"max_memory": 0}, OptionError, "512M"),
    ({"max_memory": "lots"}, OptionError, "512M"),
    ({"max_memory": "10k"}, MemoryLimitError, "`max_memory`"),
    ({"model": "lite-x9"}, ModelError, "available"),
    ({"model": "absent.pth"}, ModelError, "does not exist"),
]


@pytest.mark.parametrize(
    ("options", "kind", "message"), REFUSED, ids=[str(r[0])[1:-1] for r in REFUSED]
)
def test_what_is_refused_is_refused_before_anything_is_written(
    clip: Clip, tmp_path: Path, options: dict[str, Any], kind: type[VidsrError], message: str
) -> None:
    with pytest.raises(kind, match=message) as caught:
        upscale(clip, tmp_path / "a.mkv", **options)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu_where_one_is_asked_for(clip: Clip, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="device = 'cpu'"):
        upscale(clip, tmp_path / "a.mkv", device="cuda")


def test_sources_and_models_that_are_none(clip: Clip, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no video, no weights\n" * 30)
    with pytest.raises(InputError, match="no such file"):
        vidsr.upscale(tmp_path / "absent.mp4", tmp_path / "a.mkv")
    with pytest.raises(InputError, match=r"text file|cannot be opened"):
        vidsr.upscale(text, tmp_path / "a.mkv")
    with pytest.raises(InputError, match="folder"):
        vidsr.upscale(tmp_path, tmp_path / "a.mkv")
    with pytest.raises(ModelError):
        upscale(clip, tmp_path / "a.mkv", model=text)
    with pytest.raises(OptionError, match="suffix"):
        upscale(clip, tmp_path / "a.xyz")
    with pytest.raises(OutputError, match="no such folder"):
        upscale(clip, tmp_path / "absent" / "a.mkv")
    assert list(tmp_path.iterdir()) == [text]


def test_a_job_is_prepared_without_writing(clip: Clip, tmp_path: Path) -> None:
    options = RunOptions(model="auto", device="cpu", height=60)
    with prepare(clip.path, tmp_path / "a.mkv", options, Notes()) as job:
        assert (job.output.format.width, job.output.format.height) == (80, 60)
        assert job.upscaler.model.name == "lite-x2"
    assert list(tmp_path.iterdir()) == []
