"""Targets that can be watched while they grow: they hold what is done, and end as any other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import pytest

import vidsr
from tests.makers.clips import Tone, make_clip
from tests.makers.small_network import small_network
from vidsr.errors import OutputError
from vidsr.run.report import Report
from vidsr.video.growing import growing_target
from vidsr.video.growing.ready_pieces import GivenUp, ReadyPieces
from vidsr.video.pieces.joining import JoinSink, Moved, join
from vidsr.video.pieces.piece_file import CodedFrame, PieceFile, PieceHead, write_piece

FRAMES, PIECE = 300, 100
LONGEST_S = 60.0


class Stop(Exception):
    """The end of a run by its receiver of progress."""


def upscale(source: Path, target: Path, **options: object) -> Report:
    wanted = {"model": small_network(), "precision": "fp32", "piece_frames": PIECE} | options
    return vidsr.upscale(source, target, **wanted)  # type: ignore[arg-type]


def frames_in(path: Path) -> int:
    """Return how many frames a player finds in a file that may not be whole."""
    found = 0
    with suppress(av.FFmpegError, EOFError), av.open(str(path)) as container:
        for _ in container.decode(video=0):
            found += 1
    return found


def wait_for_frames(path: Path, least: int) -> int:
    until = time.monotonic() + LONGEST_S
    while (found := frames_in(path)) < least:
        assert time.monotonic() < until, f"{found} frames in {path}, expected {least}"
        time.sleep(0.02)
    return found


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("growing") / "clip.mp4"
    make_clip(path, size=(32, 24), frames=FRAMES, gop=12, bframes=2, audio=Tone(rate=8000))
    return path


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mkv", "ffv1"), ("ts", "h264"), ("mp4", "hevc"), ("mov", "prores")]
)
def test_it_is_watched_and_ends_as_any_other(
    suffix: str, codec: str, clip: Path, tmp_path: Path
) -> None:
    one, grown = tmp_path / f"one.{suffix}", tmp_path / f"grown.{suffix}"
    options = {"codec": codec} | ({"audio": "none"} if suffix == "ts" else {})
    upscale(clip, one, **options)
    seen = []

    def watch(done: int, total: int | None) -> None:
        if done == FRAMES - 10:  # two pieces are done, and Matroska writes five seconds at once
            seen.append(wait_for_frames(tmp_path / f"grown.{suffix}.part", PIECE))
            assert not grown.exists()

    upscale(clip, grown, growing=True, progress=watch, **options)
    assert seen
    assert grown.read_bytes() == one.read_bytes()
    assert sorted(tmp_path.iterdir()) == sorted([one, grown])


def test_a_stopped_run_grows_on(clip: Path, tmp_path: Path) -> None:
    one, grown = tmp_path / "one.mkv", tmp_path / "grown.mkv"
    upscale(clip, one)

    def stop(done: int, total: int | None) -> None:
        if done == 2 * PIECE + 5:
            raise Stop

    with pytest.raises(Stop):
        upscale(clip, grown, growing=True, progress=stop)
    assert [*tmp_path.glob("grown*")] == [tmp_path / "grown.mkv.vidsr-job"]
    seen: list[int] = []

    def watch(done: int, total: int | None) -> None:
        if not seen:
            seen.append(wait_for_frames(tmp_path / "grown.mkv.part", PIECE - 20))

    report = upscale(clip, grown, growing=True, progress=watch)
    assert (report.resumed_frames, report.frames) == (2 * PIECE, FRAMES)
    assert grown.read_bytes() == one.read_bytes()


def test_a_target_that_cannot_grow_is_joined(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, grown = tmp_path / "one.mkv", tmp_path / "grown.mkv"
    upscale(clip, one)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vidsr.video.growing.growing_target.GrowingSink.write_coded", full)
    report = upscale(clip, grown, growing=True)
    assert any("cannot be watched" in note for note in report.notes)
    assert grown.read_bytes() == one.read_bytes()


def test_a_run_that_is_not_cut_says_that_nothing_grows(clip: Path, tmp_path: Path) -> None:
    report = upscale(clip, tmp_path / "a.mkv", piece_frames=None, duration=0.2, growing=True)
    assert any("not cut into pieces" in note for note in report.notes)


def test_times_that_move_begin_the_target_anew(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, grown = tmp_path / "one.mkv", tmp_path / "grown.mkv"
    upscale(clip, one)
    calls = []

    def moved_once(sink: JoinSink, *rest: object, growing: bool) -> None:
        calls.append(sink)
        join(sink, *rest, growing=growing)  # type: ignore[arg-type]
        if len(calls) == 1:
            raise Moved

    monkeypatch.setattr(growing_target, "join", moved_once)
    upscale(clip, grown, growing=True)
    assert len(calls) == 2
    assert grown.read_bytes() == one.read_bytes()


def test_a_target_that_appears_meanwhile_is_not_replaced(clip: Path, tmp_path: Path) -> None:
    grown = tmp_path / "grown.mkv"

    def appear(done: int, total: int | None) -> None:
        grown.write_bytes(b"mine")

    with pytest.raises(OutputError, match="has appeared meanwhile"):
        upscale(clip, grown, growing=True, progress=appear)
    assert grown.read_bytes() == b"mine"
    assert len([*tmp_path.glob("grown-*.mkv")]) == 1


@dataclass
class Muxed:
    """A sink that keeps what it would mux."""

    coded: list[CodedFrame] = field(default_factory=list)
    plan: object = field(
        default_factory=lambda: SimpleNamespace(
            time_base=Fraction(1, 25), target=SimpleNamespace(locator="x.mkv")
        )
    )

    def write_coded(self, coded: list[CodedFrame], *, last: bool = False) -> None:
        self.coded += coded


def piece(folder: Path, number: int, times: list[int]) -> PieceFile:
    path = folder / f"{number:06d}.piece"
    frames = [CodedFrame(b"x", pts, pts, 1, not place) for place, pts in enumerate(times)]
    head = PieceHead(number, len(times), len(times), min(times), max(times), "same")
    write_piece(path, head, frames)
    return PieceFile(path)


def test_frames_are_written_as_soon_as_their_times_are_known(tmp_path: Path) -> None:
    pieces = [piece(tmp_path, n, [100 * n + k for k in range(100)]) for n in range(3)]
    sink, written = Muxed(), []

    def coming() -> Iterator[PieceFile]:
        for one in pieces:
            written.append(len(sink.coded))
            yield one

    join(sink, coming(), [], growing=True)  # type: ignore[arg-type]
    assert written == [0, 36, 136]  # all but the last 64
    assert [one.dts for one in sink.coded] == [*range(300)]


def test_a_later_piece_may_move_times(tmp_path: Path) -> None:
    reordered = [100, 103, 101, 102, *range(104, 200)]
    pieces = [piece(tmp_path, 0, [*range(100)]), piece(tmp_path, 1, reordered)]
    sink, whole = Muxed(), Muxed()
    with pytest.raises(Moved):
        join(sink, iter(pieces), [], growing=True)  # type: ignore[arg-type]
    join(whole, iter(pieces), [])  # type: ignore[arg-type]
    assert whole.coded[0].dts == sink.coded[0].dts - 1


def test_pieces_are_waited_for_and_empty_ones_are_not(tmp_path: Path) -> None:
    for number in (0, 1, 4):
        piece(tmp_path, number, [10 * number])
    folder = SimpleNamespace(piece_path=lambda number: tmp_path / f"{number:06d}.piece")
    ready = ReadyPieces(folder, {0, 4})  # type: ignore[arg-type]
    coming = iter(ready)
    assert next(coming).head.piece == 0
    ready.put(1)
    assert next(coming).head.piece == 1
    ready.end()
    assert [one.head.piece for one in coming] == [4]
    ready.give_up()
    with pytest.raises(GivenUp):
        next(iter(ready))
