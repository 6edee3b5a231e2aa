"""Who may look: addresses, hosts, tokens, cookies, attempts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vidsr.errors import OptionError, OutputError
from vidsr.live.web.access.hosts import AllowedHosts
from vidsr.live.web.access.sessions import LIFETIME_S, Sessions
from vidsr.live.web.access.throttle import (
    FORGET_S,
    FREE_ATTEMPTS,
    LONGEST_PAUSE_S,
    MOST_ADDRESSES,
    Throttle,
)
from vidsr.live.web.access.tokens import VARIABLE, Token, default_token_file, find_token
from vidsr.live.web.listen import Listen, parse_listen
from vidsr.live.web.options import WebOptions

SECRET = "a-secret-of-some-length"


@pytest.mark.parametrize(
    ("text", "expected", "loopback"),
    [
        ("127.0.0.1:9464", Listen("127.0.0.1", 9464), True),
        ("localhost:0", Listen("localhost", 0), True),
        ("[::1]:80", Listen("::1", 80), True),
        (":9464", Listen("0.0.0.0", 9464), False),
        ("0.0.0.0:1", Listen("0.0.0.0", 1), False),
        ("[::]:1", Listen("::", 1), False),
        ("cams.example:1", Listen("cams.example", 1), False),
    ],
)
def test_an_address_is_read(text: str, expected: Listen, loopback: bool) -> None:
    assert parse_listen(text) == expected
    assert expected.is_loopback is loopback
    assert parse_listen(str(expected)) == expected


@pytest.mark.parametrize("text", ["", "9464", "host", "host:", "host:x", "host:65536", "::1:80"])
def test_other_addresses_are_refused(text: str) -> None:
    with pytest.raises(OptionError, match="HOST:PORT"):
        parse_listen(text)


@pytest.mark.parametrize(
    ("host", "local", "wide"),
    [
        ("127.0.0.1:9464", True, True),
        ("localhost", True, True),
        ("LocalHost:1", True, True),
        ("[::1]:9464", True, True),
        ("192.0.2.7:9464", False, True),
        ("[2001:db8::1]", False, True),
        ("evil.example", False, False),
        ("127.0.0.1.evil.example", False, False),
        ("localhost.evil.example:9464", False, False),
        ("", False, False),
        ("cams.example.org", True, True),
    ],
)
def test_a_host_is_one_of_ours(host: str, local: bool, wide: bool) -> None:
    names = ["cams.example.org"]
    assert AllowedHosts(Listen("127.0.0.1", 9464), names).allows(host) is local
    assert AllowedHosts(Listen("0.0.0.0", 9464), names).allows(host) is wide


def test_the_throttle_grows_and_forgets() -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    for _ in range(FREE_ATTEMPTS):
        assert throttle.wait_s("a") == 0
        throttle.failed("a")
    assert throttle.wait_s("a") == 0
    pauses = []
    for _ in range(2000):
        throttle.failed("a")
        pauses.append(throttle.wait_s("a"))
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses[-1] == LONGEST_PAUSE_S
    assert throttle.wait_s("b") == 0
    now[0] += FORGET_S + 1
    throttle.failed("a")
    assert throttle.wait_s("a") == 0


def test_success_ends_the_pauses_and_addresses_are_bounded() -> None:
    throttle = Throttle(lambda: 0.0)
    for _ in range(10):
        throttle.failed("a")
    throttle.succeeded("a")
    assert throttle.wait_s("a") == 0
    for number in range(3 * MOST_ADDRESSES):
        throttle.failed(str(number))
    assert len(throttle._past) == MOST_ADDRESSES


def test_a_cookie_holds_until_its_end() -> None:
    now = [1_000_000.0]
    sessions = Sessions(Token(SECRET), lambda: now[0])
    cookie = sessions.begin()
    assert SECRET not in cookie
    assert sessions.holds(cookie)
    now[0] += LIFETIME_S + 1
    assert not sessions.holds(cookie)


def test_a_cookie_cannot_be_made_up() -> None:
    sessions = Sessions(Token(SECRET))
    end, _, signature = sessions.begin().partition(".")
    other = Sessions(Token(SECRET + "!")).begin()
    for value in ("", ".", "x.y", f"{int(end) + 9}.{signature}", f"{end}.", other, "\ud800.ü"):
        assert not sessions.holds(value)


def test_a_token_is_compared_and_not_shown() -> None:
    token = Token(SECRET)
    assert token.matches(SECRET)
    assert not token.matches(SECRET[:-1])
    assert not token.matches("")
    assert not token.matches("ü\ud800")
    assert SECRET not in repr(token)
    assert SECRET not in repr(WebOptions(token=SECRET))


def test_a_token_comes_from_options_then_environment(tmp_path: Path) -> None:
    environ = {VARIABLE: "from-the-environment"}
    options = WebOptions(token=SECRET, token_file=tmp_path / "token")
    token, path = find_token(options, needed=True, environ=environ)
    assert token
    assert token.matches(SECRET)
    assert path is None
    token, path = find_token(WebOptions(), needed=False, environ=environ)
    assert token
    assert token.matches("from-the-environment")
    assert find_token(WebOptions(), needed=False, environ={}) == (None, None)


def test_a_token_is_made_once_and_kept(tmp_path: Path) -> None:
    environ = {"XDG_STATE_HOME": str(tmp_path)}
    _, path = find_token(WebOptions(), needed=True, environ=environ)
    assert path == tmp_path / "vidsr" / "live-token"
    text = path.read_text().strip()
    assert len(text) >= 40
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
    token, again = find_token(WebOptions(), needed=True, environ=environ)
    assert again == path
    assert token
    assert token.matches(text)


def test_systemd_has_a_folder_of_its_own() -> None:
    environ = {"STATE_DIRECTORY": "/var/lib/vidsr:/x", "XDG_STATE_HOME": "/y"}
    assert default_token_file(environ) == Path("/var/lib/vidsr/live-token")


def test_bad_tokens_are_refused(tmp_path: Path) -> None:
    for text in ("short", "with a space in it all", "ü" * 20):
        with pytest.raises(OptionError, match="not usable") as caught:
            find_token(WebOptions(token=text), needed=True, environ={})
        assert text not in str(caught.value)
    path = tmp_path / "token"
    path.write_text(SECRET)
    path.chmod(0o644)
    if os.name == "posix":
        with pytest.raises(OptionError, match="other users"):
            find_token(WebOptions(token_file=path), needed=True, environ={})
    with pytest.raises(OutputError, match="cannot write"):
        find_token(WebOptions(token_file=path / "below"), needed=True, environ={})
