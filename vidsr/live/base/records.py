"""Records of options, built from values by setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from vidsr.live.base.options import ServiceOptions, StreamOptions
from vidsr.live.base.settings import Setting, settings_of

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
