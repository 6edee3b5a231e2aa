"""The blind page: one HTML file with all pictures in it, judged by keyboard."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from vidsr.quality.opinion.trials import Key, page_id, plan_trials

if TYPE_CHECKING:
    from torch import Tensor

LEAST_SHOWN_PX = 320  # smaller crops are shown twice as large
Rows = Sequence[tuple[str, Mapping[str, "Tensor"]]]


def blind_page(rows: Rows, seed: int) -> tuple[str, Key]:
    """Return the page and its key.

    Args:
        rows: Name of each picture, with its crops by method, uint8 ``[3, h, w]`` of one size.
        seed: Number that order and sides follow from.
    """
    names = {f"{n} {name}": crops for n, (name, crops) in enumerate(rows)}
    trials = plan_trials({name: tuple(crops) for name, crops in names.items()}, seed)
    # A crop stands in the page once, in the order in which trials need it: that tells no method.
    used = dict.fromkeys((t.picture, m) for t in trials for m in (t.left, t.right))
    places = {pair: place for place, pair in enumerate(used)}
    data = {
        "page": page_id(trials, seed),
        "zoom": 2
        if all(_shown(c) < LEAST_SHOWN_PX for _, row in rows for c in row.values())
        else 1,
        "pictures": [_as_url(names[picture][method]) for picture, method in used],
        "trials": [[places[t.picture, t.left], places[t.picture, t.right]] for t in trials],
    }
    template = (resources.files("vidsr.quality.opinion") / "page.html").read_text("utf-8")
    page = template.replace("/*DATA*/null", json.dumps(data))
    return page, Key(str(data["page"]), seed, tuple(trials))


def _shown(crop: Tensor) -> int:
    return int(crop.shape[2])


def _as_url(crop: Tensor) -> str:
    from vidsr.video.still_images import write_png

    with tempfile.TemporaryDirectory(prefix="vidsr-eval-") as folder:
        path = Path(folder) / "crop.png"
        write_png(path, crop)
        return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
