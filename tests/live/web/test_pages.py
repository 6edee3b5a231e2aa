"""Pages as text: what they say, what they escape, what works without scripts."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tests.live.web.fakes import FakeView, status
from tests.live.web.served import guarded, served
from vidsr.live.base.counters import Tally
from vidsr.live.base.states import DROP_REASONS
from vidsr.live.web.page import words
from vidsr.live.web.page.login_page import login_page
from vidsr.live.web.page.overview import overview_page
from vidsr.live.web.page.pieces import REASONS
from vidsr.live.web.page.stream_page import stream_page
from vidsr.live.web.page.templates import static_files
from vidsr.live.web.redaction import redacted

EVIL = """<script>alert("x")</script>'&"""


class Elements(HTMLParser):
    """All elements of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data


def overview(view: FakeView) -> str:
    """Return the page of all streams."""
    return overview_page(view.service(), list(view.streams.values()), may_leave=True)


def all_pages() -> list[str]:
    """Return every page."""
    view = FakeView.of("door", "yard")
    return [
        overview(view),
        overview(FakeView()),
        stream_page(status("door"), may_leave=True),
        login_page("/", ""),
        login_page("/", "That is not the token."),
    ]


def test_the_table_says_it_all_without_scripts() -> None:
    view = FakeView.of("door")
    view.streams["yard"] = status(
        "yard", state="stalled", error="no frame for 3 s", level="bicubic"
    )
    text = " ".join(Elements(overview(view)).text.split())
    for said in (
        "1 of 2 streams running",
        "running for 3 min",
        "25 → 24.6",
        "31 ms",
        "95 %: 58 ms",
        "late 30",
        "superseded 18",
        "no frame for 3 s",
        "bicubic",
        "cpu busy",
    ):
        assert said in text or all(word in text for word in said.split())


def test_pages_hold_before_the_first_frame() -> None:
    blank = status(
        "door",
        size_in=None,
        size_out=None,
        latency_p50_s=None,
        latency_p95_s=None,
        last_frame_s=None,
        sinks=(),
        tally=Tally(),
        state="connecting",
    )
    assert "no frame yet" in overview(FakeView({"door": blank}))
    assert "waiting for a picture" in stream_page(blank, may_leave=False)


def test_nothing_a_camera_says_becomes_a_tag() -> None:
    one = status(EVIL, error=EVIL, source=EVIL, level=EVIL, levels=(EVIL,), model=EVIL)
    pages = [overview(FakeView({EVIL: one})), stream_page(one, may_leave=True)]
    pages.append(login_page(EVIL, EVIL))
    for page in pages:
        assert "<script>alert" not in page
        assert "alert" in page
        scripts = [attributes for tag, attributes in Elements(page).found if tag == "script"]
        assert all(one["src"].startswith("/static/") for one in scripts)


@pytest.mark.parametrize("page", all_pages())
def test_pages_keep_to_their_own_policy(page: str) -> None:
    for tag, attributes in Elements(page).found:
        assert tag != "style"
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert tag != "script" or attributes["src"].startswith("/static/")
        for name in ("src", "href", "action"):
            assert attributes.get(name, "/").startswith("/"), attributes
    assert "$" not in page


@pytest.mark.parametrize("page", all_pages())
def test_everything_has_a_name_for_those_who_listen(page: str) -> None:
    elements = Elements(page)
    labelled = {attributes.get("for") for tag, attributes in elements.found if tag == "label"}
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in elements.found:
        if tag == "img":
            assert "alt" in attributes
        if tag == "input" and attributes.get("type") != "hidden":
            assert attributes.get("id") in labelled or attributes.get("aria-label")
        if tag == "th":
            assert attributes["scope"] in ("row", "col")
        for name in ("aria-labelledby", "aria-describedby"):
            assert attributes.get(name, ids[0] if ids else "") in ids or name not in attributes
    assert ("html", {"lang": "en"}) in elements.found
    assert [tag for tag, _ in elements.found].count("h1") == 1


def test_files_of_the_pages_exist_and_load_nothing_foreign() -> None:
    with served(FakeView.of("door"), guarded()) as client:
        for name, (body, content_type) in static_files().items():
            text = body.decode()
            assert not re.search(r"(?:src|href|from|url)\W{0,3}(?:https?:)?//", text), name
            for other in re.findall(r'from "\./([\w.]+)"', text):
                assert other in static_files()
            assert content_type in ("text/css", "text/javascript", "image/svg+xml")
        assert client.ask("/static/page.css").headers["Content-Type"].startswith("text/css")
    for page in all_pages():
        for _, attributes in Elements(page).found:
            path = attributes.get("src") or attributes.get("href") or ""
            if path.startswith("/static/"):
                assert path.removeprefix("/static/") in static_files()


def test_every_reason_has_a_meaning() -> None:
    assert set(REASONS) == set(DROP_REASONS)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (words.rate(25.0), "25"),
        (words.rate(24.96), "25"),
        (words.rate(9.94), "9.9"),
        (words.rate(0.0), "0"),
        (words.milliseconds(0.0042), "4.2 ms"),
        (words.milliseconds(1.5), "1 500 ms"),
        (words.milliseconds(None), words.NONE),
        (words.share(0, 0), words.NONE),
        (words.share(1, 1_000_000), "< 0.1 %"),
        (words.share(999_999, 1_000_000), "> 99.9 %"),
        (words.share(1, 2), "50 %"),
        (words.duration(59.9), "59 s"),
        (words.duration(3 * 86_400 + 1), "3 d"),
        (words.duration(-1), "0 s"),
        (words.count(1234567), "1 234 567"),
        (words.bytes_of(999), "999 B"),
        (words.bytes_of(12_345_678), "12.3 MB"),
    ],
)
def test_words(found: str, expected: str) -> None:
    assert found == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rtsp://u:p@host/x", "rtsp://***@host/x"),
        ("rtsp://u:p@ss@host/x", "rtsp://***@host/x"),
        ("cannot open rtmp://h/live?key=abc: no", "cannot open rtmp://h/live?key=*** no"),
        ("srt://h:1?streamid=x&passphrase=secret", "srt://h:1?streamid=***&passphrase=***"),
        ("http://h/a?x=1&Token=q#f", "http://h/a?x=1&Token=***#f"),
        ("mail me@example.org about rtsp://host/x", "mail me@example.org about rtsp://host/x"),
    ],
)
def test_secrets_are_taken_out(text: str, expected: str) -> None:
    assert redacted(text) == expected
