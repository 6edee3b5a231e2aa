"""Transparency that a call, a stream or a session leaves out is named once."""

from __future__ import annotations

import logging
from collections.abc import Callable

import av
import numpy as np
import pytest

import vidsr

WORDS = "the alpha channel (transparency) is not carried over"
Use = Callable[[vidsr.Upscaler, av.VideoFrame], object]


def call(upscaler: vidsr.Upscaler, image: av.VideoFrame) -> object:
    return [upscaler(image), upscaler(image)]


def stream(upscaler: vidsr.Upscaler, image: av.VideoFrame) -> object:
    return list(upscaler.stream([image, image]))


def session(upscaler: vidsr.Upscaler, image: av.VideoFrame) -> object:
    with upscaler.session() as flow:
        return [*flow.push(image), *flow.push(image), *flow.flush()]


@pytest.mark.parametrize("use", [call, stream, session])
@pytest.mark.parametrize("name", ["rgba", "yuva420p", "gbrap10le", "ya8"])
def test_it_is_named_once(caplog: pytest.LogCaptureFixture, use: Use, name: str) -> None:
    with caplog.at_level(logging.WARNING, "vidsr"), vidsr.Upscaler("lite-x2") as upscaler:
        use(upscaler, av.VideoFrame(32, 24, name))
    assert caplog.messages.count(WORDS) == 1


def test_a_clear_colour_of_a_palette_is_named(caplog: pytest.LogCaptureFixture) -> None:
    image = av.VideoFrame(32, 24, "pal8")
    image.planes[0].update(bytes(image.planes[0].buffer_size))
    image.planes[1].update(bytes(1024))
    with vidsr.Upscaler("lite-x2") as upscaler:
        upscaler(image)
    assert caplog.messages.count(WORDS) == 1


@pytest.mark.parametrize("name", ["rgb24", "yuv420p", "gray"])
def test_nothing_is_said_of_what_has_none(caplog: pytest.LogCaptureFixture, name: str) -> None:
    with vidsr.Upscaler("lite-x2") as upscaler:
        upscaler(av.VideoFrame(32, 24, name))
        upscaler(np.zeros((8, 8, 3), np.uint8))
    assert WORDS not in caplog.messages
