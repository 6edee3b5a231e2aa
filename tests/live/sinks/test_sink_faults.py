"""Peers that are away, silent or hostile: the sink comes back, the one beside it sees nothing."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import pytest

from tests.live.sinks.feeding import Feed, await_that, numbers_of
from tests.live.sinks.test_network_sinks import children_of
from tests.live.waits import assert_returns
from tests.servers.faults import black_hole, garbage, refused_port
from tests.servers.process import Server, free_port
from tests.servers.relays import rtmp_server, srt_relay
from tests.servers.rtsp import rtsp_recorder
from vidsr.live.base.backoff import Backoff
from vidsr.live.base.items import CodedPacket
from vidsr.live.base.options import ReconnectOptions
from vidsr.live.base.states import FailureReason
from vidsr.live.sinks.children import target as child_target
from vidsr.live.sinks.children.srt import load_library
from vidsr.live.sinks.muxing.mux_format import MuxFormat
from vidsr.live.sinks.recording import RecordTarget
from vidsr.live.sinks.writers import Writer

PAUSE_S = 1.0  # far above what is measured: the machine of a test does other things too


class Ticker:
    """A thread that notes how long it was kept from running."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Ticker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        last_s = time.monotonic()
        while not self._over.wait(0.005):
            now_s = time.monotonic()
            self.longest_s = max(self.longest_s, now_s - last_s)
            last_s = now_s


@contextmanager
def beside(url: str, folder: Path) -> Iterator[tuple[Feed, str]]:
    """Feed a sink and a recording, which must be whole whatever becomes of the other."""
    feed = Feed(url, f"record:{folder}/beside.mkv")
    with feed.running():
        yield feed, feed.sinks[0].name
    name, recording = (sink.name for sink in feed.sinks)
    events = feed.events
    assert (events.packets[recording], events.dropped[recording]) == (feed.number, 0)
    assert events.packets[name] + events.dropped[name] == feed.number
    assert feed.longest_write_s < PAUSE_S
    with av.open(str(folder / "beside.mkv")) as container:
        assert numbers_of(container) == [*range(feed.number)]


def test_a_recording_loses_nothing_while_its_disk_stalls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, opened = threading.Event(), RecordTarget.open

    def open_late(target: RecordTarget, format: MuxFormat) -> Writer:
        goes_on.wait()
        return opened(target, format)

    monkeypatch.setattr(RecordTarget, "open", open_late)
    feed = Feed(f"record:{tmp_path}/a.mkv")
    feed.push(150)  # six seconds
    goes_on.set()
    feed.close()
    assert feed.events.dropped.total() == 0
    with av.open(str(tmp_path / "a.mkv")) as container:
        assert numbers_of(container) == [*range(150)]


def await_state(feed: Feed, name: str, state: str, times: int = 1) -> None:
    await_that(lambda: feed.events.of(name).count(state) >= times, f"{state} {times} times")  # type: ignore[arg-type]


def comes_back(feed: Feed, name: str, server: Server, again: int = 2) -> None:
    """Kill the server while it is sent to, start it again, and wait for the sink."""
    await_state(feed, name, "running")
    server.kill()
    await_state(feed, name, "waiting")
    keys = feed.events.keys
    server.start()
    await_state(feed, name, "running", again)
    assert feed.events.keys > keys


def test_rtmp_killed_and_restarted(tmp_path: Path) -> None:
    with rtmp_server() as server, beside(server.rtmp, tmp_path) as (feed, name):
        comes_back(feed, name, server.server)
        sent = feed.events.packets[name]
        await_that(lambda: feed.events.packets[name] > sent + 5, "packets again")


def test_rtsp_killed_and_restarted(tmp_path: Path) -> None:
    with rtsp_recorder() as (server, _), beside(server.url, tmp_path) as (feed, name):
        comes_back(feed, name, server)


def test_srt_killed_and_restarted(tmp_path: Path) -> None:
    port, back = free_port(), free_port()
    listener = f"srt://127.0.0.1:{port}?mode=listener&latency=60"
    with (
        srt_relay(listener, f"udp://127.0.0.1:{back}", wait_port=port) as server,
        beside(f"srt://127.0.0.1:{port}?latency=60", tmp_path) as (feed, name),
    ):
        comes_back(feed, name, server)


def test_an_srt_peer_that_falls_silent_is_missed_and_found_again(tmp_path: Path) -> None:
    """The library itself would miss it after 5 s."""
    port, back = free_port(), free_port()
    listener = f"srt://127.0.0.1:{port}?mode=listener&latency=60"
    with (
        srt_relay(listener, f"udp://127.0.0.1:{back}", wait_port=port) as server,
        beside(f"srt://127.0.0.1:{port}?latency=60", tmp_path) as (feed, name),
    ):
        await_state(feed, name, "running")
        server.pause()
        await_state(feed, name, "waiting")
        server.resume()
        await_state(feed, name, "running", 2)
        reasons = {failure.reason for failure in feed.events.failures(name)}
    if load_library() is not None:
        assert reasons == {"timeout"}


def test_a_silent_server_is_given_up_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is stopped takes what fits into the kernel's buffers, and no new connection."""
    enough_s = child_target.OPEN_S
    with rtmp_server() as server, beside(server.rtmp, tmp_path) as (feed, name):
        await_state(feed, name, "running")
        monkeypatch.setattr(child_target, "OPEN_S", 1.0)
        server.server.pause()
        os.kill(sender(), signal.SIGKILL)  # as a stalled one is, see below
        await_state(feed, name, "waiting", 2)
        monkeypatch.setattr(child_target, "OPEN_S", enough_s)
        server.server.resume()
        await_state(feed, name, "running", 2)
        reasons = {failure.reason for failure in feed.events.failures(name)}
    assert "timeout" in reasons or "other" in reasons


def sender() -> int:
    """Return the process that sends for the sink under test."""
    (pid,) = (
        pid
        for pid in children_of(os.getpid())
        if b"vidsr.live.sinks.children" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    return pid


def test_a_child_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_target, "SILENT_S", 1.5)
    with rtmp_server() as server, beside(server.rtmp, tmp_path) as (feed, name):
        await_state(feed, name, "running")
        first = sender()
        os.kill(first, signal.SIGSTOP)
        await_state(feed, name, "running", 2)
        assert not Path(f"/proc/{first}").exists()
        assert sender() != first
    assert [failure.reason for failure in feed.events.failures(name)] == ["stall"]


def test_a_peer_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its buffers take a few megabytes; then the child hangs in a write, which has no end."""
    monkeypatch.setattr(child_target, "SILENT_S", 1.0)
    with black_hole() as port:
        feed = Feed(f"tcp://127.0.0.1:{port}")
        feed.push()
        name = feed.sinks[0].name
        await_state(feed, name, "running")
        begun_s = time.monotonic()
        for number in range(100):
            pts = 900_000 + 3600 * (number + 1)
            feed.sinks[0].write(CodedPacket(bytes(400_000), "video", pts, pts, key=True))
        assert time.monotonic() - begun_s < PAUSE_S
        await_state(feed, name, "waiting")
        feed.close()
    assert feed.events.failures(name)[0].reason == "stall"
    assert feed.events.dropped[name] > 0
    assert feed.events.packets[name] + feed.events.dropped[name] == 101


def test_a_child_that_dies_is_replaced(tmp_path: Path) -> None:
    with rtmp_server() as server, beside(server.rtmp, tmp_path) as (feed, name):
        await_state(feed, name, "running")
        os.kill(sender(), signal.SIGKILL)
        await_state(feed, name, "running", 2)
    assert [failure.reason for failure in feed.events.failures(name)] == ["other"]


@pytest.mark.parametrize("scheme", ["rtsp", "rtmp", "tcp"])
def test_nobody_there(scheme: str, tmp_path: Path) -> None:
    url = f"{scheme}://127.0.0.1:{refused_port()}/live/cam"
    with beside(url, tmp_path) as (feed, name):
        await_state(feed, name, "waiting", 2)
        failures = feed.events.failures(name)
    assert {failure.reason for failure in failures} == {"refused"}
    assert feed.events.packets[name] == 0


@pytest.mark.parametrize(
    ("scheme", "reasons"),
    [("rtsp", {"timeout", "protocol"}), ("rtmp", {"timeout"}), ("srt", {"refused", "timeout"})],
)
def test_a_black_hole(
    scheme: str, reasons: set[FailureReason], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_target, "OPEN_S", 1.0)
    with black_hole() as port, Ticker() as ticker:
        with beside(f"{scheme}://127.0.0.1:{port}/live/cam", tmp_path) as (feed, name):
            await_state(feed, name, "waiting")
        found = {failure.reason for failure in feed.events.failures(name)}
    assert found <= reasons
    assert ticker.longest_s < PAUSE_S


@pytest.mark.parametrize("scheme", ["rtsp", "rtmp"])
def test_noise_for_an_answer(scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_target, "OPEN_S", 1.0)
    with (
        garbage() as port,
        beside(f"{scheme}://127.0.0.1:{port}/live/cam", tmp_path) as (feed, name),
    ):
        await_state(feed, name, "waiting")
    assert feed.events.packets[name] == 0


def test_closing_does_not_wait_for_a_black_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_target, "OPEN_S", 3600.0)
    before = set(children_of(os.getpid()))
    with black_hole() as port:
        feed = Feed(f"rtmp://127.0.0.1:{port}/live/cam")
        feed.push(3)
        time.sleep(0.5)
        assert_returns(feed.close)
        feed.close()
    left = set(children_of(os.getpid())) - before
    assert not [pid for pid in left if Path(f"/proc/{pid}").exists()]


def test_nothing_is_left_of_many_tries(tmp_path: Path) -> None:
    def held() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    port = refused_port()
    Feed(f"tcp://127.0.0.1:{port}").close()
    before = held()
    for _ in range(8):
        feed = Feed(f"tcp://127.0.0.1:{port}", f"record:{tmp_path}/a.ts", f"udp://127.0.0.1:{port}")
        feed.push(2)
        feed.close()
    assert held() == before


def test_pauses_grow_and_begin_anew() -> None:
    backoff = Backoff(ReconnectOptions(first_s=0.5, longest_s=4, jitter=0.0))
    assert [backoff.wait_s() for _ in range(5)] == [0.5, 1, 2, 4, 4]
    backoff.reset()
    assert backoff.wait_s() == 0.5
    some = Backoff(ReconnectOptions(first_s=1, longest_s=1, jitter=0.2))
    assert all(0.8 <= some.wait_s() <= 1.2 for _ in range(50))
