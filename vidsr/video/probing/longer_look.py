"""A second and a third look at files whose streams begin after FFmpeg's first one.

FFmpeg reads 5 s or 5 MB of a file that has no header to rely on (7 s of a transport stream). Sound
that begins later is listed without rate and channels, or, in a program stream, not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from av.container import InputContainer
from av.stream import Disposition, Stream

# Microseconds and bytes. FFmpeg keeps in memory what it reads ahead. A longer analysis of a
# transport stream ends early unless all maps are asked for, as FFmpeg's command does.
_ALL = {"scan_all_pmts": "1"}
LOOKS = (
    {"analyzeduration": "30000000", "probesize": str(64 << 20)} | _ALL,
    {"analyzeduration": "600000000", "probesize": str(256 << 20)} | _ALL,
)
# Streams are found as they come; in the others a header or a map lists them.
_UNLISTED = ("mpeg",)
# Where a stream without a known coding may get one from its packets.
_BY_PACKETS = ("mpegts", "mpeg", "flv", "live_flv", "wtv", "asf", "rm")


def look_longer(
    container: InputContainer,
    open_again: Callable[[dict[str, str]], InputContainer],
    looks: Sequence[Mapping[str, str]] = LOOKS,
) -> InputContainer:
    """Return the file, opened again with a longer look while one of its streams is unknown.

    Args:
        container: The file, opened; it is closed where another one is returned.
        open_again: A function that opens the file with options of a demuxer.
        looks: The options of each look.
    """
    for number, options in enumerate(looks):
        unlisted = container.format.name in _UNLISTED and not number
        if not unlisted and all(is_known(s) for s in container.streams):
            break
        container.close()  # nothing has been decoded by it
        container = open_again(dict(options))
    return container


def is_known(stream: Stream) -> bool:
    """Return True if a longer look would tell nothing more of how a stream is coded."""
    context: Any = stream.codec_context  # None without a decoder, whatever its type says
    if stream.type not in ("audio", "video") or stream.disposition & Disposition.attached_pic:
        return True
    if context is None:
        return stream.container.format.name not in _BY_PACKETS
    if stream.type == "audio":
        return bool(context.sample_rate and context.layout.nb_channels)
    return bool(context.width and context.height)


def why_unknown(stream: Stream, open_again: Callable[[], InputContainer]) -> str:
    """Return why a stream has to be given up, in the words of a sentence's end.

    ``open_again`` opens the file from its beginning.
    """
    context: Any = stream.codec_context
    if context is None and stream.container.format.name not in _BY_PACKETS:
        return "FFmpeg has no decoder for it, and the target takes no copy"
    limit, read = int(LOOKS[-1]["probesize"]), 0
    with open_again() as again:
        same = next((s for s in again.streams if s.index == stream.index), None)
        for packet in again.demux(same) if same is not None else ():
            if packet.size:
                return "nothing in it says how it is coded"
            read = max(read, packet.pos or 0)
            if read > limit:
                break
    return "the file holds nothing of it"
