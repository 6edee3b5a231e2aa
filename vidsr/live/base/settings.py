"""Settings of a live stream, read off the records of options: key, flag, type, range and help.

The configuration, the command, the checks and the page of reference all derive from this reading,
so a field that is added to a record is in all of them.
"""

from __future__ import annotations

import inspect
import math
import re
import types
from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields, is_dataclass
from fractions import Fraction
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from vidsr.errors import OptionError

_KEY = "setting"
Kind = Literal[
    "flag",
    "count",
    "number",
    "seconds",
    "bitrate",
    "rate",
    "size",
    "words",
    "text",
    "texts",
    "strength",
]


@dataclass(frozen=True, kw_only=True)
class Marks:
    """Remarks on a field of a record that its name and type do not tell.

    Args:
        key: The name to give it in place of the field's; "" for a record without a table.
        flag: The name of its flag, where that is not its key.
        least: The smallest number that it may be.
        above: The number that it has to exceed.
        most: The greatest number that it may be.
        none: The word for None.
        bitrate: True for bits a second, which have units of their own.
        hidden: True for a field that follows from others.
        secret: True for a value that must not be shown.
    """

    key: str | None = None
    flag: str | None = None
    least: float | None = None
    above: float | None = None
    most: float | None = None
    none: str | None = None
    bitrate: bool = False
    hidden: bool = False
    secret: bool = False


def marked(default: Any, **marks: Any) -> Any:
    """Return a field of a record with a default and remarks."""
    found = Marks(**marks)
    return field(default=default, metadata={_KEY: found}, repr=not found.secret)


def marked_record(record: type, **marks: Any) -> Any:
    """Return a field that holds a record of its own, with remarks."""
    return field(default_factory=record, metadata={_KEY: Marks(**marks)})


@dataclass(frozen=True)
class Setting:
    """One field of a record of options, as people name and write it.

    Args:
        path: The fields that lead to it from the outermost record.
        table: The table of the configuration that it stands in below its stream, or "".
        key: Its name there, without a unit.
        kind: What it holds.
        optional: True where None is a value.
        default: Its value where nobody says otherwise.
        words: All words there are, for ``words``.
        help: A phrase that describes it.
        marks: What else is known.
    """

    path: tuple[str, ...]
    table: str
    key: str
    kind: Kind
    optional: bool
    default: Any
    words: tuple[str, ...]
    help: str
    marks: Marks

    @property
    def flag(self) -> str:
        """The flag of the command."""
        return "--" + self.keyword.replace("_", "-")

    @property
    def keyword(self) -> str:
        """The name of it beside all others, as flags and arguments of programs have it."""
        return self.marks.flag or self.key

    @property
    def name(self) -> str:
        """The name by which the record's own messages call it."""
        return ".".join(self.path)

    def value_in(self, options: Any) -> Any:
        """Return its value in the outermost record."""
        for name in self.path:
            options = getattr(options, name)
        return options

    def check(self, value: Any) -> None:
        """Raise ValueError, with what was expected, for a value out of range."""
        if value is None and self.optional:
            return
        if not self._right(value):
            raise ValueError(self.expected)

    @property
    def expected(self) -> str:
        """What its values are, in words."""
        said = _SAID[self.kind]
        if self.words:
            said = " or ".join([", ".join(self.words[:-1]), self.words[-1]])
        marks = self.marks
        limits = [
            f"{word} {limit:g}"
            for word, limit in (("above", marks.above), ("from", marks.least), ("to", marks.most))
            if limit is not None
        ]
        said = " ".join([said, *limits])
        return f"{said}, or {marks.none}" if marks.none else said

    def _right(self, value: Any) -> bool:
        if self.kind == "words":
            return value in self.words
        if self.kind == "strength":
            return value == "auto" or (_is_number(value) and self._in_range(value))
        if self.kind in ("text", "flag"):
            return isinstance(value, str if self.kind == "text" else bool)
        if self.kind == "texts":
            return isinstance(value, tuple) and all(isinstance(each, str) for each in value)
        if self.kind == "size":
            pair = isinstance(value, tuple) and len(value) == 2
            return pair and all(type(side) is int and 0 < side <= 16384 for side in value)
        if self.kind in ("count", "bitrate") and type(value) is not int:
            return False
        return _is_number(value) and self._in_range(value)

    def _in_range(self, value: float) -> bool:
        marks = self.marks
        return (
            math.isfinite(value)
            and (marks.least is None or value >= marks.least)
            and (marks.above is None or value > marks.above)
            and (marks.most is None or value <= marks.most)
        )


_SAID: dict[Kind, str] = {
    "flag": "true or false",
    "count": "a whole number",
    "number": "a number",
    "seconds": "a time such as 200ms, 2s or 1.5min",
    "bitrate": "bits a second such as 800k or 4M",
    "rate": "frames a second such as 25 or 30000/1001",
    "size": "WxH such as 1280x720",
    "words": "a word",
    "text": "text",
    "texts": "a list of names",
    "strength": "auto, or a number",
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Fraction) and not isinstance(value, bool)


def settings_of(record: type) -> tuple[Setting, ...]:
    """Return the settings of a record of options and of the records within it, in their order."""
    return tuple(_walk(record, (), ""))


def check_options(options: Any) -> None:
    """Raise OptionError for the first value of a record of options that is out of range."""
    for setting in settings_of(type(options)):
        value = setting.value_in(options)
        try:
            setting.check(value)
        except ValueError as error:
            raise OptionError(f"{setting.name} = {value!r}: expected {error}.") from None


def _walk(record: type, path: tuple[str, ...], table: str) -> Iterator[Setting]:
    hints, told = get_type_hints(record), _described(record)
    for each in fields(record):
        hint, marks = hints[each.name], each.metadata.get(_KEY, Marks())
        here = (*path, each.name)
        if is_dataclass(hint):
            assert isinstance(hint, type)
            yield from _walk(hint, here, marks.key if marks.key is not None else each.name)
        elif not marks.hidden:
            yield _setting(each, hint, marks, here, table, told.get(each.name, ""))


def _setting(
    each: Field[Any], hint: Any, marks: Marks, path: tuple[str, ...], table: str, told: str
) -> Setting:
    kind, words, optional = _kind(hint)
    key = marks.key or each.name
    if key.endswith("_s"):
        kind, key = "seconds", key.removesuffix("_s")
    if marks.bitrate:
        kind = "bitrate"
    return Setting(path, table, key, kind, optional, each.default, words, told, marks)


def _kind(hint: Any) -> tuple[Kind, tuple[str, ...], bool]:
    """Return what a type holds, its words, and True where None belongs to it."""
    inner = [each for each in get_args(hint) if each is not types.NoneType]
    if get_origin(hint) in (Union, types.UnionType):
        optional = len(inner) < len(get_args(hint))
        if len(inner) == 1:
            return (*_kind(inner[0])[:2], optional)
        return "strength", (), optional  # the one field of two types
    if get_origin(hint) is Literal:
        return "words", get_args(hint), False
    if get_origin(hint) is tuple:
        return ("texts" if Ellipsis in get_args(hint) else "size"), (), False
    return _PLAIN[hint], (), False


_PLAIN: dict[Any, Kind] = {
    bool: "flag",
    int: "count",
    float: "number",
    Fraction: "rate",
    str: "text",
}


def _described(record: type) -> dict[str, str]:
    """Return what the docstring of a record says of each field, as one phrase."""
    _, _, listed = inspect.cleandoc(record.__doc__ or "").partition("Args:\n")
    found = re.findall(r"^    (\w+): (.*(?:\n {8,}.*)*)", listed, re.MULTILINE)
    return {name: _phrase(" ".join(text.split())) for name, text in found}


def _phrase(text: str) -> str:
    text = re.sub(r"\bNone\b", "none", text.replace("``", "").removesuffix("."))
    first, rest = text[0], text[1:]
    return (first.lower() if not rest[:1].isupper() else first) + rest
