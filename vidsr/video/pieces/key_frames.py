"""The key frames of a file, as far as its container lists them: nothing is read for that."""

from __future__ import annotations

import av

from vidsr.errors import VidsrError
from vidsr.video.close_codecs import close_input
from vidsr.video.locator import Locator
from vidsr.video.source.open_container import open_input

# Containers that hold such a list; Matroska's lies at the end, and is read by the first seek.
_LISTING = ("matroska", "mov")


def key_times(source: Locator, stream: int) -> tuple[int, ...]:
    """Return how long after the first key frame each of them comes, ascending.

    Containers list times of decoding, some of showing: between key frames these are equally long,
    as far as frames are not coded in another order.

    Args:
        source: A file.
        stream: The index of the video's stream.

    Returns:
        Times in units of the stream's time base; none where the container lists none.
    """
    try:
        container = open_input(source, None)
    except (VidsrError, av.FFmpegError, OSError):
        return ()
    try:
        if not container.format.name.startswith(_LISTING) or stream >= len(container.streams):
            return ()
        video = container.streams[stream]
        if container.format.name.startswith("matroska"):
            container.seek(0)
        entries = video.index_entries
        keys = sorted({entry.timestamp for entry in entries if entry.is_keyframe})
        return tuple(key - keys[0] for key in keys)
    except (av.FFmpegError, OSError):
        return ()
    finally:
        close_input(container)
