"""Streams and engines that nobody stops: threads end, the interpreter ends, files are whole."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from pathlib import Path

from tests.live.doubles import until
from tests.live.service.clips import numbers_in
from tests.paths import ROOT
from tests.servers.senders import write_clip
from vidsr.live import Engines, Stream

PROGRAM = """
import sys, time
from vidsr.live import Stream

clip, record = sys.argv[1:]
options = {"realtime": True, "loop": True, "ladder": ["bicubic"], "scale": 2}
stream = Stream(clip, f"record:{record}", **options).start()
while sum(stream.tally.shown.values()) < 5:
    time.sleep(0.02)
"""


def test_the_end_of_the_interpreter_stops_a_stream_in_order(tmp_path: Path) -> None:
    clip, record = write_clip(tmp_path / "clip.mp4"), tmp_path / "record.mkv"
    command = [sys.executable, "-c", PROGRAM, str(clip), str(record)]
    done = subprocess.run(command, capture_output=True, timeout=100, cwd=ROOT)
    assert done.returncode == 0, done.stderr.decode()
    assert len(numbers_in(str(record))) >= 5  # no .part is left


def test_engines_and_streams_that_are_let_go_of_leave_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    stream = Stream(write_clip(tmp_path / "clip.mp4"), realtime=True, ladder=["bicubic"], scale=2)
    engines = Engines("cpu")
    assert threading.active_count() > before
    del stream, engines
    gc.collect()
    assert until(lambda: threading.active_count() <= before, 10)
