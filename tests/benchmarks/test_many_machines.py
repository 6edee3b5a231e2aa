"""The simulation of many machines: its sums are right, and more workers take less time."""

from __future__ import annotations

import json
import sys

import pytest

from tests.paths import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

from many_machines import COLUMNS, Costs, Outcome, Scene, Simulation, table


def alike(workers: int, frames: int) -> Scene:
    """Return a run on workers that are all the same."""
    return Scene(workers, frames=frames, spread=0.0, slow=0.0, deaths=0.0)


def test_one_worker_takes_what_all_pieces_take() -> None:
    costs = Costs(frame_s=0.2, start_s=4.0, piece_s=1.0)
    outcome = Simulation(alike(1, 2500), costs).run()
    assert outcome.work_s == pytest.approx(10 * (1 + 250 * 0.2))
    assert outcome.start_s == 4.0
    assert outcome.lost == outcome.twice == 0
    assert outcome.busy > 0.95


def test_the_same_seed_gives_the_same_run() -> None:
    scene = Scene(20, 250, frames=25_000)
    assert Simulation(scene, Costs()).run() == Simulation(scene, Costs()).run()


def test_more_workers_take_less_time_until_there_are_no_more_pieces() -> None:
    total_s = [Simulation(Scene(n, frames=50_000), Costs()).run().total_s for n in (1, 10, 100)]
    assert total_s[0] > 5 * total_s[1] > 5 * total_s[2]
    idle = Simulation(Scene(400, frames=50_000), Costs()).run()
    assert idle.busy < 0.5


def test_slow_pieces_are_made_twice_where_that_is_on() -> None:
    scene = Scene(50, 250, frames=25_000, slow=0.1, deaths=0.0)
    on = Simulation(scene, Costs()).run()
    off = Simulation(Scene(50, 250, 25_000, slow=0.1, deaths=0.0, twice=False), Costs()).run()
    assert on.twice > 0
    assert off.twice == 0
    assert on.total_s < off.total_s


def test_lost_pieces_are_made_again() -> None:
    outcome = Simulation(Scene(10, 250, frames=50_000, deaths=0.05), Costs()).run()
    assert outcome.lost > 0


def test_a_slow_server_is_what_limits() -> None:
    slow = Simulation(alike(100, 50_000), Costs(bandwidth=20e6)).run()
    fast = Simulation(alike(100, 50_000), Costs()).run()
    assert slow.tail_s > fast.tail_s + 100
    assert slow.join_s > fast.join_s


def test_the_table_has_a_column_for_everything() -> None:
    text = table([Simulation(Scene(2, frames=1000), Costs()).run()])
    assert len(text.splitlines()) == 3
    assert all(line.count("|") == len(COLUMNS) + 1 for line in text.splitlines())


def test_the_page_shows_the_committed_runs() -> None:
    text = (ROOT / "benchmarks" / "results" / "many-machines.json").read_text()
    runs = [Outcome(**run | {"scene": Scene(**run["scene"])}) for run in json.loads(text)["runs"]]
    page = (ROOT / "docs" / "guides" / "clusters.md").read_text(encoding="utf-8")
    shown = page.partition("<!-- machines -->")[2].partition("<!-- /machines -->")[0]
    assert shown.strip() == table(runs)


def test_the_committed_runs_are_what_the_committed_costs_give() -> None:
    stored = json.loads((ROOT / "benchmarks" / "results" / "many-machines.json").read_text())
    run = stored["runs"][3]
    again = Simulation(Scene(**run["scene"]), Costs(**stored["costs"])).run()
    assert again.total_s == pytest.approx(
        Outcome(**run).join_s + sum(run[part] for part in ("start_s", "work_s", "tail_s"))
    )
