"""The command: what it refuses, and one small run of everything."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.doubles.warm import run_module
from vidsr.bench import worker_task
from vidsr.bench.command import cli, measure
from vidsr.bench.request import size
from vidsr.bench.worker_task import ChildError, run_child
from vidsr.picture.size import Size

SMALL = ("--size", "96x54", "--frames", "8", "--repeats", "1", "--device", "cpu")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("none.mp4",), 3, "no such file"),
        (("--size", "95x54"), 2, "even sides"),
        (("--size", "8x8"), 2, "16 to 4096"),
        (("--frames", "0"), 2, "--frames 0: expected 4 or more"),
        (("--repeats", "0"), 2, "1 or more"),
        (("--rate", "0", "--realtime"), 2, "1 to 240"),
        (("--streams", "0"), 2, "--streams 0: expected 1 to 1024"),
        (("--against", "naive,magic"), 2, "--against magic: expected bicubic"),
        (("--against", "openvno"), 2, "did you mean openvino?"),
        (("--against", "naive", "--codec", "hevc"), 2, "expected h264"),
        (("--json", "/nowhere/a.json"), 4, "cannot be written"),
        (("--json", "a.png", "--plot", "a.png"), 4, "written already"),
        (("--plot", "a.jpg"), 2, "ends in .png"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_runs(
    arguments: tuple[str, ...],
    status: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "measure", lambda *_: pytest.fail("something was measured"))
    assert cli.main(arguments) == status
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_a_size_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert size("640X360") == Size(640, 360)
    with pytest.raises(SystemExit) as ended:
        cli.main(["--size", "640"])
    assert ended.value.code == 2
    assert "--size: expected WxH such as 640x360, got '640'" in capsys.readouterr().err


def test_an_empty_list_of_peers_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--against", ","])
    assert ended.value.code == 2
    assert "expected names" in capsys.readouterr().err


def test_a_rate_beside_a_file_would_do_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = tmp_path / "a.mp4"
    clip.touch()
    assert cli.main([str(clip), "--rate", "50"]) == 2
    assert "INPUT has its own" in capsys.readouterr().err


def test_input_and_size_exclude_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = tmp_path / "a.mp4"
    clip.touch()
    assert cli.main([str(clip), "--size", "64x36"]) == 2
    assert "both given" in capsys.readouterr().err


def test_without_matplotlib_a_plot_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("vidsr.bench.request.find_spec", lambda name: None)
    assert cli.main(["--plot", str(tmp_path / "a.png")]) == 2
    assert "pip install" in capsys.readouterr().err


def test_a_child_passes_its_error_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*SMALL, "--model", "no-such-model"]) == 6
    said = capsys.readouterr().err
    assert "no-such-model" in said
    assert "Traceback" not in said


def test_a_child_that_crashes_is_told_in_a_line() -> None:
    with pytest.raises(ChildError, match=r"vidsr\.bench\.clip ended with status 1: IndexError"):
        run_child("vidsr.bench.clip")


def test_the_parent_loads_neither_torch_nor_av() -> None:
    """Else its memory would count into the peaks of the processes it starts."""
    found = "sorted({'torch', 'av', 'numpy'} & set(sys.modules))"
    code = f"import sys, vidsr.bench.command.cli; print({found})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# What is measured means nothing here, so it may be little: a fifth of a second in place of five.
LITTLE = """
from vidsr.bench.rounds import ceilings
ceilings.ROUND_S, ceilings.MATMUL_SIDE["cpu"], ceilings.COPIED_BYTES["cpu"] = 0.01, 256, 8 << 20
"""


@pytest.fixture(scope="module")
def warm() -> Iterator[None]:
    """Start the processes that measure with everything loaded, and have them measure little."""
    run = SimpleNamespace(
        run=lambda command, **_: run_module(command, LITTLE), DEVNULL=subprocess.DEVNULL
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker_task, "subprocess", run)
        yield


@pytest.fixture(scope="module")
def result(warm: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Everything measured small, with a peer that fails beside one that works."""
    folder = tmp_path_factory.mktemp("bench")
    options = ["--model", "lite-x2", "--stages", "--against", "ffmpeg", "--json"]
    assert cli.main([*SMALL, *options, str(folder / "a.json")]) == 0
    told: dict[str, Any] = json.loads((folder / "a.json").read_text())
    return told


def test_the_result_names_machine_versions_and_command(result: dict[str, Any]) -> None:
    machine = result["machine"]
    assert machine["cores"] >= 1
    assert {"python", "torch", "av"} <= set(machine["versions"])
    assert machine["commit"]
    assert result["command"].startswith("vidsr-bench --size 96x54 --frames 8")
    assert "96x54" in result["source"]


def test_every_stage_was_measured_or_does_not_exist(result: dict[str, Any]) -> None:
    stages = {stage["name"]: stage for stage in result["stages"]}
    assert list(stages) == [
        "decode", "upload", "to_rgb", "engine", "to_yuv", "download", "copy", "encode",
    ]  # fmt: skip
    assert {name for name, stage in stages.items() if stage["none"]} == {"upload", "download"}
    for name in ("decode", "to_rgb", "engine", "to_yuv", "copy", "encode"):
        stage = stages[name]
        assert stage["fps"]["median"] > 0
        assert 0 < stage["ms"]["p50"] <= stage["ms"]["p95"] <= stage["ms"]["p99"]
        assert stage["work"] > 0
    # lite-x2 has 39 K weights, each used once for a pixel, or for four on half the grid
    flops = 1e9 * stages["engine"]["work"] / (96 * 54)
    assert 2 * 39e3 / 4 < flops < 2 * 40e3
    assert stages["to_yuv"]["work"] > stages["to_rgb"]["work"]


def test_the_whole_command_was_measured(result: dict[str, Any]) -> None:
    whole = result["whole"]
    assert (whole["size"], whole["target_size"]) == ([96, 54], [192, 108])
    assert result["setup"]["model"] == "lite-x2"
    assert result["setup"]["scale"] == 2
    assert whole["realtime"]["median"] == pytest.approx(whole["fps"]["median"] / 30, rel=1e-3)
    assert whole["peak_rss_mib"] > 50
    assert result["efficiency"]["of_allowed"]["median"] > 0
    assert result["limit"].startswith("what limits this machine now: ")


def test_the_peer_was_measured_beside_it(result: dict[str, Any]) -> None:
    (peer,) = result["against"]
    assert peer["name"] == "ffmpeg"
    assert peer["absent"] is None
    ratio = result["whole"]["fps"]["median"] / peer["fps"]["median"]
    assert peer["ratio"]["median"] == pytest.approx(ratio, rel=2e-3)


@pytest.mark.skipif(not find_spec("matplotlib"), reason="no matplotlib")
def test_it_can_be_drawn(result: dict[str, Any], tmp_path: Path) -> None:
    from vidsr.bench.outcome.plot import draw

    draw([result], tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_peer_that_fails_is_absent_and_the_others_go_on(
    warm: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def fail(module: str, *arguments: str) -> dict[str, Any]:
        if module == measure.PEER:
            asked.append(arguments[0])
            raise ChildError("it broke", 1)
        return run_child(module, *arguments)

    monkeypatch.setattr(measure, "run_child", fail)
    assert cli.main([*SMALL, "--model", "lite-x2", "--against", "ffmpeg,bicubic"]) == 0
    assert asked == ["ffmpeg", "bicubic"]
    assert capsys.readouterr().out.count("absent: failed: it broke") == 2


def test_cameras_share_the_device_and_all_their_frames_are_accounted_for(
    warm: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--streams", "3", "--rate", "25", "--json", str(tmp_path / "a.json")]
    assert cli.main([*SMALL, *options]) == 0
    told = json.loads((tmp_path / "a.json").read_text())
    assert told["whole"] is None  # nothing else was asked for
    cameras = told["cameras"]
    assert cameras["received"] == 3 * 8
    assert sum(cameras["shown"].values()) + sum(cameras["dropped"].values()) == 3 * 8
    assert cameras["levels"] == ["lite-x2", "lite-fast-x2", "bicubic"]
    assert cameras["most"] >= cameras["fewest"] >= 0
    assert "3 cameras of 96x54 at 25 fps" in capsys.readouterr().out
