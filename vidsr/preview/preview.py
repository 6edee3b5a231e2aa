"""A preview of a run: three places before and after as a picture, and two seconds as a clip."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

from torch import Tensor

from vidsr.errors import InputError, OutputError
from vidsr.notes import Notes
from vidsr.picture.conversion import yuv_to_rgb
from vidsr.picture.frame import Frame, VideoFormat
from vidsr.picture.resample import resample
from vidsr.picture.size import Size
from vidsr.preview.clip import SideBySide
from vidsr.preview.names import clip_path
from vidsr.preview.places import clip_of, cut, times_of, window_of
from vidsr.quality.sheets.sheet import contact_sheet
from vidsr.run.job import check_machine, source_request, upscaler_for
from vidsr.run.options import RunOptions
from vidsr.run.sizing import target_size
from vidsr.upscaling.upscaler import Upscaler
from vidsr.video.info import SourceInfo
from vidsr.video.locator import Locator
from vidsr.video.sink.target_file import Target
from vidsr.video.source.base import SourceRequest
from vidsr.video.source.source_kinds import open_source
from vidsr.video.still_images import to_bytes, write_png

CLIP_S = 2.0
LONGEST_S = 30.0  # until the clip ends early; sheet and loading come on top


@dataclass(frozen=True)
class Preview:
    """A preview that was made.

    Args:
        sheet: The picture.
        clip: The clip; None of a source with one frame.
        times_s: Seconds of the places.
        clip_frames: Frames of the clip.
        elapsed_s: Wall seconds of all.
    """

    sheet: Path
    clip: Path | None
    times_s: tuple[float, ...]
    clip_frames: int
    elapsed_s: float

    def summary(self) -> str:
        """Return one line for people."""
        clip = f" and {self.clip} ({self.clip_frames} frames)" if self.clip else ""
        places = len(self.times_s)
        plural = "" if places == 1 else "s"
        return f"{self.sheet}{clip}: {places} place{plural} in {self.elapsed_s:.1f} s"


class _Film:
    """The film of a preview: its parts before and after, as RGB of one size."""

    def __init__(self, source: Locator, options: RunOptions, notes: Notes, upright: Target) -> None:
        self._source, self._notes = source, notes
        self._request = replace(source_request(options, upright), upright=True)
        with open_source(source, self._request, notes) as opened:
            self.info: SourceInfo = opened.header.info
        self.upscaler: Upscaler = upscaler_for(options, self.info, notes)
        self._size = wanted_size(options, self.info, self.upscaler.scale)

    def frames(self, start_s: float, length_s: float) -> Iterator[Frame]:
        """Yield the frames from a time on."""
        wish: SourceRequest = replace(self._request, duration_s=length_s)
        if start_s:
            wish = replace(wish, start_s=start_s)
        with open_source(self._source, wish, self._notes) as opened:
            yield from (item for item in opened if isinstance(item, Frame))

    def shown(self, times_s: Iterable[float]) -> Iterator[tuple[float, Frame]]:
        """Yield the frames that times show, with their times; each frame once."""
        last_s = -math.inf
        for at_s in times_s:
            try:
                frame = next(self.frames(at_s, CLIP_S), None)
            except InputError:  # the length is an estimate: nothing comes so late
                frame = None
            if frame is None:
                continue
            shown_s = at_s + float((frame.pts or 0) * self.info.time_base)  # counted from at_s
            if shown_s - last_s > 0.5 / self.info.rate:
                last_s = shown_s
                yield at_s, frame

    def pair(self, frame: Frame, window: tuple[int, int, int, int]) -> tuple[Tensor, Tensor]:
        """Return a part of a frame before and after, uint8 ``[3, H, W]``."""
        part = cut(frame, window)
        whole = frame.format
        wide = max(1, round(part.format.width * self._size.width / whole.width))
        high = max(1, round(part.format.height * self._size.height / whole.height))
        target = VideoFormat(wide, high, part.format.pixel, part.format.color)
        after = self.upscaler.enlarge(part, target)
        size = Size(wide, high)
        return _as_players_show(part, size), to_bytes(yuv_to_rgb(after.planes, after.format).cpu())


def wanted_size(options: RunOptions, info: SourceInfo, scale: int) -> Size:
    """Return the size of the whole target."""
    wanted = options.wanted_size
    stored = wanted and wanted.stored(info.format, info.display_matrix)
    return target_size(stored, info.format, scale)


def _as_players_show(frame: Frame, size: Size) -> Tensor:
    """Return a frame enlarged by a cubic filter."""
    rgb = yuv_to_rgb(frame.planes, frame.format)
    down = Fraction(frame.format.height, size.height)
    across = Fraction(frame.format.width, size.width)
    origin = (down - 1) / 2, (across - 1) / 2
    return to_bytes(resample(rgb[None], size, step=(down, across), origin=origin)[0])


def make_preview(
    source: Locator,
    sheet: Path,
    options: RunOptions,
    notes: Notes,
    interrupted: Callable[[], bool] = lambda: False,
) -> Preview:
    """Write the preview of a run: ``sheet``, and a clip of the same name beside it.

    Args:
        source: What would be upscaled.
        sheet: The picture, ``.png``.
        options: The options of the run.
        notes: What collects assumptions.
        interrupted: True once a signal has come.

    Raises:
        VidsrError: The run could not be, or nothing can be written.
    """
    begin_s = time.perf_counter()
    check_machine(options)
    film = _Film(source, options, notes, Target.of(sheet))
    with film.upscaler:
        start_s, length_s = float(options.start_s or 0.0), film.info.duration_s
        shown = list(film.shown(times_of(start_s, length_s)))
        if not shown:
            shown = [(start_s, frame) for frame in islice(film.frames(start_s, CLIP_S), 1)]
        if not shown:
            raise InputError(f"{source}: no frame can be shown")
        rows = [film.pair(frame, window_of(frame)) for _, frame in shown]
        times_s = tuple(at_s for at_s, _ in shown)
        write_png(sheet, contact_sheet(rows, ("BEFORE", "AFTER"), [*map(clock, times_s)]))
        part, clip = clip_of(start_s, length_s, CLIP_S), clip_path(sheet)
        frames = _write_clip(film, part, clip, notes, begin_s, interrupted)
    elapsed_s = time.perf_counter() - begin_s
    return Preview(sheet, clip if frames else None, times_s, frames, elapsed_s)


def _write_clip(
    film: _Film,
    part: tuple[float, float],
    path: Path,
    notes: Notes,
    begin_s: float,
    interrupted: Callable[[], bool],
) -> int:
    """Write the clip and return its number of frames; none of a source with a single one."""
    if film.info.frames == 1:
        return 0
    window = None
    try:
        with SideBySide(path, film.info.rate) as clip:
            for frame in film.frames(*part):
                if interrupted():
                    raise KeyboardInterrupt
                window = window or window_of(frame)
                clip.write(*film.pair(frame, window))
                if time.perf_counter() - begin_s > LONGEST_S:
                    notes.say("the clip of the preview ends early: this model takes long here")
                    break
            return clip.frames if clip.frames > 1 else 0
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error


def clock(seconds: float) -> str:
    """Return a time as ``1:02:03.5``."""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}"
