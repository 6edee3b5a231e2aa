"""Network sinks against real servers: what they pass on, and the processes that send it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.live.sinks.feeding import UDP_QUERY, Feed, await_that, numbers_of, sound_of, tone
from tests.paths import ROOT
from tests.servers.process import free_port
from tests.servers.relays import rtmp_server, srt_relay
from tests.servers.rtsp import rtsp_recorder
from vidsr.live.base.formats import SoundFormat
from vidsr.live.base.items import CodedPacket
from vidsr.live.sinks.children.messages import (
    End,
    MessageReader,
    Order,
    encode_end,
    encode_order,
    encode_packet,
)
from vidsr.live.sinks.children.sockets import limit_sockets
from vidsr.live.sinks.muxing.mux_format import MuxFormat
from vidsr.video.locator import Locator

QUICK = {"fpsprobesize": "0", "analyzeduration": "300000"}


class Reader:
    """A thread that reads numbered pictures from an address, and from no other before."""

    def __init__(self, url: str, count: int = 20, **options: str) -> None:
        self.numbers: list[int] = []
        self.codecs: list[str] = []
        self._url, self._count, self._options = url, count, {**QUICK, **options}
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> list[int]:
        self._thread.join(60)
        return self.numbers

    def _run(self) -> None:
        with av.open(self._url, options=self._options, timeout=(10, 5)) as container:
            self.codecs = [stream.codec_context.name for stream in container.streams]
            self.numbers = numbers_of(container, self._count)


def assert_passed_on(feed: Feed, reader: Reader) -> None:
    """Check the order of what was read, and that every packet is accounted for."""
    numbers, name = reader.join(), feed.sinks[0].name
    assert len(numbers) == 20
    assert numbers == [*range(numbers[0], numbers[0] + 20)]
    assert feed.events.of(name) == ["connecting", "running", "closed"]
    assert feed.events.packets[name] + feed.events.dropped[name] == feed.number
    assert feed.events.dropped[name] == 0


@pytest.mark.parametrize("scheme", ["rtsp", "rtsp+udp"])
def test_rtsp(scheme: str) -> None:
    with rtsp_recorder() as (server, udp):
        feed = Feed(server.url.replace("rtsp", scheme, 1))
        reader = Reader(udp + UDP_QUERY)
        with feed.running():
            reader.start()
            reader.join()
    assert_passed_on(feed, reader)


def test_rtsp_with_the_sound_of_a_camera() -> None:
    """FFmpeg is the server: GStreamer's mixes no sound in time."""
    sound, packets = tone("pcm_alaw", "pcm_alaw", 8000, "mono", seconds=10.0)
    url = f"rtsp://127.0.0.1:{free_port()}/cam"
    reader = Reader(url, rtsp_flags="listen", listen_timeout="15")
    feed = Feed(url, sound=sound)
    reader.start()
    with feed.running(lambda number: feed.sound(sound_of(packets, number))):
        assert reader.join() == [*range(20)]
    assert sorted(reader.codecs) == ["h264", "pcm_alaw"]
    name = feed.sinks[0].name
    assert feed.events.packets[name] + feed.events.dropped[name] == feed.number
    assert feed.events.packets[name] >= 20


def test_rtmp_with_sound_that_was_converted() -> None:
    sound, packets = tone("pcm_alaw", "pcm_alaw", 8000, "mono", seconds=10.0)
    with rtmp_server() as server:
        feed = Feed(server.rtmp, sound=sound)
        reader = Reader(server.rtmp, rtmp_live="live", analyzeduration="3000000")
        with feed.running(lambda number: feed.sound(sound_of(packets, number))):
            await_that(lambda: feed.events.packets.total() > 5, "packets to arrive")
            reader.start()
            reader.join()
    assert_passed_on(feed, reader)
    assert sorted(reader.codecs) == ["aac", "h264"]


@pytest.mark.parametrize("query", ["", "&passphrase=s3cr3t-pass"])
def test_srt(query: str) -> None:
    port, back = free_port(), free_port()
    listener = f"srt://127.0.0.1:{port}?mode=listener&latency=60{query}"
    with srt_relay(listener, f"udp://127.0.0.1:{back}", wait_port=port):
        feed = Feed(f"srt://127.0.0.1:{port}?latency=60{query}")
        reader = Reader(f"udp://127.0.0.1:{back}{UDP_QUERY}")
        with feed.running():
            reader.start()
            reader.join()
    assert "s3cr3t" not in feed.sinks[0].name
    assert_passed_on(feed, reader)


def test_tcp_whoever_listens() -> None:
    one, two = free_port(), free_port()
    feed = Feed(f"tcp://127.0.0.1:{one}", f"tcp://127.0.0.1:{two}?listen=1")
    first = Reader(f"tcp://127.0.0.1:{one}?listen=1")
    second = Reader(f"tcp://127.0.0.1:{two}")
    first.start()
    with feed.running():
        await_that(lambda: feed.events.of(feed.sinks[0].name)[-1:] == ["running"], "a connection")
        assert feed.events.of(feed.sinks[1].name) == ["connecting"]
        time.sleep(0.5)
        second.start()
        assert len(second.join()) == 20
        assert len(first.join()) == 20
    assert first.numbers[0] == 0


def test_a_change_of_size_begins_a_new_stream() -> None:
    with rtmp_server() as server:
        feed = Feed(server.rtmp)
        for _ in range(15):
            feed.push()
            time.sleep(0.02)
        feed.push(15, size=(192, 128))
        name = feed.sinks[0].name
        await_that(lambda: feed.events.of(name).count("running") == 2, "a second stream")
        feed.push(5, size=(192, 128))
        feed.close()
    states = ["connecting", "running", "connecting", "running", "closed"]
    assert feed.events.of(name) == states
    assert feed.events.packets[name] + feed.events.dropped[name] == 35
    assert feed.events.dropped[name] == 0


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have."""
    found = []
    with suppress(FileNotFoundError, ProcessLookupError):  # ended while it was looked at
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                for child in (task / "children").read_text().split():
                    found += [int(child), *children_of(int(child))]
    return found


def test_no_secret_shows_from_outside() -> None:
    """Arguments can be read by every user of the machine, the environment by the same one."""
    secret = "s3cr3t-pass"
    with ExitStack() as stack:
        server = stack.enter_context(rtmp_server())
        port, back = free_port(), free_port()
        listener = f"srt://127.0.0.1:{port}?mode=listener&passphrase={secret}"
        stack.enter_context(srt_relay(listener, f"udp://127.0.0.1:{back}", wait_port=port))
        rtmp = server.rtmp.replace("rtmp://", f"rtmp://me:{secret}@") + f"?token={secret}"
        feed = Feed(rtmp, f"srt://127.0.0.1:{port}?passphrase={secret}")
        with feed.running():
            await_that(
                lambda: all(feed.events.of(sink.name)[-1:] == ["running"] for sink in feed.sinks),
                "both to send",
            )
            ours = [pid for pid in children_of(os.getpid()) if _is_sender(pid)]
            assert len(ours) == 2
            for pid in ours:
                for part in ("cmdline", "environ"):
                    assert secret.encode() not in Path(f"/proc/{pid}/{part}").read_bytes()
    told = f"{feed.events.states} {feed.events.packets} {[sink.name for sink in feed.sinks]}"
    assert secret not in told


def _is_sender(pid: int) -> bool:
    return b"vidsr.live.sinks.children" in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_messages_pass_through_a_pipe_in_any_pieces() -> None:
    format = MuxFormat(
        "h264",
        16,
        16,
        "yuv420p",
        (1, 1, 1, 1),
        rate=Fraction(25),
        sound=SoundFormat("aac", 48_000, "mono"),
    )
    order = Order("rtmp", "rtmp://me:secret@host/live/a", "flv", format, {"a": "b"})
    packets = [
        CodedPacket(b"abc", "video", 1 << 40, -5, duration=3600, key=True),
        CodedPacket(b"", "sound", 0, 0),
    ]
    data = encode_order(order) + b"".join(map(encode_packet, packets)) + encode_end()
    reader, found = MessageReader(), []
    for index in range(len(data)):
        reader.feed(data[index : index + 1])
        while (message := reader.next()) is not None:
            found.append(message)
    assert found == [order, *packets, End()]
    assert "secret" not in repr(order)


def test_connections_do_not_wait_for_answers_nor_for_ever() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address) as one, socket.socket(type=socket.SOCK_DGRAM) as two:
            before = len(os.listdir("/dev/fd"))
            assert limit_sockets() >= 2
            assert len(os.listdir("/dev/fd")) == before
            assert one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert one.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5000
            assert two.type == socket.SOCK_DGRAM


def test_a_child_is_light() -> None:
    program = "import vidsr.live.sinks.children.__main__, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=ROOT, check=True)
    modules = set(run.stdout.decode().split())
    assert not modules & {"torch", "numpy", "asyncio", "vidsr.picture.frame"}


_PARENT = """
import sys, time
sys.path.insert(0, {root!r})
from tests.live.sinks.feeding import Feed, await_that
feed = Feed({url!r})
feed.push()
await_that(lambda: feed.events.of({name!r})[-1:] == ["running"], "a connection")
print("sends", flush=True)
while True:
    feed.push()
    time.sleep(0.02)
"""


def test_a_child_ends_with_its_parent() -> None:
    with rtmp_server() as server:
        program = _PARENT.format(root=str(ROOT), url=server.rtmp, name=str(Locator.of(server.rtmp)))
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
            assert parent.stdout is not None
            assert parent.stdout.readline() == b"sends\n"
            (child,) = children_of(parent.pid)
            server.server.pause()  # nor does a child that is stuck outlive it
            parent.kill()
            parent.wait()
            await_that(lambda: not Path(f"/proc/{child}/cmdline").exists(), "the child's end", 5)
            server.server.resume()
