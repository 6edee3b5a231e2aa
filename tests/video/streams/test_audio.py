"""Sound that a container cannot hold: copied all the same, unpacked, converted, or refused."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.makers.clips import decode, make_clip
from tests.makers.containers import Sound, enlarge, make_file, read_streams
from vidsr.errors import ContainerError

RATE = 48000


def sounds(path: Path) -> list[Any]:
    return [track for track in read_streams(path) if track.kind == "audio"]


def heard(path: Path, layout: str = "mono") -> tuple[Fraction, np.ndarray[Any, Any]]:
    """Start in seconds and samples, as floats of one rate and layout."""
    pieces, start = [], None
    resampler = av.AudioResampler("flt", layout, RATE)
    with av.open(str(path)) as file:
        frame: Any
        for frame in file.decode(audio=0):
            if start is None:
                start = frame.pts * frame.time_base
            pieces += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
        pieces += [piece.to_ndarray()[0] for piece in resampler.resample(None)]
    assert start is not None
    return start, np.concatenate(pieces)


def stored(path: Path, codec: str, wave: np.ndarray[Any, Any], **choices: Any) -> Path:
    """Write 8 frames of video beside interleaved s16 ``wave`` of shape [samples, channels]."""
    container = choices.pop("container", "avi")
    rate, layout = choices.pop("rate", RATE), "mono" if wave.shape[1] == 1 else "stereo"
    start = choices.pop("start", 0)
    with av.open(str(path), "w", format=container, options=choices.pop("options", {})) as target:
        video: Any = target.add_stream("mpeg2video", rate=25)
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        sound: Any = target.add_stream(codec, rate=rate)
        context = sound.codec_context
        context.layout = layout
        context.format = sound.codec.audio_formats[0].name
        if "bit_rate" in choices:
            context.bit_rate = choices["bit_rate"]
        context.open()
        packets: list[Any] = []
        for index in range(8):
            image = av.VideoFrame.from_ndarray(
                np.full((48, 32), 40 * (index % 5), np.uint8), "yuv420p"
            )
            image.pts, image.time_base = index, Fraction(1, 25)
            packets += video.encode(image)
        packets += video.encode(None)
        chunk = context.frame_size or 1024
        resampler = av.AudioResampler(context.format.name, layout, rate)
        for place in range(0, len(wave), chunk):
            piece = np.ascontiguousarray(wave[place : place + chunk]).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(piece, "s16", layout)
            frame.sample_rate = rate
            for part in resampler.resample(frame):
                part.pts, part.time_base = start + place, Fraction(1, rate)
                packets += sound.encode(part)
        packets += sound.encode(None)
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            target.mux_one(packet)
    return path


def mux_all(target: Any, stream: Any, packets: Iterable[Any]) -> None:
    for packet in packets:
        if packet.size:
            packet.stream = stream
            target.mux_one(packet)


def tone(samples: int = 16000, channels: int = 1, rate: int = RATE) -> np.ndarray[Any, Any]:
    time_s = np.arange(samples) / rate
    wave = 9000 * np.sin(2 * np.pi * 440 * time_s)
    return np.repeat(wave[:, None], channels, 1).astype(np.int16)


@pytest.mark.parametrize(
    ("codec", "container", "rate"),
    [
        ("pcm_alaw", "avi", 8000),
        ("pcm_mulaw", "mov", 8000),
        ("pcm_alaw", "mov", 48000),
        ("adpcm_ms", "avi", 44100),
        ("adpcm_ima_wav", "avi", 22050),
        ("wmav2", "asf", 44100),
        ("wmav1", "asf", 44100),
        ("pcm_mulaw", "avi", 16000),
    ],
)
def test_matroska_takes_a_copy_of_what_windows_wrote(
    tmp_path: Path, codec: str, container: str, rate: int
) -> None:
    choices = {"bit_rate": 64000} if codec.startswith("wma") else {}
    wave = tone(rate // 3, rate=rate)
    source = stored(tmp_path / "a.bin", codec, wave, container=container, rate=rate, **choices)
    report = enlarge(source, tmp_path / "b.mkv")
    before, after = sounds(source), sounds(tmp_path / "b.mkv")
    assert [track.codec for track in after] == [codec]
    assert after[0].payloads == before[0].payloads
    assert not any("audio" in note for note in report.notes)
    assert np.array_equal(heard(source)[1], heard(tmp_path / "b.mkv")[1])
    assert len(decode(tmp_path / "b.mkv")) == 8


@pytest.mark.parametrize(
    ("codec", "container", "suffix", "becomes"),
    [
        ("pcm_dvd", "vob", ".mkv", "pcm_s16le"),
        ("pcm_dvd", "vob", ".mov", "pcm_s16le"),
        ("pcm_bluray", "mpegts", ".mkv", "pcm_s16le"),
        ("pcm_bluray", "mpegts", ".mov", "pcm_s16le"),
        ("pcm_s16be", "mov", ".avi", "pcm_s16le"),
    ],
)
def test_pcm_of_discs_is_unpacked_without_loss(
    tmp_path: Path, codec: str, container: str, suffix: str, becomes: str
) -> None:
    if suffix == ".avi":
        pytest.importorskip("vidsr.video.sink.avi", reason="no such target")
    options = {"mpegts_m2ts_mode": "1"} if codec == "pcm_bluray" else {}
    wave = np.random.default_rng(1).integers(-30000, 30000, (16000, 2), dtype=np.int16)
    source = stored(tmp_path / "a.bin", codec, wave, container=container, options=options)
    report = enlarge(source, tmp_path / f"b{suffix}")
    assert [track.codec for track in sounds(tmp_path / f"b{suffix}")] == [becomes]
    assert any(f"{codec} becomes {becomes}" in note for note in report.notes)
    kept, given = heard(tmp_path / f"b{suffix}", "stereo")[1], heard(source, "stereo")[1]
    assert np.array_equal(kept, given)
    assert len(kept) >= 2 * 15360


@pytest.mark.parametrize(
    ("codec", "suffix", "becomes"),
    [
        ("aac", ".webm", "opus"),
        ("ac3", ".webm", "opus"),
        ("flac", ".ts", "aac"),
        ("wavpack", ".mp4", "flac"),
        ("wavpack", ".mov", "aac"),
        ("flac", ".m2ts", "ac3"),
        ("tta", ".mp4", "flac"),
        ("libopus", ".mov", "aac"),
        ("pcm_s24le", ".webm", "opus"),
    ],
)
def test_auto_converts_what_cannot_be_copied(
    tmp_path: Path, codec: str, suffix: str, becomes: str
) -> None:
    source = make_file(tmp_path / "a.mkv", sounds=[Sound(codec, start_s=0.12, seconds=0.6)])
    target = tmp_path / f"b{suffix}"
    with pytest.raises(ContainerError, match="cannot hold audio stream 1") as refusal:
        enlarge(source, target)
    assert "audio = 'auto'" in refusal.value.hint
    report = enlarge(source, target, audio="auto")
    assert [track.codec for track in sounds(target)] == [becomes]
    assert any(f"becomes {becomes}" in note for note in report.notes)
    assert_same_place(source, target)


def assert_same_place(source: Path, target: Path, tolerance_s: float = 0.03) -> None:
    """Sound lies beside the pictures as it did, and is as long."""
    offsets, lengths = [], []
    for path in (source, target):
        start, wave = heard(path)
        loud = np.flatnonzero(np.abs(wave) > 0.02)
        with av.open(str(path)) as file:
            first: Any = next(iter(file.decode(video=0)))
        offsets.append(float(start - first.pts * first.time_base) + loud[0] / RATE)
        lengths.append((loud[-1] - loud[0]) / RATE)
    assert abs(offsets[1] - offsets[0]) < tolerance_s
    assert abs(lengths[1] - lengths[0]) < tolerance_s


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov", ".ts"])
@pytest.mark.parametrize("start_s", [0.0, 0.2])
def test_converted_sound_stays_beside_its_pictures(
    tmp_path: Path, suffix: str, start_s: float
) -> None:
    source = make_file(tmp_path / "a.mkv", sounds=[Sound("mp2", start_s=start_s, seconds=0.7)])
    enlarge(source, tmp_path / f"b{suffix}", audio="aac")
    assert [track.codec for track in sounds(tmp_path / f"b{suffix}")] == ["aac"]
    assert_same_place(source, tmp_path / f"b{suffix}")


@pytest.mark.parametrize("choice", ["aac", "opus", "flac"])
def test_a_named_codec_leaves_its_own_as_it_is(tmp_path: Path, choice: str) -> None:
    encoders = {"aac": "aac", "opus": "libopus", "flac": "flac"}
    tracks = [Sound(encoders[choice], tags={"language": "ger"}), Sound("ac3")]
    source = make_file(tmp_path / "a.mkv", sounds=tracks)
    report = enlarge(source, tmp_path / "b.mkv", audio=choice)
    before, after = sounds(source), sounds(tmp_path / "b.mkv")
    assert [track.codec for track in after] == [choice, choice]
    assert after[0].payloads == before[0].payloads
    assert after[0].tags["language"] == "ger"
    assert any(f"stream 2: ac3 becomes {choice}" in note for note in report.notes)


@pytest.mark.parametrize(
    ("suffix", "choice"), [(".webm", "aac"), (".ts", "flac"), (".mov", "opus")]
)
def test_a_named_codec_that_does_not_fit_is_refused(
    tmp_path: Path, suffix: str, choice: str
) -> None:
    source = make_file(tmp_path / "a.mkv", sounds=[Sound("ac3")])
    with pytest.raises(ContainerError, match=f"as {choice}") as refusal:
        enlarge(source, tmp_path / f"b{suffix}", audio=choice)
    assert ".mkv" in refusal.value.hint


@pytest.mark.parametrize("suffix", [".mkv", ".webm", ".mp4", ".ts"])
def test_none_leaves_sound_out_without_a_word(tmp_path: Path, suffix: str) -> None:
    source = make_file(tmp_path / "a.mkv", sounds=[Sound("aac"), Sound("ac3")])
    report = enlarge(source, tmp_path / f"b{suffix}", audio="none")
    assert sounds(tmp_path / f"b{suffix}") == []
    assert not any("dropped" in note for note in report.notes)


def test_flac_keeps_every_sample(tmp_path: Path) -> None:
    wave = np.random.default_rng(2).integers(-30000, 30000, (15000, 2), dtype=np.int16)
    source = stored(tmp_path / "a.avi", "pcm_s16le", wave)
    enlarge(source, tmp_path / "b.mkv", audio="flac")
    assert np.array_equal(heard(source, "stereo")[1], heard(tmp_path / "b.mkv", "stereo")[1])


@pytest.mark.parametrize("layout", ["mono", "stereo", "3.0", "quad", "5.1", "5.1(side)", "7.1"])
@pytest.mark.parametrize(
    ("suffix", "choice"), [(".webm", "opus"), (".mp4", "aac"), (".mkv", "flac")]
)
def test_every_layout_is_converted(tmp_path: Path, layout: str, suffix: str, choice: str) -> None:
    channels = av.AudioLayout(layout).nb_channels
    source = tmp_path / "a.mkv"
    clip = make_clip(tmp_path / "v.mkv", frames=4, size=(32, 32)).path
    with av.open(str(clip)) as pictures, av.open(str(source), "w") as target:
        video = target.add_stream_from_template(pictures.streams.video[0])
        sound = target.add_stream("pcm_s16le", rate=RATE)
        sound.codec_context.layout = layout
        mux_all(target, video, pictures.demux(video=0))
        wave = np.repeat(tone(9600), channels, 1).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(wave, "s16", layout)
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        target.mux(sound.encode(frame))
        target.mux(sound.encode(None))
    enlarge(source, tmp_path / f"b{suffix}", audio=choice)
    with av.open(str(tmp_path / f"b{suffix}")) as file:
        assert file.streams.audio[0].layout.nb_channels == channels
    assert len(heard(tmp_path / f"b{suffix}")[1]) >= 9000


def test_a_gap_in_the_sound_stays_a_gap(tmp_path: Path) -> None:
    source = make_file(tmp_path / "whole.mkv", frames=30, sounds=[Sound("mp2", seconds=1.1)])
    gapped = tmp_path / "a.mkv"
    with av.open(str(source)) as given, av.open(str(gapped), "w") as target:
        streams = [target.add_stream_from_template(s, opaque=True) for s in given.streams]
        for packet in given.demux():
            time_s = float((packet.pts or 0) * packet.time_base)
            if packet.size and not (packet.stream.type == "audio" and 0.4 < time_s < 0.8):
                packet.stream = streams[packet.stream.index]
                target.mux_one(packet)
    enlarge(gapped, tmp_path / "b.mp4", audio="aac")
    start, wave = heard(tmp_path / "b.mp4")
    quiet = wave[round((0.5 - float(start)) * RATE) : round((0.75 - float(start)) * RATE)]
    assert np.abs(quiet).max() < 0.02
    assert np.abs(wave[round(0.9 * RATE) : round(1.0 * RATE)]).max() > 0.1


@pytest.mark.parametrize(
    ("codec", "suffix", "reads_as"),
    [("aac", ".ts", "aac"), ("aac", ".m2ts", "aac"), ("ac3", ".mts", "ac3"), ("mp2", ".ts", "mp2")],
)
def test_what_goes_into_a_transport_stream_comes_out(
    tmp_path: Path, codec: str, suffix: str, reads_as: str
) -> None:
    source = make_file(tmp_path / "a.mkv", sounds=[Sound(codec)])
    enlarge(source, tmp_path / f"b{suffix}")
    after = sounds(tmp_path / f"b{suffix}")
    assert len(after) == 1
    assert after[0].codec in (reads_as, "mp3")
    assert len(after[0].payloads) == len(sounds(source)[0].payloads)


@pytest.mark.parametrize("codec", ["flac", "alac", "pcm_s16le", "wavpack", "tta"])
def test_a_transport_stream_refuses_what_reads_back_as_data(tmp_path: Path, codec: str) -> None:
    source = make_file(tmp_path / "a.mkv", sounds=[Sound(codec)])
    with pytest.raises(ContainerError, match=codec) as refusal:
        enlarge(source, tmp_path / "b.ts")
    assert ".mkv" in refusal.value.hint


@pytest.mark.parametrize("codec", ["truehd", "dts", "mlp"])
def test_sound_of_which_no_packet_tells_is_refused(tmp_path: Path, codec: str) -> None:
    clip = make_clip(tmp_path / "v.mkv", frames=4, size=(32, 32)).path
    with av.open(str(clip)) as pictures, av.open(str(tmp_path / "a.mkv"), "w") as target:
        video = target.add_stream_from_template(pictures.streams.video[0])
        sound: Any = target.add_mux_stream(codec, rate=RATE)
        mux_all(target, video, pictures.demux(video=0))
        for number in range(4):
            packet: Any = av.Packet(bytes(200))
            packet.stream, packet.time_base = sound, Fraction(1, 1000)
            packet.pts = packet.dts = 40 * number
            packet.is_keyframe = True
            target.mux_one(packet)
    with pytest.raises(ContainerError, match="cannot hold audio stream 1"):
        enlarge(tmp_path / "a.mkv", tmp_path / "b.ts")


def test_a_hint_never_names_the_container_that_refused(tmp_path: Path) -> None:
    source = old_game(tmp_path / "a.roq")
    with pytest.raises(ContainerError, match="roq_dpcm") as refusal:
        enlarge(source, tmp_path / "b.webm")
    assert ".mkv" not in refusal.value.hint
    assert "`drop_incompatible`" in refusal.value.hint
    with pytest.raises(ContainerError, match="roq_dpcm") as refusal:
        enlarge(source, tmp_path / "b.mkv")
    assert ".mkv" not in refusal.value.hint
    enlarge(source, tmp_path / "b.mkv", audio="auto")
    assert [track.codec for track in sounds(tmp_path / "b.mkv")] == ["aac"]


def old_game(path: Path) -> Path:
    with av.open(str(path), "w", format="roq") as target:
        video: Any = target.add_stream("roqvideo", rate=30)
        video.width, video.height, video.pix_fmt = 32, 32, "yuvj444p"
        sound: Any = target.add_stream("roq_dpcm", rate=22050)
        sound.codec_context.layout = "mono"
        for index in range(5):
            image = av.VideoFrame.from_ndarray(
                np.full((3, 32, 32), 40 * index, np.uint8), "yuvj444p"
            )
            image.pts, image.time_base = index, Fraction(1, 30)
            target.mux(video.encode(image))
        frame = av.AudioFrame.from_ndarray(tone(8 * 735)[:, 0][None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 22050, 0, Fraction(1, 22050)
        target.mux(sound.encode(frame))
        target.mux(sound.encode(None))
        target.mux(video.encode(None))
    return path


@pytest.mark.parametrize(("suffix", "audio"), [(".mkv", "copy"), (".ts", "copy"), (".mp4", "auto")])
def test_latm_comes_through_or_is_converted(tmp_path: Path, suffix: str, audio: str) -> None:
    options = {"mpegts_flags": "+latm"}
    source = make_file(tmp_path / "a.ts", sounds=[Sound("aac", seconds=0.7)], options=options)
    assert [track.codec for track in sounds(source)] == ["aac_latm"]
    enlarge(source, tmp_path / f"b{suffix}", audio=audio)
    codec = "aac" if audio == "auto" else "aac_latm"
    assert [track.codec for track in sounds(tmp_path / f"b{suffix}")] == [codec]
    assert_same_place(source, tmp_path / f"b{suffix}")


def test_a_stream_that_reads_as_something_else_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_file(tmp_path / "a.mkv", sounds=[Sound("flac")])
    monkeypatch.setattr("vidsr.video.sink.stream_plan.fits", lambda *_: True)
    report = enlarge(source, tmp_path / "b.ts")
    assert any("written as flac and reads back as data" in note for note in report.notes)
