"""Quantisers read from real streams are those that the encoder had to take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from av.sidedata.sidedata import Type

from tests.makers.coded import ONE_QP, coded, quantised
from vidsr.video.coding.codecs import export_quantisers
from vidsr.video.coding.headers.av1 import Av1Headers
from vidsr.video.coding.headers.h264 import H264Headers
from vidsr.video.coding.headers.hevc import HevcHeaders
from vidsr.video.coding.headers.jpeg import jpeg_step
from vidsr.video.coding.headers.mpeg import MpegHeaders
from vidsr.video.coding.headers.steps import mpeg_steps
from vidsr.video.coding.headers.vp8 import quantiser_index
from vidsr.video.coding.headers.vp9 import Vp9Headers
from vidsr.video.coding.venc_params import Quantisers, parse
from vidsr.video.side_data import SideData


def exported(path: Path) -> Iterator[Quantisers]:
    with av.open(str(path)) as file:
        export_quantisers(file.streams.video[0].codec_context)
        reader = SideData(frozenset({Type.VIDEO_ENC_PARAMS}))
        for image in file.decode(video=0):
            for item in reader.read(image):
                found = parse(item.data)
                assert found is not None
                yield found


def packets(path: Path) -> tuple[bytes | None, list[bytes]]:
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        sent = [bytes(packet) for packet in file.demux(stream) if packet.size]
        return stream.codec_context.extradata, sent


@pytest.mark.parametrize("suffix", ["mkv", "ts", "mp4"])
@pytest.mark.parametrize(
    ("pix_fmt", "size", "qp", "offset"),
    [
        ("yuv420p", (96, 64), 26, 0),
        ("yuv420p", (70, 50), 37, 0),
        ("yuv444p", (33, 21), 12, 0),
        ("yuv420p10le", (96, 64), 38, 12),  # x264 counts from the offset of deep streams on
    ],
)
def test_h264_has_the_qp_it_was_given(
    tmp_path: Path, suffix: str, pix_fmt: str, size: tuple[int, int], qp: int, offset: int
) -> None:
    options = ONE_QP | {"qp": str(qp)}
    clip = coded(tmp_path / f"a.{suffix}", "libx264", options, pix_fmt=pix_fmt, size=size)
    extradata, sent = packets(clip.path)
    headers = H264Headers(extradata)
    assert [headers.slice_qp(data) for data in sent] == [qp - offset] * len(clip.pictures)


@pytest.mark.parametrize(
    "tools", ["weightp=2:ref=5:bframes=4:b-pyramid=2", "cabac=0:slices=3", "cqm=jvt:open-gop=1"]
)
def test_h264s_headers_are_read_through_more_tools(tmp_path: Path, tools: str) -> None:
    fixed = f"{ONE_QP['x264-params']}:{tools}"
    clip = coded(
        tmp_path / "a.mkv", "libx264", {"preset": "slow", "qp": "29", "x264-params": fixed}
    )
    extradata, sent = packets(clip.path)
    headers = H264Headers(extradata)
    assert {headers.slice_qp(data) for data in sent} == {29}


def test_interlaced_h264_has_the_qp_it_was_given(tmp_path: Path) -> None:
    clip = coded(tmp_path / "a.mkv", "libx264", ONE_QP | {"qp": "24"}, interlaced=True)
    extradata, sent = packets(clip.path)
    headers = H264Headers(extradata)
    assert {headers.slice_qp(data) for data in sent} == {24}


@pytest.mark.parametrize("codec", ["mpeg2video", "mpeg1video", "mpeg4", "flv"])
@pytest.mark.parametrize("quantiser", [2, 9, 31])
def test_the_mpeg_family_has_twice_the_quantiser(
    tmp_path: Path, codec: str, quantiser: int
) -> None:
    suffix = "flv" if codec == "flv" else "mkv"
    clip = quantised(tmp_path / f"a.{suffix}", codec, quantiser, size=(80, 48))
    found = list(exported(clip.path))
    assert len(found) >= len(clip.pictures) - 1  # MPEG-2 exports none with its last picture
    for each in found:
        assert set((each.base + each.blocks[:, 4]).tolist()) == {2 * quantiser}


def test_interlaced_mpeg2_has_twice_the_quantiser(tmp_path: Path) -> None:
    clip = quantised(tmp_path / "a.mkv", "mpeg2video", 6)
    assert {12} == {int(d) for each in exported(clip.path) for d in each.blocks[:, 4]}


@pytest.mark.parametrize(("quantiser", "index"), [(1, 4), (10, 40), (40, 160), (63, 255)])
def test_vp9_has_the_index_of_libvpxs_table(tmp_path: Path, quantiser: int, index: int) -> None:
    held = {"qmin": str(quantiser), "qmax": str(quantiser), "lag-in-frames": "0", "b": "1000000"}
    clip = coded(tmp_path / "a.webm", "libvpx-vp9", held | {"undershoot-pct": "100"})
    assert [each.base for each in exported(clip.path)] == [index] * len(clip.pictures)


@pytest.mark.parametrize(
    ("pix_fmt", "options"),
    [
        ("yuv420p", {"crf": "30", "auto-alt-ref": "1", "lag-in-frames": "16"}),  # hidden frames
        ("yuv420p", {"error-resilient": "1", "aq-mode": "0"}),
        ("yuv444p", {"crf": "20"}),
        ("gbrp", {"crf": "20"}),
    ],
)
def test_vp9s_headers_name_the_indices_that_ffmpeg_exports(
    tmp_path: Path, pix_fmt: str, options: dict[str, str]
) -> None:
    options = {"b": "60000", "g": "20"} | options
    clip = coded(tmp_path / "a.mkv", "libvpx-vp9", options, pix_fmt=pix_fmt, frames=30)
    headers = Vp9Headers()
    found = [headers.quantiser_index(data) for data in packets(clip.path)[1]]
    assert found == [each.base for each in exported(clip.path)]
    assert len(set(found)) > 1


@pytest.mark.parametrize("codec", ["mpeg1video", "mpeg2video"])
@pytest.mark.parametrize("bent", ["0", "1"])
def test_mpegs_slices_name_the_quantisers_that_ffmpeg_exports(
    tmp_path: Path, codec: str, bent: str
) -> None:
    more = {"non_linear_quant": bent, "qmax": "28"} if codec == "mpeg2video" else {}
    clip = coded(tmp_path / "a.mkv", codec, {"b": "90000", "g": "9"} | more, frames=18)
    headers = MpegHeaders()
    told = [headers.step(data) for data in packets(clip.path)[1]]
    blocks = [mpeg_steps(each.blocks[:, 4] + each.base) for each in exported(clip.path)]
    means = [float(steps.mean()) for steps in blocks]
    assert told[: len(means)] == pytest.approx(means)
    assert len(means) >= 17
    assert len(set(told)) > 2


@pytest.mark.parametrize(("quantiser", "index"), [(4, 4), (20, 25), (60, 118)])
def test_vp8_has_the_index_of_libvpxs_table(tmp_path: Path, quantiser: int, index: int) -> None:
    held = {"qmin": str(quantiser), "qmax": str(quantiser), "b": "1000000"}
    clip = coded(tmp_path / "a.webm", "libvpx", held)
    _, sent = packets(clip.path)
    assert {quantiser_index(data) for data in sent} == {index}


@pytest.mark.parametrize("suffix", ["mkv", "ts", "mp4"])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le"])
def test_hevc_has_the_qp_it_was_given(tmp_path: Path, suffix: str, pix_fmt: str) -> None:
    fixed = "log-level=none:pools=none:qp=27:ipratio=1:pbratio=1:aq-mode=0"
    clip = coded(
        tmp_path / f"a.{suffix}", "libx265", {"x265-params": fixed}, pix_fmt=pix_fmt, frames=8
    )
    extradata, sent = packets(clip.path)
    headers = HevcHeaders(extradata)
    assert [headers.slice_qp(data) for data in sent] == [27] * 8


@pytest.mark.parametrize("tools", ["weightb=1:ref=4:bframes=4", "scaling-list=default:slices=2"])
def test_hevcs_headers_are_read_through_more_tools(tmp_path: Path, tools: str) -> None:
    fixed = f"log-level=none:pools=none:qp=31:ipratio=1:pbratio=1:aq-mode=0:{tools}"
    clip = coded(tmp_path / "a.mkv", "libx265", {"preset": "slow", "x265-params": fixed})
    extradata, sent = packets(clip.path)
    headers = HevcHeaders(extradata)
    assert {headers.slice_qp(data) for data in sent} == {31}


@pytest.mark.parametrize("options", [{}, {"svtav1-params": "scm=1:film-grain=8"}])
def test_av1s_indices_are_those_that_ffmpeg_reads(tmp_path: Path, options: dict[str, str]) -> None:
    clip = coded(tmp_path / "a.mkv", "libsvtav1", {"crf": "40"} | options, frames=9)
    with av.open(str(clip.path)) as file:
        stream = file.streams.video[0]
        headers = Av1Headers(stream.codec_context.extradata)
        for packet in file.demux(stream):
            if packet.size:
                index = headers.quantiser_index(bytes(packet))
                assert index is not None
                assert 0 < index < 256


def test_the_steps_of_a_jpeg_are_those_of_its_table(tmp_path: Path) -> None:
    steps = []
    for quantiser in (2, 8, 24):
        clip = quantised(
            tmp_path / f"{quantiser}.mkv", "mjpeg", quantiser, pix_fmt="yuvj420p", frames=1
        )
        step = jpeg_step(packets(clip.path)[1][0])
        assert step is not None
        steps.append(step)
    assert steps == sorted(steps)
    assert steps[2] == pytest.approx(3 * steps[1], rel=0.1)


def test_a_flat_table_is_its_own_step() -> None:
    table = b"\xff\xdb\x00\x43\x00" + bytes([7] * 64)
    deep = b"\xff\xdb\x00\x83\x10" + np.full(64, 300, ">u2").tobytes()
    assert jpeg_step(b"\xff\xd8" + table + b"\xff\xda\x00\x08") == pytest.approx(7)
    assert jpeg_step(b"\xff\xd8" + deep + b"\xff\xda\x00\x08") == pytest.approx(300)
