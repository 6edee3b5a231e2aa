"""Records of options, built from values by setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from vidsr.errors import OptionError
from vidsr.live.base.options import ServiceOptions, StreamOptions
from vidsr.live.base.settings import Setting, settings_of
from vidsr.live.base.values import read_value
from vidsr.option_values import nearest

T = TypeVar("T")
STREAM = settings_of(StreamOptions)
SERVICE = settings_of(ServiceOptions)


def with_values(record: T, values: Mapping[Setting, Any]) -> T:
    """Return ``record`` with the given values in place of its own."""
    for setting, value in values.items():
        record = _set(record, setting.path, value)
    return record


def without_sound(options: StreamOptions) -> StreamOptions:
    """Return ``options`` whose source leaves the sound where nobody carries it."""
    carried = options.sound != "none"
    return replace(options, source=replace(options.source, sound=carried))


def _set(record: T, path: tuple[str, ...], value: Any) -> T:
    name, *rest = path
    if rest:
        value = _set(getattr(record, name), tuple(rest), value)
    return replace(record, **{name: value})  # type: ignore[type-var]


def stream_options(options: StreamOptions, settings: Mapping[str, Any]) -> StreamOptions:
    """Return ``options`` with settings of a stream by the keys of the configuration.

    Raises:
        OptionError: A key is unknown, or its value wrong.
    """
    known = {setting.keyword: setting for setting in STREAM}
    values = {}
    for key, value in settings.items():
        if key not in known:
            near = nearest(key, known)
            hint = f"did you mean {near}?" if near else ""
            raise OptionError(f"unknown option {key!r} of a stream", hint=hint)
        try:
            values[known[key]] = read_value(known[key], value)
        except ValueError as error:
            raise OptionError(f"{key} = {value!r}: expected {error}.") from None
    return without_sound(with_values(options, values))
