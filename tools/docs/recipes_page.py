"""The page of degradation recipes, made from the TOML files and the catalogue of operations."""

from __future__ import annotations

from importlib.resources import files

from tools.docs.markdown import code, page, table
from vidsr.degradation.operations.catalogue import OPS, Op, Parameter, WeightsFile, Word
from vidsr.degradation.recipe import Recipe
from vidsr.degradation.recipe_files import recipe_names

INTRODUCTION = """\
A recipe is a TOML file that lists degradations and how far each may vary. `vidsr-degrade` and
`vidsr-train` take one of the recipes below by name, or a file of your own by path. The guide to
[degrading](../guides/degrading.md) explains how to write one."""
LENGTHS = """\
Lengths (`*_px`) count pixels of the final, low-resolution picture, wherever in the chain the
operation stands, so that a recipe means the same at every scale. `block_px` alone counts pixels
of the picture at hand, as codecs do. A value is one number, a range `[low, high]` from which it
is drawn evenly, or `{ choices = [...] }`; words are one word or a list to choose from."""
SHARED = """\
Every step also takes `probability` (1), `one_of = "group"` with `weight` (one step of the group
is kept), and `shuffle = "group"` (the steps of the group change places at random)."""


def recipes_page() -> str:
    """Return every operation with its parameters, and every recipe that ships."""
    rows = [row for name, op in OPS.items() for row in _rows(name, op)]
    return page(
        "# Recipes",
        INTRODUCTION,
        "## Operations",
        LENGTHS,
        table(("operation", "parameter", "values", "default"), rows),
        SHARED,
        "## Recipes that ship",
        *(_recipe(name) for name in recipe_names()),
    )


def _rows(name: str, op: Op) -> list[tuple[str, str, str, str]]:
    rows = []
    for number, (parameter, kind) in enumerate(op.parameters.items()):
        title = f"`{name}`" if number == 0 else ""
        rows.append((title, f"`{parameter}`", _values(kind), _default(parameter, kind, op)))
    return rows


def _values(kind: Parameter) -> str:
    if isinstance(kind, Word):
        return ", ".join(f"`{word}`" for word in kind.allowed)
    if isinstance(kind, WeightsFile):
        return "the path of weights, from the recipe's own folder"
    whole = ", whole" if kind.whole else ""
    return f"{kind.low:g} to {kind.high:g}{whole}"


def _default(parameter: str, kind: Parameter, op: Op) -> str:
    if parameter in op.either:
        return f"exactly one of {' and '.join(f'`{name}`' for name in op.either)}"
    if kind.default is None:
        return "required"
    return f"{kind.default:g}" if isinstance(kind.default, float | int) else f"`{kind.default}`"


def _recipe(name: str) -> str:
    text = (files("vidsr.degradation") / "recipes" / f"{name}.toml").read_text("utf-8")
    about = Recipe.load(name).about
    return page(f"### {name}", f"{about[:1].upper()}{about[1:]}.", code(text, "toml"))
