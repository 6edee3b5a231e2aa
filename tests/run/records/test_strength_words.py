"""What a run says of the codec and of its choice: in its summary, in its plan, in its report."""

from __future__ import annotations

import json
import pickle
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.makers.brightening import brightening_model
from tests.makers.clips import make_clip
from tests.makers.coded import ONE_QP
from vidsr import Report, cli, upscale
from vidsr.models.model import Model
from vidsr.picture.coding_error import CodingError
from vidsr.picture.coding_record import CodingRecord, CodingSummary
from vidsr.run.job import plan_job
from vidsr.run.options import RunOptions
from vidsr.run.plan import JobPlan
from vidsr.run.records.strength_words import strength_words
from vidsr.run.spec import JobSpec

SUMMARY = CodingSummary(2.375, 1.9, 3.0, {"quantiser": 8})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return brightening_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    options = ONE_QP | {"qp": "30"}
    return make_clip(tmp_path / "a.mkv", frames=12, codec="libx264", options=options).path


@pytest.mark.parametrize(
    ("strengths", "last", "words"),
    [
        ({"3": 8}, 8, "strength 3 of 8"),
        ({"0": 5}, 8, "strength 0 of 8"),
        ({"2": 1, "3": 5, "10": 4}, 12, "strength 3 of 12 (2 to 10)"),
        ({"0": 2, "1": 2}, 4, "strength 0 of 4 (0 to 1)"),
        ({"0": 7}, 0, ""),
        ({}, 8, ""),
    ],
)
def test_strengths_are_told_by_median_and_range(
    strengths: dict[str, int], last: int, words: str
) -> None:
    assert strength_words(strengths, last) == words


def report_with(report: Report, *levels: float, **fields: object) -> Report:
    """Return a report as of frames with these errors."""
    coding = CodingRecord()
    for each in levels:
        coding.add(CodingError(each, "quantiser"))
    counts = replace(report.counts, coding=coding)
    plain = {"target": "b.mkv", "frames": 12, "size": (128, 96), "elapsed_s": 2.0, "video_s": 0.5}
    plain["pixels"] = plain["computed_pixels"] = 12 * 64 * 48  # all of them
    return replace(report, counts=counts, output_bytes=4_100_000, **plain, **fields)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def done(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("done")
    clip = make_clip(folder / "a.mkv", frames=12, codec="libx264", options=ONE_QP | {"qp": "30"})
    return upscale(clip.path, folder / "b.mkv", model=model.path, codec="ffv1", device="cpu")


RATES = "b.mkv: 12 frames 128x96 in 2.0 s (6.0 fps, 0.25x realtime), 4.1 MB"


@pytest.mark.parametrize(
    ("levels", "strengths", "last", "said"),
    [
        ((2.4, 2.4), {"3": 12}, 8, "; coding: expected error 2.4 levels, strength 3 of 8"),
        ((2.4, 3.6), {"3": 6, "4": 6}, 8,
         "; coding: expected error 2.4 levels, strength 3 of 8 (3 to 4)"),
        ((0.0,), {"0": 12}, 8, "; coding: expected error 0.0 levels, strength 0 of 8"),
        ((2.4,), {"0": 12}, 0, "; coding: expected error 2.4 levels"),
        ((), {"0": 12}, 8, ""),
    ],
)  # fmt: skip
def test_the_summary_says_what_was_seen_and_chosen(
    done: Report, levels: tuple[float, ...], strengths: dict[str, int], last: int, said: str
) -> None:
    report = report_with(done, *levels, strengths=strengths, last_strength=last)
    assert report.summary() == RATES + said


def test_the_command_prints_it(
    model: Model, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = [source, "-o", tmp_path / "b.mkv", "--model", model.path, "--codec", "ffv1"]
    arguments = [str(each) for each in line]
    assert cli.main([*arguments, "--dry-run"]) == 0
    plan = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r"coding   expected error .* by quantiser; strength \d of 4.*", plan)
    assert cli.main(arguments) == 0
    said = capsys.readouterr().err.splitlines()[-1]
    assert re.search(r" MB; coding: expected error [\d.]+ levels, strength \d of 4", said)


def plan_of(source: Path, **options: object) -> JobPlan:
    known = {"codec": "ffv1", "device": "cpu"} | options
    return plan_job(JobSpec.of(source, source.with_name("out.mkv"), RunOptions.of(known)))


def test_the_plan_names_the_steps_of_the_first_frames(model: Model, source: Path) -> None:
    plan = plan_of(source, model=model.path)
    assert model.strengths is not None
    assert plan.coding_error is not None
    assert (sum(plan.strengths.values()), plan.last_strength) == (8, 4)
    lowest = model.strengths.step_of(plan.coding_error.lowest)
    highest = model.strengths.step_of(plan.coding_error.highest)
    assert highest > 0
    assert {int(step) for step in plan.strengths} <= set(range(lowest, highest + 1))
    words = strength_words(plan.strengths, 4)
    assert plan.lines[-1] == f"coding   {plan.coding_error}; {words}"
    assert pickle.loads(pickle.dumps(plan)) == plan
    facts = json.loads(json.dumps(plan.facts()))
    assert facts["coding_error"] == asdict(plan.coding_error)
    assert (facts["strengths"], facts["last_strength"]) == (plan.strengths, 4)


def test_a_strength_of_0_and_a_model_with_one_network_are_told_in_the_plan(
    model: Model, source: Path
) -> None:
    assert plan_of(source, model=model.path, strength=0).lines[-1].endswith("; strength 0 of 4")
    alone = plan_of(source, model="unet-x1")
    assert alone.lines[-1] == f"coding   {alone.coding_error}"
    assert (alone.strengths, alone.last_strength) == ({"0": 8}, 0)


def test_the_words_of_an_error() -> None:
    assert str(SUMMARY) == "expected error 2.4 levels of 8 bits (1.9 to 3.0) by quantiser"


def test_the_report_survives_json(done: Report) -> None:
    assert Report.from_json(done.to_json()) == done
    said = json.loads(done.to_json())
    assert said["coding_error"] == asdict(done.coding_error)  # type: ignore[arg-type]
    assert said["coding_error"]["basis"] == {"quantiser": 12}
    assert 0 < said["coding_error"]["lowest"] <= said["coding_error"]["highest"]
    assert (sum(said["strengths"].values()), said["last_strength"]) == (12, 4)


def test_a_report_of_which_no_error_is_known_says_null(done: Report) -> None:
    report = report_with(done)
    assert json.loads(report.to_json())["coding_error"] is None
    assert Report.from_json(report.to_json()).coding_error is None


def test_reports_of_pieces_add_up(done: Report) -> None:
    first = report_with(done, 1.0, 2.0, 2.0, strengths={"2": 3}, last_strength=4)
    second = report_with(done, 6.0, 2.0, strengths={"2": 1, "10": 1}, last_strength=4)
    both = Report.merge([first, second])
    assert both.coding_error == CodingSummary(2.0, 1.0, 6.0, {"quantiser": 5})
    assert both.strengths == {"2": 4, "10": 1}
    assert both.last_strength == 4
    assert Report.from_json(both.to_json()) == both
    unknown = report_with(done, strengths={"0": 2}, last_strength=0)
    assert Report.merge([unknown, second]).coding_error == second.coding_error
    assert Report.merge([unknown, second]).last_strength == 4


def test_the_median_is_the_frames_not_the_pieces() -> None:
    record = CodingRecord()
    for levels in (1.0, 1.0, 9.0):
        record.add(CodingError(levels, "bytes"))
    record.add(None)
    total = record + CodingRecord()
    assert total == record
    assert record.summary() == CodingSummary(1.0, 1.0, 9.0, {"bytes": 3})
    assert (record + record).summary() == CodingSummary(1.0, 1.0, 9.0, {"bytes": 6})
    assert CodingRecord.from_json(json.loads(json.dumps(asdict(record)))) == record
