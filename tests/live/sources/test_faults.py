"""Peers that fail: killed, held up, never there, silent, noisy, and whoever wants a password."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.live.sources.receiving import Recorder, receiving
from tests.servers.faults import black_hole, garbage, refused_port
from tests.servers.process import Server, await_that, free_port
from tests.servers.relays import rtmp_server, srt_camera
from tests.servers.rtsp import rtsp_camera
from tests.servers.senders import sender, write_clip
from vidsr.live.base.options import ReconnectOptions, SourceOptions
from vidsr.live.base.states import SourceState

SECRET = "hunter2"
HASTY = SourceOptions(stall_s=1.0, open_s=2.0)
URLS = (
    f"rtsp://viewer:{SECRET}@127.0.0.1:{{}}/cam",
    f"rtmp://viewer:{SECRET}@127.0.0.1:{{}}/live/cam",
    f"http://viewer:{SECRET}@127.0.0.1:{{}}/live.ts",
    f"http://viewer:{SECRET}@127.0.0.1:{{}}/live.m3u8",
    f"tcp://viewer:{SECRET}@127.0.0.1:{{}}",
    f"srt://127.0.0.1:{{}}?passphrase={SECRET}{SECRET}",
)


@dataclass(frozen=True)
class Peer:
    """A source with the process that fails, and those that have to be started again with it."""

    name: str
    url: str
    server: Server
    others: tuple[Server, ...] = ()
    options: SourceOptions = field(default_factory=lambda: HASTY)

    def kill(self) -> None:
        for server in (self.server, *self.others):
            server.kill()

    def start(self) -> None:
        for server in (self.server, *self.others):
            if not server.running:
                server.start()


@contextlib.contextmanager
def all_peers() -> Iterator[list[tuple[Peer, Recorder]]]:
    """Start a source of every kind, each on a running peer."""
    tcp, udp = f"tcp://127.0.0.1:{free_port()}", f"udp://127.0.0.1:{free_port()}"
    with contextlib.ExitStack() as owned:
        camera = owned.enter_context(rtsp_camera())
        shown = owned.enter_context(rtsp_camera(sound="aac"))
        nginx = owned.enter_context(rtmp_server())
        relay, feed = owned.enter_context(srt_camera())
        pushing = owned.enter_context(sender(nginx.rtmp, sound="aac"))
        serving = owned.enter_context(sender(f"{tcp}?listen=1"))
        casting = owned.enter_context(sender(f"{udp}?pkt_size=1316"))
        owned.enter_context(sender(feed))
        by_udp = SourceOptions(stall_s=1.0, open_s=2.0, transport="udp")
        peers = [
            Peer("rtsp by tcp", camera.url, camera),
            Peer("rtsp by udp", shown.url, shown, (), by_udp),
            Peer("rtmp", nginx.rtmp, nginx.server, (pushing,)),
            Peer("hls", nginx.hls, nginx.server, (pushing,)),
            Peer("srt", f"{relay.url}?latency=60000", relay),
            Peer("tcp", tcp, serving),
            Peer("udp", udp, casting),
        ]
        yield [(peer, owned.enter_context(receiving(peer.url, peer.options))) for peer in peers]


def hold_all(
    peers: list[tuple[Peer, Recorder]], state: SourceState, within_s: float = 60.0
) -> None:
    for peer, recorder in peers:
        try:
            recorder.wait_state(state, within_s)
        except AssertionError as error:
            error.add_note(peer.name)
            raise


@pytest.mark.slow
def test_a_peer_that_is_killed_comes_back() -> None:
    with rtsp_camera() as untouched, receiving(untouched.url) as beside, all_peers() as peers:
        for _, recorder in peers:
            recorder.wait_frames(5)
        for peer, _ in peers:
            peer.kill()
        hold_all([each for each in peers if each[0].name != "udp"], "waiting")
        time.sleep(2)
        for peer, _ in peers:
            peer.start()
        hold_all(peers, "running")
        for peer, recorder in peers:
            recorder.wait_frames(10)
            assert recorder.frames[-1].connection > 1, peer.name
            assert "waiting" in recorder.states, peer.name
            times = [frame.pts for frame in recorder.frames]
            assert times == sorted(set(times)), peer.name
        beside.wait_frames(5)
        beside.assert_in_order()
        assert beside.states == ["connecting", "running"]


@pytest.mark.slow
def test_a_peer_that_is_held_up_goes_on() -> None:
    with all_peers() as every:
        # srt-live-transmit serves one client, and finds only after 5 s that it has gone; a
        # playlist that is not to be had is an end for FFmpeg.
        peers = [each for each in every if each[0].name not in ("srt", "hls")]
        for _, recorder in peers:
            recorder.wait_frames(5)
        for peer, _ in peers:
            peer.server.pause()
        for peer, recorder in peers:
            recorder.wait_for_stall()
            assert recorder.failures[-1].reason == "stall", peer.name
        for peer, _ in peers:
            peer.server.resume()
        hold_all(peers, "running")
        for _, recorder in peers:
            recorder.wait_frames(10)
        for peer, recorder in peers:
            if peer.name in ("rtsp by tcp", "rtsp by udp", "tcp"):  # nothing was lost
                recorder.assert_in_order()


def failures_of(ports: list[int], options: SourceOptions) -> dict[str, set[str]]:
    """Return the reasons for which every kind fails at a port; no text of them has a secret."""
    reasons: dict[str, set[str]] = {}
    with contextlib.ExitStack() as owned:
        urls = [url.format(port) for url, port in zip(URLS, ports, strict=True)]
        recorders = [owned.enter_context(receiving(url, options)) for url in urls]
        for url, recorder in zip(URLS, recorders, strict=True):
            recorder.wait_state("waiting")
            assert not recorder.frames
            kind = url.rpartition(".")[2] if "live." in url else url.partition(":")[0]
            reasons[kind] = {failure.reason for failure in recorder.failures}
            assert not any(SECRET in failure.text for failure in recorder.failures)
    return reasons


def test_nobody_is_there(caplog: pytest.LogCaptureFixture) -> None:
    reasons = failures_of([refused_port() for _ in URLS], HASTY)
    assert reasons.pop("srt") == {"timeout"}  # UDP does not tell
    assert set(map(frozenset, reasons.values())) == {frozenset({"refused"})}
    assert SECRET not in caplog.text


def test_peers_that_never_answer() -> None:
    with contextlib.ExitStack() as owned:
        ports = [owned.enter_context(black_hole()) for _ in URLS]
        reasons = failures_of(ports, SourceOptions(stall_s=1.0, open_s=1.0))
    assert set(map(frozenset, reasons.values())) == {frozenset({"timeout"})}


def test_peers_that_send_noise() -> None:
    with contextlib.ExitStack() as owned:
        ports = [owned.enter_context(garbage()) for _ in URLS]
        reasons = failures_of(ports, SourceOptions(stall_s=1.0, open_s=1.0))
    assert set().union(*reasons.values()) <= {"protocol", "timeout", "other"}


def test_noise_within_a_stream_costs_only_pictures(tmp_path: Path) -> None:
    data = write_clip(tmp_path / "clip.ts", frames=60, gop=10).read_bytes()
    middle = len(data) // 2
    noise = random.Random(1).randbytes(3000)
    path = tmp_path / "noisy.ts"
    path.write_bytes(data[:middle] + noise + data[middle:])
    with receiving(str(path)) as recorder:
        recorder.wait_state("ended")
    found = [frame.number for frame in recorder.frames if frame.number is not None]
    assert found[:5] == list(range(5))
    assert found[-1] == 59
    assert len(recorder.frames) > 40


def test_a_source_may_give_up() -> None:
    options = SourceOptions(reconnect=ReconnectOptions(first_s=0.05, give_up_s=0.2))
    with receiving(f"tcp://127.0.0.1:{refused_port()}", options) as recorder:
        recorder.wait_state("failed", 5)
        assert recorder.failures[-1].reason == "refused"


def test_a_wrong_password_is_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    with rtsp_camera(login=f"viewer:{SECRET}") as camera:
        right, wrong = f"viewer:{SECRET}@", f"viewer:{SECRET}er@"
        with receiving(camera.url.replace("://", f"://{right}")) as recorder:
            recorder.wait_frames(3)
        with receiving(camera.url.replace("://", f"://{wrong}")) as recorder:
            recorder.wait_state("failed")
            (failure,) = recorder.failures
        assert (failure.reason, failure.permanent) == ("auth", True)
        assert SECRET not in failure.text + caplog.text


def test_a_wrong_passphrase_is_not_tried_again() -> None:
    with srt_camera(query=f"&passphrase={SECRET}{SECRET}") as (camera, feed), sender(feed):
        with receiving(f"{camera.url}?passphrase={SECRET}{SECRET}er") as recorder:
            recorder.wait_state("failed")
        (failure,) = recorder.failures
    assert (failure.reason, failure.permanent) == ("auth", True)
    assert SECRET not in failure.text


def test_a_source_that_is_being_opened_ends_by_itself() -> None:
    threads = threading.active_count()
    with black_hole() as port, receiving(f"rtsp://127.0.0.1:{port}/cam", HASTY):
        time.sleep(0.3)
    await_that(lambda: threading.active_count() <= threads, "no thread left")


@contextlib.contextmanager
def served_again_and_again(data: bytes) -> Iterator[int]:
    """Send the same bytes to everybody who calls, and hang up; yield the port."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        def serve() -> None:
            while not over.is_set():
                with contextlib.suppress(OSError), server.accept()[0] as peer:
                    peer.sendall(data)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            over.set()
            thread.join()


def test_nothing_is_left_of_fifty_connections(tmp_path: Path) -> None:
    data = write_clip(tmp_path / "clip.ts", frames=5).read_bytes()
    again = ReconnectOptions(first_s=0.001, longest_s=0.001)

    def state() -> tuple[int, int]:
        return threading.active_count(), len(os.listdir("/proc/self/fd"))

    def settled(wanted: tuple[int, int]) -> Callable[[], bool]:
        return lambda: state() <= wanted

    before = state()
    with (
        served_again_and_again(data) as port,
        receiving(f"tcp://127.0.0.1:{port}", SourceOptions(reconnect=again)) as recorder,
    ):
        recorder.wait(lambda: recorder.states.count("running") >= 50, 120)
    assert {frame.number for frame in recorder.frames} == set(range(5))
    times = [frame.pts for frame in recorder.frames]
    assert times == sorted(set(times))
    await_that(settled(before), "as many threads and descriptors as before")
