"""Runs in pieces: stopped and gone on with, they give the bytes of a run that nobody stopped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import pytest
from av.sidedata.sidedata import Type

import vidsr
from tests.makers.clips import MS_BASE, Tone, decode, interlaced_pictures, make_clip, packet_times
from tests.makers.sei import CAPTION, raw_clip
from tests.paths import ROOT
from vidsr.errors import InputError, OptionError, OutputError
from vidsr.run.executor import estimate_s
from vidsr.run.options import RunOptions
from vidsr.run.report import Report
from vidsr.run.spec import JobSpec
from vidsr.video.pieces.piece_file import PieceFile
from vidsr.video.side_data import SideData

UNEVEN = [0, 17, 50, 90, 250, 290, 330, 370, 900, 940, 980, 1020, 1060, 1100, 1140, 1180, 1220]


class Stop(Exception):
    """The end of a run by its receiver of progress."""


def stop_after(frames: int) -> object:
    def stop(done: int, total: int | None) -> None:
        if done >= frames:
            raise Stop

    return stop


def upscale(source: Path, target: Path, **options: object) -> Report:
    wanted = {"model": "lite-fast-x2", "precision": "fp32"} | options
    return vidsr.upscale(source, target, **wanted)  # type: ignore[arg-type]


def samples(path: Path) -> list[bytes]:
    return [image.to_ndarray().tobytes() for image in decode(path)]


def times(path: Path) -> list[tuple[int | None, int | None]]:
    return [(image.pts, image.duration) for image in decode(path)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pieces") / "clip.mp4"
    make_clip(path, size=(32, 24), pts=UNEVEN, time_base=MS_BASE, gop=6, bframes=2, audio=Tone())
    return path


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "vp9", "ffv1", "prores"])
@pytest.mark.parametrize("frames", [1, 5])
def test_pieces_hold_what_one_run_holds(
    codec: str, frames: int, clip: Path, tmp_path: Path
) -> None:
    """Times and sound are those of one encoder; of FFV1, which loses nothing, pictures too."""
    suffix = "mov" if codec == "prores" else "mkv"
    one, cut = tmp_path / f"one.{suffix}", tmp_path / f"cut.{suffix}"
    size = {"size": "128x96"} if codec == "av1" else {}
    whole = upscale(clip, one, codec=codec, no_pieces=True, **size)
    report = upscale(clip, cut, codec=codec, piece_frames=frames, **size)
    assert times(cut) == times(one)
    assert packet_times(cut) == packet_times(one)
    assert report.frames == whole.frames == len(UNEVEN)
    assert report.video_s == whole.video_s
    assert report.resumed_frames == 0
    if codec == "ffv1":
        assert samples(cut) == samples(one)
    assert sorted(p.name for p in tmp_path.iterdir()) == [cut.name, one.name]


@pytest.mark.parametrize("target", ["out.mp4", "out.mov", "out.mkv", "out.ts"])
def test_containers_hold_joined_pieces(target: str, clip: Path, tmp_path: Path) -> None:
    one, cut = tmp_path / f"one-{target}", tmp_path / target
    for path, words in ((one, {"no_pieces": True}), (cut, {"piece_frames": 4})):
        upscale(clip, path, codec="h264", crf=0, **words)
    assert times(cut) == times(one)
    assert packet_times(cut) == packet_times(one)
    assert samples(cut) == samples(one)  # x264 at CRF 0 loses nothing
    with av.open(str(cut)) as a, av.open(str(one)) as b:
        assert [s.duration for s in a.streams] == [s.duration for s in b.streams]
        assert a.duration == b.duration


def test_a_joined_transport_stream_begins_when_its_source_does(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", size=(32, 24), frames=12).path
    upscale(source, tmp_path / "cut.ts", codec="h264", preset="medium", piece_frames=5)
    shown = [1000 * (image.time or 0) for image in decode(tmp_path / "cut.ts")]
    assert shown == pytest.approx([40 * n for n in range(12)], abs=0.1)


def test_sound_of_another_film_is_not_joined(clip: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "in.mp4", tmp_path / "out.mkv"
    source.write_bytes(clip.read_bytes())

    def replace(done: int, total: int | None) -> None:
        if done == len(UNEVEN):
            make_clip(tmp_path / "new.mp4", size=(32, 24), frames=17, audio=Tone(frequency=900))
            (tmp_path / "new.mp4").replace(source)

    with pytest.raises(InputError, match="has changed since"):
        upscale(source, target, codec="ffv1", piece_frames=5, progress=replace)
    assert not target.exists()


@pytest.mark.parametrize("codec", ["h264", "hevc", "ffv1"])
def test_pieces_keep_closed_captions(codec: str, tmp_path: Path) -> None:
    source = tmp_path / "in.mkv"
    raw = raw_clip(tmp_path / "in.264", CAPTION, range(8), frames=8)
    with av.open(str(raw)) as pictures, av.open(str(source), "w") as target:
        stream = target.add_stream_from_template(pictures.streams.video[0])
        for number, packet in enumerate(p for p in pictures.demux() if p.size):
            packet.stream, packet.pts, packet.dts = stream, number * 40, number * 40
            packet.time_base = MS_BASE
            target.mux(packet)
    report = upscale(source, tmp_path / "cut.mkv", codec=codec, piece_frames=3)
    reader = SideData(frozenset({Type.A53_CC}))
    held = [bool([*reader.read(image)]) for image in decode(tmp_path / "cut.mkv")]
    assert held == [codec != "ffv1"] * 8
    assert any("closed captions" in note for note in report.notes) == (codec == "ffv1")


@pytest.mark.parametrize("suffix", ["mp4", "ts"])
@pytest.mark.parametrize("stops", [(4,), (9, 13), (17,)])
def test_a_stopped_run_goes_on(
    suffix: str, stops: tuple[int, ...], tmp_path: Path, clip: Path
) -> None:
    source = clip
    if suffix == "ts":  # which is read again from its beginning
        source = tmp_path / "clip.ts"
        make_clip(source, size=(32, 24), frames=17, gop=6, bframes=2, audio=Tone(codec="mp2"))
    one, target = tmp_path / "one.mkv", tmp_path / "out.mkv"
    whole = upscale(source, one, piece_frames=4)
    folder = tmp_path / "out.mkv.vidsr-job"
    for stop in stops:
        with pytest.raises(Stop):
            upscale(source, target, piece_frames=4, progress=stop_after(stop))
        assert not target.exists()
        assert not (tmp_path / "out.mkv.part").exists()
        assert folder.exists() == (stop > 4)
    report = upscale(source, target, piece_frames=4)
    assert target.read_bytes() == one.read_bytes()
    assert report.frames == 17
    assert report.coding_error == whole.coding_error  # of all pieces, whoever made them
    assert report.strengths == whole.strengths
    if suffix == "ts":  # 4, 4, 4 and 5 frames
        assert report.resumed_frames == 4 * min(3, (max(stops) - 1) // 4)
    assert any("pieces are done already" in note for note in report.notes) == (max(stops) > 4)
    assert not folder.exists()


def test_a_part_of_interlaced_video_goes_on(tmp_path: Path) -> None:
    """A deinterlacer looks back, and a part ends by its first frame: all is decoded again."""
    source, one, target = (tmp_path / name for name in ("in.mkv", "one.mkv", "out.mkv"))
    pictures = interlaced_pictures(20, 32, 24)
    make_clip(source, pictures=pictures, interlaced=True, gop=5, bframes=2)
    part = {"start": 0.2, "duration": 0.5, "piece_frames": 3, "codec": "ffv1"}
    upscale(source, one, **part)
    with pytest.raises(Stop):
        upscale(source, target, **part, progress=stop_after(8))
    assert upscale(source, target, **part).resumed_frames == 6
    assert target.read_bytes() == one.read_bytes()


def test_what_changed_is_refused_by_name(clip: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "clip.mp4", tmp_path / "out.mkv"
    source.write_bytes(clip.read_bytes())
    with pytest.raises(Stop):
        upscale(source, target, piece_frames=4, progress=stop_after(9))
    with pytest.raises(OutputError, match="another crf: not given then, 20 now"):
        upscale(source, target, piece_frames=4, crf=20)
    with pytest.raises(OutputError, match="another model"):
        upscale(source, target, piece_frames=4, model="lite-x2")
    with pytest.raises(OutputError, match="another length of pieces: 4 frames then, 5 frames now"):
        upscale(source, target, piece_frames=5)
    with pytest.raises(OutputError, match=r"another start\w*: not given then, 0\.2 now"):
        upscale(source, target, piece_frames=4, start=0.2)
    source.write_bytes(clip.read_bytes())
    with pytest.raises(OutputError, match=r"another source time of change: .* UTC then"):
        upscale(source, target, piece_frames=4, start=0.2)
    report = upscale(source, target, piece_frames=4, restart=True)
    assert (report.frames, report.resumed_frames) == (17, 0)


def test_a_run_that_is_not_cut_says_what_lies_there(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    with pytest.raises(Stop):
        upscale(clip, target, piece_frames=4, progress=stop_after(9))
    assert (
        upscale(clip, target, no_pieces=True)
        .notes[-1]
        .endswith("this run is not cut, and begins anew; the command that made them goes on")
    )


def test_a_wish_for_pieces_that_does_nothing_is_said(clip: Path, tmp_path: Path) -> None:
    report = upscale(clip, tmp_path / "out.avi", piece_frames=4)
    assert "`piece_frames` does nothing here: this target or source is not cut" in report.notes


def test_a_damaged_piece_is_done_again(clip: Path, tmp_path: Path) -> None:
    one, target = tmp_path / "one.mkv", tmp_path / "out.mkv"
    upscale(clip, one, piece_frames=4)
    with pytest.raises(Stop):
        upscale(clip, target, piece_frames=4, progress=stop_after(15))
    pieces = sorted((tmp_path / "out.mkv.vidsr-job").glob("*.piece"))
    pieces[1].write_bytes(pieces[1].read_bytes()[:-1] + b"?")
    report = upscale(clip, target, piece_frames=4)
    assert any("piece 1 is done again" in note for note in report.notes)
    assert target.read_bytes() == one.read_bytes()


@pytest.mark.parametrize("left", ["piece", "empty piece", "join"])
def test_a_full_disk_loses_nothing(
    left: str, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, target = tmp_path / "one.mkv", tmp_path / "out.mkv"
    upscale(clip, one, piece_frames=4)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        if left == "piece":
            patched.setattr("vidsr.video.pieces.piece_encoder.write_piece", full)
        elif left == "empty piece":
            patched.setattr("vidsr.video.pieces.piece_sink.write_piece", full)
        else:
            patched.setattr("vidsr.video.pieces.joining.JoinSink._packet", full)
        with pytest.raises(OutputError) as caught:
            upscale(clip, target, piece_frames=4)
    assert "disk is full" in caught.value.hint
    assert "kept; the same command goes on" in caught.value.hint or left != "join"
    assert not target.exists()
    assert not (tmp_path / "out.mkv.part").exists()
    upscale(clip, target, piece_frames=4)
    assert target.read_bytes() == one.read_bytes()


def test_short_and_odd_targets_stay_whole(clip: Path, tmp_path: Path) -> None:
    """Not cut unless asked for: short sources; never: pictures, and containers of another clock."""
    for name in ("a.mkv", "a.avi", "p%03d.png"):
        words = {} if name == "a.mkv" else {"piece_frames": 4, "audio": "none"}
        with pytest.raises(Stop):
            upscale(clip, tmp_path / name, **words, progress=stop_after(9))
        assert not [*tmp_path.glob("*.vidsr-job")]


def test_long_runs_are_cut_beside_key_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped and gone on with, as any other; the encoder would spend a key frame there anyway."""
    monkeypatch.setattr("vidsr.video.pieces.planning.PIECE_FRAMES", 20)
    monkeypatch.setattr("vidsr.video.pieces.planning.LONG_FRAMES", 40)
    source, one, target = tmp_path / "in.mkv", tmp_path / "one.mkv", tmp_path / "out.mkv"
    make_clip(source, size=(32, 24), frames=60, gop=24, audio=Tone())
    upscale(source, one, codec="ffv1", no_pieces=True)
    with pytest.raises(Stop):
        upscale(source, target, codec="ffv1", progress=stop_after(55))
    pieces = [PieceFile(path) for path in sorted((tmp_path / "out.mkv.vidsr-job").glob("*.piece"))]
    assert [piece.head.frames for piece in pieces] == [24, 24]
    report = upscale(source, target, codec="ffv1")
    assert report.resumed_frames == 48
    assert samples(target) == samples(one)
    assert times(target) == times(one)


def test_estimates_leave_no_folder(clip: Path, tmp_path: Path) -> None:
    options = RunOptions(model="lite-fast-x2", piece_frames=4)
    estimate_s(JobSpec.of(clip, tmp_path / "out.mkv", options), 0.05)
    assert not [*tmp_path.iterdir()]


def test_pieces_cannot_be_asked_for_and_refused() -> None:
    with pytest.raises(OptionError, match="both given"):
        RunOptions(piece_frames=4, no_pieces=True)
    with pytest.raises(OptionError, match="a whole number of 1"):
        RunOptions(piece_frames=0)


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_killed_runs_go_on() -> None:
    """SIGKILL at random moments; the same command with ``--runs 200`` tries all kinds."""
    command = [sys.executable, str(ROOT / "tools/kill_runs.py"), "--runs", "4", "--seed", "5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 of 4 targets" in done.stdout
