"""Wishes in words: each sets one option, and nothing is guessed."""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser
from dataclasses import fields, replace
from pathlib import Path

import pytest

from tests.makers.clips import decode, interlaced_pictures, make_clip, picture
from tests.paths import ROOT
from vidsr import OptionError, cli, upscale
from vidsr.models.families import choose_restorer
from vidsr.models.shipped import find_weights, strengths_path
from vidsr.run.option_listings import add_options
from vidsr.run.options import RunOptions
from vidsr.run.records.enhance_words import VOCABULARY, Wish, wishes_named

FAST = ("--model", "lite-x2", "--device", "cpu", "--no-pieces")


@pytest.mark.parametrize("wish", VOCABULARY, ids=lambda wish: str(wish.words))
def test_every_wish_sets_its_option_and_no_other(wish: Wish) -> None:
    made, plain = RunOptions.of({"enhance": wish.words}), RunOptions()
    changed = {f.name for f in fields(made) if getattr(made, f.name) != getattr(plain, f.name)}
    assert changed == {"enhance", wish.option}
    assert getattr(made, wish.option) == wish.value
    by_hand = RunOptions.of({wish.option: wish.value})
    assert replace(made, enhance=()) == by_hand


@pytest.mark.parametrize(
    "given", ["Less  Noise, smoother motion", ("less noise", "Smoother Motion")]
)
def test_spelling(given: object) -> None:
    made = RunOptions.of({"enhance": given})
    assert made.enhance == ("less noise", "smoother motion")
    assert (made.strength, made.deinterlace) == (1.5, "field")


def test_a_flag_that_is_repeated_adds_wishes() -> None:
    parser = ArgumentParser()
    add_options(parser)
    typed = ["--enhance", "less noise", "--enhance", "Sharper, less noise"]
    made = RunOptions.of(vars(parser.parse_args(typed)))
    assert (made.enhance, made.strength, made.look) == (("less noise", "sharper"), 1.5, "crisp")
    assert RunOptions.of(vars(parser.parse_args([]))).enhance == ()
    with pytest.raises(OptionError, match="'keep grain' and 'less noise' both set"):
        RunOptions.of(vars(parser.parse_args(["--enhance", "keep grain", *typed])))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("less noise", "--strength", "auto"), "'less noise' sets --strength, which is given"),
        (("sharper", "--look", "faithful"), "'sharper' sets --look, which is given as well"),
        (("smoother motion", "--deinterlace", "auto"), "'smoother motion' sets --deinterlace"),
        (("less noise", "--strength", "1.5"), "no.mp4"),
        (("less noise", "--look", "faithful"), "no.mp4"),
    ],
)
def test_a_flag_that_was_typed_is_not_overruled(
    typed: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(tmp_path / "no.mp4"), "-o", str(tmp_path / "out.mp4"), "--enhance", *typed]
    assert cli.main(words) != 0
    assert said in capsys.readouterr().err


def test_a_restorer_goes_with_a_look() -> None:
    made = RunOptions.of({"enhance": "sharper, less blur"})
    assert (made.look, made.restorer, made.network) == ("crisp", "deblur", "lite-crisp-x4")


def test_wishes_for_the_same_are_one() -> None:
    assert RunOptions.of({"enhance": "less noise, less blocking, less noise"}).strength == 1.5


def test_a_record_with_wishes_survives_json_and_replacement() -> None:
    made = RunOptions.of({"enhance": "sharper"})
    assert RunOptions.from_json(made.to_json()) == made
    assert replace(made, device="cpu").look == "crisp"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"enhance": "sharpr"}, "enhance = 'sharpr': expected less blocking, less noise"),
        ({"enhance": "sharper faces"}, "enhance = 'sharper faces': expected"),
        ({"enhance": "less noise,"}, "enhance = '': expected"),
        ({"enhance": ""}, "enhance = '': expected"),
        ({"enhance": 3}, "enhance = 3: expected some of"),
        (
            {"enhance": "much less blocking, less blur"},
            "'less blur' takes a network that has no strengths",
        ),
        (
            {"enhance": "keep grain, less noise"},
            "'keep grain' and 'less noise' both set",
        ),
        ({"enhance": "less noise, less blur"}, "'less blur' takes a network that has no strengths"),
        (
            {"enhance": "less noise", "strength": 0.5},
            "'less noise' sets `strength`, which is",
        ),
        ({"enhance": "sharper", "model": "lite"}, "look = 'crisp' with model = 'lite'"),
        ({"enhance": "less blur", "restore": "unet"}, "'less blur' sets `restore`, which is given"),
    ],
)
def test_what_is_refused(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=re.escape(said)):
        RunOptions.of(arguments)


def test_a_word_near_one_is_hinted_at() -> None:
    with pytest.raises(OptionError) as refused:
        RunOptions.of({"enhance": "less nose"})
    assert refused.value.hint == "did you mean 'less noise'?"


def test_models_of_the_vocabulary_have_no_strengths() -> None:
    names = [wish.value for wish in VOCABULARY if wish.option in ("model", "restore")]
    assert names == ["deblur"]
    weights = find_weights(choose_restorer("deblur"))
    assert not strengths_path(weights).exists()


def test_plan_and_report_say_what_the_words_became(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = make_clip(tmp_path / "in.mp4", frames=3, size=(64, 48)).path
    words = [str(clip), "-o", str(tmp_path / "out.mkv"), *FAST, "--enhance", "Keep grain"]
    assert cli.main([*words, "--dry-run", "--report", "-"]) == 0
    seen = capsys.readouterr()
    assert "\nenhance  keep grain: strength 0\n" in seen.err
    assert json.loads(seen.out)["enhance"] == {"keep grain": "strength 0"}
    assert cli.main([*words, "-q", "--report", str(tmp_path / "report.json")]) == 0
    told = json.loads((tmp_path / "report.json").read_text())
    assert told["enhance"] == {"keep grain": "strength 0"}
    assert set(told["strengths"]) == {"0"}


@pytest.mark.parametrize("woven", [True, False])
def test_a_wish_for_motion_says_where_it_changes_nothing(
    woven: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = interlaced_pictures(2) if woven else [picture(64, 48, index=n) for n in (0, 1)]
    clip = make_clip(tmp_path / "in.mp4", pictures=pictures, interlaced=woven).path
    words = [str(clip), "-o", str(tmp_path / "out.mkv"), *FAST, "--enhance", "smoother motion"]
    assert cli.main([*words, "--dry-run"]) == 0
    line = next(s for s in capsys.readouterr().out.splitlines() if s.startswith("enhance"))
    assert line.startswith("enhance  smoother motion: deinterlace field")
    assert ("changes nothing" in line) is not woven


def test_a_run_with_words_is_the_run_with_the_option(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", frames=3, size=(64, 48)).path
    given = {"model": "lite-x2", "device": "cpu", "codec": "ffv1", "no_pieces": True}
    wordy = upscale(clip, tmp_path / "words.mkv", enhance="less noise", **given)  # type: ignore[arg-type]
    plain = upscale(clip, tmp_path / "option.mkv", strength=1.5, **given)  # type: ignore[arg-type]
    assert (wordy.enhance, plain.enhance) == ({"less noise": "strength 1.5"}, {})
    assert wordy.strengths == plain.strengths
    ours, theirs = (decode(tmp_path / name) for name in ("words.mkv", "option.mkv"))
    assert all((a.to_ndarray() == b.to_ndarray()).all() for a, b in zip(ours, theirs, strict=True))


def test_the_page_lists_every_wish() -> None:
    page = (ROOT / "docs/guides/models.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z ]+)` \| `--(\w+) (\S+)` \| (.+) \|$", page, re.MULTILINE)
    assert rows == [
        (w.words, w.option, w.value if isinstance(w.value, str) else f"{w.value:g}", w.does)
        for w in VOCABULARY
    ]


def test_an_error_about_an_option_names_the_wish_behind_it() -> None:
    for wishes, message in (
        ("sharper", "look = 'crisp' with model = 'srgan-x4'"),
        ("less noise,  Sharper", "strength = 1.5: srgan-x4 has one network"),
    ):
        with (
            pytest.raises(OptionError, match="leave it out of `enhance`") as refused,
            wishes_named(wishes),
        ):
            raise OptionError(message, hint="another")
        assert refused.value.message == message
        assert refused.value.hint.count("stands for") == 1


@pytest.mark.parametrize("wishes", [(), None, "sharper", ["less noise"], "faces"])
def test_errors_about_other_things_stay(wishes: object) -> None:
    with pytest.raises(OptionError, match=r"strength = 2\.0: no") as refused, wishes_named(wishes):
        raise OptionError("strength = 2.0: no", hint="another")
    assert refused.value.hint == "another"
