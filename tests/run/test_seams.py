"""A source that is no file, a sink that is none, an executor elsewhere: each drives a whole run."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from threading import Event

import av
import pytest

from tests.doubles.child_executor import ChildExecutor
from tests.doubles.live_source import CLOCK, LiveOpener, LiveSource
from tests.doubles.memory_sink import MemoryOpener, MemorySink
from tests.makers.clips import Clip, Tone, decode, make_clip
from vidsr.errors import InputError, OptionError, OutputError, VidsrError
from vidsr.notes import Notes
from vidsr.picture.frame import Frame
from vidsr.run.executor import Executor, LocalExecutor
from vidsr.run.job import open_job, plan_job
from vidsr.run.loop import run_to_sink
from vidsr.run.media_kinds import Openers
from vidsr.run.options import RunOptions
from vidsr.run.plan import JobPlan
from vidsr.run.report import Report
from vidsr.run.spec import JobSpec
from vidsr.run.stages.channel import WhenFull
from vidsr.upscaling.upscaler import Upscaler
from vidsr.video.header import StreamHeader
from vidsr.video.info import SourceInfo
from vidsr.video.items import Discontinuity, Item
from vidsr.video.locator import Locator
from vidsr.video.sink.base import MarkingSink
from vidsr.video.sink.file_sink import FileSink
from vidsr.video.sink.output_plan import OutputPlan
from vidsr.video.source.base import SourceRequest
from vidsr.video.source.source_kinds import open_source

LITE = RunOptions(model="lite-x2", device="cpu", precision="fp32")
LOSSLESS = replace(LITE, codec="ffv1")  # x264's bytes depend on its threads' timing now and then
CAMERA, MEMORY = "camera://user:pw@gate/1", "memory://kept"


class Seen:
    """A receiver of progress that copes with a length nobody knows."""

    def __init__(self) -> None:
        self.info: SourceInfo | None = None
        self.frames: list[int] = []
        self.closed = False

    def start(self, info: SourceInfo) -> None:
        self.info = info

    def frame(self, done: int, output_bytes: int) -> None:
        self.frames.append(done)

    def close(self) -> None:
        self.closed = True


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    folder = tmp_path_factory.mktemp("seams")
    return make_clip(folder / "a.mkv", size=(32, 24), frames=8, audio=Tone())


def packets(path: Path) -> list[bytes]:
    """Everything in a file but what its muxer draws at random."""
    with av.open(str(path)) as file:
        return [bytes(packet) for packet in file.demux()]


def test_a_live_source_into_a_file(tmp_path: Path) -> None:
    opener, target, seen = LiveOpener(), tmp_path / "b.mkv", Seen()
    executor = LocalExecutor(Openers().adding(source=opener), seen)
    report = executor.run(JobSpec.of(CAMERA, target, LOSSLESS))
    first, jump = Fraction(123_456, 90_000), 1
    want = [first + Fraction(n, 25) + (jump if n >= 3 else 0) for n in range(6)]
    images = decode(target)
    got = [(image.pts or 0) * Fraction(image.time_base or 0) for image in images]
    assert max(abs(a - b) for a, b in zip(got, want, strict=True)) <= Fraction(1, 2000)
    assert (images[0].width, images[0].height) == (64, 48)
    assert [int(image.to_ndarray()[24, 32]) for image in images] == pytest.approx(
        [40 + 8 * number for number in range(6)], abs=1
    )
    assert opener.opened[0].closed
    assert seen.info is not None
    assert seen.info.frames is None
    assert (seen.frames, seen.closed) == ([1, 2, 3, 4, 5, 6], True)
    assert (report.frames, report.counts.decoded) == (6, 6)
    assert report.source == "camera://***@gate/1"
    assert [s["action"] for s in report.streams] == ["encode"]


class Impatient(LiveSource):
    """A source that opens ``gate`` when it has given everything."""

    gate: Event

    def __iter__(self) -> Iterator[Item]:
        yield from super().__iter__()
        self.gate.set()


class Blocked(MemorySink):
    """A sink that takes nothing before ``gate`` is open."""

    gate: Event

    def write(self, frame: Frame) -> None:
        assert self.gate.wait(60)
        super().write(frame)


@pytest.mark.parametrize("when_full", ["drop_oldest", "drop_newest"])
def test_a_source_that_cannot_wait_drops_and_every_frame_is_counted(when_full: WhenFull) -> None:
    gate, opener, kept = Event(), LiveOpener(), MemoryOpener()

    def camera(locator: Locator, request: SourceRequest, notes: Notes) -> LiveSource:
        source = Impatient(locator, frames=20, lost_at=-1)
        source.gate = gate
        return source

    def sink(plan: OutputPlan, header: StreamHeader, notes: Notes) -> MemorySink:
        made = Blocked(plan, header)
        made.gate = gate
        kept.opened.append(made)
        return made

    opener.open, kept.open = camera, sink  # type: ignore[method-assign]
    executor = LocalExecutor(Openers().adding(source=opener, sink=kept), when_full=when_full)
    report = executor.run(JobSpec.of(CAMERA, MEMORY, LITE))
    decoded, upscaled = report.queues["decoded"], report.queues["upscaled"]
    assert decoded.dropped > 0
    assert (decoded.put, upscaled.dropped) == (20, 0)
    assert report.frames == decoded.put - decoded.dropped == upscaled.put
    times = [frame.pts for frame in kept.opened[0].kept]
    assert times == sorted(times, key=lambda pts: pts or 0)
    last = 123_456 + 19 * 3600
    assert (times[-1] == last) == (when_full == "drop_oldest")


def test_a_live_source_into_memory_keeps_frames_times_and_marks() -> None:
    opener, kept = LiveOpener(), MemoryOpener()
    executor = LocalExecutor(Openers().adding(source=opener, sink=kept))
    report = executor.run(JobSpec.of(CAMERA, MEMORY, LITE))
    (sink,) = kept.opened
    assert sink.ended == "finished"
    assert kept.discarded == 0
    assert [frame.pts for frame in sink.kept] == [
        123_456 + 3600 * n + (90_000 if n >= 3 else 0) for n in range(6)
    ]
    assert sink.marks == [(3, Discontinuity("reconnect", 123_456 + 3 * 3600 + 90_000))]
    assert sink.header.live
    assert not sink.header.seekable
    assert sink.plan.time_base == CLOCK
    assert {(f.format.width, f.format.height) for f in sink.kept} == {(64, 48)}
    assert report.output_bytes == 6 * 64 * 48 * 3 // 2
    assert {name: h.count for name, h in report.latency_ms.items()} == {
        "decode": 6,
        "upscale": 6,
        "encode": 6,
    }
    assert {name: (q.put, q.dropped) for name, q in report.queues.items()} == {
        "decoded": (6, 0),
        "upscaled": (6, 0),
    }


def test_a_file_into_memory_is_what_the_upscaler_makes(clip: Clip) -> None:
    kept = MemoryOpener()
    LocalExecutor(Openers().adding(sink=kept)).run(JobSpec.of(clip.path, MEMORY, LITE))
    (sink,) = kept.opened
    assert [f.pts for f in sink.kept] == list(range(0, 8 * 40, 40))
    assert len(sink.packets) > 3
    assert [s.kind for s in sink.header.streams] == ["video", "audio"]
    upscaler = Upscaler("lite-x2", device="cpu", precision="fp32")
    with open_source(Locator.of(clip.path), SourceRequest(), Notes()) as source:
        frames = [item for item in source if isinstance(item, Frame)]
    for large, frame in zip(sink.kept, frames, strict=True):
        want = upscaler.enlarge(frame, large.format)
        assert all((a == b).all() for a, b in zip(large.planes, want.planes, strict=True))


def test_a_source_that_fails_aborts_the_sink() -> None:
    opener, kept = LiveOpener(fails_at=4), MemoryOpener()
    executor = LocalExecutor(Openers().adding(source=opener, sink=kept))
    with pytest.raises(InputError, match="the camera is gone"):
        executor.run(JobSpec.of(CAMERA, MEMORY, LITE))
    assert kept.opened[0].ended == "aborted"
    assert kept.discarded == 1
    assert opener.opened[0].closed


def test_kinds_that_are_not_registered_are_refused_as_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="addresses are not read") as source:
        LocalExecutor().run(JobSpec.of(CAMERA, tmp_path / "b.mkv", LITE))
    assert "pw" not in str(source.value)
    with pytest.raises(OptionError, match="addresses are not written"):
        LocalExecutor().run(JobSpec.of(CAMERA, MEMORY, LITE))


def test_only_sinks_that_ask_for_marks_get_them() -> None:
    assert issubclass(MemorySink, MarkingSink)
    assert not issubclass(FileSink, MarkingSink)


def test_any_work_runs_between_a_source_and_a_sink(clip: Clip) -> None:
    """The loop knows nothing of upscaling."""

    def every_second(items: Iterable[Item]) -> Iterator[Item]:
        number = 0
        for item in items:
            number += isinstance(item, Frame)
            if not isinstance(item, Frame) or number % 2:
                yield item

    kept = MemoryOpener()
    openers = Openers().adding(sink=kept)
    plan = plan_job(JobSpec.of(clip.path, MEMORY, LITE), openers).output
    with open_source(Locator.of(clip.path), SourceRequest(), Notes()) as source:
        finished = run_to_sink(
            source, every_second, plan, Notes(), stage="thin", openers=openers.sinks
        )
    assert finished.written.frames == 4
    assert list(finished.measures.stages) == ["decode", "thin", "encode"]


# --- a run as data -----------------------------------------------------------------------------


def test_a_spec_survives_json(tmp_path: Path) -> None:
    options = RunOptions(
        model=tmp_path / "m.safetensors", start_s=1.5, framerate=Fraction(30000, 1001), crf=9
    )
    for source in (CAMERA, "-", "s3://b/a.mkv", tmp_path / "%05d.png"):
        spec = JobSpec.of(source, tmp_path / "b.mkv", options)
        again = JobSpec.from_json(spec.to_json())
        assert (again.source, again.target) == (spec.source, spec.target)
        assert again.options.to_json() == options.to_json()
        assert "pw" not in repr(spec.source)
        assert pickle.loads(pickle.dumps(spec)) == spec


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"source": 1}'),
        '{"source": {"kind": "x", "text": "a"}, "target": {}, "options": {}}',
        '{"source": {"kind": "file", "text": "a"}, "target": {"kind": "file"}, "options": {}}',
    ],
)
def test_what_is_no_spec_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="not a run"):
        JobSpec.from_json(text)


def test_a_plan_is_facts_and_writes_nothing(clip: Clip, tmp_path: Path) -> None:
    spec = JobSpec.of(clip.path, tmp_path / "b.mkv", replace(LITE, height=36, codec="ffv1"))
    plan = plan_job(spec)
    assert list(tmp_path.iterdir()) == []
    again: JobPlan = pickle.loads(pickle.dumps(plan))
    assert again == plan
    facts = json.loads(json.dumps(plan.facts()))
    assert (facts["size"], facts["codec"], facts["model"]) == ([48, 36], "ffv1", "lite-x2")
    assert [s["action"] for s in facts["streams"]] == ["encode", "copy"]
    report = LocalExecutor().run(again)
    assert (report.size, report.frames) == ((48, 36), 8)
    assert len(decode(tmp_path / "b.mkv")) == 8


def test_a_planned_run_writes_what_the_same_run_unplanned_writes(
    clip: Clip, tmp_path: Path
) -> None:
    specs = [JobSpec.of(clip.path, tmp_path / f"{name}.mkv", LOSSLESS) for name in "ab"]
    reports = [LocalExecutor().run(plan_job(specs[0])), LocalExecutor().run(specs[1])]
    assert packets(tmp_path / "a.mkv") == packets(tmp_path / "b.mkv")
    assert reports[0].notes == reports[1].notes


def test_a_plan_of_another_source_is_refused(clip: Clip, tmp_path: Path) -> None:
    source = tmp_path / "a.mkv"
    source.write_bytes(clip.path.read_bytes())
    plan = plan_job(JobSpec.of(source, tmp_path / "b.mkv", LITE))
    make_clip(source, size=(48, 24), frames=2)
    with pytest.raises(InputError, match="has changed since the run was planned"):
        open_job(plan, Notes())
    assert [p.name for p in tmp_path.iterdir()] == ["a.mkv"]


def test_a_planned_target_that_appears_meanwhile_is_kept(clip: Clip, tmp_path: Path) -> None:
    plan = plan_job(JobSpec.of(clip.path, tmp_path / "b.mkv", LITE))
    (tmp_path / "b.mkv").write_bytes(b"older")
    with pytest.raises(OutputError, match="exists already"):
        LocalExecutor().run(plan)
    assert (tmp_path / "b.mkv").read_bytes() == b"older"


def test_the_same_spec_runs_in_another_process(clip: Clip, tmp_path: Path) -> None:
    """What JSON carries is enough: the same packets come out there."""
    executors: list[Executor] = [LocalExecutor(), ChildExecutor()]
    targets = [tmp_path / f"{number}.mkv" for number in range(2)]
    reports = [
        executor.run(JobSpec.of(clip.path, target, LOSSLESS))
        for executor, target in zip(executors, targets, strict=True)
    ]
    assert packets(targets[0]) == packets(targets[1])
    here, there = reports
    assert there.queues["upscaled"].put == here.queues["upscaled"].put == 8
    assert (there.frames, there.streams, there.notes) == (here.frames, here.streams, here.notes)
    assert there.latency_ms["upscale"].count == 8
    with pytest.raises(VidsrError, match="exists already"):
        executors[1].run(JobSpec.of(clip.path, targets[1], LITE))


def test_pieces_add_up(clip: Clip, tmp_path: Path) -> None:
    """Two halves of a clip, side by side elsewhere; their reports are one."""
    options = [replace(LITE, start_s=n * 0.16, duration_s=0.16) for n in range(2)]
    halves = [JobSpec.of(clip.path, tmp_path / f"{n}.mkv", half) for n, half in enumerate(options)]
    pieces = list(ChildExecutor().map(halves))
    report = Report.merge(pieces)
    assert report.frames == 8 == sum(len(decode(tmp_path / f"{n}.mkv")) for n in range(2))
    assert report.output_bytes == sum((tmp_path / f"{n}.mkv").stat().st_size for n in range(2))
    assert report.elapsed_s == pytest.approx(sum(piece.elapsed_s for piece in pieces))
    assert report.video_s == pytest.approx(8 / 25)
    assert report.stages.encode_s == pytest.approx(sum(p.stages.encode_s for p in pieces))
    assert report.counts.decoded == sum(piece.counts.decoded for piece in pieces)
    assert report.latency_ms["encode"].count == 8
    assert report.queues["decoded"].put == 8
    assert report.source == str(clip.path)
    assert report.target == f"{tmp_path / '0.mkv'}, {tmp_path / '1.mkv'}"
    assert report.notes.count(pieces[0].notes[0]) == 1
    assert Report.from_json(report.to_json()) == report
    with pytest.raises(ValueError, match="the same size"):
        Report.merge([report, replace(report, size=(1, 1))])
    with pytest.raises(ValueError, match="at least one"):
        Report.merge([])


# --- headers -----------------------------------------------------------------------------------


def header_of(path: Path, **choices: float) -> tuple[StreamHeader, list[Item]]:
    with open_source(Locator.of(path), SourceRequest(**choices), Notes()) as source:  # type: ignore[arg-type]
        return source.header, list(source)


def test_a_header_says_what_a_sink_needs(clip: Clip) -> None:
    header, _ = header_of(clip.path)
    assert not header.live
    assert header.seekable
    assert [(s.index, s.kind) for s in header.streams] == [(0, "video"), (1, "audio")]
    assert header.video_stream is header.streams[0]
    assert header.decoder == "cpu"
    with av.open(str(clip.path)) as file:
        assert dict(header.tags) == file.metadata


def test_a_change_of_size_is_marked(tmp_path: Path) -> None:
    """A transport stream may hold anything one after the other."""
    parts = [
        make_clip(tmp_path / f"{n}.ts", size=size, frames=3, pts=range(n * 10, n * 10 + 3)).path
        for n, size in enumerate([(32, 24), (48, 32)])
    ]
    joined = tmp_path / "both.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    _, items = header_of(joined)
    frames = [item for item in items if isinstance(item, Frame)]
    marks = [item for item in items if isinstance(item, Discontinuity)]
    assert {(f.format.width, f.format.height) for f in frames} == {(32, 24), (48, 32)}
    first = next(f for f in frames if f.format.width == 48)
    assert marks == [Discontinuity("new_format", first.pts)]
    assert items.index(marks[0]) + 1 == next(i for i, x in enumerate(items) if x is first)


def test_a_clock_that_jumps_back_is_marked(tmp_path: Path) -> None:
    parts = [make_clip(tmp_path / f"{n}.ts", size=(32, 24), frames=60).path for n in range(2)]
    joined = tmp_path / "both.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    _, items = header_of(joined)
    assert [item.reason for item in items if isinstance(item, Discontinuity)] == ["jump"]
