"""The page on scheduling shows the committed result, and that keeps what is promised."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.paths import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import live_schedule

PAGE = ROOT / "docs" / "how-it-works" / "scheduling.md"


@pytest.fixture
def result() -> dict[str, Any]:
    path = ROOT / "benchmarks" / "results" / "live-schedule.json"
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told


def test_the_page_agrees_with_the_committed_result(result: dict[str, Any]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == live_schedule.with_table(page, result), (
        "run python benchmarks/live_schedule.py --page docs/how-it-works/scheduling.md"
    )


def test_the_committed_result_keeps_the_promises(result: dict[str, Any]) -> None:
    for found in result["simulated"]:
        assert found["unaccounted"] == 0
        assert found["later_than_deadline_and_service_ms"] <= 0
        if "one camera" in found["name"] and "ladder" in found["name"]:
            assert found["shown"] >= 0.95
        if "2:1" in found["name"] or "weight 2" in found["name"]:
            assert found["ratio"] == pytest.approx(2, rel=0.15)
        if found["name"] == "200 cameras, 200 %, drop":
            fewest, most = found["fewest_and_most"]
            mean = found["received"] * found["shown"] / 200
            assert fewest >= 0.9 * mean
            assert most <= 1.1 * mean
