"""The parser and the rows of the reference page, derived from the options of a run."""

from __future__ import annotations

from argparse import Action, ArgumentParser, Namespace
from dataclasses import dataclass
from typing import Any

from vidsr.run.options import ENCODING, MACHINE, OPTIONS, PICTURE, PIECES, SOURCE, TIME
from vidsr.run.records.enhance_words import WISHED


class _Added(Action):
    """Action of a flag that may be repeated: a list of what was given, the default untouched."""

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Any, flag: str | None = None
    ) -> None:
        """Add ``values`` to what the flag gave before."""
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or ()), values])


class _Typed(Action):
    """Action of a flag whose option a wish may set: that it was typed is kept under ``typed``."""

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Any, flag: str | None = None
    ) -> None:
        """Store the value, and that it was typed."""
        setattr(namespace, self.dest, values)
        namespace.typed = {**getattr(namespace, "typed", {}), self.dest: values}


def add_options(parser: ArgumentParser) -> None:
    """Add a flag for every option to the parser of the command."""
    for heading in ("", PICTURE, TIME, SOURCE, ENCODING, PIECES, MACHINE):
        group = parser.add_argument_group(heading) if heading else parser
        for option, default in OPTIONS:
            if option.group != heading:
                continue
            settings: dict[str, Any] = {"help": option.help, "default": default}
            if option.switch:
                settings["action"] = "store_true"
            else:
                settings["type"] = option.read
                settings["metavar"] = option.metavar
                settings["choices"] = option.choices or None
            if option.keyword in WISHED:
                settings["action"] = _Typed
            if option.many:
                settings["action"] = _Added
            group.add_argument(*option.flags, **settings)


@dataclass(frozen=True)
class ReferenceRow:
    """One row of the reference page: an option in words."""

    name: str
    flag: str
    type: str
    default: str
    choices: tuple[str, ...]
    help: str


def reference_rows() -> tuple[ReferenceRow, ...]:
    """Return a row for every option, in the order of the keywords of ``vidsr.upscale``."""
    return tuple(
        ReferenceRow(
            name=option.keyword,
            flag=", ".join(option.flags),
            type=option.takes,
            default=repr(default),
            choices=tuple(map(str, option.choices)),
            help=option.help,
        )
        for option, default in OPTIONS
    )
