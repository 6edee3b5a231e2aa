"""Log of a training run: a CSV that survives crashes and resumes, and a picture of it.

The columns ``step`` and ``seconds`` come first; what follows is any numbers. Names ending in
``_db`` are PSNR (``bicubic_db`` the line to beat), ``learning_rate`` is itself, ``epsilon`` and
``delta`` are those of private training, all others are losses. Cells may be empty.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vidsr.errors import InputError, NoInputError, OptionError, OutputError, VidsrError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEP, SECONDS, RATE, BICUBIC = "step", "seconds", "learning_rate", "bicubic_db"
EPSILON, DELTA = "epsilon", "delta"
Log = Mapping[str, Sequence[float]]
LOG_FROM_RATIO = 20  # largest over smallest loss, from where a linear axis hides the end of a run


class CsvLog:
    """Writer of rows to a CSV, each handed to the system before ``append`` returns.

    A new run (``resumed_step`` None) starts the file afresh. A resumed one keeps the rows up to
    ``resumed_step`` and drops those after it, which will be written again, and a last line that a
    crash tore. Raises OptionError when the resumed file has other columns, OutputError when it
    cannot be written.
    """

    def __init__(self, path: Path, columns: Sequence[str], *, resumed_step: int | None = None):
        self.path, self.columns = path, (STEP, SECONDS, *columns)
        if len(set(self.columns)) < len(self.columns) or not all(map(str.isidentifier, columns)):
            raise OptionError(f"columns: expected plain names, each once, got {self.columns}")
        rows = self._kept(resumed_step) if resumed_step is not None else []
        self._last = int(rows[-1][0]) if rows else -1
        part = path.with_name(path.name + ".part")
        try:
            part.write_text("".join(",".join(row) + "\n" for row in (self.columns, *rows)))
            os.replace(part, path)
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error}") from error

    def _kept(self, resumed_step: int) -> list[list[str]]:
        if not self.path.exists():
            return []
        header, rows = _read_rows(self.path)
        if header and tuple(header) != self.columns:
            raise OptionError(
                f"{self.path}: has columns {', '.join(header)}; now {', '.join(self.columns)}",
                hint="resume with the settings of the run, or move the log away",
            )
        return [row for row in rows if int(row[0]) <= resumed_step]

    def append(self, row: Mapping[str, float | int | None]) -> None:
        """Write one row; None and missing columns stay empty.

        Raises ValueError for an unknown column and unless ``step`` is an int above that of the
        last row, OutputError when the disk is full.
        """
        unknown = sorted(set(row).difference(self.columns))
        step = row.get(STEP)
        if unknown or not isinstance(step, int) or step <= self._last:
            raise ValueError(
                f"expected {self.columns} and a step above {self._last}, got {dict(row)}"
            )
        line = ",".join(_cell(row.get(name)) for name in self.columns) + "\n"
        try:
            self._file.write(line.encode())
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written: {error}") from error
        self._last = step

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> CsvLog:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


def _cell(value: float | int | None) -> str:
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.6g}"


def _read_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return header and rows, less a last line that a crash tore or that is just being written.

    Raises InputError for any other row that does not fit the header.
    """
    try:
        lines = path.read_text(errors="replace").split("\n")
    except FileNotFoundError as error:
        raise NoInputError(f"{path}: no such file", hint="name the log of a run") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    rows = [line.split(",") for line in lines[:-1]]  # what follows the last line break is torn
    header = rows.pop(0) if rows else []
    if header and header[0] != STEP:
        raise InputError(f"{path}: begins with {header[0][:80]!r}; a log of training with {STEP!r}")
    if rows and not _fits(rows[-1], header):
        rows.pop()
    for number, row in enumerate(rows, start=2):
        if not _fits(row, header):
            raise InputError(f"{path}: line {number} does not fit: {','.join(row)[:80]!r}")
    return header, rows


def _fits(row: Sequence[str], header: Sequence[str]) -> bool:
    try:
        return len([int(row[0]), *(float(cell or 0) for cell in row[1:])]) == len(header)
    except ValueError:
        return False


def read_log(path: Path) -> dict[str, list[float]]:
    """Return the columns of a log by name, NaN for empty cells.

    Raises InputError for a file that is no log.
    """
    header, rows = _read_rows(path)
    return {name: [float(row[i] or "nan") for row in rows] for i, name in enumerate(header)}


def draw_curves(csv_path: Path, png_path: Path) -> None:
    """Draw the log ``csv_path`` as ``png_path``: losses, PSNR and learning rate over steps.

    The picture appears when it is whole. Raises InputError for a file that is no log or has no rows
    yet, OutputError when the picture cannot be written, VidsrError without matplotlib.
    """
    log = read_log(csv_path)
    if not log.get(STEP):
        raise InputError(f"{csv_path}: no rows yet", hint="draw after the first one is written")
    figure = _figure(log)
    part = png_path.with_name(png_path.name + ".part")
    try:
        figure.savefig(part, format="png", dpi=120)
        os.replace(part, png_path)
    except OSError as error:
        raise OutputError(f"{png_path}: cannot be written: {error}") from error


def _figure(log: Log) -> Figure:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise VidsrError("curves need matplotlib", hint="pip install -e '.[train]'") from error
    panels = _panels(log)
    heights = [1.3 if label == "learning rate" else 2.6 for label in panels]
    figure = Figure(figsize=(8, 0.6 + sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(panels), sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (label, names) in zip(axes, panels.items(), strict=True):
        _draw(axis, log, names)
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
    losses = [value for name in panels.get("loss", ()) for value in _filled(log, name)]
    if losses and 0 < LOG_FROM_RATIO * min(losses) < max(losses):
        axes[0].set_yscale("log")
    axes[0].set_title(_reached(log), fontsize="medium")
    axes[-1].set_xlabel("step")
    return figure


def _panels(log: Log) -> dict[str, list[str]]:
    """Return the columns of each panel under its label; at least one panel, if an empty one."""
    shown = [name for name in log if name not in (STEP, SECONDS) and _filled(log, name)]
    psnr = [name for name in shown if name.endswith("_db")]
    losses = [name for name in shown if name not in (*psnr, RATE, EPSILON, DELTA)]
    rate = [name for name in shown if name == RATE]
    spent = [name for name in shown if name == EPSILON]
    panels = {"loss": losses, "PSNR, dB": psnr, EPSILON: spent, "learning rate": rate}
    return {label: names for label, names in panels.items() if names} or {"loss": []}


def _filled(log: Log, name: str) -> list[float]:
    return [value for value in log.get(name, ()) if math.isfinite(value)]


def _draw(axis: Axes, log: Log, names: Sequence[str]) -> None:
    """Draw lines through the cells that are filled; bicubic is one level, dashed."""
    for name in names:
        if name == BICUBIC:
            level = _filled(log, name)[-1]
            axis.axhline(level, color="gray", linestyle="--", label=f"bicubic_db {level:.2f}")
            continue
        points = [(x, y) for x, y in zip(log[STEP], log[name], strict=True) if math.isfinite(y)]
        dots = "." if len(points) < 30 else ""  # a lone point would not show as a line
        axis.plot(*zip(*points, strict=True), label=name, marker=dots)
    if names and names != [RATE]:
        axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)  # beside, not upon


def _reached(log: Log) -> str:
    """Return how far the log goes, such as ``12,000 steps in 1.50 h``."""
    hours = [f" in {seconds / 3600:.2f} h" for seconds in _filled(log, SECONDS)]
    return f"{int(log[STEP][-1]):,} steps" + "".join(hours[-1:])
