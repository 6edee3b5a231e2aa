"""Nothing hangs where a host listens to FFmpeg: codecs are given up with no picture in flight.

Each way of giving one up is walked in a process of its own, often, over a stream whose damage
makes the decoder's threads log all the time.
"""

from __future__ import annotations

import json

import pytest

from tests.doubles.warm import run_warm
from tests.makers.clips import damage, make_clip
from tests.video.test_image_sequences import make_pictures

BOUND_S = 60  # nothing here takes longer than a few seconds on a quiet machine
WAYS = (
    "closed",
    "begun later",
    "cut short",
    "left behind",
    "left in a circle",
    "left half read",
    "broken off by an error",
    "refused",
    "the tail",
    "a picture",
    "numbered pictures",
    "frames for measuring",
    "frames for the bench",
    "pictures for peers",
    "the bench's clip",
    "a codec as a degradation",
    "an encoder broken off",
    "a whole run",
)
CHILD = """
import gc, json, os, signal, sys, time
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
import av
import torch
import vidsr
from vidsr.bench.clip import _decode
from vidsr.bench.peers.loop import read_images
from vidsr.bench.worker_task import Task
from vidsr.bench.rounds.whole_command import first_frames
from vidsr.degradation.operations.codec import CodecPass
from vidsr.degradation.operations.codec_settings import CodecSettings
from vidsr.picture.size import Size
from vidsr.errors import VidsrError
from vidsr.picture.frame import Frame
from vidsr.notes import Notes
from vidsr.video.still_images import read_picture
from vidsr.quality.video_scores import read_frames
from vidsr.video.info import SourceCounts
from vidsr.video.locator import Locator
from vidsr.video.source.file_source import FileSource
from vidsr.video.source.lost_tail import decode_tail

import logging
logging.disable(logging.CRITICAL)
CLIP, PICTURES, folder, bound_s = sys.argv[1], sys.argv[2], Path(sys.argv[3]), float(sys.argv[4])

def closed(n):
    with FileSource(CLIP) as source:
        list(islice(source, n))

def begun_later(n):
    with suppress(VidsrError), FileSource(CLIP, start_s=n / 20) as source:
        list(islice(source, 2))

def cut_short(n):
    with FileSource(CLIP, duration_s=n / 25) as source:
        list(source)

def left_behind(n):
    list(islice(FileSource(CLIP), n))

def left_in_a_circle(n):
    source = FileSource(CLIP)
    source.itself = source
    del source
    gc.collect()

def left_half_read(n):
    source = FileSource(CLIP)
    items = iter(source)
    list(islice(items, n))
    del source
    gc.collect()
    del items
    gc.collect()

def broken_off_by_an_error(n):
    with suppress(ZeroDivisionError), FileSource(CLIP) as source:
        for number, _ in enumerate(source):
            number / (n - number)

def refused(n):
    with suppress(VidsrError):
        FileSource(CLIP, start_s=9999)
    with suppress(VidsrError):
        FileSource(CLIP, framerate=30)

def the_tail(n):
    tail = decode_tail(Locator.of(CLIP), None, Notes(), SourceCounts(), after=-1)
    list(islice(tail, n))

def a_picture(n):
    with suppress(VidsrError):
        read_picture(Path(CLIP))

def numbered_pictures(n):
    with suppress(VidsrError), FileSource(PICTURES) as source:
        list(islice(source, n))
    with suppress(VidsrError):
        FileSource(PICTURES)

def frames_for_measuring(n):
    with closing(read_frames(CLIP)) as frames:
        list(islice(frames, n))

def frames_for_the_bench(n):
    class task: source, duration_s = CLIP, None
    list(first_frames(task, n))

def pictures_for_peers(n):
    list(islice(read_images(CLIP), n))

def the_bench_s_clip(n):
    list(_decode(Path(CLIP), n))

def a_codec_as_a_degradation(n):
    codec = ("h264", "h265", "vp9", "mpeg2", "mpeg4")[n % 5]
    step = CodecPass(CodecSettings(codec=codec, quality=20), Size(64, 48))
    for _ in range(n):
        step.push(torch.rand(1, 3, 48, 64))

class Stop(Exception):
    pass

class Stopper:
    left = 3
    def start(self, info): pass
    def close(self): pass
    def frame(self, done, output_bytes):
        self.left -= 1
        if not self.left:
            raise Stop

def an_encoder_broken_off(n):
    codec = ("h264", "hevc", "vp9", "av1", "ffv1", "prores")[n - 1]
    with suppress(Stop):
        vidsr.upscale(CLIP, folder / "a.mkv", model="lite-x2", codec=codec, progress=Stopper())
    assert not list(folder.glob("a.mkv*"))

def a_whole_run(n):
    if n < 3:
        choices = {"preset": "ultrafast", "duration": n / 10, "overwrite": True}
        vidsr.upscale(CLIP, folder / "b.mkv", model="lite-x2", **choices)

def fork(way):
    child = os.fork()
    if not child:
        code = 1
        try:
            torch.set_num_threads(1)
            av.logging.set_level(av.logging.VERBOSE)
            for n in range(1, 7):
                way(n)
            code = 0
        finally:
            os._exit(code)
    end = time.monotonic() + bound_s
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "done" if status == 0 else f"status {status}"
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hangs"

for name in sys.argv[5:]:
    way = globals()[name.replace(" ", "_").replace("'", "_")]
    print(json.dumps([name, fork(way)]), flush=True)
"""


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """How each way has ended. The clip's second half is the damaged one, so that it opens."""
    folder = tmp_path_factory.mktemp("release")
    whole = make_clip(folder / "whole.mp4", size=(320, 240), frames=50, gop=10, bframes=2)
    clip = damage(whole.path, folder / "clip.mp4", count=60, part=(0.1, 0.85))
    pictures = make_pictures(folder / "in", "png", count=20)
    (folder / "in" / "004.png").write_bytes(b"no picture")
    words = [clip, pictures, folder, BOUND_S, *WAYS]
    done = run_warm(CHILD, words, timeout=BOUND_S * len(WAYS) + 60)
    return dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))


@pytest.mark.parametrize("way", WAYS)
def test_it_ends_where_a_host_listens_to_ffmpeg(ends: dict[str, str], way: str) -> None:
    assert ends.get(way) == "done"
