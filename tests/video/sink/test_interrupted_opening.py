"""Ctrl-C at every moment of opening a target: nothing unfinished stays."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from tests.makers.clips import make_clip
from vidsr.notes import Notes
from vidsr.run.job import Job, open_job
from vidsr.run.options import RunOptions
from vidsr.run.spec import JobSpec
from vidsr.video.sink import target_file
from vidsr.video.sink.sink_kinds import FileSinkOpener

SINK = str(Path(target_file.__file__).parent)
# Python drops what strikes while an object is being deleted, and says so.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Strike:
    """A profiler that raises KeyboardInterrupt at one of the moments when Python hears signals.

    Those are the beginnings of functions, and the ends of calls into C: here of the sink's modules.
    """

    def __init__(self, moment: int) -> None:
        self.left = moment

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        if event in ("call", "c_return") and frame.f_code.co_filename.startswith(SINK):
            self.left -= 1
            if not self.left:
                sys.setprofile(None)
                raise KeyboardInterrupt


@pytest.fixture(params=["b.mkv", "b%02d.png"])
def job(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Job]:
    """Return a run with a target in an empty folder."""
    clip, folder = make_clip(tmp_path / "in.mkv", frames=1, size=(16, 16)).path, tmp_path / "out"
    folder.mkdir()
    spec = JobSpec.of(clip, folder / request.param, RunOptions(model="lite-fast-x2"))
    with open_job(spec, Notes()) as job:
        yield job


def open_and_close(job: Job, strike: Strike) -> None:
    """Open the target and put it away, as a run does that is struck meanwhile."""
    opener, before = FileSinkOpener(), sys.getprofile()
    sys.setprofile(strike)
    try:
        sink = opener.open(job.output, job.source.header, Notes())
    except KeyboardInterrupt:
        opener.discard(job.output)
    else:
        sys.setprofile(before)
        sink.abort()
    finally:
        sys.setprofile(before)


def test_nothing_unfinished_stays(job: Job, tmp_path: Path) -> None:
    moment, struck = 0, True
    while struck:
        moment += 1
        strike = Strike(moment)
        open_and_close(job, strike)
        struck = strike.left <= 0
        assert not [*(tmp_path / "out").iterdir()], f"struck at moment {moment}"
    assert moment > 30
