"""``vidsr-train`` as people call it: runs, resumes, refusals and interruptions."""

from __future__ import annotations

import csv
import importlib.util
import itertools
import re
import signal
import socket
import time
from pathlib import Path
from subprocess import PIPE
from types import SimpleNamespace

import pytest
import torch

import vidsr
from tests.doubles.warm import WarmProcess, command, run_warm
from tests.makers.clips import make_clip
from tests.makers.footage import footage
from tests.makers.photos import make_photos, photograph
from vidsr.degradation.cli import main as degrade
from vidsr.models.checkpoint import load_generator
from vidsr.training.command.cli import main
from vidsr.video.still_images import read_rgb, write_png

SMALL = ("--scale", "2", "--width", "8", "--blocks", "1", "--middle", "8", "--crop", "16")
FAST = ("--batch", "2", "--precision", "fp32", "--threads", "1", *SMALL)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photos(tmp_path_factory.mktemp("photos"), 4)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("held")
    write_png(folder / "one.png", photograph(99, 64, 80))
    return folder


def train(*arguments: object) -> int:
    return main([str(a) for a in arguments])


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_on_a_video_and_its_cache(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = footage(tmp_path / "clip.mkv", 20, (96, 80))
    data = (video, "--recipe", "codecs", "--spots", 4, "--clips", 2, "--portion", "0-90%")
    for name in ("first", "second"):
        out = ("--out", tmp_path / name, "--cache", tmp_path / "pairs")
        assert train(*data, *out, "--steps", 4, "--every", 4, *FAST) == 0
    assert "1 video to learn from" in capsys.readouterr().err
    assert len(list((tmp_path / "pairs").iterdir())) == 1
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("first", "second")]
    assert weights[0] == weights[1]
    assert float(rows(tmp_path / "first")[-1]["psnr_db"]) > 0


@pytest.mark.parametrize("portion", ["50", "60-40%"])
def test_a_portion_that_is_none(
    portion: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (photos, "--out", tmp_path / "run", "--steps", 1, "--portion", portion, *FAST)
    assert train(*arguments) == 2
    error = capsys.readouterr().err
    assert f"--portion {portion}" in error or f"portion = '{portion}'" in error
    assert "Hint: such as 0-50%" in error


def test_a_run_leaves_everything_and_its_weights_enlarge(
    photos: Path, held: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    arguments = (photos, "--out", out, "--steps", 40, "--validate", held, "--every", 20, *FAST)
    assert train(*arguments) == 0
    assert {p.name for p in out.iterdir()} == {
        *("state.pt", "options.json", "model.safetensors", "log.csv", "curves.png", "card.md"),
        "sheets",
    }
    log = rows(out)
    assert [row["step"] for row in log] == ["20", "40"]
    assert all(float(row["psnr_db"]) > 10 and float(row["loss"]) > 0 for row in log)
    assert read_rgb(out / "sheets" / "00000040.png").shape[0] == 3
    card = (out / "card.md").read_text()
    assert "| steps | 40 of 2 crops of 16x16" in card
    assert f"{float(log[-1]['psnr_db']):.2f} dB" in card
    large = vidsr.Upscaler(out / "model.safetensors")(photograph(5, 20, 24))
    assert tuple(large.shape) == (3, 40, 48)
    assert "done:" in capsys.readouterr().err


@pytest.mark.parametrize(("count", "said"), [(1, True), (4, True), (9, True), (10, False)])
def test_few_pictures_cannot_be_validated_and_that_is_said(
    count: int, said: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    photos = make_photos(tmp_path / "photos", count)
    assert train(photos, "--out", tmp_path / "run", "--steps", 2, *FAST) == 0
    warned = [r.message for r in caplog.records if "nothing can be validated" in r.message]
    assert len(warned) == said
    if said:
        assert f"none of {count} pictures is held back, which takes 10 or more" in warned[0]
        assert "--validate" in warned[0]


def test_the_time_left_is_shown(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(photos, "--out", tmp_path / "a", "--steps", 4, "--every", 2, *FAST) == 0
    first, last = (line for line in capsys.readouterr().err.splitlines() if " step " in line)
    assert re.search(r"ms a step  \d+ s left$", first)
    assert "left" not in last
    run = ("--out", tmp_path / "b", "--minutes", 600, "--stop-after", 2, "--every", 2)
    assert train(photos, *run, *FAST) == 0
    assert "10.0 h left" in capsys.readouterr().err


def test_pairs_made_of_a_video_can_be_trained_on(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", frames=4, size=(96, 64)).path
    pairs, small = tmp_path / "pairs", tmp_path / "small.mkv"
    words = [str(clip), "-o", str(small), "--pairs", str(pairs), "--scale", "2"]
    assert degrade(words) == 0
    assert train(pairs, "--out", tmp_path / "run", "--steps", 2, *FAST) == 0


def test_it_beats_bicubic_on_pictures_it_has_not_seen(tmp_path: Path) -> None:
    photos = make_photos(tmp_path / "photos", 6)
    held = tmp_path / "held"
    held.mkdir()
    write_png(held / "new.png", photograph(50))
    out = tmp_path / "run"
    arguments = (photos, "--out", out, "--steps", 500, "--validate", held, "--every", 500)
    assert train(*arguments, *FAST, "--batch", 8, "--rate", 3e-3) == 0
    last = rows(out)[-1]
    # Stripes and edges, of which the training pictures have many: 0.5 dB is a third of the gain.
    assert float(last["psnr_db"]) > float(last["bicubic_db"]) + 0.5


@pytest.mark.parametrize("model", ["lite", "coarse lite", "srresnet", "srgan"])
def test_a_resumed_run_equals_an_unbroken_one(photos: Path, tmp_path: Path, model: str) -> None:
    common = [photos, "--model", model, "--steps", 8, "--every", 4, "--seed", 3, *FAST]
    if model == "coarse lite":
        common[2:3] = ["lite", "--stride", 2, "--prelu", "shared"]
    if model == "srgan":
        common += ["--perceptual-weight", 0, "--pixel-weight", 1, "--flicker-weight", 0.1]
        common += ["--discriminator-width", 4]
    assert train(*common, "--out", tmp_path / "whole") == 0
    assert train(*common, "--out", tmp_path / "parts", "--stop-after", 4) == 0
    assert train("--out", tmp_path / "parts", "--resume", "--every", 4, "--threads", 1) == 0
    whole, parts = (
        torch.load(tmp_path / name / "state.pt", weights_only=True) for name in ("whole", "parts")
    )
    assert whole["step"] == parts["step"] == 8
    for name, value in whole["learner"]["student"].items():
        assert torch.equal(value, parts["learner"]["student"][name]), name
    ours, theirs = ((tmp_path / n / "model.safetensors").read_bytes() for n in ("whole", "parts"))
    assert ours == theirs
    losses = [[row["loss"] for row in rows(tmp_path / n)] for n in ("whole", "parts")]
    assert losses[0] == losses[1]


def test_the_same_seed_makes_the_same_weights_and_another_does_not(
    photos: Path, tmp_path: Path
) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert train(photos, "--out", tmp_path / name, "--steps", 3, "--seed", seed, *FAST) == 0
    a, b, c = ((tmp_path / n / "model.safetensors").read_bytes() for n in "abc")
    assert a == b
    assert a != c


def test_a_time_limit_ends_a_run(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a clock on which every look takes a quarter of a second: two a step, one to start."""
    looks = itertools.count(step=0.25)
    clock = SimpleNamespace(monotonic=lambda: next(looks))
    monkeypatch.setattr("vidsr.training.steps.schedule.time", clock)
    assert train(photos, "--out", tmp_path / "run", "--minutes", 0.02, *FAST) == 0
    assert [row["step"] for row in rows(tmp_path / "run")] == ["1", "2", "3", "4", "5"]


def test_a_student_starts_from_shipped_weights(photos: Path, held: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    plain = ("--blocks", 5, "--steps", 1, "--rate", 1e-9, "--crop", 16)
    assert train(photos, "--out", out, "--init", "lite-x2", "--validate", held, *plain) == 0
    picture = photograph(7, 24, 24)
    grown = vidsr.Upscaler(out / "model.safetensors", precision="fp32")(picture)
    begun = vidsr.Upscaler("lite-x2", precision="fp32")(picture)
    # Weights are stored with 11 bits, those of the grown network factored anew.
    assert (grown.int() - begun.int()).abs().max() <= 1


REFUSALS = [
    (("--steps", 5), 2, "DATA is missing"),
    (("PHOTOS",), 2, "one of --steps and --minutes"),
    (("PHOTOS", "--steps", 5, "--model", "edsr"), 2, "expected lite, srresnet"),
    (("PHOTOS", "--steps", 5, "--recipe", "wbe"), 3, "did you mean web"),
    (("PHOTOS", "--steps", 5, "--crop", 512), 3, "smaller than a crop of 2048x2048"),
    (("PHOTOS", "--steps", 5, "--init", "nothing.pth"), 6, "does not exist"),
    (("PHOTOS", "--steps", 5, "--init", "lite-x2", "--scale", 4), 6, "of scale 2 cannot start"),
    (("PHOTOS", "--steps", 5, "--init", "lite-x2", "--model", "espcn"), 6, "of kind lite, "),
    (("PHOTOS", "--steps", 5, "--teacher", "lite-x2"), 6, "expected scale 4 of the run, got 2"),
    (("PHOTOS", "--steps", 5, "--validate", "/nowhere"), 3, "no such folder"),
    (("PHOTOS", "--steps", 5, "--device", "tpu"), 2, "expected 'auto', 'cpu'"),
    (("PHOTOS", "--steps", 5, "--threads", 0), 2, "--threads 0: expected 1 or more"),
    (("PHOTOS", "--steps", 5, "--model", "srgan", "--vgg", "no.pth"), 6, "no such file"),
    (("PHOTOS", "--steps", 5, "--model", "srgan"), 2, "without weights of VGG19"),
    (("PHOTOS", "--resume"), 3, "no run to go on with"),
    (("PHOTOS", "--steps", 5, "--every", 0), 2, "--every 0: expected 1 or more"),
    (("PHOTOS", "--steps", 5, "--stop-after", 0), 2, "--stop-after 0"),
    (("PHOTOS", "--minutes", 0), 2, "--minutes 0"),
    (("PHOTOS", "--steps", 5, "--init", "lite-x4", "--middle", 8), 6, "--middle 8, expected"),
    (("PHOTOS", "--steps", 5, "--model", "unet", "--recipe", "bicubic"), 2, "changes nothing"),
    (("PHOTOS", "--steps", 5, "--portion", "0-50%"), 2, "--portion 0-50% without videos does"),
    (("PHOTOS", "--steps", 5, "--spots", 3), 2, "--spots 3 without videos does nothing"),
    (("PHOTOS", "--steps", 5, "--adversarial", "bce"), 2, "without --adversarial-weight does"),
    (("PHOTOS", "--steps", 5, "--unpaired", "x", "--scale", 0), 2, "--scale 0 beside unpaired"),
    (
        ("PHOTOS", "--steps", 5, "--init", "lite-x4", "--quantise", "int8", "--unpaired", "x"),
        2,
        "--unpaired x with --quantise int8: expected none",
    ),
    (("/nowhere", "--steps", 5), 3, "no such folder"),
]


@pytest.mark.parametrize(("arguments", "status", "message"), REFUSALS)
def test_refusals_are_one_line_and_write_nothing(
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[object, ...],
    status: int,
    message: str,
) -> None:
    given = [photos if a == "PHOTOS" else a for a in arguments]
    assert train(*given, "--out", tmp_path / "run") == status
    lines = [line for line in capsys.readouterr().err.splitlines() if "skipped" not in line]
    assert len(lines) == 1
    assert message in lines[0]
    assert not (tmp_path / "run").exists()


def test_a_recipe_beside_pairs_is_refused_unless_it_spoils_what_is_validated_on(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = tmp_path / "pairs"
    for name in ("hr", "lr"):
        (pairs / name).mkdir(parents=True)
        (pairs / name / "a.png").write_bytes(next(photos.glob("*.png")).read_bytes())
    run = (pairs, "--out", tmp_path / "run", "--steps", 1, "--recipe", "surveillance")
    assert train(*run) == 2
    assert "--recipe surveillance with pairs does nothing" in capsys.readouterr().err
    assert train(*run, "--validate", "/nowhere") == 3  # found wrong in its turn


def test_a_run_is_not_overwritten_nor_resumed_as_something_else(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert train(photos, "--out", out, "--steps", 2, *FAST) == 0
    before = (out / "state.pt").read_bytes()
    assert train(photos, "--out", out, "--steps", 2, *FAST) == 2
    assert train("--out", out, "--resume", "--width", 9) == 2
    assert train("--out", out, "--resume", "--model", "srresnet") == 6
    (out / "state.pt").write_bytes(before[: len(before) // 2])
    assert train("--out", out, "--resume") == 3
    err = capsys.readouterr().err
    for part in ("exists already", "--width 9, but the run was begun with 8", "trains lite"):
        assert part in err
    assert "not a state to go on from" in err


def test_a_diverging_run_stops_and_keeps_the_last_good_weights(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    arguments = ["--every", 2, "--clip-norm", 1e9, "--schedule", "constant", *FAST]
    assert train(photos, "--out", out, "--steps", 2, *arguments) == 0
    # A state with one weight near overflow: the next loss is infinite.
    state = torch.load(out / "state.pt", weights_only=True)
    state["learner"]["student"]["wide.tail.project"][:] = 3e38
    torch.save(state, out / "state.pt")
    kept = (out / "model.safetensors").read_bytes()
    capsys.readouterr()
    assert train("--out", out, "--resume", "--steps", 100, "--threads", 1) == 9
    assert "holds the last good weights. Hint: choose a lower --rate" in capsys.readouterr().err
    assert (out / "model.safetensors").read_bytes() == kept
    load_generator(out / "model.safetensors")


@pytest.mark.slow
def test_ctrl_c_saves_and_a_resume_goes_on(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["--out", out, photos, "--steps", 1_000_000, "--every", 5, *FAST]
    with WarmProcess(command("vidsr.training.command.cli"), words, stderr=PIPE) as process:
        while not (out / "log.csv").exists() or len(rows(out)) < 2:
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        err = process.communicate()[1].decode()
    assert process.returncode == 130
    assert "--resume --out" in err
    assert "Traceback" not in err
    reached = torch.load(out / "state.pt", weights_only=True)["step"]
    assert int(rows(out)[-1]["step"]) == reached
    assert train("--out", out, "--resume", "--steps", reached + 3, "--threads", 1) == 0
    assert torch.load(out / "state.pt", weights_only=True)["step"] == reached + 3


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


# What torchrun does with ``--nproc-per-node 2``, but that the two are forked with PyTorch loaded.
LAUNCH = """
import sys
from torch.distributed.launcher.api import LaunchConfig, elastic_launch
from vidsr.training.command.cli import main

config = LaunchConfig(
    min_nodes=1,
    max_nodes=1,
    nproc_per_node=2,
    run_id="none",
    rdzv_backend="static",
    rdzv_endpoint=f"127.0.0.1:{sys.argv[1]}",
    rdzv_configs={"rank": 0, "timeout": 900},
    max_restarts=0,
    start_method="fork",
)
assert elastic_launch(config, main)(sys.argv[2:]) == {0: 0, 1: 0}
"""


@pytest.mark.slow
def test_two_processes_learn_one_network(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = [free_port(), photos, "--out", out, "--steps", 4, "--every", 2, *FAST]
    done = run_warm(LAUNCH, words, environment={"GLOO_SOCKET_IFNAME": "lo"})
    assert done.returncode == 0, done.stderr[-2000:]
    assert [row["step"] for row in rows(out)] == ["2", "4"]
    assert "4 of 4 crops" in (out / "card.md").read_text()
    # Not what one process of the same batch learns: the other's crops count.
    alone = tmp_path / "alone"
    assert train(photos, "--out", alone, "--steps", 4, "--every", 2, *FAST) == 0
    assert (alone / "model.safetensors").read_bytes() != (out / "model.safetensors").read_bytes()


@pytest.mark.slow
def test_three_minutes_of_real_photographs_would_beat_bicubic(
    data_dir: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    photos = tmp_path / "photos"
    photos.mkdir()
    for path in sorted((data_dir / "train" / "photos").glob("*.jpg"))[:8]:
        (photos / path.name).symlink_to(path)
    set5 = data_dir / "eval" / "Set5"
    words = ("--steps", 150, "--batch", 2, "--every", 150, "--threads", 1)  # 0.6 dB above
    assert train(photos, "--out", out, *words, "--validate", set5) == 0
    last = rows(out)[-1]
    assert float(last["psnr_db"]) > float(last["bicubic_db"])


def test_tensorboard_files_are_written(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert train(photos, "--out", out, "--steps", 2, "--tensorboard", *FAST) == 0
    events = list((out / "tensorboard").glob("events.out.tfevents.*"))
    assert len(events) == 1
    assert b"learning_rate" in events[0].read_bytes()


def test_without_matplotlib_a_run_says_so_and_has_no_picture(
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "matplotlib" else find(name)
    )
    assert train(photos, "--out", tmp_path / "run", "--steps", 2, *FAST) == 0
    assert "no matplotlib, so no curves.png" in capsys.readouterr().err
    assert not (tmp_path / "run" / "curves.png").exists()
    assert rows(tmp_path / "run")


def test_a_resumed_run_validates_on_what_it_was_begun_with(
    photos: Path, held: Path, tmp_path: Path
) -> None:
    common = (photos, "--steps", 6, "--every", 3, "--validate", held, *FAST)
    assert train(*common, "--out", tmp_path / "whole") == 0
    assert train(*common, "--out", tmp_path / "parts", "--stop-after", 3) == 0
    assert train("--out", tmp_path / "parts", "--resume", "--threads", 1) == 0
    ours, theirs = ((tmp_path / n / "model.safetensors").read_bytes() for n in ("whole", "parts"))
    assert ours == theirs
    assert rows(tmp_path / "parts")[-1]["psnr_db"]


def test_other_pictures_at_a_resume_are_noticed(
    photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out, more = tmp_path / "run", make_photos(tmp_path / "more", 5)
    assert train(photos, "--out", out, "--steps", 2, *FAST) == 0
    assert train(more, "--out", out, "--resume", "--steps", 3, "--threads", 1) == 0
    assert "not those the run was begun with" in caplog.text


def test_files_of_others_are_not_overwritten(photos: Path, tmp_path: Path) -> None:
    mine = tmp_path / "model.safetensors"
    mine.write_text("mine")
    assert train(photos, "--out", tmp_path, "--steps", 2, *FAST) == 2
    assert mine.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [mine]


@pytest.mark.parametrize("limit", [2000, 40_000])
def test_a_full_disk_is_one_line_and_leaves_nothing_unfinished(
    photos: Path, tmp_path: Path, limit: int
) -> None:
    out = tmp_path / "run"
    given = ["vidsr-train", str(photos), "--out", str(out), "--steps", "2", *FAST]
    code = (
        "import resource, runpy, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); sys.argv = {given!r}; "
        "runpy.run_module('vidsr.training.command.cli', run_name='__main__')"
    )
    done = run_warm(code)
    assert done.returncode == 4, done.stderr
    assert "cannot be written" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not list(out.rglob("*.part"))


def test_damaged_pictures_among_those_held_back_are_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_photos(tmp_path / "photos", 11)
    (folder / "photo0.png").write_bytes(b"no picture")  # the first is held back
    assert train(folder, "--out", tmp_path / "run", "--steps", 2, *FAST) == 0
    assert rows(tmp_path / "run")[-1]["psnr_db"]
    assert ", 1 skipped" in capsys.readouterr().err


def test_pairs_are_validated_on_their_own_small_pictures(tmp_path: Path) -> None:
    make_photos(tmp_path / "pairs" / "hr", 11, 64, 64)
    for path in (tmp_path / "pairs" / "hr").iterdir():
        (tmp_path / "pairs" / "lr").mkdir(exist_ok=True)
        flat = torch.full((3, 32, 32), 128, dtype=torch.uint8)
        write_png(tmp_path / "pairs" / "lr" / path.name, flat)
    assert train(tmp_path / "pairs", "--out", tmp_path / "run", "--steps", 2, *FAST) == 0
    assert float(rows(tmp_path / "run")[-1]["bicubic_db"]) < 20  # flat grey tells nothing
    assert "| degradation | pairs made before |" in (tmp_path / "run" / "card.md").read_text()
