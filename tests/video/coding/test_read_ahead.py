"""Packets are read ahead in their order, and errors wait for their turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import av
import pytest

from tests.makers.clips import Tone
from tests.makers.coded import coded
from vidsr.video.coding import read_ahead
from vidsr.video.coding.packet_log import LEAST_AHEAD, PacketLog, PacketNote
from vidsr.video.coding.read_ahead import ReadAhead
from vidsr.video.items import Packet
from vidsr.video.source.file_source import FileSource

Packets = Callable[[int], list[Packet]]


@pytest.fixture
def packets(tmp_path: Path) -> Iterator[Packets]:
    """Give a function that returns the packets of a clip with sound, which stays open."""
    with ExitStack() as stack:

        def read(frames: int) -> list[Packet]:
            clip = coded(tmp_path / "a.mkv", "mpeg4", {}, frames=frames, audio=Tone())
            file = stack.enter_context(av.open(str(clip.path)))
            return cast("list[Packet]", list(file.demux()))

        yield read


def is_video(packet: Packet) -> bool:
    return packet.stream.index == 0 and packet.size > 0


@pytest.mark.parametrize("frames", [3, LEAST_AHEAD + 20])
def test_packets_keep_their_order_and_the_videos_are_seen_before(
    packets: Packets, frames: int
) -> None:
    given = packets(frames)
    seen: list[Packet] = []
    source = iter(given)
    reader = ReadAhead(lambda: next(source, None), 0, seen.append)
    video = [packet for packet in given if is_video(packet)]
    for number, packet in enumerate(reader):
        assert packet is given[number]
        if packet in video:
            assert seen == video[: video.index(packet) + LEAST_AHEAD + 1]
    assert number == len(given) - 1
    assert seen == video


def test_nothing_is_read_ahead_for_nobody(packets: Packets) -> None:
    source = iter(given := packets(5))
    reader = ReadAhead(lambda: next(source, None), 0, None)
    assert next(reader) is given[0]
    assert next(source) is given[1]


def test_an_error_is_raised_behind_what_was_read_before_it(packets: Packets) -> None:
    given = packets(4)

    def failing() -> Iterator[Packet]:
        yield from given
        raise OSError("gone")

    source = failing()
    reader = ReadAhead(lambda: next(source, None), 0, lambda _: None)
    assert [next(reader) for _ in given] == given
    with pytest.raises(OSError, match="gone"):
        next(reader)


def test_what_is_enough_is_given_before_more_is_read(packets: Packets) -> None:
    given = packets(LEAST_AHEAD + 20)
    seen: list[Packet] = []
    source = iter(given)
    reader = ReadAhead(lambda: next(source, None), 0, seen.append)
    next(reader)
    reader.enough, ahead = True, len(seen)
    while len(seen) == ahead:
        last = next(reader)
    assert last is seen[-1]
    assert [*reader] == given[given.index(last) + 1 :]


def test_sound_is_read_ahead_no_further_than_its_bytes_allow(
    packets: Packets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_ahead, "_MOST_BYTES", 4 << 10)
    given = packets(3)
    behind = [packet for packet in given if packet.stream.index == 1 and packet.size] * 40
    source = iter([*given[:1], *behind])
    reader = ReadAhead(lambda: next(source, None), 0, lambda _: None)
    assert next(reader) is given[0]
    left = sum(1 for _ in source)
    assert len(behind) - 5 < left < len(behind)


def test_bytes_of_other_streams_end_the_span_of_a_mean() -> None:
    log = PacketLog()
    for number in range(LEAST_AHEAD):
        log.add(PacketNote(number, number == 0, 100, 1.0, float(number), between=5 << 20))
    span = log.span(0)
    assert span is not None
    assert span.log_levels == 1.5  # of three spaces between four packets
    log.add(PacketNote(LEAST_AHEAD, True, 100, 1.0, 0.0))
    assert log.next_key(0) is None


def test_packets_that_nobody_decodes_are_not_kept(tmp_path: Path) -> None:
    clip = coded(tmp_path / "a.mkv", "libx264", {}, frames=2 * LEAST_AHEAD, audio=Tone())
    with FileSource(clip.path) as source:
        sound = sum(1 for _ in source.other_packets())
        assert sound
        assert len(source.pictures.coding._packets._ahead) <= LEAST_AHEAD + 2
