"""The files of recipes: those that ship, by name, and the user's own, by path.

Nothing of PyTorch is imported: a command refuses an unknown recipe before it loads anything.
"""

from __future__ import annotations

import hashlib
import tomllib
from importlib.resources import files
from pathlib import Path

from vidsr.errors import NoInputError, OptionError
from vidsr.models.header import stated_config
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


def recipe_folder(name: str | Path) -> Path:
    """Return the folder from which the paths in a recipe count: that of its file."""
    return Path() if str(name) in recipe_names() else Path(name).parent


def recipe_identity(name: str | Path) -> str:
    """Return all that a recipe depends on: its TOML, and a digest of each file it names.

    Raises NoInputError where there is none, OptionError for a file that cannot be read.
    """
    return "\n".join([read_recipe(name), *map(_digest, recipe_weights(name))])


def recipe_weights(name: str | Path) -> list[Path]:
    """Return the files of weights that a recipe names, in order. Raises as ``read_recipe``."""
    return [recipe_folder(name) / path for path in _weights_of(read_recipe(name))]


def _weights_of(text: str) -> list[str]:
    """Return the files that steps name, in order; none where the TOML breaks a rule."""
    try:
        steps = tomllib.loads(text).get("step")
    except tomllib.TOMLDecodeError:
        return []
    found: list[str] = []
    for step in steps if isinstance(steps, list) else []:
        named = step.get("model") if isinstance(step, dict) else None
        named = named.get("choices") if isinstance(named, dict) else named
        listed = named if isinstance(named, list) else [named]
        found += [path for path in listed if isinstance(path, str)]
    return found


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise OptionError(f"{path}: cannot be read: {error.strerror}") from error


def require_degradation(path: object, folder: Path, where: str) -> str:
    """Return the path of weights that keep the size, as named in a recipe of ``folder``.

    ``where`` begins messages. Raises OptionError for another value or file.
    """
    if not isinstance(path, str) or not path:
        raise OptionError(f"{where}: expected the path of weights, got {path!r}")
    file = folder / path
    hint = "training with `unpaired` writes such weights"
    if not file.is_file():
        raise OptionError(f"{where}: {file}: no such file", hint=hint)
    config = stated_config(file)
    if config is None or config.scale != 1:
        found = "no weights of vidsr" if config is None else f"scale {config.scale}"
        raise OptionError(
            f"{where}: {file}: expected weights that keep the size, got {found}", hint=hint
        )
    return str(file)
