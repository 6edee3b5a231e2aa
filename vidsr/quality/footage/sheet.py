"""Contact sheet of a measurement of clips: the worst places of each model, not the best."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from vidsr.picture.frame import Frame
from vidsr.quality.footage.originals import Clip
from vidsr.quality.footage.windows import Window, highest_window, shown, squared_error
from vidsr.quality.metrics.measure import ORIGINAL
from vidsr.quality.sheets.sheet import contact_sheet

PLACES = 3  # of a clip without an original
PAGE_ROWS = 8  # more would not be seen at once
BICUBIC = "bicubic"
Where = tuple[str, str, int]  # clip, coding, frame


@dataclass(frozen=True)
class Place:
    """One row of a sheet: where it is, whose it is, and its cells by method."""

    where: Where
    model: str
    window: Window
    cells: Mapping[str, Tensor]

    @property
    def loss(self) -> float:
        """Return how much larger the model's mean squared error is than bicubic's, in levels²."""
        return self.window.value

    def caption(self) -> str:
        clip, coding, frame = self.where
        place = f"{clip} {coding}".strip()
        at = f"frame {frame} at {self.window.left},{self.window.top}"
        return f"{self.model}: {place} {at} {self.loss:+.1f}" if self.model else f"{place} {at}"

    def about(self) -> dict[str, object]:
        """Return the place in plain values, for JSON."""
        clip, coding, frame = self.where
        return {
            "clip": clip,
            "codec": coding,
            "frame": frame,
            "left": self.window.left,
            "top": self.window.top,
            "worst_of": self.model,
            "loss": round(self.loss, 3),
        }


class ClipSheet:
    """Rows of the places where each of ``models`` loses most against bicubic.

    One place a clip and coding is kept, the worst over its frames, and of these the worst ``limit``
    of each model are shown. A clip without an original gives ``PLACES`` rows: where models differ
    most from bicubic, in frames spread over the clip.
    """

    def __init__(self, models: Sequence[str], columns: Sequence[str], limit: int = 8) -> None:
        self.models, self.columns, self.limit = models, columns, limit
        self._worst: dict[str, dict[tuple[str, str], Place]] = {model: {} for model in models}
        self._plain: dict[str, list[Place]] = {}

    def see(self, where: Where, outputs: Mapping[str, Frame], original: Frame) -> None:
        """Take one frame of every method, 8-bit YUV, and its original."""
        plane = original.planes[0]
        base = squared_error(outputs[BICUBIC].planes[0], plane)
        for model in self.models:
            window = highest_window(squared_error(outputs[model].planes[0], plane) - base)
            known = self._worst[model].get(where[:2])
            if known is None or window.value > known.loss:
                cells = _cells({ORIGINAL: original, **outputs}, self.columns, window)
                self._worst[model][where[:2]] = Place(where, model, window, cells)

    def compare(
        self, clip: Clip, number: int, outputs: Mapping[str, Frame], planes: Mapping[str, Tensor]
    ) -> None:
        """Take one frame of every method where there is no original; few of them are looked at."""
        places = self._plain.setdefault(clip.name, [])
        if number not in _looked_at(clip.frames):
            return
        base = planes[BICUBIC]
        differ = sum((squared_error(planes[m], base) for m in self.models), base.float() * 0)
        while len(places) < _due(number, clip.frames):
            window = highest_window(differ, tuple(place.window for place in places))
            cells = _cells(outputs, self.columns, window)
            places.append(Place((clip.name, "", number), "", window, cells))

    def places(self) -> list[Place]:
        """Return the rows in their order."""
        rows = [place for places in self._plain.values() for place in places]
        for model in self.models:
            found = sorted(self._worst[model].values(), key=lambda place: -place.loss)
            rows += found[: self.limit]
        return rows

    def crops(self) -> list[tuple[str, dict[str, Tensor]]]:
        """Return the name of each row, with its cells by method; the original is left out."""
        names = [name for name in self.columns if name != ORIGINAL]
        return [(p.caption(), {name: p.cells[name] for name in names}) for p in self.places()]

    def pages(self) -> list[Tensor]:
        """Return the sheets, uint8 ``[3, H, W]``, of at most ``PAGE_ROWS`` rows each."""
        places = self.places()
        rows = [[place.cells[name] for name in self.columns] for place in places]
        return _pages(rows, self.columns, [place.caption() for place in places])

    def shuffled(self, rng: random.Random) -> tuple[list[Tensor], list[dict[str, object]]]:
        """Return the sheets for blind judging, and their key.

        The original keeps its place, at the left; other columns change places in every row and have
        letters for names. Rows are in random order and say nothing but their number.
        """
        places = self.places()
        rng.shuffle(places)
        fixed = [name for name in self.columns if name == ORIGINAL]
        mixed = [name for name in self.columns if name != ORIGINAL]
        letters = [chr(ord("A") + number) for number in range(len(mixed))]
        rows, key = [], []
        for number, place in enumerate(places, 1):
            order = rng.sample(mixed, len(mixed))
            rows.append([place.cells[name] for name in (*fixed, *order)])
            columns = dict(zip(letters, order, strict=True))
            key.append({"row": number, **place.about(), "columns": columns})
        captions = [str(number) for number in range(1, len(rows) + 1)]
        return _pages(rows, [*fixed, *letters], captions), key


def _pages(
    rows: Sequence[Sequence[Tensor]], titles: Sequence[str], captions: Sequence[str]
) -> list[Tensor]:
    return [
        contact_sheet(rows[i : i + PAGE_ROWS], titles, captions[i : i + PAGE_ROWS])
        for i in range(0, len(rows), PAGE_ROWS)
    ]


def _cells(
    frames: Mapping[str, Frame], columns: Sequence[str], window: Window
) -> dict[str, Tensor]:
    return {name: shown(frames[name], window) for name in columns}


def _looked_at(frames: int | None) -> list[int]:
    """Return the frames of a clip, by number, that give a place each; one may give several."""
    count = frames or PLACES
    return [(2 * place + 1) * count // (2 * PLACES) for place in range(PLACES)]


def _due(number: int, frames: int | None) -> int:
    """Return how many places are wanted once frame ``number`` has been seen."""
    return sum(frame <= number for frame in _looked_at(frames))
