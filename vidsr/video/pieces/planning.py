"""The decision whether a run is cut into pieces, which the source and the target's codec make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from vidsr.video.header import StreamHeader
from vidsr.video.pieces.cuts import Cuts, beside, cut
from vidsr.video.pieces.piece_encoder import pinned
from vidsr.video.sink.output_plan import OutputPlan

# The longest distance of key frames of x264 and x265: the cuts cost no key frame of their own.
# Pieces of 250 frames made a file of 600 frames 0.6 % smaller, of 50 frames 5.2 % larger.
PIECE_FRAMES = 250
# Fewer frames are done again sooner than anybody asks how to go on.
LONG_FRAMES = 4 * PIECE_FRAMES
# Of a coded picture that repeats the one before, with what a container adds.
LEAST_FRAME_BYTES = 16
CONTAINERS = ("mp4", "mov", "matroska", "webm", "mpegts")
# Encoders whose pieces were joined without loss, from independent encoders with the same options.
ENCODERS = ("libx264", "libx265", "libsvtav1", "libvpx-vp9", "ffv1", "prores_ks")


def plan_pieces(
    header: StreamHeader,
    plan: OutputPlan,
    frames: int | None,
    *,
    wanted: bool,
    rated: bool,
    keys: Callable[[], Sequence[int]] = tuple,
) -> Cuts | None:
    """Return the cuts of a run, None where it is not cut.

    Args:
        header: The source.
        plan: The target.
        frames: Frames of a piece; None for the default, and then long sources alone are cut.
        wanted: False where no pieces are wanted.
        rated: True where the encoder aims at a bit rate, which it spreads over the whole.
        keys: A function that returns how long after the first frame the source's key frames come;
            pieces of the default length begin beside them.
    """
    expected = header.info.frames
    if not wanted or expected is None or not header.seekable or header.live:
        return None
    if not _is_believed(header.info.path, expected):
        return None
    if (
        plan.target.pipe
        or plan.target.container not in CONTAINERS
        or plan.codec.encoder not in ENCODERS
    ):
        return None
    if plan.time_base != header.info.time_base:
        return None
    if frames is None and (rated or expected < LONG_FRAMES):
        return None
    info = header.info
    cuts = cut(header.first_pts, info.rate, info.time_base, frames or PIECE_FRAMES, expected)
    if frames is not None:
        return cuts
    return beside(cuts, [header.first_pts + after for after in keys()])


def _is_believed(path: str, frames: int) -> bool:
    """Return False for more frames than a file has room for: each would be a piece of nothing.

    A damaged AVI of 12 KB announced enough of them to write empty pieces for hours.
    """
    try:
        return frames <= Path(path).stat().st_size // LEAST_FRAME_BYTES
    except (OSError, ValueError):  # numbered pictures, which are counted
        return True


def in_pieces(plan: OutputPlan) -> OutputPlan:
    """Return the plan of the target for pieces: the same bytes from every machine and every run."""
    options = pinned(plan.options, plan.codec.bitstream)
    return replace(plan, options=options, bitexact=True)
