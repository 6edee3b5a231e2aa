"""The names of targets: a pattern with places for what is known of the source and the run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Self

from vidsr.errors import OptionError
from vidsr.models.families import RESTORERS, is_family
from vidsr.models.header import stated_config
from vidsr.models.shipped import find_weights
from vidsr.option_values import nearest
from vidsr.run.options import RunOptions
from vidsr.video.image_sequences import is_image
from vidsr.video.locator import Locator
from vidsr.video.sink.target_file import CONTAINERS

PLACES = ("stem", "suffix", "parent", "scale", "height", "size")
_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_PICTURES = (".heic", ".heif", ".jxl", ".jp2", ".bmp")
USUAL_SCALE = 4


@dataclass(frozen=True)
class NamePattern:
    """The rule from a source to the name of its target.

    Args:
        text: The pattern, such as ``{stem}_{scale}x{suffix}``; ``{{`` and ``}}`` are braces.
        values: Values of the places that are the same for all sources.
    """

    text: str
    values: dict[str, str]

    @classmethod
    def of(cls, text: str | None, options: RunOptions) -> Self:
        """Return the pattern that was typed, or the usual one of a run.

        Raises OptionError for an unknown place, and for one without a value in this run.
        """
        values = _values(options)
        pattern = cls(_usual(values) if text is None else text, values)
        pattern._check()
        return pattern

    def _check(self) -> None:
        for place in self._places():
            if place not in PLACES:
                near = nearest(place, PLACES)
                hint = f"did you mean {{{near}}}?" if near else f"expected {_listed()}."
                raise OptionError(f"name = {self.text!r}: unknown place {{{place}}}", hint=hint)
            if place not in ("stem", "suffix", "parent", *self.values):
                raise OptionError(f"name = {self.text!r}: {{{place}}} is not known in this run")
        pieces = PurePath(self.text.replace("\\", "/")).parts
        if not self.text.strip() or PurePath(self.text).is_absolute() or ".." in pieces:
            raise OptionError(f"name = {self.text!r}: expected a name below the folder of targets")

    def _places(self) -> list[str]:
        return [m[1] for m in _PLACE.finditer(self.text) if m[0] not in ("{{", "}}")]

    def name_of(self, source: Locator) -> str:
        """Return the name of the target of a source, relative to its folder."""
        path = Path(source.name)
        folder = Path(source.text).absolute().parent.name if source.local else ""
        values = self.values | {
            "stem": path.stem,
            "suffix": target_suffix(path),
            "parent": folder,
        }

        def value(place: re.Match[str]) -> str:
            return {"{{": "{", "}}": "}"}.get(place[0]) or values[place[1]]

        return _PLACE.sub(value, self.text)


def target_suffix(source: Path) -> str:
    """Return the source's suffix where it can be written, else that of a container for all."""
    suffix = source.suffix
    if suffix.lower() in CONTAINERS:
        return suffix
    return ".png" if suffix.lower() in _PICTURES or is_image(source) else ".mkv"


def _listed() -> str:
    return ", ".join(f"{{{place}}}" for place in PLACES)


def _usual(values: dict[str, str]) -> str:
    if "size" in values:
        return "{stem}_{size}{suffix}"
    if "height" in values:
        return "{stem}_{height}p{suffix}"
    return "{stem}_{scale}x{suffix}" if "scale" in values else "{stem}_large{suffix}"


def _values(options: RunOptions) -> dict[str, str]:
    values = {}
    if options.size is not None:
        values["size"] = str(options.size)
    elif options.height is not None:
        values["height"] = str(options.height)
    scale = options.scale or _own_scale(options)
    return values if scale is None else values | {"scale": str(scale)}


def _own_scale(options: RunOptions) -> int | None:
    """Return the scale of a run that was asked for none; None where only its weights say it."""
    model = options.network
    if is_family(model):
        return None if options.wanted_size else USUAL_SCALE
    if model in RESTORERS:
        return 1
    stated = stated_config(find_weights(model))
    return None if stated is None else stated.scale
