"""Live video: cameras and broadcasts in and out, each frame within a deadline.

import vidsr.live
with vidsr.live.Stream("rtsp://HOST/cam", "rtmp://HOST/live/cam", deadline="200ms") as stream:
    stream.wait()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vidsr.live.base.counters import Tally
    from vidsr.live.base.options import (
        EncoderOptions,
        QualityOptions,
        ReconnectOptions,
        ServiceOptions,
        SourceOptions,
        StreamOptions,
    )
    from vidsr.live.base.status import SinkStatus, StreamStatus
    from vidsr.live.service.config import load_config
    from vidsr.live.service.service import Service
    from vidsr.live.service.spec import Config, StreamSpec
    from vidsr.live.streams.engines import Engines
    from vidsr.live.streams.stream import Stream

__all__ = [
    "Config",
    "EncoderOptions",
    "Engines",
    "QualityOptions",
    "ReconnectOptions",
    "Service",
    "ServiceOptions",
    "SinkStatus",
    "SourceOptions",
    "Stream",
    "StreamOptions",
    "StreamSpec",
    "StreamStatus",
    "Tally",
    "load_config",
]

_ELSEWHERE = {
    "Config": "vidsr.live.service.spec",
    "EncoderOptions": "vidsr.live.base.options",
    "Engines": "vidsr.live.streams.engines",
    "QualityOptions": "vidsr.live.base.options",
    "ReconnectOptions": "vidsr.live.base.options",
    "Service": "vidsr.live.service.service",
    "ServiceOptions": "vidsr.live.base.options",
    "SinkStatus": "vidsr.live.base.status",
    "SourceOptions": "vidsr.live.base.options",
    "Stream": "vidsr.live.streams.stream",
    "StreamOptions": "vidsr.live.base.options",
    "StreamSpec": "vidsr.live.service.spec",
    "StreamStatus": "vidsr.live.base.status",
    "Tally": "vidsr.live.base.counters",
    "load_config": "vidsr.live.service.config",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used, since PyTorch takes seconds."""
    if name not in _ELSEWHERE:
        raise AttributeError(f"module 'vidsr.live' has no attribute {name!r}")
    return getattr(import_module(_ELSEWHERE[name]), name)
