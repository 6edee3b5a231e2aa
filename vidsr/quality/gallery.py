"""Gallery of an evaluation: the crops that a contact sheet shows."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from vidsr.picture.size import Size
from vidsr.quality.baselines import nearest
from vidsr.quality.metrics.measure import luma_of_original
from vidsr.quality.results import show
from vidsr.quality.sheets.sheet import contact_sheet, detailed_window


class Gallery:
    """Crops of the first ``limit`` pictures, one of each: the window of most detail.

    Columns are the LR picture with its pixels repeated, each method, and the original.
    """

    def __init__(self, limit: int = 8, side: int = 192) -> None:
        self.limit, self.side = limit, side
        self._rows: list[list[Tensor]] = []
        self._captions: list[str] = []
        self._names: list[str] = []
        self._titles: list[str] = []

    @property
    def full(self) -> bool:
        """Return True if no further picture is taken."""
        return len(self._rows) >= self.limit

    def add(
        self,
        name: str,
        lr: Tensor,
        outputs: Mapping[str, Tensor],
        original: Tensor,
        scores: Mapping[str, Mapping[str, float]],
    ) -> None:
        """Take one picture: LR ``[3, h, w]``, outputs by method and original, all uint8.

        Does nothing when the gallery is full.
        """
        if self.full:
            return
        scale = original.shape[1] // lr.shape[1]
        side = self.side // scale * scale
        top, left, high, wide = detailed_window(luma_of_original(original), Size(side, side))
        top, left = top // scale * scale, left // scale * scale
        whole = [nearest(lr, scale), *outputs.values(), original]
        # Copies: a view would keep the whole picture.
        cells = [p[:, top : top + high, left : left + wide].clone() for p in whole]
        self._rows.append([c if c.shape[0] == 3 else c.repeat(3, 1, 1) for c in cells])
        self._captions.append(f"{name}: {_told(scores)}")
        self._names.append(name)
        self._titles = ["LR", *outputs, "original"]

    def crops(self) -> list[tuple[str, dict[str, Tensor]]]:
        """Return the name of each picture, with its crops by method; LR and original left out."""
        methods = self._titles[1:-1]
        return [
            (name, dict(zip(methods, row[1:-1], strict=True)))
            for name, row in zip(self._names, self._rows, strict=True)
        ]

    def sheet(self) -> Tensor:
        """Return the contact sheet, uint8 ``[3, H, W]``.

        Raises ValueError when nothing was added.
        """
        return contact_sheet(self._rows, self._titles, self._captions)


def _told(scores: Mapping[str, Mapping[str, float]]) -> str:
    parts = [
        f"{method} {' / '.join(show(name, value) for name, value in values.items())}"
        for method, values in scores.items()
    ]
    return ", ".join(parts)
