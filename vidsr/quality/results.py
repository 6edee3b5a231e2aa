"""Scores as rows, and rows as a Markdown table or as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vidsr.quality.metrics.measure import METRICS, mean_score
from vidsr.quality.metrics.measure import ORIGINAL as ORIGINAL
from vidsr.quality.sheets.tables import table as table

INPUT = "input"  # the method that changes nothing, beside models that do not enlarge


@dataclass(frozen=True)
class Row:
    """Scores of one picture, or of the frames of one video, by one method."""

    group: str
    picture: str
    method: str
    scores: Mapping[str, float]
    frames: int = 1


Means = dict[str, dict[str, dict[str, float]]]


def means(rows: Sequence[Row]) -> Means:
    """Return the mean by group, method and metric; ``mean_score`` deals with NaN and infinity."""
    result: Means = {}
    for row in rows:
        result.setdefault(row.group, {}).setdefault(row.method, {})
    for group, methods in result.items():
        for method in methods:
            mine = [r.scores for r in rows if (r.group, r.method) == (group, method)]
            names = dict.fromkeys(name for scores in mine for name in scores)
            methods[method] = {
                name: mean_score(name, [s[name] for s in mine if name in s]) for name in names
            }
    return result


def markdown(rows: Sequence[Row]) -> str:
    """Return a table a metric: a line a picture, a column a method, means of groups in bold."""
    names = dict.fromkeys(name for row in rows for name in row.scores)
    return "\n\n".join(_table(rows, name) for name in METRICS if name in names)


def _table(rows: Sequence[Row], metric: str) -> str:
    mine = [row for row in rows if metric in row.scores]
    methods = list(dict.fromkeys(row.method for row in mine))
    lines = []
    averages = means(mine)
    for group, by_method in averages.items():
        pictures = _by_picture([row for row in mine if row.group == group], metric)
        for name, scores in pictures.items():
            lines.append([f"{group} {name}".strip(), *_cells(metric, methods, scores)])
        if len(pictures) > 1:
            bottom = {method: scores[metric] for method, scores in by_method.items()}
            lines.append(
                [f"**{group} mean**".replace("** ", "**"), *_cells(metric, methods, bottom)]
            )
    return f"{METRICS[metric].title}:\n\n{table(['picture', *methods], lines)}"


def _by_picture(rows: Iterable[Row], metric: str) -> dict[str, dict[str, float]]:
    pictures: dict[str, dict[str, float]] = {}
    for row in rows:
        pictures.setdefault(row.picture, {})[row.method] = row.scores[metric]
    return pictures


def _cells(metric: str, methods: Sequence[str], scores: Mapping[str, float]) -> list[str]:
    return [show(metric, scores.get(method, math.nan)) for method in methods]


def show(metric: str, value: float) -> str:
    """Return a score with the digits that tables give it; NaN is a dash."""
    return "-" if math.isnan(value) else f"{value:.{METRICS[metric].digits}f}"


def as_json(rows: Sequence[Row], about: Mapping[str, object]) -> str:
    """Return JSON of ``about`` with "means" and "pictures" added; NaN and infinity become null."""
    pictures = [
        {"group": r.group, "picture": r.picture, "method": r.method, "frames": r.frames}
        | {"scores": _numbers(r.scores)}
        for r in rows
    ]
    averages = {
        group: {method: _numbers(scores) for method, scores in methods.items()}
        for group, methods in means(rows).items()
    }
    return json.dumps({**about, "means": averages, "pictures": pictures}, indent=2, allow_nan=False)


def _numbers(scores: Mapping[str, float]) -> dict[str, float | None]:
    return {name: round(v, 6) if math.isfinite(v) else None for name, v in scores.items()}
