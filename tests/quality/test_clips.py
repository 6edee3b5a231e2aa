"""The command vidsr-eval on clips that it shrinks and codes, and on clips as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.makers.clips import make_clip
from tests.makers.footage import footage
from vidsr.errors import InputError, NoInputError, OptionError, OutputError
from vidsr.quality.cli import main
from vidsr.video.still_images import read_picture

SIZE = (144, 112)


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return footage(tmp_path_factory.mktemp("clips") / "a.mkv")


def measured(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    """Return what --json - prints, and nothing else."""
    assert run(*arguments, "--json", "-") == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return json.loads(captured.out)


def refused(capsys: pytest.CaptureFixture[str], status: int, *arguments: object) -> str:
    """Return the one line that the command ends with."""
    assert run(*arguments) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("vidsr-eval: error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def scores(result: Any, codec: str, method: str) -> Any:
    return result["means"][codec][method]


@pytest.mark.parametrize(
    ("codec", "good", "bad"),
    [
        ("h264", 18, 38),
        ("vp9", 20, 60),
        ("mpeg2", 2, 20),
        ("mpeg4", 2, 20),
        ("mjpeg", 2, 25),
    ],
)
def test_the_order_of_qualities_is_that_of_psnr(
    codec: str, good: int, bad: int, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--hr", clip, "--frames", 3, "--metrics", "psnr,ssim")
    result = measured(capsys, *arguments, "--codec", f"{codec}:{bad},{good}")
    for metric in ("psnr", "ssim"):
        clean, fine, coarse = (
            scores(result, name, "bicubic")[metric]
            for name in ("none", f"{codec}:{good}", f"{codec}:{bad}")
        )
        assert clean > fine > coarse
    assert result["codecs"] == ["none", f"{codec}:{bad}", f"{codec}:{good}"]


def test_h265_and_av1_take_larger_clips(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    large = footage(tmp_path / "large.mkv", 2, (256, 256))
    arguments = (
        "--frames",
        2,
        "--metrics",
        "psnr",
        "--codec",
        "hevc:20,40",
        "--codec",
        "av1:20,60",
    )
    result = measured(capsys, "--hr", large, *arguments)
    for codec, good, bad in (("h265", 20, 40), ("av1", 20, 60)):
        names = ("none", f"{codec}:{good}", f"{codec}:{bad}")
        psnr = [scores(result, name, "bicubic")["psnr"] for name in names]
        assert psnr == sorted(psnr, reverse=True)
    error = refused(capsys, InputError.exit_code, "--hr", large, "--hr", clip, *arguments)
    assert f"{clip}: 36x28 once shrunk; h265 takes 64x64 or larger" in error
    assert "Hint: " in error


def test_json_says_all(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = footage(tmp_path / "b.mkv", 3, seed=1)
    arguments = ("--hr", clip, "--hr", other, "--frames", 3, "--codec", "h264:30")
    result = measured(capsys, *arguments, "--model", "lite-x4")
    assert result["metrics"] == ["psnr", "ssim", "niqe", "flicker"]
    assert (result["scale"], result["border"], result["frames"]) == (4, 4, 3)
    assert (result["clips"], result["columns"]) == (["a.mkv", "b.mkv"], ["lite-x4"])
    assert list(result["means"]) == ["none", "h264:30"]
    columns = ["measured", "expected", "bicubic", "lanczos", "lite-x4", "original"]
    assert list(result["means"]["none"]) == columns
    rows = [(row["group"], row["picture"], row["method"]) for row in result["pictures"]]
    assert len(rows) == len(set(rows)) == 2 * 2 * 6
    for row in result["pictures"]:
        if row["method"] in ("measured", "expected"):
            continue
        names = ["niqe"] if row["method"] == "original" else ["psnr", "ssim", "niqe", "flicker"]
        assert list(row["scores"]) == names
    assert set(result["gains"]["lite-x4"]) == {"mean", "lowest", "below"}


def test_gains_are_differences_and_the_lowest_is_named(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = footage(tmp_path / "b.mkv", 3, seed=1)
    arguments = ("--hr", clip, "--hr", other, "--frames", 3, "--metrics", "psnr,ssim")
    result = measured(capsys, *arguments, "--codec", "h264:24,44")
    found = {(r["group"], r["picture"], r["method"]): r["scores"] for r in result["pictures"]}
    gains = {
        (codec, name): found[codec, name, "lite-x4"]["psnr"] - found[codec, name, "bicubic"]["psnr"]
        for codec, name, method in found
        if method == "bicubic"
    }
    told = result["gains"]["lite-x4"]
    lowest = told["lowest"]["psnr"]
    assert lowest["psnr"] == pytest.approx(min(gains.values()), abs=2e-6)
    assert gains[lowest["codec"], lowest["clip"]] == pytest.approx(lowest["psnr"], abs=2e-6)
    mean = sum(value for (codec, _), value in gains.items() if codec == "h264:24") / 2
    assert told["mean"]["h264:24"]["psnr"] == pytest.approx(mean, abs=2e-6)
    below = {(gain["codec"], gain["clip"]) for gain in told["below"]}
    assert {place for place, gain in gains.items() if gain < -0.02} <= below


def test_tables_name_codecs_clips_and_gains(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--hr", clip, "--frames", 2, "--codec", "h264:20", "--baselines", "") == 0
    out = capsys.readouterr().out
    assert "| picture | bicubic | lite-x4 |" in out
    assert "| h264:20 a.mkv | " in out
    assert "| none | +" in out or "| none | -" in out
    assert "| lowest | " in out
    assert "Below bicubic by more than 0.02 dB or 0.0005: lite-x4 " in out


def test_what_the_codec_did_is_measured_beside_what_is_expected(
    clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--hr", clip, "--frames", 3, "--codec", "mpeg2:4,20", "--metrics", "psnr")
    result = measured(capsys, *arguments)
    assert scores(result, "none", "measured") == {"coding_error": 0}
    fine, coarse = (scores(result, f"mpeg2:{q}", "measured")["coding_error"] for q in (4, 20))
    assert 0 < fine < coarse
    assert scores(result, "mpeg2:20", "expected")["coding_error"] > 0
    assert run(*arguments) == 0
    assert "| picture | measured | expected |" in capsys.readouterr().out


def test_a_strength_is_passed_to_the_models(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--hr", clip, "--frames", 2, "--codec", "h264:30", "--metrics", "psnr")
    result = measured(capsys, *arguments, "--strength", "0")
    assert result["upscaler"] == {"strength": "0.0"}
    assert measured(capsys, *arguments)["upscaler"] == {}
    with pytest.raises(SystemExit):
        run(*arguments, "--strength", "3")
    assert "--strength: expected auto or a number" in capsys.readouterr().err


def test_uncompressed_alone(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--hr", clip, "--frames", 2, "--metrics", "psnr")
    assert list(measured(capsys, *arguments, "--codec", "none")["means"]) == ["none"]


def test_parts_of_a_clip_and_a_folder(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--frames", 2, "--metrics", "psnr", "--codec", "none", "--start", "0,0.16")
    result = measured(capsys, "--hr", clip.parent, *arguments)
    assert result["clips"] == ["a.mkv", "a.mkv at 0.16 s"]
    first, later = (row["scores"] for row in result["pictures"] if row["method"] == "bicubic")
    assert first != later


def test_two_runs_are_the_same(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--hr", clip, "--frames", 3, "--codec", "h264:25", "--codec", "vp9:40")
    first = measured(capsys, *arguments, "--threads", 1, "--metrics", "psnr")
    assert measured(capsys, *arguments, "--threads", 1, "--metrics", "psnr") == first


def test_ten_bits_and_other_chroma_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("yuv444p", "yuv420p10le", "gray"):
        path = make_clip(tmp_path / f"{name}.mkv", codec="ffv1", pix_fmt=name, size=SIZE).path
        arguments = ("--hr", path, "--frames", 2, "--codec", "mjpeg:3", "--metrics", "psnr")
        result = measured(capsys, *arguments)
        assert scores(result, "none", "bicubic")["psnr"] > 25


def test_a_sheet_of_the_worst_places(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "worst.png"
    arguments = ("--hr", clip, "--frames", 2, "--codec", "h264:24,40", "--metrics", "psnr")
    assert run(*arguments, "--sheet", sheet, "--sheet-rows", 2) == 0
    capsys.readouterr()
    picture = read_picture(sheet)
    # Three columns: original, bicubic and the model; two of the three codings.
    assert picture.shape[2] == 6 + 3 * (2 * 144 + 6)
    assert picture.shape[1] == 6 + 20 + 2 * (2 * 112 + 6 + 20)
    assert not (tmp_path / "worst.key.json").exists()


def test_a_shuffled_sheet_has_a_key(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "blind.png"
    qualities = ",".join(map(str, range(20, 30)))
    arguments = ("--hr", clip, "--frames", 1, "--codec", f"mjpeg:{qualities}", "--metrics", "psnr")
    assert run(*arguments, "--sheet", sheet, "--shuffle", "--sheet-rows", 11) == 0
    capsys.readouterr()
    key = json.loads((tmp_path / "blind.key.json").read_text())
    assert [row["row"] for row in key] == list(range(1, 12))
    assert {tuple(sorted(row["columns"].values())) for row in key} == {("bicubic", "lite-x4")}
    assert {frozenset(row["columns"]) for row in key} == {frozenset("AB")}
    assert {row["codec"] for row in key} == {"none", *(f"mjpeg:{q}" for q in range(20, 30))}
    # Eight rows a page.
    assert read_picture(tmp_path / "blind-2.png").shape[1] == 6 + 20 + 3 * (2 * 112 + 6 + 20)


def test_clips_as_they_are(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "plain.png"
    result = measured(
        capsys, "--hr", clip, "--no-reference", "--frames", 6, "--sheet", sheet, "--shuffle"
    )
    assert result["metrics"] == ["niqe", "flicker"]
    assert list(result["means"][""]) == ["bicubic", "lanczos", "lite-x4"]
    assert scores(result, "", "bicubic")["flicker"] == 0
    assert scores(result, "", "lite-x4")["flicker"] > 0
    assert "gains" not in result
    key = json.loads((tmp_path / "plain.key.json").read_text())
    assert len(key) == 3
    places = [(row["frame"], row["left"], row["top"]) for row in key]
    assert len(set(places)) == 3
    assert read_picture(sheet).shape[2] == 6 + 2 * (2 * 144 + 6)


def test_a_restorer_is_refused(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from vidsr.models.checkpoint import build_generator, save_generator
    from vidsr.models.networks.config import GeneratorConfig

    config = GeneratorConfig(kind="unet", scale=1, width=8, channels=3, blocks=1)
    torch.manual_seed(0)
    path = tmp_path / "own.safetensors"
    save_generator(path, config, build_generator(config).state_dict())
    arguments = ("--hr", clip, "--codec", "none", "--model", path)
    assert "scale is 1" in refused(capsys, OptionError.exit_code, *arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--codec", "h263:4"), "expected none, h264, h265, vp9, av1, mpeg2, mpeg4 or mjpeg"),
        (("--codec", "h263:4"), "Hint: did you mean h26"),
        (("--codec", "h264:18,60"), "expected a crf of 0 to 51, got 60"),
        (("--codec", "mpeg2:0"), "expected a qscale of 1 to 31, got 0"),
        (("--codec", "vp9:x"), "expected a crf of 0 to 63, got x"),
        (("--codec", "h264"), "expected a codec and its qualities"),
        (("--codec", "none:3"), "none has no quality"),
        (("--codec", "none", "--no-reference"), "both given"),
        (("--codec", "none", "--lr", "."), "--lr beside --codec"),
        (("--no-reference", "--metrics", "psnr"), "--metrics psnr: without an original expected"),
        (("--start", "1"), "--start is for clips"),
        (("--strength", "1"), "--strength is for clips"),
        (("--shuffle", "--codec", "none"), "--shuffle is given without --sheet"),
    ],
)
def test_arguments_that_are_not_allowed(
    arguments: tuple[str, ...], said: str, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refused(capsys, OptionError.exit_code, "--hr", clip, *arguments)
    assert said in error
    assert "Hint: " in error


def test_codecs_need_videos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = refused(capsys, OptionError.exit_code, "--codec", "none")
    assert "--codec is given without --hr" in error
    error = refused(capsys, NoInputError.exit_code, "--hr", tmp_path, "--codec", "none")
    assert f"{tmp_path}: no videos in it" in error


def test_clips_that_cannot_be_measured(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_text("no pictures here\n" * 9)
    error = refused(capsys, InputError.exit_code, "--hr", clip, "--hr", broken, "--codec", "none")
    assert str(broken) in error
    small = footage(tmp_path / "small.mkv", 1, (20, 18))
    error = refused(capsys, InputError.exit_code, "--hr", small, "--codec", "none")
    assert "20x18 is too small for a scale of 4" in error
    arguments = ("--hr", clip, "--codec", "none", "--start", "60")
    assert "no frame lies in the part" in refused(capsys, InputError.exit_code, *arguments)


def test_the_key_must_be_writable(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.key.json").mkdir()
    arguments = ("--hr", clip, "--codec", "none", "--sheet", tmp_path / "x.png", "--shuffle")
    error = refused(capsys, OutputError.exit_code, *arguments)
    assert "the key of --sheet" in error
