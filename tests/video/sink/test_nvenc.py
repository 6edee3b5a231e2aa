"""NVENC: what FFmpeg's own option tables say of our settings, and what is said without a card.

FFmpeg reads options before it looks for a card, so names and ranges are checked anywhere.
"""

from __future__ import annotations

import errno
import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import vidsr
from tests.makers.clips import make_clip, noise, samples
from vidsr.cli import main
from vidsr.errors import DeviceError, OptionError
from vidsr.notes import Notes
from vidsr.picture.frame import PixelFormat, view_planes
from vidsr.run.job import prepare
from vidsr.run.options import RunOptions
from vidsr.video.hdr import HdrMetadata
from vidsr.video.sink.codec_defaults import CODECS, find_codec
from vidsr.video.sink.encoder_formats import encoder_formats
from vidsr.video.sink.encoder_settings import (
    add_parameters,
    check_device,
    choose_format,
    encoder_options,
)
from vidsr.video.sink.output_plan import configure_encoder

NVENC = ("h264_nvenc", "hevc_nvenc", "av1_nvenc")
YUV = PixelFormat("yuv", 8, (2, 2))


def has_nvenc(name: str) -> bool:
    try:
        check_device(CODECS[name])
    except DeviceError:
        return False
    return True


without_nvenc = pytest.mark.skipif(has_nvenc("h264_nvenc"), reason="there is a card with NVENC")


def refused(encoder: str, options: dict[str, str]) -> bool:
    """Whether FFmpeg finds fault with an option's value. Names it does not know it leaves alone."""
    context = av.CodecContext.create(encoder, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 640, 480, "yuv420p"
    context.time_base = Fraction(1, 25)
    context.options = options
    try:
        context.open()
    except (av.error.FFmpegError, OSError) as error:
        return getattr(error, "errno", None) in (errno.EINVAL, errno.ERANGE)
    return False


@pytest.mark.parametrize("name", NVENC)
def test_ffmpeg_knows_every_option_by_that_name(name: str) -> None:
    codec = CODECS[name]
    settings = encoder_options(codec, None, None, YUV)
    assert set(settings) == {"rc", "b", "cq", "preset"}
    assert not refused(codec.encoder, settings)
    for key in settings:
        assert refused(codec.encoder, {key: "no such value"})


@pytest.mark.parametrize("name", NVENC)
def test_presets_and_the_quality_range_are_ffmpegs(name: str) -> None:
    codec = CODECS[name]
    assert codec.presets == ("p1", "p2", "p3", "p4", "p5", "p6", "p7")
    for preset in codec.presets:
        assert not refused(codec.encoder, {"preset": preset})
    assert refused(codec.encoder, {"preset": "p0"})
    assert refused(codec.encoder, {"preset": "p8"})
    assert not refused(codec.encoder, {"cq": str(codec.crf_max)})
    assert refused(codec.encoder, {"cq": str(codec.crf_max + 1)})
    with pytest.raises(OptionError, match="expected 1 to"):  # 0 would be "automatic"
        encoder_options(codec, 0, None, YUV)


@pytest.mark.parametrize("name", NVENC)
def test_formats_are_the_encoders_and_none_of_the_cards(name: str) -> None:
    codec = CODECS[name]
    own = {f.name for f in av.Codec(codec.encoder, "w").video_formats or ()}
    formats = encoder_formats(codec)
    assert tuple(formats) == codec.formats
    assert set(formats) <= own
    assert "cuda" in own
    assert all(pixel.family == "yuv" for pixel in formats.values())
    with pytest.raises(OptionError, match="pix_fmt = 'cuda'"):
        choose_format(codec, YUV, "cuda")


@pytest.mark.parametrize(
    ("codec", "source", "expected"),
    [
        ("h264_nvenc", YUV, "yuv420p"),
        ("h264_nvenc", PixelFormat("yuv", 10, (2, 2)), "yuv420p"),
        ("h264_nvenc", PixelFormat("rgb", 8), "yuv444p"),
        ("hevc_nvenc", YUV, "yuv420p"),
        ("hevc_nvenc", PixelFormat("yuv", 10, (2, 2)), "p010le"),
        ("hevc_nvenc", PixelFormat("yuv", 12, (2, 2)), "p010le"),
        ("hevc_nvenc", PixelFormat("yuv", 10, (1, 1)), "yuv444p10msble"),
        ("hevc_nvenc", PixelFormat("yuv", 8, (2, 1)), "yuv444p"),
        ("av1_nvenc", PixelFormat("yuv", 10, (1, 1)), "p010le"),
        ("av1_nvenc", PixelFormat("gray", 8), "yuv420p"),
    ],
)
def test_the_nearest_format_is_chosen(codec: str, source: PixelFormat, expected: str) -> None:
    name, pixel = choose_format(CODECS[codec], source, None)
    assert name == expected
    assert pixel.depth == (10 if "10" in expected else 8)


@pytest.mark.parametrize("size", [(2, 2), (34, 18), (322, 182)])
def test_ten_bit_samples_reach_the_encoder_unchanged(size: tuple[int, int]) -> None:
    """Ten bits lie at the top of 16: exactly 64 times the value, as the sink's own call gives."""
    image = noise(*size, "yuv420p10le")
    luma, chroma = (p.numpy() for p in view_planes(image.reformat(format="p010le", threads=1)))
    y, u, v = (plane << 6 for plane in samples(image))
    assert np.array_equal(luma, y)
    assert np.array_equal(chroma[..., 0], u)
    assert np.array_equal(chroma[..., 1], v)
    full = noise(*size, "yuv444p10le")
    high = samples(full.reformat(format="yuv444p10msble", threads=1))
    assert all(np.array_equal(h, known << 6) for h, known in zip(high, samples(full), strict=True))


def test_static_hdr_metadata_are_admitted_to_be_lost() -> None:
    assert not add_parameters({}, CODECS["hevc_nvenc"], HdrMetadata(light_levels=(1000, 400)))
    assert add_parameters({}, CODECS["hevc_nvenc"], HdrMetadata())


def test_nobody_gets_nvenc_unasked(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="did you mean h264_nvenc"):
        find_codec("nvenc")
    clip = make_clip(tmp_path / "a.mkv", frames=1)
    for target in ("b.mkv", "b.mp4", "b.webm", "b.ts"):
        options = RunOptions(model="lite-x2", device="cpu")
        with prepare(clip.path, tmp_path / target, options, Notes()) as job:
            assert not job.output.codec.on_gpu


@without_nvenc
@pytest.mark.parametrize("name", NVENC)
def test_no_card_is_one_line_before_anything_is_opened(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidsr.run.job.open_source", pytest.fail)
    clip = make_clip(tmp_path / "a.mkv", frames=1)
    options = RunOptions(codec=name)
    with pytest.raises(DeviceError, match=rf"{name} needs an NVIDIA GPU with NVENC") as error:
        prepare(clip.path, tmp_path / "b.mkv", options, Notes())
    software = name.removesuffix("_nvenc")
    assert error.value.hint.startswith(f"codec = '{software}' encodes on the CPU")
    assert "H100" in error.value.hint
    assert [p.name for p in tmp_path.iterdir()] == ["a.mkv"]


@without_nvenc
def test_the_command_ends_with_status_7(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = make_clip(tmp_path / "a.mkv", frames=1)
    target = tmp_path / "b.mkv"
    assert main([str(clip.path), "-o", str(target), "--codec", "h264_nvenc"]) == 7
    said = capsys.readouterr().err
    assert said.startswith("vidsr: error: h264_nvenc needs an NVIDIA GPU")
    assert said.count("\n") == 1


def _stand_in(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The software encoder under NVENC's name: all but the encoder itself is as with a card."""
    software = CODECS[name.removesuffix("_nvenc")]
    stand_in = replace(software, name=name, max_rate=CODECS[name].max_rate)
    monkeypatch.setitem(CODECS, name, stand_in)


@pytest.mark.parametrize(
    ("codec", "suffix", "tag"), [("hevc_nvenc", "mp4", "hvc1"), ("h264_nvenc", "ts", None)]
)
def test_containers_see_the_bitstream_not_the_encoder(
    codec: str, suffix: str, tag: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stand_in(monkeypatch, codec)
    clip = make_clip(tmp_path / "a.mkv", frames=4)
    target = tmp_path / f"b.{suffix}"
    report = vidsr.upscale(clip.path, target, model="lite-x2", device="cpu", codec=codec)
    assert (report.codec, report.frames) == (codec, 4)
    assert report.streams[0]["codec"] == codec.removesuffix("_nvenc")
    with av.open(str(target)) as written:
        context = written.streams.video[0].codec_context
        assert tag is None or context.codec_tag == tag


def test_nvenc_is_told_of_240_frames_a_second_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its level follows from size and rate; timestamps may lie as close as they like."""
    _stand_in(monkeypatch, "h264_nvenc")
    clip = make_clip(tmp_path / "a.mp4", frames=3, rate=600)
    options = RunOptions(model="lite-x2", device="cpu", codec="h264_nvenc")
    with prepare(clip.path, tmp_path / "b.mp4", options, Notes()) as job:
        probe = av.open(io.BytesIO(), "w", format="mp4")
        context = configure_encoder(probe, job.output).codec_context
        assert (context.framerate, context.time_base) == (Fraction(240), job.info.time_base)
