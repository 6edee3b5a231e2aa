"""Tables of shapes, and the front of those that no other beats in time and in quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vidsr.quality.results import table

Row = Mapping[str, Any]
COLUMNS = (
    *("network", "parameters", "reach", "thousand multiply-adds a pixel"),
    *("time, bf16", "time, fp32", "Set5", "Set14"),
)


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
    """Return the table of networks of one scale, trained for a "short" or a "long" time.

    What stands on the front by time in bf16 is bold.
    """
    rows = [row for row in result[kind] if row["scale"] == scale]
    clips = list(rows[0]["clips"])
    heads = [*COLUMNS, *clips]
    best = front(rows, "bf16_ratio")
    return table(heads, [_cells(row, clips, bold=row["name"] in best) for row in rows])


def _cells(row: Row, clips: Sequence[str], *, bold: bool) -> list[str]:
    name = f"**{row['label']}**" if bold else row["label"]
    return [
        name,
        f"{row['parameters']:,}".replace(",", " "),
        str(row["reach"]),
        f"{row['multiply_adds'] / 1000:.0f}",
        f"{row['bf16_ratio']:.2f}",
        f"{row['fp32_ratio']:.2f}",
        f"{row['Set5']:.2f}",
        f"{row['Set14']:.2f}",
        *(f"{row['clips'][clip]:+.2f}" for clip in clips),
    ]
