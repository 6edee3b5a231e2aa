"""Packets are read ahead in their order, and errors wait for their turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import av
import pytest

from tests.makers.clips import Tone
from tests.makers.coded import coded
from vidsr.video.coding.packet_log import LEAST_AHEAD
from vidsr.video.coding.read_ahead import ReadAhead
from vidsr.video.items import Packet


def packets(folder: Path, frames: int) -> list[Packet]:
    """Return the packets of a clip with sound."""
    clip = coded(folder / "a.mkv", "mpeg4", {}, frames=frames, audio=Tone())
    with av.open(str(clip.path)) as file:
        return cast("list[Packet]", list(file.demux()))


@pytest.mark.parametrize("frames", [3, LEAST_AHEAD + 20])
def test_packets_keep_their_order_and_the_videos_are_seen_before(
    tmp_path: Path, frames: int
) -> None:
    given = packets(tmp_path, frames)
    seen: list[Packet] = []
    source = iter(given)
    reader = ReadAhead(lambda: next(source, None), 0, seen.append)
    video = [packet for packet in given if packet.stream.index == 0 and packet.size]
    for number, packet in enumerate(reader):
        assert packet is given[number]
        if packet in video:
            place = video.index(packet)
            assert seen == video[: place + LEAST_AHEAD + 1]
    assert number == len(given) - 1


def test_nothing_is_read_ahead_for_nobody(tmp_path: Path) -> None:
    source = iter(packets(tmp_path, 5))
    reader = ReadAhead(lambda: next(source, None), 0, None)
    first = next(reader)
    assert first.stream is not None
    assert next(source) is not first


def test_an_error_is_raised_behind_what_was_read_before_it(tmp_path: Path) -> None:
    given = packets(tmp_path, 4)

    def failing() -> Iterator[Packet]:
        yield from given
        raise OSError("gone")

    source = failing()
    reader = ReadAhead(lambda: next(source, None), 0, lambda _: None)
    assert [next(reader) for _ in given] == given
    with pytest.raises(OSError, match="gone"):
        next(reader)
