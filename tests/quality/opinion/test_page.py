"""The blind page: what it shows and hides, and a whole judgement in a real browser."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.live.web.chromium import Page, browser, page
from tests.makers.photos import make_photos
from vidsr.quality import cli
from vidsr.quality.opinion.page import blind_page
from vidsr.quality.opinion.trials import Key, key_path
from vidsr.quality.opinion.votes import count_votes

LEVELS = {"drab": 40, "crisp": 120, "vivid": 200}
PRESS = "document.dispatchEvent(new KeyboardEvent('keydown', {key: %s, bubbles: true}))"
# The grey of the pictures that are shown, left and right.
SHOWN = """(async () => { const grey = [];
  for (const side of ['left', 'right']) {
    const image = document.querySelector(`#${side} img`);
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0, 1, 1);
    grey.push(context.getImageData(0, 0, 1, 1).data[0]);
  }
  return grey; })()"""


def flat_rows() -> list[tuple[str, dict[str, Tensor]]]:
    """Return crops of one grey each, which tells the method."""
    crops = {
        name: torch.full((3, 96, 128), grey, dtype=torch.uint8) for name, grey in LEVELS.items()
    }
    return [("zebra", crops), ("gnu", crops)]


def test_the_page_names_neither_methods_nor_pictures_and_fetches_nothing() -> None:
    text, key = blind_page(flat_rows(), seed=1)
    assert not any(word in text for word in (*LEVELS, "zebra", "gnu"))
    assert not re.search(r"https?://|src=|@import", text)
    assert "default-src 'none'" in text
    assert len(key.trials) == 6
    assert blind_page(flat_rows(), seed=1) == (text, key)


def test_the_command_makes_a_page_and_its_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = make_photos(tmp_path / "photos", 2, 64, 80)
    target = tmp_path / "blind.html"
    words = ["--hr", str(photos), "--model", "lite-x4", "--baselines", "bicubic,nearest"]
    words += ["--device", "cpu", "--opinion", str(target), "--opinion-seed", "5"]
    assert cli.main([*words, "--metrics", "psnr"]) == 0
    assert "PSNR" in capsys.readouterr().out
    key = Key.read(key_path(target))
    assert (key.seed, len(key.trials)) == (5, 6)
    assert {t.left for t in key.trials} | {t.right for t in key.trials} == {
        *("lite-x4", "bicubic", "nearest")
    }
    assert f'"page": "{key.page}"' in target.read_text()
    assert "lite-x4" not in target.read_text()


async def press(found: Page, key: str) -> None:
    await found.evaluate(PRESS % json.dumps(key))


async def judge(target: Path, key: Key, shots: Path | None = None) -> tuple[str, list[str]]:
    """Prefer the lighter picture of every pair, by keyboard; return what would be saved."""
    async with page() as found:
        await found.look(1000, 620)
        await found.open(target.as_uri())
        await found.until("typeof votes === 'object' && document.querySelector('#left img').src")
        for number, trial in enumerate(key.trials):
            greys = await found.evaluate(SHOWN)
            assert greys == [LEVELS[trial.left], LEVELS[trial.right]]
            if number == 0 and shots is not None:
                await found.shoot(shots)
            if number == 1:  # a slip, taken back
                await press(found, "ArrowDown")
                await press(found, "Backspace")
            await press(found, "ArrowLeft" if greys[0] > greys[1] else "2")
        await press(found, "ArrowLeft")  # there is no further pair
        assert await found.evaluate("document.querySelector('#pair').hidden")
        await found.evaluate("saved = votes.length")
        return await found.evaluate("result()"), found.complaints


@pytest.mark.slow
@pytest.mark.skipif(browser() is None, reason="no chromium")
def test_a_judgement_by_keyboard(tmp_path: Path) -> None:
    text, key = blind_page(flat_rows(), seed=2)
    target = tmp_path / "blind.html"
    target.write_text(text)
    saved, complaints = asyncio.run(judge(target, key))
    assert not complaints
    votes = tmp_path / "votes.json"
    votes.write_text(saved)
    tally = count_votes(key, [votes])
    assert tally.methods == ("crisp", "drab", "vivid")
    assert tally.wins.tolist() == [[0, 2, 0], [0, 0, 0], [2, 2, 0]]
    assert (tally.votes, tally.same) == (6, 0)
