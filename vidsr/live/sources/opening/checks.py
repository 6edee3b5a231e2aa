"""Checks of a source's options against its address, before anything is opened."""

from __future__ import annotations

import os
import stat
from fractions import Fraction
from pathlib import Path

from vidsr.errors import NoInputError, OptionError
from vidsr.live.base.options import SourceOptions
from vidsr.live.sources.opening.address import Address
from vidsr.live.sources.opening.srt_bridge import find_bridge
from vidsr.live.sources.opening.tuning import PIPE_CONTAINERS


def check_options(address: Address, options: SourceOptions) -> None:
    """Raise OptionError for what cannot be; NoInputError for a file that is not there."""
    _check_times(options)
    _check_pictures(address, options)
    if address.kind == "srt":
        find_bridge()
    if address.kind == "file" and not Path(address.url).exists():
        raise NoInputError(f"{address.name}: no such file")


def is_fifo(address: Address) -> bool:
    """Return True if the address names a pipe in the file system."""
    if address.kind != "file":
        return False
    try:
        return stat.S_ISFIFO(os.stat(address.url).st_mode)
    except OSError:
        return False


def _check_times(options: SourceOptions) -> None:
    again = options.reconnect
    positive = {
        "open_s": options.open_s,
        "stall_s": options.stall_s,
        "reconnect.first_s": again.first_s,
        "reconnect.longest_s": again.longest_s,
    }
    for name, value in positive.items():
        if not 0 < value < 1e6:
            raise OptionError(f"{name} = {value}: expected seconds above 0")
    if not 0 <= options.backlog_s < 1e6:
        raise OptionError(f"backlog_s = {options.backlog_s}: expected seconds, 0 or more")
    if not 0 <= again.jitter < 1:
        raise OptionError(f"reconnect.jitter = {again.jitter}: expected 0 to below 1")
    if again.give_up_s is not None and again.give_up_s < 0:
        raise OptionError(f"reconnect.give_up_s = {again.give_up_s}: expected 0 or more, or None")


def _check_pictures(address: Address, options: SourceOptions) -> None:
    if options.format not in ("auto", *PIPE_CONTAINERS):
        expected = ", ".join(("auto", *PIPE_CONTAINERS))
        raise OptionError(f"format = {options.format!r}: expected one of {expected}")
    if options.size is not None and min(options.size) < 1:
        raise OptionError(f"size = {options.size}: expected pixels above 0")
    if options.rate is not None and not 0 < options.rate <= 1000:
        raise OptionError(f"rate = {options.rate}: expected frames a second, above 0")
    raw = "raw" in (address.container, options.format)
    if raw and address.finite and not (options.size and options.pixel_format):
        raise OptionError(
            "raw video says nothing of its pictures: size and pixel_format are needed",
            hint=f"as size = (640, 360), pixel_format = 'yuv420p', rate = {Fraction(25)}.",
        )
