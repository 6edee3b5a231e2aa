"""The server on real connections: answers, refusals, beginning and end."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.live.waits import joins_within
from tests.live.web.fakes import PASSWORD, FakeView, pair, status
from tests.live.web.served import TOKEN, Client, guarded, served
from vidsr.errors import VidsrError
from vidsr.live.base.status import SinkStatus
from vidsr.live.web import requirements
from vidsr.live.web.access.sessions import COOKIE
from vidsr.live.web.access.throttle import FREE_ATTEMPTS
from vidsr.live.web.options import WebOptions
from vidsr.live.web.server import WebServer
from vidsr.live.web.server.web_server import STOP_S

BEARER = f"Bearer {TOKEN}"
PATHS = (
    "/",
    "/streams/door",
    "/streams/door/preview.mjpeg",
    "/streams/door/pairs",
    "/streams/door/snapshot.jpg",
    "/pictures",
    "/metrics",
    "/readyz",
    "/api/streams",
    "/api/streams/door",
    "/static/overview.js",
    "/hls/door/hls/index.m3u8",
    "/nowhere",
)


def test_health_follows_the_threads() -> None:
    view = FakeView.of("door")
    with served(view) as client:
        assert client.ask("/healthz").status == 200
        view.ticked_s = 9.0
        assert client.ask("/healthz").status == 503


def test_readiness_follows_the_streams() -> None:
    view = FakeView.of("door", "yard")
    view.streams["yard"] = status("yard", state="waiting")
    with served(view) as client:
        assert client.ask("/readyz").status == 200
        assert client.ask("/readyz").text == "1 of 2 streams running\n"
        assert client.ask("/readyz?stream=door").status == 200
        assert client.ask("/readyz?stream=yard").status == 503
        assert client.ask("/readyz?stream=none").status == 404
        view.streams.clear()
        assert client.ask("/readyz").status == 503


def test_streams_as_json() -> None:
    with served(FakeView.of("door", "a b/c")) as client:
        everything = json.loads(client.ask("/api/streams").body)
        assert [one["name"] for one in everything["streams"]] == ["door", "a b/c"]
        one = json.loads(client.ask("/api/streams/a%20b%2Fc").body)
        assert one == everything["streams"][1]
        assert one["latency_p50_ms"] == 31.2
        assert one["frames"]["dropped"]["late"] == 30
        assert one["frames"]["dropped"]["corrupt"] == 0
        assert [sink["label"] for sink in one["sinks"]] == ["rtsp", "hls"]
        assert client.ask("/api/streams/none").status == 404


def test_every_answer_carries_the_headers() -> None:
    view = FakeView.of("door", pictures={"door": pair(1)})
    with served(view) as client:
        for path in ("/", "/streams/door", "/metrics", "/nowhere", "/static/page.css", "/healthz"):
            headers = client.ask(path).headers
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert "unsafe" not in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert headers["Server"] == "vidsr"


def test_a_stranger_s_name_is_refused() -> None:
    with served(FakeView.of("door")) as client:
        for path in PATHS:
            assert client.ask(path, Host="rebound.example").status == 403
        assert client.ask("/healthz", Host="rebound.example").status == 200
        assert client.ask("/", Host=f"localhost:{client.port}").status == 200


def test_other_sites_are_refused() -> None:
    with served(FakeView.of("door")) as client:
        embedded = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}
        assert client.ask("/streams/door/preview.mjpeg", more=embedded).status == 403
        assert client.ask("/api/streams", Origin="http://evil.example").status == 403
        assert client.ask("/api/streams", Sec_Fetch_Site="same-site").status == 403
        link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
        assert client.ask("/", more=link, Sec_Fetch_Dest="document").status == 200
        assert client.ask("/", more=link, Sec_Fetch_Dest="iframe").status == 403
        assert client.ask("/", Sec_Fetch_Site="none").status == 200


def test_other_methods_are_refused() -> None:
    with served(FakeView.of("door")) as client:
        for path in ("/", "/api/streams", "/streams/door/snapshot.jpg"):
            assert client.ask(path, method="DELETE").status == 405
            assert client.ask(path, form={"a": "b"}).status == 405
        assert client.ask("/pictures", method="HEAD").status == 405


def test_without_the_token_nothing_but_health_is_told() -> None:
    with served(FakeView.of("door"), guarded()) as client:
        for path in PATHS:
            answer = client.ask(path)
            assert answer.status == 401, path
            assert b"door" not in answer.body
        assert client.ask("/healthz").status == 200
        assert client.ask("/static/page.css").status == 200


def test_programs_show_the_token_in_a_header() -> None:
    with served(FakeView.of("door"), guarded()) as client:
        assert client.ask("/metrics", Authorization=BEARER).status == 200
        assert client.ask("/metrics", Authorization=BEARER + "x").status == 401
        assert client.ask("/metrics", Authorization=f"Basic {TOKEN}").status == 401
        assert client.ask(f"/metrics?token={TOKEN}").status == 401


def log_in(client: Client, more: Mapping[str, str] | None = None) -> str:
    """Return the Set-Cookie header of a login."""
    answer = client.ask("/login", form={"token": TOKEN, "next": "/streams/door"}, more=more)
    assert answer.status == 303
    assert answer.headers["Location"] == "/streams/door"
    return answer.headers["Set-Cookie"]


def test_browsers_log_in_and_out() -> None:
    with served(FakeView.of("door"), guarded()) as client:
        sent_on = client.ask("/streams/door", Accept="text/html")
        assert sent_on.status == 303
        assert sent_on.headers["Location"] == "/login?next=/streams/door"
        assert 'value="/streams/door"' in client.ask(sent_on.headers["Location"]).text
        header = log_in(client)
        for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
            assert word in header
        assert "Secure" not in header
        assert TOKEN not in header
        cookie = header.partition(";")[0]
        assert client.ask("/streams/door", Cookie=cookie).status == 200
        assert client.ask("/streams/door", Cookie=cookie[:-1] + "x").status == 401
        left = client.ask("/logout", form={}, Cookie=cookie)
        assert left.headers["Location"] == "/login"
        assert f'{COOKIE}=""' in left.headers["Set-Cookie"]


def test_the_cookie_is_secure_behind_https() -> None:
    with served(FakeView.of("door"), guarded()) as client:
        assert "Secure" in log_in(client, {"X-Forwarded-Proto": "https"})


@pytest.mark.parametrize(
    "place", ["//evil.example", "https://evil.example", "/\\evil.example", "/x", "/streams/a/b"]
)
def test_a_login_leads_nowhere_else(place: str) -> None:
    with served(FakeView.of("door"), guarded()) as client:
        answer = client.ask("/login", form={"token": TOKEN, "next": place})
        assert answer.headers["Location"] == "/"


def test_a_login_from_another_site_is_refused() -> None:
    with served(FakeView.of("door"), guarded()) as client:
        form = {"token": TOKEN}
        own = f"http://127.0.0.1:{client.port}"
        assert client.ask("/login", form=form, Origin="http://evil.example").status == 403
        assert client.ask("/login", form=form, Origin="null").status == 403
        assert client.ask("/login", form=form, Sec_Fetch_Site="cross-site").status == 403
        assert client.ask("/login", form=form, Origin=own).status == 303


def test_guessing_is_slowed_down_by_form_and_header() -> None:
    with served(FakeView.of("door"), guarded()) as client:
        cookie = log_in(client).partition(";")[0]
        for number in range(FREE_ATTEMPTS + 1):
            answer = client.ask("/login", form={"token": f"guess{number}"})
            assert answer.status == 401
            assert "guess" not in answer.text
        late = client.ask("/login", form={"token": TOKEN})
        assert late.status == 429
        assert int(late.headers["Retry-After"]) >= 1
        assert client.ask("/metrics", Authorization=BEARER).status == 429
        assert client.ask("/", Cookie=cookie).status == 200  # whoever is in stays in


def test_a_long_form_is_refused() -> None:
    with served(FakeView.of("door"), guarded()) as client:
        assert client.ask("/login", form={"token": "x" * 100_000}).status == 413


def test_the_login_leads_on_where_there_is_no_token() -> None:
    with served(FakeView.of("door")) as client:
        assert client.ask("/login").headers["Location"] == "/"
        assert client.ask("/login", form={"token": "x"}).headers["Location"] == "/"
        assert "Log out" not in client.ask("/").text


def test_no_secret_is_served(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    source = f"rtsp://viewer:{PASSWORD}@127.0.0.1:8554/cam"
    leaky = status(
        "door",
        state="failed",
        source=source,
        error=f"cannot open {source}?token={PASSWORD}: refused",
        sinks=(SinkStatus(f"rtmp://127.0.0.1/live?key={PASSWORD}", "rtmp", "failed", 0.0, source),),
    )
    with served(FakeView({"door": leaky}), guarded()) as client:
        cookie = log_in(client).partition(";")[0]
        for path in ("/", "/streams/door", "/metrics", "/api/streams", "/api/streams/door"):
            answer = client.ask(path, Cookie=cookie)
            assert answer.status == 200
            text = answer.text + str(answer.headers)
            assert PASSWORD not in text
            assert TOKEN not in text
    assert TOKEN not in caplog.text
    assert PASSWORD not in caplog.text


def test_hls_files_of_sinks_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "hls"
    folder.mkdir()
    (folder / "index.m3u8").write_text("#EXTM3U\n")
    (folder / "segment1.ts").write_bytes(b"G" * 188)
    (folder / "notes.txt").write_text("private")
    (folder / ".hidden.ts").write_text("private")
    (tmp_path / "secret.ts").write_text("private")
    (folder / "link.ts").symlink_to(tmp_path / "secret.ts")
    (folder / "folder.ts").mkdir()
    sink = SinkStatus("hls:x", "hls", "running", 0.0, folder=folder)
    view = FakeView({"door": status("door", sinks=(sink,)), "yard": status("yard")})
    with served(view) as client:
        playlist = client.ask("/hls/door/hls/index.m3u8")
        assert playlist.text == "#EXTM3U\n"
        assert playlist.headers["Content-Type"] == "application/vnd.apple.mpegurl"
        assert client.ask("/hls/door/hls/segment1.ts").body == b"G" * 188
        assert "/hls/door/hls/index.m3u8" in client.ask("/streams/door").text
        for file in (
            "notes.txt",
            ".hidden.ts",
            "link.ts",
            "folder.ts",
            "none.ts",
            "../secret.ts",
            "..%2fsecret.ts",
            "%2e%2e/secret.ts",
            "..%5csecret.ts",
            "%2fetc%2fpasswd",
            "index.m3u8%00.ts",
        ):
            answer = client.ask(f"/hls/door/hls/{file}")
            assert answer.status == 404, file
            assert b"private" not in answer.body
        assert client.ask("/hls/yard/hls/index.m3u8").status == 404
        assert client.ask("/hls/none/hls/index.m3u8").status == 404


@pytest.mark.parametrize("path", ["/static/../server.py", "/static/..%2fwords.py", "/static/x"])
def test_static_files_are_those_of_the_pages(path: str) -> None:
    with served(FakeView.of("door")) as client:
        assert client.ask(path).status == 404


def test_a_busy_port_is_an_error_with_a_hint() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = WebServer(FakeView.of("door"), WebOptions(listen=f"127.0.0.1:{port}"))
        with pytest.raises(VidsrError, match=f"cannot listen on 127.0.0.1:{port}") as caught:
            server.start()
        assert "port" in caught.value.hint
        server.stop()


def test_a_wide_address_needs_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIDSR_LIVE_TOKEN", raising=False)
    path = tmp_path / "state" / "token"
    for options in (
        WebOptions(listen="0.0.0.0:0", token_file=path),
        WebOptions(listen="127.0.0.1:0", hosts=("cams.example",), token_file=path),
    ):
        server = WebServer(FakeView.of("door"), options)
        assert server._token is not None
        assert server._token.matches(path.read_text().strip())


def test_missing_packages_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "PACKAGES", ("aiohttp", "no_such_package"))
    with pytest.raises(VidsrError, match="no_such_package") as caught:
        WebServer(FakeView.of("door"))
    assert caught.value.hint == "pip install -e '.[live]'"
    assert "\n" not in str(caught.value)


def test_the_end_is_bounded_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    view = FakeView.of("door", pictures={"door": pair(1)})
    server = WebServer(view, WebOptions(listen="127.0.0.1:0"))
    server.start()
    client = Client(server)
    with socket.create_connection(("127.0.0.1", client.port)) as looking:
        looking.sendall(b"GET /pictures HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert looking.recv(100)
        with joins_within(STOP_S):
            server.stop()
            server.stop()
    names = [one.name for one in set(threading.enumerate()) - before]
    assert not [name for name in names if re.match("vidsr-web", name)]
    assert view.watching["door"] == 0


def test_an_error_of_a_stream_is_not_shown_after_it_is_gone() -> None:
    view = FakeView.of("door")
    with served(view) as client:
        view.streams["door"] = status("door", state="stalled", error="nothing comes")
        assert "nothing comes" in client.ask("/").text
        view.streams["door"] = replace(view.streams["door"], state="running", error=None)
        assert "nothing comes" not in client.ask("/").text
