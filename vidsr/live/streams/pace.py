"""The pace of files: a check that loads neither PyTorch nor PyAV."""

from __future__ import annotations

from pathlib import Path

from vidsr.errors import OptionError
from vidsr.live.base.options import StreamOptions
from vidsr.live.sources.opening.address import parse_address


def check_pace(source: str, options: StreamOptions) -> None:
    """Raise OptionError for a file that is read faster than its frames can be shown."""
    address = parse_address(source)
    if address.kind != "file" or not Path(address.url).is_file():
        return
    if not options.source.realtime and options.quality.late != "wait":
        raise OptionError(
            f"source = {address.name!r} is read as fast as it goes, and most frames would be late",
            hint="`realtime` plays it at its own pace, late = 'wait' upscales every frame.",
        )
