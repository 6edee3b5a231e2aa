"""Drawn pictures to train on beside photographs: lettering, plots, flat shapes, line art.

    python -m vidsr.training.tools.draw_pictures FOLDER --count 16 --seed 0

Video holds captions, scoreboards and screens; a network that has seen photographs alone blurs
their edges. Everything is drawn by matplotlib with the fonts it brings, so nobody's rights are in
it, and the same seed draws the same pictures.
"""

from __future__ import annotations

import argparse
import random
import string
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vidsr.errors import OptionError
from vidsr.video.still_images import write_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FONTS = ("DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono", "STIXGeneral")
WIDTH, HEIGHT, DPI = 1280, 960, 100


def drawing(seed: int) -> Tensor:
    """Draw one picture, uint8 ``[3, 960, 1280]``. Raises OptionError without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise OptionError("drawing needs matplotlib", hint="pip install -e '.[train]'") from error
    rng = random.Random(seed)
    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI)
    paper = rng.choice(((1.0, 1.0, 1.0), (0.05, 0.05, 0.08), _colour(rng), _colour(rng)))
    figure.set_facecolor(paper)
    for draw, most in ((_shapes, 60), (_lines, 40), (_plot, 3), (_lettering, 70)):
        for _ in range(rng.randint(most // 4, most)):
            draw(figure, rng, paper)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def _colour(rng: random.Random) -> tuple[float, float, float]:
    return rng.random(), rng.random(), rng.random()


def _ink(rng: random.Random, paper: tuple[float, ...]) -> tuple[float, float, float]:
    """Choose mostly black on bright and white on dark, as print is; else any colour."""
    if rng.random() < 0.4:
        return _colour(rng)
    level = 0.0 if sum(paper) > 1.5 else 1.0
    return level, level, level


def _words(rng: random.Random) -> str:
    letters = string.ascii_letters + string.digits + "   .,:;!?%&-+()"
    return "".join(rng.choice(letters) for _ in range(rng.randint(2, 40))).replace("$", " ")


def _lettering(figure: Figure, rng: random.Random, paper: tuple[float, ...]) -> None:
    figure.text(
        rng.uniform(-0.1, 0.9),
        rng.uniform(0, 1),
        _words(rng),
        fontsize=min(60, 7 * rng.paretovariate(1.6)),
        family=rng.choice(FONTS),
        weight=rng.choice(("normal", "normal", "bold")),
        rotation=rng.choice((0, 0, 0, 0, 90, rng.uniform(-45, 45))),
        color=_ink(rng, paper),
    )


def _shapes(figure: Figure, rng: random.Random, paper: tuple[float, ...]) -> None:
    from matplotlib.patches import Ellipse, Polygon

    x, y, size = rng.random(), rng.random(), 0.02 * rng.paretovariate(1.2)
    style: dict[str, Any] = {
        "facecolor": (*_colour(rng), rng.choice((1.0, 1.0, 0.5))),
        "edgecolor": _ink(rng, paper),
        "linewidth": rng.choice((0.0, 0.7, 1.5, 3.0)),
        "transform": figure.transFigure,
    }
    if rng.random() < 0.3:
        figure.add_artist(Ellipse((x, y), size, size * rng.uniform(0.3, 2), **style))
        return
    corners = [(x + rng.uniform(-size, size), y + rng.uniform(-size, size)) for _ in range(4)]
    figure.add_artist(Polygon(corners[: rng.choice((3, 4))], **style))


def _lines(figure: Figure, rng: random.Random, paper: tuple[float, ...]) -> None:
    from matplotlib.lines import Line2D

    x, y, angle = rng.random(), rng.random(), rng.uniform(-0.5, 0.5)
    length, gap = rng.uniform(0.02, 0.4), rng.uniform(0.003, 0.02)
    across = rng.random() < 0.5
    for number in range(rng.choice((1, 1, 4, 12))):
        shift = number * gap
        start = (x + shift, y) if across else (x, y + shift)
        end = (angle * length, length) if across else (length, angle * length)
        figure.add_artist(
            Line2D(
                (start[0], start[0] + end[0]),
                (start[1], start[1] + end[1]),
                color=_ink(rng, paper),
                linewidth=rng.choice((0.5, 0.8, 1.2, 2.5)),
                transform=figure.transFigure,
            )
        )


def _plot(figure: Figure, rng: random.Random, paper: tuple[float, ...]) -> None:
    """Draw axes with ticks, a grid and some bars or curves."""
    del paper
    box = (rng.uniform(0.05, 0.6), rng.uniform(0.05, 0.6), rng.uniform(0.2, 0.35), 0.3)
    axes = figure.add_axes(box)
    axes.set_facecolor(_colour(rng))
    axes.grid(rng.random() < 0.5)
    count = rng.randint(5, 30)
    heights = [rng.random() for _ in range(count)]
    if rng.random() < 0.5:
        axes.bar(range(count), heights, color=_colour(rng))
    else:
        axes.plot(range(count), heights, color=_colour(rng), linewidth=rng.uniform(0.6, 3))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for number in range(arguments.count):
        picture = drawing(arguments.seed * 100_003 + number)
        write_png(arguments.folder / f"drawing{number:03d}.png", picture)


if __name__ == "__main__":
    main()
