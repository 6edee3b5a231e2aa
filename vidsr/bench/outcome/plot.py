"""Plots of results as bars; they take results as JSON gives them, so that files can be drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidsr.errors import OptionError
from vidsr.files import written_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OURS, THEIRS = "#1b6ca8", "#b0b7bd"
Bar = tuple[str, Mapping[str, float], str]  # label, spread, colour


def rates(result: Mapping[str, Any]) -> list[Bar]:
    """Return the command and those it is compared with, the fastest first."""
    whole = result.get("whole")
    if not whole:
        return []
    bars = [(_label(result["setup"]), whole["fps"], OURS)]
    bars += [(p["name"], p["fps"], THEIRS) for p in result["against"] if p["fps"]]
    return sorted(bars, key=lambda bar: -bar[1]["median"])


def _label(setup: Mapping[str, Any]) -> str:
    """Return the model, and its runtime if that is not PyTorch."""
    runtime = "" if setup["engine"] == "torch" else f", {setup['precision']}"
    return f"vidsr, {setup['model']}{runtime}"


def costs(result: Mapping[str, Any]) -> list[Bar]:
    """Return CPU milliseconds of each stage."""
    return [(s["name"], s["cpu_ms"], OURS) for s in result["stages"] if s["cpu_ms"]]


def ladder(result: Mapping[str, Any]) -> list[Bar]:
    """Return frames a second of each rung."""
    return [
        (f"{r['height']}p -> {r['target_height']}p", r["fps"], OURS)
        for r in result["ladder"]
        if r["fps"]
    ]


def panels(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, list[Bar]]]:
    """Return (title, unit, bars) of all that there is to draw."""
    found = []
    for result in results:
        whole = result.get("whole") or {}
        size = " to ".join("x".join(map(str, whole.get(k, ()))) for k in ("size", "target_size"))
        machine = f"{result['machine']['processor']}, {result['machine']['cores']} cores"
        found += [
            (f"{size}, {machine}", "frames a second", rates(result)),
            (f"stages of a frame, {size}", "CPU ms a frame", costs(result)),
            (
                f"{(result.get('setup') or {}).get('model')}, {machine}",
                "frames a second",
                ladder(result),
            ),
        ]
    return [panel for panel in found if panel[2]]


def draw(results: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write ``path``, a PNG. Raises OptionError without matplotlib, OutputError."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise OptionError("a plot needs matplotlib", hint="pip install -e '.[train]'") from error
    found = panels(results)
    if not found:
        raise OptionError("nothing was measured that could be drawn")
    heights = [0.9 + 0.32 * len(bars) for _, _, bars in found]
    figure = Figure(figsize=(8, sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(found), squeeze=False, height_ratios=heights)[:, 0]
    for axis, (title, unit, bars) in zip(axes, found, strict=True):
        _draw(axis, title, unit, bars)
    with written_whole(path) as part:
        figure.savefig(part, format="png", dpi=110, metadata={"Software": None})


def _draw(axis: Axes, title: str, unit: str, bars: Sequence[Bar]) -> None:
    labels, spreads, colours = zip(*bars, strict=True)
    middle = [spread["median"] for spread in spreads]
    reach = [
        [spread["median"] - spread["low"] for spread in spreads],
        [spread["high"] - spread["median"] for spread in spreads],
    ]
    places = range(len(bars))
    axis.barh(places, middle, xerr=reach, color=colours, ecolor="#555555", capsize=2)
    axis.set_yticks(places, labels)
    axis.invert_yaxis()
    for place, spread in zip(places, spreads, strict=True):
        axis.annotate(
            f" {spread['median']:.3g}",
            (spread["high"], place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
        )
    axis.margins(x=0.12)
    axis.set_title(title, fontsize="medium", loc="left")
    axis.set_xlabel(unit, fontsize="small")
    axis.spines[["top", "right"]].set_visible(False)
