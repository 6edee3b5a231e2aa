"""The command vidsr-eval on benchmarks, pictures and videos made here."""

from __future__ import annotations

import json
import math
import os
import signal
from pathlib import Path
from subprocess import PIPE
from typing import Any, NoReturn

import pytest
import torch

from tests.doubles.warm import WarmProcess, command
from tests.makers.clips import decode, make_clip, truncate
from tests.makers.photos import photograph
from vidsr.errors import InputError, ModelError, NoInputError, OptionError, OutputError
from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.quality import evaluation
from vidsr.quality.baselines import shrink
from vidsr.quality.cli import main
from vidsr.quality.metrics.niqe import niqe
from vidsr.quality.metrics.psnr import luma_601, psnr_db
from vidsr.quality.metrics.ssim import ssim
from vidsr.quality.sheets.sheet import GAP
from vidsr.video.still_images import read_rgb, write_png

LINE = 20  # a line of text on a sheet


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def refuse_constant(name: str) -> NoReturn:
    raise AssertionError(f"{name} is no JSON")


def parse(text: str) -> Any:
    return json.loads(text, parse_constant=refuse_constant)


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    """Return what --json - prints, and nothing else."""
    status = run(*arguments, "--json", "-")
    captured = capsys.readouterr()
    assert (status, captured.err) == (0, "")
    return parse(captured.out)


def refused(capsys: pytest.CaptureFixture[str], status: int, *arguments: object) -> str:
    """Return the one line that the command ends with."""
    assert run(*arguments) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("vidsr-eval: error: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Write a benchmark of two sets, the last with a grey picture.

    HR sizes are not multiples of four.
    """
    for name, pictures in (("Set5", [photograph(0, 50, 67), photograph(1, 61, 48)]),
                           ("Set14", [photograph(2, 40, 40)[:1]])):  # fmt: skip
        inner = tmp_path / "data" / name / "image_SRF_4"
        inner.mkdir(parents=True)
        for number, picture in enumerate(pictures, start=1):
            write_png(inner / f"img_00{number}_SRF_4_HR.png", picture)
            write_png(inner / f"img_00{number}_SRF_4_LR.png", shrink(picture, 4))
    return tmp_path / "data"


@pytest.fixture
def hr(tmp_path: Path) -> Path:
    folder = tmp_path / "hr"
    folder.mkdir()
    for seed in range(2):
        write_png(folder / f"p{seed}.png", photograph(seed, 50, 66))
    return folder


@pytest.fixture
def lr(tmp_path: Path, hr: Path) -> Path:
    folder = tmp_path / "lr"
    folder.mkdir()
    for path in hr.iterdir():
        write_png(folder / f"{path.stem}x4.png", shrink(read_rgb(path), 4))
    return folder


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "hr.mp4", frames=5, options={"crf": "10"}).path


def save(path: Path, **fields: Any) -> Path:
    config = GeneratorConfig(**({"channels": 3, "blocks": 1} | fields))
    torch.manual_seed(0)
    save_generator(path, config, build_generator(config).state_dict())
    return path


@pytest.fixture
def unet(tmp_path: Path) -> Path:
    """Save a restorer that has learned nothing: it gives back what it gets."""
    return save(tmp_path / "own.safetensors", kind="unet", scale=1, width=8)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return save(tmp_path / "other.safetensors", kind="srresnet", scale=4, width=8)


def test_table_of_a_benchmark(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--data", data) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    psnr, ssim_table = captured.out.split("SSIM of Y")
    assert "| picture | bicubic | lite-x4 |" in psnr
    for table in (psnr, ssim_table):
        assert "| Set5 img_001 | " in table
        assert "| **Set5 mean** | " in table
        assert "| Set14 img_001 | " in table
        assert "Set14 mean" not in table  # of one picture
    assert "NIQE" not in captured.out


def test_table_and_json_agree(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--data", data, "--json", tmp_path / "x.json") == 0
    table = capsys.readouterr().out
    result = parse((tmp_path / "x.json").read_text())
    scores = result["means"]["Set5"]
    bold = [f"{scores[name]['psnr']:.2f}" for name in ("bicubic", "lite-x4")]
    assert f"| **Set5 mean** | {' | '.join(bold)} |" in table
    assert (result["scale"], result["border"], result["metrics"]) == (4, 4, ["psnr", "ssim"])
    assert len(result["pictures"]) == 3 * 2


def test_scores_are_those_of_the_functions(hr: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = told(
        capsys, "--hr", hr, "--baselines", "nearest", "--border", 5, "--metrics", "ssim,psnr"
    )
    original = read_rgb(hr / "p0.png")[:, :48, :64]
    small = shrink(read_rgb(hr / "p0.png"), 4)
    output = luma_601(small.repeat_interleave(4, 1).repeat_interleave(4, 2))
    scores = next(
        row["scores"] for row in result["pictures"]
        if (row["picture"], row["method"]) == ("p0", "nearest")
    )  # fmt: skip
    # JSON has six digits.
    y = luma_601(original)
    assert scores["psnr"] == pytest.approx(psnr_db(output, y, border=5), abs=1e-6)
    assert scores["ssim"] == pytest.approx(ssim(output, y, border=5), abs=1e-6)


def test_small_versions_given_and_made_are_the_same(
    hr: Path, lr: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = told(capsys, "--hr", hr)
    assert told(capsys, "--hr", hr, "--lr", lr) == made
    one = told(capsys, "--hr", hr / "p0.png", "--lr", lr / "p0x4.png")
    assert one["pictures"] == [row for row in made["pictures"] if row["picture"] == "p0"]


def test_two_models_and_all_baselines(
    hr: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    baselines = "nearest,bilinear,bicubic,lanczos"
    result = told(
        capsys, "--hr", hr, "--model", "lite-x4", "--model", other, "--baselines", baselines
    )
    means = result["means"]["hr"]
    assert list(means) == [*baselines.split(","), "lite-x4", "other"]
    assert means["nearest"]["psnr"] < means["bicubic"]["psnr"]
    assert list(told(capsys, "--hr", hr, "--baselines", "")["means"]["hr"]) == ["lite-x4"]


def test_columns_of_one_name_stay_apart(
    hr: Path, tmp_path: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("bicubic", "original", "sub/other"):
        target = tmp_path / f"{name}.safetensors"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(other.read_bytes())
    models = [other, *(tmp_path / f"{n}.safetensors" for n in ("bicubic", "original", "sub/other"))]
    given = [part for model in models for part in ("--model", model)]
    methods = list(told(capsys, "--hr", hr, *given)["means"]["hr"])
    assert methods == [
        "bicubic", str(other), "model bicubic", "model original", str(models[-1]),
    ]  # fmt: skip


def test_scale_chooses_of_a_family(hr: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = told(capsys, "--hr", hr, "--scale", 2)
    assert (result["scale"], result["border"]) == (2, 2)
    assert list(result["means"]["hr"]) == ["bicubic", "lite-x2"]


def test_niqe_of_large_pictures_only(
    tmp_path: Path, hr: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_png(tmp_path / "large.png", photograph(0, 100, 100))
    large = told(capsys, "--hr", tmp_path / "large.png", "--metrics", "niqe")
    means = large["means"][tmp_path.name]
    assert list(means) == ["bicubic", "lite-x4", "original"]
    expected = niqe(luma_601(read_rgb(tmp_path / "large.png")))
    assert means["original"]["niqe"] == pytest.approx(expected, abs=1e-6)
    # Below 96x96 there is none: null in JSON, a dash in the table.
    small = told(capsys, "--hr", hr, "--metrics", "niqe")
    assert {row["scores"]["niqe"] for row in small["pictures"]} == {None}
    assert small["means"]["hr"]["lite-x4"] == {"niqe": None}
    assert run("--hr", hr, "--metrics", "niqe") == 0
    assert "| **hr mean** | - | - | - |" in capsys.readouterr().out


def test_an_equal_picture_is_null_and_counts_100_db(
    tmp_path: Path, unet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.png"
    write_png(path, photograph(0, 40, 40))
    result = told(capsys, "--hr", path, "--lr", path, "--model", unet)
    assert result["pictures"][0]["scores"] == {"psnr": None, "ssim": 1.0}
    assert result["means"][tmp_path.name]["own"]["psnr"] == 100


def test_a_sheet_of_crops(hr: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "sheet.png"
    assert run("--hr", hr, "--sheet", sheet, "--json", tmp_path / "x.json") == 0
    assert capsys.readouterr().out
    picture = read_rgb(sheet)
    width, height = GAP + 4 * (64 + GAP), GAP + LINE + 2 * (48 + GAP + LINE)
    assert picture.shape == (3, height, width)
    top, left = GAP + LINE, GAP + 3 * (64 + GAP)
    original = read_rgb(hr / "p0.png")[:, :48, :64]
    assert torch.equal(picture[:, top : top + 48, left : left + 64], original)
    assert run("--hr", hr, "--sheet", sheet, "--sheet-rows", 1) == 0
    assert read_rgb(sheet).shape == (3, height - (48 + GAP + LINE), width)


def test_a_video(video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = told(capsys, "--hr", video, "--sheet", tmp_path / "sheet.png")
    assert result["metrics"] == ["psnr", "ssim", "flicker"]
    assert [(r["picture"], r["method"], r["frames"]) for r in result["pictures"]] == [
        ("hr.mp4", "bicubic", 5),
        ("hr.mp4", "lite-x4", 5),
    ]
    for row in result["pictures"]:
        assert 15 < row["scores"]["psnr"] < 60
        assert 0.5 < row["scores"]["ssim"] < 1
        assert 0 < row["scores"]["flicker"] < 30
    # One row: a sheet shows every twelfth frame.
    assert read_rgb(tmp_path / "sheet.png").shape[1] == GAP + LINE + 48 + GAP + LINE


def test_the_first_frames_of_a_video(video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "--hr", video, "--frames", 3)["pictures"][0]["frames"] == 3
    assert told(capsys, "--hr", video, "--frames", 99)["pictures"][0]["frames"] == 5
    one = told(capsys, "--hr", video, "--frames", 1, "--metrics", "psnr,flicker")
    assert one["pictures"][0]["scores"]["flicker"] is None


def test_a_video_against_itself(
    video: Path, unet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--hr", video, "--lr", video, "--model", unet)
    result = told(capsys, *arguments, "--metrics", "psnr,ssim,flicker,niqe")
    for row in result["pictures"][:2]:
        assert row["scores"] == {"psnr": 100.0, "ssim": 1.0, "niqe": None, "flicker": 0.0}
    assert result["pictures"][2]["method"] == "original"


def test_a_video_and_its_small_version(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = make_clip(tmp_path / "lr.mkv", codec="ffv1", frames=5, size=(16, 12)).path
    scores = told(capsys, "--hr", video, "--lr", small)["means"][""]["bicubic"]
    assert scores["psnr"] < 40


def test_niqe_of_every_other_frame(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = make_clip(tmp_path / "a.mp4", frames=3, size=(112, 96)).path
    arguments = ("--hr", video, "--metrics", "niqe")
    every = told(capsys, *arguments, "--niqe-every", 1)["pictures"]
    first = told(capsys, *arguments, "--niqe-every", 3)["pictures"]
    assert [row["method"] for row in every] == ["bicubic", "lite-x4", "original"]
    assert all(row["scores"]["niqe"] > 0 for row in [*every, *first])
    assert every[0]["scores"] != first[0]["scores"]


@pytest.mark.parametrize(("high", "low"), [(5, 4), (4, 5)])
def test_videos_of_different_length(
    high: int, low: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hr = make_clip(tmp_path / "hr.mp4", frames=high).path
    lr = make_clip(tmp_path / "lr.mp4", frames=low, size=(16, 12)).path
    error = refused(capsys, InputError.exit_code, "--hr", hr, "--lr", lr)
    short, long = (lr, hr) if low < high else (hr, lr)
    assert f"{short}: ends after 4 frames, {long} goes on" in error
    assert run("--hr", hr, "--lr", lr, "--frames", 4) == 0


def test_a_restorer_is_measured_beside_its_input(
    hr: Path, tmp_path: Path, unet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for path in hr.iterdir():
        write_png(damaged / path.name, read_rgb(path) // 2)
    result = told(capsys, "--hr", hr, "--lr", damaged, "--model", unet)
    assert (result["scale"], result["border"]) == (1, 0)
    means = result["means"]["hr"]
    assert list(means) == ["input", "own"]
    assert means["input"] == means["own"]
    assert 5 < means["own"]["psnr"] < 30


def test_a_restorer_needs_its_input(
    hr: Path, data: Path, video: Path, unet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for source in (("--hr", hr), ("--data", data), ("--hr", video)):
        error = refused(capsys, OptionError.exit_code, *source, "--model", unet)
        assert "scale" in error
        assert "Hint: give" in error
        assert "--lr" in error


def test_what_is_not_there(tmp_path: Path, hr: Path, capsys: pytest.CaptureFixture[str]) -> None:
    absent = tmp_path / "absent"
    error = refused(capsys, NoInputError.exit_code, "--hr", absent)
    assert f"--hr {absent}: no such file or folder" in error
    error = refused(capsys, NoInputError.exit_code, "--hr", hr, "--lr", absent)
    assert f"--lr {absent}" in error
    error = refused(capsys, NoInputError.exit_code, "--data", absent)
    assert "Set5" in error
    assert "Hint: --data" in error
    error = refused(capsys, ModelError.exit_code, "--hr", hr, "--model", absent)
    assert "absent" in error
    (tmp_path / "empty").mkdir()
    error = refused(capsys, NoInputError.exit_code, "--hr", tmp_path / "empty")
    assert "no pictures in it" in error


def test_a_damaged_picture_is_named(
    hr: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truncate(hr / "p0.png", tmp_path / "part.png", 0.5)
    os.replace(tmp_path / "part.png", hr / "p1.png")
    error = refused(capsys, InputError.exit_code, "--hr", hr)
    assert f"{hr / 'p1.png'}: not a picture, or damaged" in error


def test_what_is_no_video(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no pictures here\n" * 9)
    assert str(path) in refused(capsys, InputError.exit_code, "--hr", path)


def test_sizes_that_do_not_match(
    hr: Path, lr: Path, video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_png(lr / "p1x4.png", photograph(1, 12, 15))
    error = refused(capsys, InputError.exit_code, "--hr", hr, "--lr", lr)
    assert f"{lr / 'p1x4.png'}: 15x12 is not {hr / 'p1.png'} (66x50) divided by 4" in error
    error = refused(capsys, InputError.exit_code, "--hr", video, "--lr", video)
    assert "64x48 is not" in error


def test_too_small_to_measure(hr: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_png(hr / "p1.png", photograph(0, 19, 50))
    error = refused(capsys, InputError.exit_code, "--hr", hr)
    assert "p1.png: 50x19 is too small: expected 20x20 or larger" in error
    error = refused(capsys, InputError.exit_code, "--hr", hr / "p0.png", "--border", 1000)
    assert "is too small: expected 2012x2012 or larger" in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--metrics", "psnr,lpips"),
            "--metrics lpips: expected psnr, ssim, niqe, flicker or brisque",
        ),
        (("--metrics", ","), "--metrics: none is named"),
        (("--metrics", "flicker"), "pictures do not flicker"),
        (("--baselines", "magic"), "baseline 'magic': expected nearest, bilinear"),
        (("--border", "-1"), "--border -1: expected 0 or more"),
        (("--frames", "3"), "--frames: expected a video"),
        (("--data", "."), "--hr and --data are both given"),
        (("--scale", "2", "--model", "lite-x4"), "--scale 2"),
        (("--model", "lite-x4", "--model", "lite-x2"), "models of different scales: lite-x4 x4"),
    ],
)
def test_arguments_that_are_not_allowed(
    arguments: tuple[str, ...], said: str, hr: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in refused(capsys, OptionError.exit_code, "--hr", hr, *arguments)


def test_kinds_that_do_not_fit_together(
    hr: Path, video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for source in (("--hr", hr, "--lr", hr / "p0.png"), ("--hr", video, "--lr", hr / "p0.png")):
        assert "expected two" in refused(capsys, OptionError.exit_code, *source)
    assert "without --hr" in refused(capsys, OptionError.exit_code, "--lr", hr)


@pytest.mark.parametrize("arguments", [("--frames", "0"), ("--scale", "x"), ("--unknown",)])
def test_arguments_that_cannot_be_read(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ending:
        main(list(arguments))
    assert ending.value.code == 2
    assert "vidsr-eval: error: " in capsys.readouterr().err


def test_targets_that_cannot_be_written(
    hr: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(hr.iterdir())
    for target, said in (
        (("--sheet", tmp_path / "x.jpg"), "ends in .png"),
        (("--sheet", tmp_path / "absent" / "x.png"), "cannot be written there"),
        (("--json", tmp_path / "absent" / "x.json"), "cannot be written there"),
        (("--json", tmp_path), "cannot be written there"),
        (("--sheet", hr / "p0.png"), "one of the pictures that are measured"),
        (("--sheet", hr / "new.png"), "one of the pictures that are measured"),
        (("--sheet", tmp_path / "x.png", "--json", tmp_path / "x.png"), "or --sheet"),
    ):
        assert said in refused(capsys, OutputError.exit_code, "--hr", hr, *target)
    picture = hr / "p0.png"
    for name in ("--json", "--sheet"):
        error = refused(capsys, OutputError.exit_code, "--hr", picture, name, picture)
        assert "is the original" in error
    assert sorted(hr.iterdir()) == before
    assert torch.equal(read_rgb(picture), photograph(0, 50, 66))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_in_one_line(
    number: signal.Signals,
    hr: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(evaluation, "evaluate", lambda *_: signal.raise_signal(number))
    before = signal.getsignal(number)
    assert run("--hr", hr) == 128 + number
    assert signal.getsignal(number) == before
    assert capsys.readouterr().err == "vidsr-eval: interrupted\n"


def test_without_data_it_names_what_to_give(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIDSR_DATA", raising=False)
    assert run() == 2
    assert "--data names the folder that holds Set5 and Set14" in capsys.readouterr().err


def test_out_of_memory_is_one_line(
    hr: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> NoReturn:
        raise MemoryError

    monkeypatch.setattr(evaluation, "evaluate", full)
    assert run("--hr", hr) == 8
    assert capsys.readouterr().err == "vidsr-eval: error: out of memory.\n"


def test_a_reader_that_has_seen_enough(hr: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    code = command("vidsr.quality.cli")
    # Buffered, as a pipe is by default: the error comes when the buffer is emptied.
    words = ["--hr", hr / "p0.png"]
    with WarmProcess(code, words, stdout=writing, stderr=PIPE) as process:
        os.close(writing)
        _, said = process.communicate()
        assert (process.wait(), said) == (0, b"")


def test_flicker_is_that_of_the_output(
    tmp_path: Path, unet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steady = make_clip(tmp_path / "steady.mkv", codec="ffv1", frames=4).path
    pictures = decode(steady)
    for number, picture in enumerate(pictures):
        array = picture.to_ndarray()
        array[:48] += 2 * (number % 2)  # the luma rows of yuv420p
        pictures[number] = type(picture).from_ndarray(array, format="yuv420p")
    blinking = make_clip(tmp_path / "blinking.mkv", codec="ffv1", pictures=pictures).path
    result = told(capsys, "--hr", steady, "--lr", blinking, "--model", unet)
    # Two levels of 16..235, but for the rounding to RGB and back: a quarter of a level, rms.
    assert result["means"][""]["own"]["flicker"] == pytest.approx(2, abs=0.25)
    error_db = 10 * math.log10(255**2 / (4 / 2))  # every other frame is two levels too bright
    assert result["means"][""]["own"]["psnr"] == pytest.approx((error_db - 3.01 + 100) / 2, abs=1)
