"""The log of a run through crashes and resumes, and its picture."""

from __future__ import annotations

import math
import sys
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

import pytest
import torch

from vidsr.errors import InputError, NoInputError, OptionError, OutputError, VidsrError
from vidsr.training.records.curves import CsvLog, draw_curves, read_log
from vidsr.video.still_images import read_rgb

COLUMNS = ("loss", "psnr_db")
HEADER = "step,seconds,loss,psnr_db\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.csv"


def write(path: Path, *steps: int, resumed_step: int | None = None) -> None:
    with CsvLog(path, COLUMNS, resumed_step=resumed_step) as log:
        for step in steps:
            log.append({"step": step, "seconds": step / 2, "loss": 1 / step})


def steps(path: Path) -> list[float]:
    return read_log(path)["step"]


def test_rows_are_on_disk_before_the_log_is_closed(path: Path) -> None:
    log = CsvLog(path, COLUMNS)
    log.append({"step": 1_000_000, "seconds": 1.5, "loss": 0.1, "psnr_db": None})
    log.append({"step": 1_000_001, "psnr_db": 31.256789})
    assert path.read_text() == HEADER + "1000000,1.5,0.1,\n1000001,,,31.2568\n"
    log.close()


def test_scalar_tensors_and_what_is_not_finite_are_written(path: Path) -> None:
    with CsvLog(path, COLUMNS) as log:
        log.append({"step": 1, "loss": torch.tensor(0.25), "psnr_db": math.nan})  # type: ignore[dict-item]
        log.append({"step": 2, "loss": math.inf})
    assert path.read_text() == HEADER + "1,,0.25,nan\n2,,inf,\n"
    log_read = read_log(path)
    assert log_read["loss"] == [0.25, math.inf]
    assert all(map(math.isnan, log_read["psnr_db"]))


def test_resuming_drops_the_rows_that_will_come_again(path: Path) -> None:
    write(path, 100, 200, 300, 400)
    write(path, 300, 400, 500, resumed_step=250)
    assert steps(path) == [100, 200, 300, 400, 500]
    write(path, resumed_step=300)
    assert steps(path) == [100, 200, 300]
    assert [p.name for p in path.parent.iterdir()] == ["log.csv"]


def test_a_new_run_starts_afresh(path: Path) -> None:
    write(path, 100, 200)
    write(path, 50)
    assert steps(path) == [50]


def test_resuming_without_a_log_begins_one(path: Path) -> None:
    write(path, 300, resumed_step=250)
    assert steps(path) == [300]


@pytest.mark.parametrize("torn", range(len("200,100,0.005,\n")))
def test_a_torn_last_line_is_dropped_wherever_it_was_torn(path: Path, torn: int) -> None:
    whole = HEADER + "100,50,0.01,\n"
    path.write_text(whole + "200,100,0.005,\n"[:torn])
    assert steps(path) == [100]
    write(path, 200, resumed_step=200)
    assert path.read_text() == whole + "200,100,0.005,\n"


@pytest.mark.parametrize("torn", range(len(HEADER)))
def test_a_torn_header_is_written_again(path: Path, torn: int) -> None:
    path.write_text(HEADER[:torn])
    write(path, 5, resumed_step=4)
    assert path.read_text() == HEADER + "5,2.5,0.2,\n"


def test_zeros_after_a_power_cut_are_dropped(path: Path) -> None:
    path.write_bytes(HEADER.encode() + b"100,50,0.01,\n" + b"\0" * 64)
    write(path, 200, resumed_step=100)
    assert steps(path) == [100, 200]


@pytest.mark.parametrize("line", ["150,75,0.01", "1x0,75,0.01,", "150,75,zero,", "", "1.5,7,1,"])
def test_damage_in_the_middle_is_named(path: Path, line: str) -> None:
    path.write_text(f"{HEADER}100,50,0.01,\n{line}\n200,100,0.005,\n")
    with pytest.raises(InputError, match=r"log\.csv: line 3 does not fit"):
        read_log(path)


def test_other_columns_are_refused_on_resume_and_replaced_by_a_new_run(path: Path) -> None:
    write(path, 100)
    with pytest.raises(OptionError, match="has columns step, seconds, loss, psnr_db; now step"):
        CsvLog(path, ("loss",), resumed_step=100)
    assert steps(path) == [100]
    CsvLog(path, ("loss",)).close()
    assert path.read_text() == "step,seconds,loss\n"


@pytest.mark.parametrize("columns", [("loss", "loss"), ("step",), ("a,b",), ("",), ("a\n",)])
def test_columns_that_would_break_the_file_are_refused(
    path: Path, columns: tuple[str, ...]
) -> None:
    with pytest.raises(OptionError, match="plain names, each once"):
        CsvLog(path, columns)
    assert not path.exists()


@pytest.mark.parametrize(
    "row", [{"step": 3, "extra": 1.0}, {"loss": 1.0}, {"step": 2}, {"step": 1}, {"step": 2.5}]
)
def test_rows_out_of_order_or_with_strange_cells_are_refused(
    path: Path, row: dict[str, float]
) -> None:
    write(path, 1, 2)
    before = path.read_text()
    with CsvLog(path, COLUMNS, resumed_step=2) as log, pytest.raises(ValueError, match="expected"):
        log.append(row)
    assert path.read_text() == before


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        CsvLog(tmp_path / "none" / "log.csv", COLUMNS)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_an_output_error(path: Path) -> None:
    log = CsvLog(path, COLUMNS)
    log.close()
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        mock.patch.object(log, "_file", full),
        pytest.raises(OutputError, match=r"log\.csv: cannot be written: .*No space"),
    ):
        log.append({"step": 1})


def test_files_that_are_no_logs(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="no such file"):
        read_log(tmp_path / "none.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_log(tmp_path)
    (tmp_path / "other.csv").write_text("name,size\nx,1\n")
    with pytest.raises(InputError, match="begins with 'name'"):
        read_log(tmp_path / "other.csv")


needs_matplotlib = pytest.mark.skipif(not find_spec("matplotlib"), reason="no matplotlib")
FULL = ("loss", "pixel", "adversarial", "learning_rate", "psnr_db", "bicubic_db")


def training(path: Path, rows: int, *, columns: tuple[str, ...] = FULL) -> Path:
    with CsvLog(path, columns) as log:
        for i in range(rows):
            share = i / max(rows, 2)
            everything = {
                "loss": 0.5 * math.exp(-5 * share) + 0.01,
                "pixel": 0.4 * math.exp(-5 * share) + 0.005,
                "adversarial": 0.7 + 0.1 * math.sin(i),
                "learning_rate": 5e-4 * (1 + math.cos(math.pi * share)),
                "psnr_db": 28 + 3 * share if i % 5 == 0 else None,
                "bicubic_db": 28.43 if i % 5 == 0 else None,
            }
            row = {name: value for name, value in everything.items() if name in columns}
            log.append({"step": 500 * (i + 1), "seconds": 60.0 * i, **row})
    return path


def size(png: Path) -> tuple[int, int]:
    return tuple(read_rgb(png).shape[1:])  # type: ignore[return-value]


def colours(png: Path) -> int:
    return len(torch.unique(read_rgb(png).flatten(1), dim=1).T)


@needs_matplotlib
def test_curves_are_drawn_with_a_panel_for_each_kind(path: Path) -> None:
    png = path.with_suffix(".png")
    draw_curves(training(path, 60), png)
    assert size(png) == (852, 960)  # 0.6 + 2.6 + 2.6 + 1.3 inches at 120 dots
    assert colours(png) > 50
    draw_curves(training(path, 60, columns=("loss",)), png)
    assert size(png) == (384, 960)
    assert sorted(p.name for p in path.parent.iterdir()) == ["log.csv", "log.png"]


@needs_matplotlib
@pytest.mark.parametrize(
    "content",
    [
        HEADER + "1,0.5,0.1,\n",
        HEADER + "1,0.5,,\n",
        HEADER + "1,0.5,nan,\n2,1,inf,inf\n",
        HEADER + "1,0.5,-3,20\n2,1,4,21\n3,1.5,0",
        "step\n1\n2\n",
    ],
)
def test_sparse_logs_are_drawn(path: Path, content: str) -> None:
    path.write_text(content)
    draw_curves(path, path.with_suffix(".png"))
    assert size(path.with_suffix(".png"))[1] == 960


@pytest.mark.parametrize("content", ["", HEADER, HEADER + "1,2"])
def test_nothing_to_draw_yet(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(InputError, match=r"log\.csv: no rows yet\. Hint: "):
        draw_curves(path, path.with_suffix(".png"))


@needs_matplotlib
def test_an_old_picture_survives_a_failure(path: Path) -> None:
    png = path.with_suffix(".png")
    draw_curves(training(path, 3), png)
    before = png.read_bytes()
    with mock.patch("os.replace", side_effect=OSError("no")), pytest.raises(OutputError):
        draw_curves(path, png)
    assert png.read_bytes() == before
    with pytest.raises(OutputError, match="cannot be written"):
        draw_curves(path, path.parent / "none" / "x.png")


def test_without_matplotlib_the_hint_names_the_extra(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(VidsrError, match=r"Hint: pip install -e '\.\[train\]'"):
        draw_curves(training(path, 3), path.with_suffix(".png"))


@needs_matplotlib
def test_drawing_leaves_no_state_in_matplotlib(path: Path) -> None:
    draw_curves(training(path, 3), path.with_suffix(".png"))
    assert "matplotlib.pyplot" not in sys.modules
