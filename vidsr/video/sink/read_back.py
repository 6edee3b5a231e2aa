"""A look at a finished transport stream: its muxer takes anything, and much comes out as data."""

from __future__ import annotations

import av

from vidsr.notes import Notes
from vidsr.video.close_codecs import reading
from vidsr.video.sink.output_plan import OutputPlan
from vidsr.video.streams.holding import UNPROVEN, codec_of, same_codec


def check_read_back(plan: OutputPlan, notes: Notes) -> None:
    """Log a warning for each stream of the finished working file that reads as something else."""
    if plan.target.container not in UNPROVEN:
        return
    written = [stream for stream in plan.streams if stream.action != "drop"]
    try:
        with reading(av.open(plan.target.url, "r", format=plan.target.container)) as file:
            found = [(stream.type, codec_of(stream)) for stream in file.streams]
    except (av.error.FFmpegError, OSError, ValueError) as error:
        notes.say(f"the target cannot be read back: {error}")
        return
    for stream, (kind, codec) in zip(written, found, strict=False):
        if kind != stream.kind or not same_codec(codec, stream.codec):
            notes.say(
                f"{stream.kind} stream {stream.index} was written as {stream.codec} and reads back "
                f"as {kind} ({codec})"
            )
    for stream in written[len(found) :]:
        notes.say(f"{stream.kind} stream {stream.index} ({stream.codec}) does not read back")
