"""Tables of shapes, and the front of those that no other beats in time and in quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vidsr.quality.results import table

Row = Mapping[str, Any]
COSTS = (
    *("parameters", "reach", "thousand multiply-adds a pixel"),
    *("time, bf16", "time, fp32"),
)
SETS = ("Set5", "Set14")


def set_db(row: Row) -> float:
    """Return the PSNR by which networks are compared: the mean of both sets."""
    return float(row["Set5"] + row["Set14"]) / 2


def front(rows: Sequence[Row], cost: str) -> list[str]:
    """Return the names of rows that no other row of the same scale is as cheap and as good as.

    Args:
        rows: Measured networks.
        cost: Name of the number that counts as the cost.
    """
    return [
        row["name"]
        for row in rows
        if not any(
            other is not row and other["scale"] == row["scale"] and _beats(other, row, cost)
            for other in rows
        )
    ]


def _beats(a: Row, b: Row, cost: str) -> bool:
    first, second = (a[cost], -set_db(a)), (b[cost], -set_db(b))
    return all(x <= y for x, y in zip(first, second, strict=True)) and first != second


def markdown(result: Mapping[str, Any], kind: str, scale: int) -> str:
    """Return the table of one kind of networks, at one scale.

    Args:
        result: Result of the program.
        kind: "fresh" for networks that learned nothing, "short" or "long" for those that did. Of
            these, what stands on the front by time in bf16 is bold.
        scale: 2 or 4.
    """
    rows = [row for row in result[kind] if row["scale"] == scale]
    if kind == "fresh":
        return table(["network", *COSTS], [[row["label"], *_costs(row)] for row in rows])
    clips = list(rows[0]["clips"])
    best = front(rows, "bf16_ratio")
    cells = [[_name(row, best), *_costs(row), *_quality(row, clips)] for row in rows]
    return table(["network", *COSTS, *SETS, *clips], cells)


def _name(row: Row, best: Sequence[str]) -> str:
    return f"**{row['label']}**" if row["name"] in best else str(row["label"])


def _costs(row: Row) -> list[str]:
    return [
        f"{row['parameters']:,}".replace(",", " "),
        str(row["reach"]),
        f"{row['multiply_adds'] / 1000:.0f}",
        f"{row['bf16_ratio']:.2f}",
        f"{row['fp32_ratio']:.2f}",
    ]


def _quality(row: Row, clips: Sequence[str]) -> list[str]:
    return [*(f"{row[name]:.2f}" for name in SETS), *(f"{row['clips'][c]:+.2f}" for c in clips)]
