"""Trials of a page and votes on them: order, sides, and what is no vote."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from vidsr.errors import InputError, OptionError
from vidsr.quality import cli
from vidsr.quality.opinion.trials import Key, Trial, key_path, page_id, plan_trials
from vidsr.quality.opinion.votes import count_votes

ROWS = {"dog": ("a", "b", "c"), "cat": ("a", "b", "c"), "sea": ("a", "b")}
KEY = Key("p1", 0, (Trial("dog", "a", "b"), Trial("dog", "c", "a"), Trial("cat", "b", "a")))


def votes_file(path: Path, *choices: tuple[Any, Any], page: str = "p1") -> Path:
    votes = [{"trial": trial, "choice": choice, "ms": 900} for trial, choice in choices]
    path.write_text(json.dumps({"page": page, "votes": votes}))
    return path


def test_every_pair_once_in_an_order_that_the_seed_gives() -> None:
    trials = plan_trials(ROWS, seed=3)
    pairs = {(t.picture, frozenset((t.left, t.right))) for t in trials}
    assert len(trials) == len(pairs) == 7
    assert trials == plan_trials(ROWS, seed=3)
    assert trials != plan_trials(ROWS, seed=4)
    assert page_id(trials, 3) != page_id(plan_trials(ROWS, seed=4), 4)


def test_sides_are_random() -> None:
    rows = {str(n): ("a", "b") for n in range(200)}
    at_left = sum(trial.left == "a" for trial in plan_trials(rows, seed=0))
    assert 70 < at_left < 130


def test_votes_of_several_files_add_up(tmp_path: Path) -> None:
    one = votes_file(tmp_path / "1.json", (0, "left"), (1, "right"), (2, "same"))
    two = votes_file(tmp_path / "2.json", (0, "right"))
    tally = count_votes(KEY, [one, two])
    assert tally.methods == ("a", "b", "c")
    assert tally.wins.tolist() == [[0, 1.5, 1], [1.5, 0, 0], [0, 0, 0]]
    assert (tally.votes, tally.same, tally.raters) == (4, 1, 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "expected a JSON object"),
        ('{"page": "p2", "votes": []}', "votes of another page"),
        ('{"page": "p1"}', "expected one vote a trial, got None"),
        ('{"page": "p1", "votes": [{"trial": 3, "choice": "left"}]}', "expected one vote a trial"),
        ('{"page": "p1", "votes": [{"trial": -1, "choice": "left"}]}', "expected one vote a trial"),
        ('{"page": "p1", "votes": [{"trial": true, "choice": "left"}]}', "one vote a trial"),
        ('{"page": "p1", "votes": [{"trial": 0, "choice": "up"}]}', "left, right or same"),
        (
            '{"page": "p1", "votes": [{"trial": 0, "choice": "left"}, '
            '{"trial": 0, "choice": "left"}]}',
            "expected one vote a trial",
        ),
    ],
)
def test_what_is_no_vote(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "votes.json"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(f"{path}: ") + f".*{said}"):
        count_votes(KEY, [path])


@pytest.mark.parametrize(
    "trials",
    [
        "[]",
        '[{"picture": "x", "left": 1, "right": "b"}]',
        '[{"picture": "x", "left": ["a"], "right": "b"}]',
        '[{"picture": "x", "left": "a", "right": "a"}]',
        '[{"picture": "x", "left": "a"}]',
        '{"a": 1}',
    ],
)
def test_what_is_no_key(trials: str, tmp_path: Path) -> None:
    path = tmp_path / "blind.key.json"
    path.write_text(f'{{"page": "p1", "seed": 0, "trials": {trials}}}')
    with pytest.raises(InputError, match=re.escape(f"{path}: not the key of a page: ")):
        Key.read(path)


def test_a_file_counts_once(tmp_path: Path) -> None:
    one = votes_file(tmp_path / "1.json", (0, "left"))
    (tmp_path / "folder").mkdir()
    again = tmp_path / "folder" / ".." / "1.json"
    with pytest.raises(OptionError, match="named twice, expected one file of votes a rater"):
        count_votes(KEY, [one, again])


def test_the_command_counts_votes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "blind.html"
    key_path(page).write_text(KEY.to_json())
    assert Key.read(key_path(page)) == KEY
    one = votes_file(tmp_path / "1.json", (0, "left"), (1, "right"), (2, "same"))
    two = votes_file(tmp_path / "2.json", (0, "right"), (2, "right"))
    words = ["--opinion", str(page), "--opinion-results", str(one), str(two)]
    assert cli.main([*words, "--json", str(tmp_path / "scores.json")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Opinions, 5 votes (1 the same) of 2 files:\n\n| method | score |")
    assert [line.split(" | ")[0] for line in said.splitlines()[4:7]] == ["| a", "| b", "| c"]
    assert "\nNever won: c.\n" in said
    assert "was given one vote more" in said
    stored = json.loads((tmp_path / "scores.json").read_text())
    assert stored["votes"] == 5
    assert stored["methods"]["a"]["score"] > stored["methods"]["c"]["score"]
    assert cli.main([*words, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out) == stored


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("--opinion-results a.json", 2, "--opinion-results is given without --opinion"),
        ("--opinion-seed 1", 2, "--opinion-seed is given without --opinion"),
        ("--opinion blind.png", 4, "expected a name that ends in .html"),
        ("--opinion a.html --opinion-results no.json", 3, "a.key.json: no such file"),
        ("--opinion a.html --opinion-seed 1 --opinion-results b", 2, "expected one of them"),
        ("--opinion a.html --hr . --opinion-results b", 2, "--hr beside --opinion-results"),
        ("--opinion a.html --model lite --opinion-results b", 2, "--model beside --opinion-res"),
        ("--opinion a.html --data . --baselines ,", 2, "two methods or more to compare, got 1"),
        ("--opinion absent/a.html --data .", 4, "absent"),
    ],
)
def test_mistakes(
    line: str,
    status: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(line.split()) == status
    assert said in capsys.readouterr().err
