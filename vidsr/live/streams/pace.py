"""The pace of files: a check that loads neither PyTorch nor PyAV."""

from __future__ import annotations

from vidsr.errors import OptionError
from vidsr.live.base.options import StreamOptions
from vidsr.live.sources.opening.address import parse_address


def check_pace(source: str, options: StreamOptions) -> None:
    """Raise OptionError for a file that is read faster than its frames can be shown."""
    address = parse_address(source)
    if not address.is_stored:
        return
    if not options.source.realtime and options.quality.late != "wait":
        what = address.name if address.kind == "file" else "a file as standard input"
        raise OptionError(
            f"source = {what!r} is read as fast as it goes, and most frames would be late",
            hint="`realtime` plays it at its own pace, late = 'wait' upscales every frame.",
        )
