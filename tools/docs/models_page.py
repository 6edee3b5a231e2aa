"""The page of models, made from the shipped weights and their card."""

from __future__ import annotations

from pathlib import Path

import vidsr
from tools.docs.markdown import page, table
from vidsr.models.shipped import PURPOSES
from vidsr.models.zoo import load_model

CARD = Path(vidsr.__file__).parent / "models" / "weights" / "README.md"

HEAD = ("model", "scale", "parameters", "works on", "strength", "use")
INTRODUCTION = """\
Every model below ships with the package and is named by `--model` or by
`vidsr.Upscaler(NAME)`. A family name such as `lite` takes the scale from `--scale` or from the
wanted size. `vidsr --list-models` prints the models, too. Strength is the last step of the networks
for [coded footage](../guides/footage.md). How models compare is measured in
[Models and quality](../guides/models.md)."""


def models_page() -> str:
    """Return the table of models, followed by the card of the weights."""
    body = CARD.read_text(encoding="utf-8").partition("\n")[2]
    return page(
        "# Models",
        INTRODUCTION,
        table(HEAD, [_row(name) for name in vidsr.available_models()]),
        "## How the weights were made",
        body,
    )


def _row(name: str) -> tuple[str, ...]:
    model = load_model(name)
    numbers = sum(parameter.numel() for parameter in model.module.parameters())
    works_on = "luma" if model.config.channels == 1 else "RGB"
    scale, parameters = f"x{model.config.scale}", f"{numbers:,}".replace(",", " ")
    strength = str(model.strengths.last_step) if model.strengths else ""
    return f"`{name}`", scale, parameters, works_on, strength, PURPOSES.get(name, "")
