"""What a run will take, said before its first frame and after its first second."""

from __future__ import annotations

import re
import time
from pathlib import Path

from vidsr.engines.tiling import window_pixels
from vidsr.notes import Notes
from vidsr.option_values import in_words
from vidsr.picture.frame import VideoFormat
from vidsr.picture.size import Size
from vidsr.upscaling.memory_plan import frame_bytes
from vidsr.upscaling.upscaler import Upscaler
from vidsr.video.info import SourceInfo
from vidsr.video.progress import Progress
from vidsr.video.sink.output_plan import OutputPlan

LARGE_PIXELS = 7680 * 4320  # 8K: beyond, few players and no TV show it
LONG_S = 24 * 3600.0
SURE_AFTER_S, SURE_AFTER_FRAMES = 1.0, 3
SHORT_S = 10.0  # not worth a word
# Of a process on two cores, measured at 640x360 to 1280x720 with the default presets, 80 frames:
# what it takes beside what is there when all is loaded is 20 MiB, 3.1 times what the plan says a
# network sees for each frame side by side, its float planes, and so many frames of the target.
SLACK_BYTES, NETWORK_SHARE = 20 << 20, 3.1
ENCODER_FRAMES = {"h264": 37, "ffv1": 37, "vp9": 127, "hevc": 236, "av1": 344}
OTHER_ENCODERS_FRAMES = 20
FILLED_FRAMES = 60  # of a source, until an encoder holds as much as it will
SMALLER = "`height` or scale = 2 makes it smaller"


def announce(info: SourceInfo, target: VideoFormat, notes: Notes) -> None:
    """Say sizes and length of a run before its first frame, and doubt what is very large."""
    source = f"{info.format.width}x{info.format.height}"
    notes.choose(f"{source} to {target.width}x{target.height}{length(info)}")
    if target.width * target.height > LARGE_PIXELS:
        size = f"{target.width}x{target.height}"
        notes.say(f"the target is {size}, beyond 8K, which few programs show; {SMALLER}")


def length(info: SourceInfo) -> str:
    """Return frames and duration as far as they are known, such as ``, 240 frames, 9.6 s``."""
    about = "about " if info.frames_about else ""
    plural = "" if info.frames == 1 else "s"
    frames = "" if info.frames is None else f", {about}{info.frames} frame{plural}"
    return frames + ("" if info.duration_s is None else f", {info.duration_s:.1f} s")


def process_bytes(info: SourceInfo, output: OutputPlan, upscaler: Upscaler) -> int | None:
    """Return the peak of this process if it runs the plan now, about; None where nothing tells.

    Only on a CPU, and where the system says what the process takes already.
    """
    loaded = _resident_bytes()
    engine, source, target = upscaler.engine, info.format, output.format
    if loaded is None or engine.device.type != "cpu":
        return None
    size = Size(source.width, source.height)
    tile = upscaler.memory_plan(source, target).tile
    count = upscaler.side_by_side(source, target)
    network = window_pixels(tile, size, engine) * engine.bytes_per_pixel
    planes = frame_bytes(source, target, engine, frames=0)
    held = ENCODER_FRAMES.get(output.codec.bitstream, OTHER_ENCODERS_FRAMES)
    filled = 1.0 if info.frames is None else min(1.0, info.frames / FILLED_FRAMES)
    encoder = int(held * filled * target.frame_bytes)
    return loaded + SLACK_BYTES + count * (int(NETWORK_SHARE * network) + planes) + encoder


def _resident_bytes() -> int | None:
    """Return the bytes of memory that this process has now, as Linux counts them."""
    try:
        text = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return None
    match = re.search(r"VmRSS:\s+(\d+) kB", text)
    return int(match[1]) << 10 if match else None


class Forecast:
    """A receiver of progress that says after a second how long the run will take.

    Args:
        inner: The receiver behind, which gets everything; None for none.
        notes: What collects the doubt about a run of more than a day.
    """

    def __init__(self, inner: Progress | None, notes: Notes) -> None:
        self._inner, self._notes = inner, notes
        self._frames: int | None = None
        self._first_s: float | None = None
        self._told = False

    def start(self, info: SourceInfo) -> None:
        """Remember how many frames there are."""
        self._frames = info.frames
        if self._inner is not None:
            self._inner.start(info)

    def frame(self, done: int, output_bytes: int) -> None:
        """Time a frame. The first one, which waits for engines to begin, does not count."""
        if self._inner is not None:
            self._inner.frame(done, output_bytes)
        if self._told or self._frames is None:
            return
        now_s = time.perf_counter()
        if self._first_s is None:
            self._first_s, self._first = now_s, done
            return
        taken_s = now_s - self._first_s
        if taken_s < SURE_AFTER_S or done - self._first < SURE_AFTER_FRAMES:
            return
        self._told = True
        self._say(taken_s / (done - self._first) * max(0, self._frames - done))

    def _say(self, left_s: float) -> None:
        if left_s >= SHORT_S:
            self._notes.choose(f"about {in_words(left_s)} to go")
        if left_s > LONG_S:
            self._notes.say(f"the run will take more than a day; {SMALLER}, and takes less time")

    def close(self) -> None:
        """Pass the end on."""
        if self._inner is not None:
            self._inner.close()
