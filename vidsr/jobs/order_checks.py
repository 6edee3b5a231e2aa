"""Checks of an order, which is input like any other: anyone may have written it.

Encoders write and read files that their options name, so that such options have no place in one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from vidsr.errors import OptionError

# Parts of the keys with which libavcodec, x264, x265, SVT-AV1, libaom and libvpx name files.
_NAMING = (
    *("file", "path", "dir", "stats", "dump", "recon", "csv", "save", "load", "log", "rpu"),
    *("info", "table", "lambda", "scaling-list", "cqm", "zones", "pass", "input", "output"),
)
_HARMLESS = re.compile(r"[\w.,+*()\[\]<>^%-]*")


def check_encoder_options(pairs: Sequence[str]) -> None:
    """Raise OptionError where an option of an encoder names a file, or may.

    Args:
        pairs: ``KEY=VALUE`` each; a value may hold further pairs, as that of ``x264-params`` does.
    """
    for key, value in _pairs(pairs):
        # Profiles, `tune=...` and numbers are plain words; no name of a file beyond this folder is.
        named = key.lower() != "log-level" and any(part in key.lower() for part in _NAMING)
        if named or not _HARMLESS.fullmatch(value):
            raise OptionError(
                f"encoder_option {key}: names a file, or may; shared jobs take plain values alone",
                hint="leave it out, or run `vidsr` without sharing.",
            )


def _pairs(pairs: Sequence[str]) -> Iterator[tuple[str, str]]:
    for pair in pairs:
        key, _, value = pair.partition("=")
        if key.lower().endswith("params"):
            for inner in re.split(r"[:\s]+", value):
                name, _, setting = inner.partition("=")
                yield name, setting
        else:
            yield key, value


def is_name(text: str) -> bool:
    """Return True for text that can be the name of a file at all."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False
