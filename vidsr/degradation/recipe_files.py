"""The files of recipes: those that ship, by name, and the user's own, by path.

Nothing of PyTorch is imported: a command refuses an unknown recipe before it loads anything.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from vidsr.errors import NoInputError, OptionError
from vidsr.option_values import nearest


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with the package, sorted."""
    folder = files("vidsr.degradation") / "recipes"
    found = (Path(entry.name) for entry in folder.iterdir())
    return sorted(path.stem for path in found if path.suffix == ".toml")


def read_recipe(name: str | Path) -> str:
    """Return the TOML of a recipe of this package by name, or of a file by path.

    Raises NoInputError where there is none, OptionError for a file that cannot be read.
    """
    if str(name) in recipe_names():
        return (files("vidsr.degradation") / "recipes" / f"{name}.toml").read_text("utf-8")
    path = Path(name)
    if not path.is_file():
        near = nearest(str(name), recipe_names())
        hint = f"did you mean {near}?" if near else f"there are {', '.join(recipe_names())}"
        raise NoInputError(f"recipe {name}: no such recipe or file", hint=hint)
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"recipe {path}: cannot be read: {error}") from error
