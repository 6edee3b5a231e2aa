"""The pages in a real browser: pictures that move, the line that is dragged, the login."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.live.web.chromium import Page, browser, page
from tests.live.web.fakes import FakeView, pair, picture, status
from tests.live.web.served import TOKEN, Client, guarded, served
from vidsr.live.base.status import PicturePair
from vidsr.live.web.options import WebOptions

pytestmark = [
    pytest.mark.skipif(browser() is None, reason="no chromium"),
    pytest.mark.slow,
]
# The grey of the first canvas, left and right.
GREY = """(() => { const c = document.querySelector('canvas');
  const at = (x) => c.getContext('2d').getImageData(x, 40, 1, 1).data[0];
  return [at(20), at(c.width - 20)]; })()"""


@contextmanager
def moving(view: FakeView) -> Iterator[None]:
    """Show output of one grey and a source of another, ever anew."""
    stop = threading.Event()

    def play() -> None:
        number = 0
        while not stop.wait(0.1):
            number += 1
            for name in view.streams:
                output, source = picture(320, 180, 200), picture(160, 90, 60)
                view.push(name, PicturePair(number, output, source, "lite-x2"))

    player = threading.Thread(target=play)
    player.start()
    try:
        yield
    finally:
        stop.set()
        player.join()


def browse(
    test: Callable[[Page, Client, FakeView], Coroutine[Any, Any, None]],
    options: WebOptions | None = None,
) -> None:
    """Run a test with a browser and streams that move; nothing may be complained about."""
    view = FakeView.of("door", "yard")

    async def run(client: Client) -> None:
        async with page() as found:
            await test(found, client, view)
            # The browser knows a faster way to read a canvas than this test takes.
            assert [text for text in found.complaints if "willReadFrequently" not in text] == []

    with served(view, options) as client, moving(view):
        asyncio.run(asyncio.wait_for(run(client), 120))


def test_all_streams_move_in_one_connection(tmp_path: Path) -> None:
    async def test(found: Page, client: Client, view: FakeView) -> None:
        await found.open(client.server.address)
        await found.until("document.querySelectorAll('canvas:not([hidden])').length === 2")
        left, right = await found.evaluate(GREY)
        assert left == right > 180
        view.streams["door"] = status("door", state="stalled", error="nothing comes")
        await found.until("document.querySelector('tbody').innerText.includes('nothing comes')")
        for width in (1280, 390):
            await found.look(width, 900)
            wide = await found.evaluate("document.documentElement.scrollWidth")
            assert wide <= width
        await found.shoot(tmp_path / "all.png")
        assert (tmp_path / "all.png").stat().st_size > 10_000
        assert view.watching == {"door": 1, "yard": 1}
        await found.open("about:blank")
        async with asyncio.timeout(20):
            while any(view.watching.values()):
                await asyncio.sleep(0.05)

    browse(test)


def test_the_line_lies_between_source_and_output() -> None:
    async def test(found: Page, client: Client, view: FakeView) -> None:
        await found.open(client.server.address + "streams/door")
        await found.until("document.querySelector('canvas')?.width === 320")
        left, right = await found.evaluate(GREY)
        assert left < 80
        assert right > 180
        await found.until("document.querySelector('polyline[data-value=p50]').points.length > 1")
        drag = """(() => { const line = document.querySelector('.stage input');
          line.value = %d; line.dispatchEvent(new Event('input')); })()"""
        await found.evaluate(drag % 0)
        assert (await found.evaluate(GREY))[0] > 180
        await found.evaluate(drag % 100)
        assert (await found.evaluate(GREY))[1] < 80
        await found.evaluate("document.querySelector('.stage input').focus()")
        for kind in ("keyDown", "keyUp"):
            await found.call("Input.dispatchKeyEvent", type=kind, key="ArrowLeft")
        assert await found.evaluate("document.querySelector('.stage input').value") == "98"
        await found.evaluate("document.getElementById('hold').click()")
        view.push("door", pair(10_000))
        assert await found.evaluate("document.getElementById('hold').ariaPressed") == "true"

    browse(test)


def test_the_login_opens_the_page() -> None:
    async def test(found: Page, client: Client, view: FakeView) -> None:
        await found.open(client.server.address + "streams/door")
        await found.until("location.pathname === '/login' && document.readyState === 'complete'")
        log_in = """(() => { const form = document.querySelector('form');
          form.token.value = '%s'; form.requestSubmit(); })()"""
        await found.evaluate(log_in % "a wrong one, surely")
        await found.until("!!document.querySelector('.complaint')")
        await found.evaluate(log_in % TOKEN)
        await found.until("document.querySelector('canvas')?.width === 320")
        assert await found.evaluate("document.cookie") == ""
        assert await found.evaluate("location.href") == client.server.address + "streams/door"
        # The browser notes the refusal of the wrong token.
        found.complaints = [text for text in found.complaints if "401" not in text]

    browse(test, guarded())


def test_a_stranger_s_page_gets_nothing() -> None:
    """The browser of somebody who may look is sent to another site, which embeds the pictures."""

    async def test(found: Page, client: Client, view: FakeView) -> None:
        port = client.port
        await found.open(f"http://127.0.0.1:{port}/healthz")
        script = f"""fetch('http://localhost:{port}/api/streams', {{mode: 'no-cors'}})
          .then((answer) => answer.type, () => 'refused')"""
        assert await found.evaluate(script) in ("refused", "opaque")
        image = f"""new Promise((done) => {{ const image = new Image();
          image.onload = () => done('shown'); image.onerror = () => done('refused');
          image.src = 'http://localhost:{port}/streams/door/snapshot.jpg'; }})"""
        assert await found.evaluate(image) == "refused"
        found.complaints.clear()

    browse(test)
