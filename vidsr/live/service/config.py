"""The configuration of ``vidsr-live``: a TOML file, checked to the last key before anything opens.

Every message names file, table and key, and no value of the environment.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidsr.errors import NoInputError, OptionError
from vidsr.live.base.options import ServiceOptions, StreamOptions
from vidsr.live.base.records import SERVICE, STREAM, with_values, without_sound
from vidsr.live.base.settings import Setting
from vidsr.live.base.values import read_value
from vidsr.live.service.spec import Config, StreamSpec
from vidsr.live.sinks.address import place_of
from vidsr.option_values import nearest
from vidsr.video.locator import Locator

MOST_BYTES = 1 << 20  # of a configuration
TABLES = ("live", "defaults", "streams")
ADDRESSES = ("source", "sinks")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Values = dict[Setting, Any]


def load_config(path: Path, environment: Mapping[str, str] | None = None) -> Config:
    """Return the configuration in a file.

    Args:
        path: The TOML file.
        environment: Where ``${NAME}`` is looked up; None for the process's environment.

    Raises:
        NoInputError: The file cannot be read.
        OptionError: It is no TOML, or says something that is unknown or wrong.
    """
    try:
        if path.exists() and not path.is_file():
            raise OptionError(f"{path}: expected a file")
        if path.stat().st_size > MOST_BYTES:
            raise OptionError(f"{path}: expected a file of at most {MOST_BYTES} bytes")
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise NoInputError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise OptionError(f"{path}: not UTF-8 at byte {error.start}") from None
    return parse_config(text, str(path), environment)


def parse_config(text: str, file: str, environment: Mapping[str, str] | None = None) -> Config:
    """Return the configuration in a text that came from ``file``. Raises OptionError."""
    environment = os.environ if environment is None else environment
    try:
        written = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise OptionError(f"{file}: not TOML: {_without_value(error)}") from None
    top = _Table(file, "", written, environment)
    top.refuse_unknown(TABLES, "table")
    service = with_values(ServiceOptions(), top.inner("live").values(SERVICE))
    defaults = top.inner("defaults").values(STREAM)
    streams = top.inner("streams")
    found = tuple(_stream(streams.inner(name), name, defaults) for name in streams.written)
    _check_whole(file, service, found)
    return Config(service, found)


def _stream(table: _Table, name: str, defaults: Values) -> StreamSpec:
    if not NAME.fullmatch(name):
        raise table.error("", "expected a name of letters, digits, dots, dashes or underscores")
    source = table.address("source")
    sinks = table.addresses("sinks")
    values = table.values(STREAM, ADDRESSES)
    options = without_sound(with_values(StreamOptions(), defaults | values))
    return StreamSpec(name, source, sinks, options)


def _check_whole(file: str, service: ServiceOptions, streams: tuple[StreamSpec, ...]) -> None:
    if not streams:
        raise OptionError(f"{file}: no stream", hint="a table such as [streams.door] is one.")
    if len(streams) > service.max_streams:
        raise OptionError(
            f"{file}: {len(streams)} streams: expected at most {service.max_streams}, "
            "as max_streams in [live] says"
        )
    taken: dict[str, str] = {}
    for spec in streams:
        for sink in spec.sinks:
            where = f"[streams.{spec.name}]"
            place = place_of(sink)
            if place in taken:
                raise OptionError(
                    f"{file}: {where} sinks: {Locator.of(sink)} is a sink of {taken[place]} already"
                )
            taken[place] = where


@dataclass(frozen=True)
class _Table:
    """A table of the file, by which its values are read and complaints are worded."""

    file: str
    name: str
    written: Mapping[str, Any]
    environment: Mapping[str, str]

    def inner(self, key: str) -> _Table:
        """Return the table under ``key``, an empty one where there is none."""
        inner = self.written.get(key, {})
        name = f"{self.name}.{key}" if self.name else key
        if not isinstance(inner, dict):
            raise self.error(key, "expected a table")
        return _Table(self.file, name, inner, self.environment)

    def values(self, settings: Iterable[Setting], others: tuple[str, ...] = ()) -> Values:
        """Return the values that the table and those within it give to settings."""
        here = {setting.key: setting for setting in settings if not setting.table}
        tables = {setting.table for setting in settings if setting.table}
        self.refuse_unknown((*here, *sorted(tables), *others), "key")
        found = {s: self._value(key, s) for key, s in here.items() if key in self.written}
        for table in sorted(tables & self.written.keys()):
            inner, whole = self.inner(table), [s for s in settings if s.table == table]
            keys = {setting.key: setting for setting in whole}
            inner.refuse_unknown(tuple(keys), "key")
            found |= {s: inner._value(key, s) for key, s in keys.items() if key in inner.written}
        return found

    def address(self, key: str) -> str:
        """Return the one address under ``key``."""
        if key not in self.written:
            raise self.error(key, "missing: expected an address such as rtsp://HOST/PATH")
        return self._address(key, self.written[key])

    def addresses(self, key: str) -> tuple[str, ...]:
        """Return the list of addresses under ``key``, empty where it is not there."""
        listed = self.written.get(key, [])
        if not isinstance(listed, list):
            raise self.error(key, "expected a list of addresses")
        found = tuple(self._address(key, each) for each in listed)
        doubled = next((each for each in found if found.count(each) > 1), None)
        if doubled is not None:
            raise self.error(key, f"{Locator.of(doubled)} is there twice")
        return found

    def refuse_unknown(self, known: tuple[str, ...], what: str) -> None:
        """Raise OptionError for a key that is not among ``known``."""
        for key in self.written:
            if key not in known:
                near = nearest(key, known)
                hint = f"did you mean {near}?" if near else f"expected {', '.join(known)}."
                raise OptionError(f"{self._place()}: unknown {what} {key!r}", hint=hint)

    def error(self, key: str, text: str) -> OptionError:
        """Return an error of a key."""
        return OptionError(f"{self._place(key)}: {text}")

    def _address(self, key: str, given: Any) -> str:
        if not isinstance(given, str) or not given or "\0" in given:
            raise self.error(key, "expected an address, as text")
        return self._expanded(key, given)

    def _value(self, key: str, setting: Setting) -> Any:
        given = self.written[key]
        meant = self._expanded(key, given) if isinstance(given, str) else given
        try:
            return read_value(setting, meant)
        except ValueError as error:
            shown = "" if setting.marks.secret else _shown(given)
            raise self.error(key, f"expected {error}{shown}") from None

    def _expanded(self, key: str, text: str) -> str:
        """Return ``text`` with variables of the environment in place of their names."""

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if not _VARIABLE_NAME.fullmatch(name):
                raise self.error(key, "expected the name of a variable in ${...}")
            if name not in self.environment:
                raise self.error(key, f"the environment has no variable {name}")
            return self.environment[name]

        return _VARIABLE.sub(value, text)

    def _place(self, key: str = "") -> str:
        place = " ".join(filter(None, (f"[{self.name}]" if self.name else "", key)))
        return f"{self.file}: {place}" if place else self.file


def _shown(given: Any) -> str:
    """Return a value for a message, "" for one that may hold more than people want to see."""
    if not isinstance(given, str | int | float) or "\0" in str(given):
        return ""
    text = repr(str(Locator.of(given))) if isinstance(given, str) else str(given)
    return f", got {text}" if len(text) <= 60 else ""


def _without_value(error: Exception) -> str:
    """Return where the file is no TOML, without the text that stands there."""
    place = re.search(r"\(at [^)]*\)", str(error))
    return f"{str(error).partition(':')[0].partition(' (')[0]} {place[0] if place else ''}".strip()
