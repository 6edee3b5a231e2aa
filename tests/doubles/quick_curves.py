"""Curves of training runs drawn small and without a layout, where a test is not about them.

A run draws its log at every look: 0.25 s of CPU, half of it to find places for words and to paint
a million pixels.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

DPI = 20


@contextmanager
def drawing_quickly() -> Iterator[None]:
    """Have figures drawn at 20 dots per inch, with words where they happen to fall."""
    if importlib.util.find_spec("matplotlib") is None:
        yield
        return
    from matplotlib.figure import Figure

    begin, save = Figure.__init__, Figure.savefig

    def begin_without_layout(figure: Figure, *given: Any, **options: Any) -> None:
        begin(figure, *given, **{**options, "layout": None})

    def save_small(figure: Figure, *given: Any, **options: Any) -> None:
        save(figure, *given, **{**options, "dpi": DPI})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "__init__", begin_without_layout)
        patch.setattr(Figure, "savefig", save_small)
        yield
