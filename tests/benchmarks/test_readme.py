"""The documentation's figures of speed are what the committed results say."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import readme

from tests.bench.outcome.test_summary import full_result
from vidsr.bench.outcome.results import FORMAT, Rung
from vidsr.bench.outcome.stats import spread


@pytest.fixture
def results() -> list[dict[str, Any]]:
    told: dict[str, Any] = json.loads(full_result().to_json())
    rungs = [Rung(640, 360, 720, 30, spread([36.0])), Rung(1280, 720, 1440, 30, None, "too slow")]
    ladder = [
        {"height": r.height, "target_height": r.target_height, "rate": 30.0, "reason": r.reason,
         "fps": r.fps and {"median": 36.0, "low": 36.0, "high": 36.0}}
        for r in rungs
    ]  # fmt: skip
    return [told | {"ladder": ladder}]


def test_the_page_agrees_with_the_committed_results() -> None:
    results = readme.load(readme.RESULTS)
    assert readme.agrees(readme.PAGE.read_text(encoding="utf-8"), results), (
        "run python benchmarks/readme.py"
    )
    assert readme.CHART.is_file() or not results


def test_the_table_tells_what_was_measured(results: list[dict[str, Any]]) -> None:
    text = readme.table(results)
    assert "`vidsr-bench --stages` on a processor, 2 cores, commit abc:" in text
    assert "| **vidsr, lite-x4** | 10 | 150 |  |  |" in text
    assert "| a loop | not installed |  |  |  |" in text
    assert "| **lite-x4** at 30 fps |" in text
    assert "| 360p to 720p | 36 | yes, 1.20x |" in text
    assert "| 720p to 1440p |  | no, too slow |" in text
    assert "What limits this machine now: the network, 65%" in text


def test_a_tampered_page_is_found_out(results: list[dict[str, Any]]) -> None:
    empty = f"# vidsr\n\n{readme.BEGIN}\n{readme.END}\n\nmore\n"
    assert not readme.agrees(empty, results)
    written = readme.with_table(empty, readme.table(results))
    assert readme.agrees(written, results)
    assert written.endswith("\n\nmore\n")
    assert readme.with_table(written, readme.table(results)) == written
    assert not readme.agrees(written.replace("| 10 | 150 |", "| 20 | 150 |"), results)
    results[0]["whole"]["fps"]["median"] = 11.0
    assert not readme.agrees(written, results)


def test_results_need_a_place_in_the_page(results: list[dict[str, Any]]) -> None:
    assert readme.agrees("# vidsr\n", [])
    assert not readme.agrees("# vidsr\n", results)
    with pytest.raises(ValueError, match="lacks"):
        readme.with_table("# vidsr\n", "a table")


def test_what_other_programs_wrote_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text('{"results": {}}')
    (tmp_path / "a.json").write_text(json.dumps({"format": FORMAT}))
    assert readme.load(tmp_path) == [{"format": FORMAT}]
