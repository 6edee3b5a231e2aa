"""Every model that has a name here: shipped, in the user's folder, or in the user's index."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from vidsr.models.named.folder import VARIABLE, index_here, models_folder, models_here, place_of
from vidsr.models.shipped import (
    METHOD_SUFFIX,
    METHODS,
    PURPOSES,
    available,
    methods_folder,
    weights_folder,
    without_learning,
)


@dataclass(frozen=True)
class Listed:
    """A model with a name.

    Attributes:
        name: Its name, as ``model`` takes it.
        origin: ``shipped``, ``method`` without learning, ``folder`` or ``index``.
        file: Its file; None for one that was not fetched yet.
        size_bytes: Size of the file; 0 for none.
        about: Purpose or address.
    """

    name: str
    origin: str
    file: str | None
    size_bytes: int
    about: str = ""

    def as_record(self) -> dict[str, object]:
        """Return the facts by name."""
        return asdict(self)


def list_models() -> list[Listed]:
    """Return all models with names, shipped ones first. Raises ModelError."""
    found = [
        _listed(name, "shipped", weights_folder() / f"{name}.safetensors", PURPOSES.get(name, ""))
        for name in available()
    ]
    found += [
        _listed(name, "method", methods_folder() / f"{name}{METHOD_SUFFIX}", _method_of(name))
        for name in without_learning()
    ]
    index = index_here()
    taken = {item.name for item in found}
    for name, files in models_here().items():
        if name not in taken:
            found += [_listed(name, "folder", file) for file in files]
    kept = {item.file for item in found}
    for name, entry in index.items():
        place = place_of(entry)
        if str(place) not in kept or place.stem != name:
            there = place if place.is_file() else None
            found.append(_listed(name, "index", there, entry.address))
    return found


def _listed(name: str, origin: str, file: Path | None, about: str = "") -> Listed:
    size = file.stat().st_size if file else 0
    return Listed(name, origin, None if file is None else str(file), size, about)


def _method_of(name: str) -> str:
    return f"without learning: {METHODS.get(name.rpartition('-x')[0], name)}"


def _folded(models: list[Listed]) -> list[Listed]:
    """Return the list with the scales of a method without learning in one line."""
    folded: dict[str, Listed] = {}
    for model in models:
        method, _, scale = model.name.rpartition("-x")
        if model.origin != "method":
            folded[f"{model.origin} {model.file} {model.name}"] = model
        elif method in folded:
            folded[method] = replace(folded[method], name=f"{folded[method].name}|x{scale}")
        else:
            folded[method] = model
    return list(folded.values())


def as_table(models: list[Listed]) -> str:
    """Return the list for people, a model a line, and a method without learning."""
    models = _folded(models)
    wide = max((len(model.name) for model in models), default=0)
    lines = [f"{m.name:{wide}}  {m.origin:7}  {_size(m)}  {_about(m)}".rstrip() for m in models]
    if models_folder() is None:
        lines.append(f"(${VARIABLE} names a folder of your own; none is named)")
    return "\n".join(lines)


def _size(model: Listed) -> str:
    return f"{model.size_bytes / 1e6:8.1f} MB" if model.file else " not fetched"


def _about(model: Listed) -> str:
    return model.about or (Path(model.file).name if model.file else "")
