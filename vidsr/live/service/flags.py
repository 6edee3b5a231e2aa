"""The parser of ``vidsr-live``, whose flags are the settings of a stream and of the process."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from vidsr.live.base.records import SERVICE, STREAM
from vidsr.live.base.settings import Setting
from vidsr.live.base.values import read_text, seconds_of
from vidsr.terminal.parser import reader

PROCESS = "process"
_GROUPS = {"quality": "picture and deadline", "source": "source", "encoder": "encoder"}
PLACEHOLDERS = {
    "count": "N",
    "number": "X",
    "seconds": "TIME",
    "bitrate": "RATE",
    "rate": "FPS",
    "size": "WxH",
    "text": "TEXT",
    "texts": "A,B,...",
    "strength": "auto|X",
}


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add a flag for every setting that is no secret; what is not given leaves no trace."""
    groups: dict[str, Any] = {}
    for setting in (*STREAM, *SERVICE):
        if setting.marks.secret:
            continue
        heading = _heading(setting)
        if heading not in groups:
            groups[heading] = parser.add_argument_group(heading) if heading else parser
        groups[heading].add_argument(
            setting.flag, dest=_dest(setting), default=argparse.SUPPRESS, **_shape(setting)
        )


def given(arguments: Mapping[str, Any], settings: tuple[Setting, ...]) -> dict[Setting, Any]:
    """Return the settings that the command line gives."""
    return {s: arguments[_dest(s)] for s in settings if _dest(s) in arguments}


def time_of(expected: str) -> Callable[[str], float]:
    """Return a ``type`` for a time above zero."""
    return reader(seconds_of, expected, lambda seconds: 0 < seconds < 1e9)


def _heading(setting: Setting) -> str:
    if setting in SERVICE:
        return PROCESS
    return _GROUPS.get(setting.path[0], "")


def _dest(setting: Setting) -> str:
    return setting.keyword


def _shape(setting: Setting) -> dict[str, Any]:
    """Return the arguments of argparse for a setting."""
    if setting.kind == "flag":
        return {"action": "store_true", "help": setting.help.removeprefix("true to ")}
    told = f"{setting.help} ({shown_default(setting)})".replace("%", "%%")
    placeholder = "|".join(setting.words) if setting.words else PLACEHOLDERS[setting.kind]

    def read(text: str) -> Any:
        try:
            return read_text(setting, text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"expected {error}, got {text!r}") from None

    return {"type": read, "metavar": placeholder, "help": told}


def shown_default(setting: Setting) -> str:
    """Return the default as people write it."""
    default = setting.default
    if default is None:
        return setting.marks.none or "none"
    if isinstance(default, bool):
        return "true" if default else "false"
    if setting.kind == "seconds":
        return f"{1000 * default:g}ms" if default < 1 else f"{default:g}s"
    if setting.kind == "texts":
        return ", ".join(default) or "empty"
    return f"{default:g}" if isinstance(default, float) else str(default)
