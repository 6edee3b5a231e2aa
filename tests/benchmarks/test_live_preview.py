"""The table of what viewers cost stands in the guide as it was measured."""

from __future__ import annotations

import json
import sys

from tests.paths import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

from live_preview import table

RESULT = ROOT / "benchmarks" / "results" / "live-preview-2core-epyc.json"
GUIDE = ROOT / "docs" / "guides" / "live-watching.md"


def test_the_guide_shows_what_was_measured() -> None:
    result = json.loads(RESULT.read_text())
    text = GUIDE.read_text(encoding="utf-8")
    shown = text.partition("<!-- live-preview -->\n")[2].partition("\n<!-- /live-preview -->")[0]
    assert shown == table(result)


def test_viewers_add_little_and_a_stuck_one_nothing_to_speak_of() -> None:
    cases = {case["case"]: case["cpu_ms"] for case in json.loads(RESULT.read_text())["cases"]}
    assert cases["nobody"] == 0
    assert cases["a stuck one alone"] < 0.5
    assert cases["eight"] < 2 * cases["one"]
