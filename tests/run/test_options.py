"""The record of options: what derives from it agrees with it."""

from __future__ import annotations

import inspect
import subprocess
import sys
from argparse import ArgumentParser
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import vidsr
from vidsr import OptionError
from vidsr.cli import build_parser
from vidsr.models.families import CRISP
from vidsr.picture.size import Size
from vidsr.run.option_description import option_of
from vidsr.run.option_listings import add_options, reference_rows
from vidsr.run.options import OPTIONS, RunOptions
from vidsr.run.wanted_size import WantedSize
from vidsr.video.sink.output_options import OutputOptions

DEFAULTS = {option.keyword: default for option, default in OPTIONS}
OTHER: dict[str, Any] = {
    "model": Path("lite-x2"),
    "scale": 2,
    "size": Size(640, 360),
    "device": "cuda:0,cuda:1",
    "precision": "fp32",
    "engine": "torch",
    "wait_for_engine": True,
    "tile": (64, 96),
    "strength": 0.5,
    "reuse": "near",
    "max_memory": "2G",
    "start_s": 1.5,
    "duration_s": 2.0,
    "deinterlace": "off",
    "decoder": "cuda",
    "framerate": Fraction(30000, 1001),
    "input_format": "raw",
    "input_size": Size(64, 48),
    "input_pix_fmt": "yuv444p",
    "allow": ("file", "https"),
    "format": "ts",
    "codec": "hevc",
    "preset": "slow",
    "bitrate": 8_000_000,
    "maxrate": 12_000_000,
    "encoder_option": ("tune=film", "g=50"),
    "pix_fmt": "yuv420p",
    "audio": "auto",
    "streams": "audio:0",
    "drop_incompatible": True,
    "piece_frames": 100,
    "restart": True,
    "overwrite": True,
}
"""A value of every field other than its default, but for those that others exclude."""


def keywords(function: Any) -> dict[str, Any]:
    """Return the keyword-only names of a signature with their defaults, in order."""
    found = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in found if p.kind is p.KEYWORD_ONLY}


def test_the_keywords_of_upscale_are_the_options() -> None:
    signature = keywords(vidsr.upscale)
    assert signature.pop("progress") is None
    assert list(signature.items()) == list(DEFAULTS.items())


def test_the_keywords_of_the_upscaler_are_options_with_the_same_defaults() -> None:
    signature = keywords(vidsr.Upscaler)
    assert signature.pop("notes") is None
    assert signature.pop("pool") is None
    assert signature == {name: DEFAULTS[name] for name in signature}
    assert inspect.signature(vidsr.Upscaler).parameters["model"].default == DEFAULTS["model"]


def test_every_argument_of_upscale_is_documented() -> None:
    told = (vidsr.upscale.__doc__ or "").split("Args:")[1].split("Returns:")[0]
    assert all(f"\n        {name}: " in told for name in keywords(vidsr.upscale))


def test_the_command_takes_every_option_and_nothing_twice() -> None:
    parser = build_parser()
    dests = [action.dest for action in parser._actions]
    assert len(set(dests)) == len(dests)
    assert dests[: 3 + len(OPTIONS)].count("output") == 1
    for option, default in OPTIONS:
        action = next(a for a in parser._actions if a.dest == option.keyword)
        assert tuple(action.option_strings) == option.flags
        assert action.default == default


def test_every_option_has_an_article_or_names_its_values() -> None:
    for option, _ in OPTIONS:
        first = option.help.split()[0]
        assert first not in ("of", "for", "with", "as", "per"), option.keyword


def test_a_command_line_and_keywords_give_the_same_record() -> None:
    parser = ArgumentParser()
    add_options(parser)
    line = (
        "--size 640x360 -ss 1:30 --framerate 29.97 --tile 96x64 --codec hevc --crf 20 --overwrite"
    )
    assert RunOptions.of(vars(parser.parse_args(line.split()))) == RunOptions.of(
        {
            "size": (640, 360),
            "start": 90.0,
            "framerate": 29.97,
            "tile": (64, 96),
            "codec": "hevc",
            "crf": 20,
            "overwrite": True,
        }
    )
    assert RunOptions.of(vars(parser.parse_args([]))) == RunOptions()


def test_a_look_chooses_among_automatic_models_only() -> None:
    assert RunOptions().network == "auto"
    assert RunOptions(look="crisp").network == CRISP
    assert RunOptions(model="lite-x2").network == "lite-x2"
    for model in ("lite-x4", "lite", Path("own.safetensors")):
        with pytest.raises(OptionError, match="a chosen model has its own look"):
            RunOptions(model=model, look="crisp")
    with pytest.raises(OptionError, match="expected faithful or crisp"):
        RunOptions(look="sharp")  # type: ignore[arg-type]


def test_a_record_survives_json() -> None:
    record = RunOptions(**OTHER)
    assert {f.name for f in fields(RunOptions)} - OTHER.keys() == {
        "height",
        "crf",
        "no_pieces",
        "growing",
        "restore",
        "look",
        "enhance",
    }
    read = RunOptions.from_json(record.to_json())
    assert read == record
    assert isinstance(read.model, Path)  # a path still, and not a name
    assert RunOptions.from_json(RunOptions(height=72).to_json()) == RunOptions(height=72)
    assert RunOptions.from_json(RunOptions(look="crisp").to_json()) == RunOptions(look="crisp")
    assert RunOptions.from_json("{}") == RunOptions()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        "3",
        '{"colour": 1}',
        '{"crf": "x"}',
        '{"framerate": "x"}',
        '{"start": "x"}',
        '{"model": {"path": 1}}',
        '{"scale": 17}',
    ],
)
def test_what_is_no_record(text: str) -> None:
    with pytest.raises(OptionError):
        RunOptions.from_json(text)


def test_json_of_older_versions() -> None:
    text = '{"model": "./lite-x2", "framerate": "30000/1001", "size": "64x36", "start": 1.5}'
    rate, size = Fraction(30000, 1001), Size(64, 36)
    expected = RunOptions(model="./lite-x2", framerate=rate, size=size, start_s=1.5)
    assert RunOptions.from_json(text) == expected


@pytest.mark.parametrize("name", [f.name for f in fields(RunOptions)])
def test_values_of_a_wrong_type_are_refused_by_name(name: str) -> None:
    keyword = option_of(next(f for f in fields(RunOptions) if f.name == name)).keyword
    for wrong in (object(), b"x"):
        with pytest.raises(OptionError, match=f"^{keyword} = .*: expected "):
            RunOptions(**{name: wrong})  # type: ignore[arg-type]


def test_the_target_gets_what_concerns_it() -> None:
    record = RunOptions(**OTHER)
    assert record.output == OutputOptions(
        codec="hevc",
        preset="slow",
        bitrate=8_000_000,
        maxrate=12_000_000,
        encoder_option=("tune=film", "g=50"),
        pix_fmt="yuv420p",
        audio="auto",
        streams="audio:0",
        drop_incompatible=True,
        overwrite=True,
    )


def test_a_wanted_size() -> None:
    assert RunOptions().wanted_size is None
    assert RunOptions(size=Size(64, 48)).wanted_size == WantedSize(64, 48)
    assert RunOptions(height=48).wanted_size == WantedSize(None, 48)
    with pytest.raises(OptionError, match="both given"):
        RunOptions(size=Size(64, 48), height=48)


def test_rows_of_the_reference_page() -> None:
    rows = {row.name: row for row in reference_rows()}
    assert list(rows) == list(DEFAULTS)
    assert rows["start"].flag == "-ss, --start"
    assert rows["precision"].choices == ("auto", "fp32", "bf16", "fp16")
    assert rows["overwrite"].default == "False"
    assert all(row.type and row.help for row in rows.values())


def test_the_record_needs_neither_torch_nor_av() -> None:
    code = (
        "import sys, vidsr.run.option_listings\nprint({'torch', 'av', 'numpy'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
