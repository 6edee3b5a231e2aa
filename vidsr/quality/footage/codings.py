"""Codings that small clips are put through: a codec and a quality each, as people type them.

Nothing of PyAV or PyTorch is imported: a command refuses a codec before it loads them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from vidsr.errors import OptionError
from vidsr.option_values import one_of
from vidsr.video.codec_kinds import CODEC_KINDS

NAMES = ("none", *CODEC_KINDS)
OTHER_NAMES = {"x264": "h264", "avc": "h264", "hevc": "h265", "x265": "h265", "jpeg": "mjpeg"}


@dataclass(frozen=True)
class Coding:
    """One codec at one quality; ``none`` keeps every sample and has no quality."""

    codec: str
    quality: int | None = None

    def __str__(self) -> str:
        return self.codec if self.quality is None else f"{self.codec}:{self.quality}"


UNCODED = Coding("none")


def parse_codings(texts: Iterable[str]) -> tuple[Coding, ...]:
    """Return the codings of ``h264:18,23`` and the like, uncompressed always first, each once.

    Raises OptionError for an unknown codec and for a quality that it does not have.
    """
    found = [coding for text in texts for coding in _parse(text)]
    return tuple(dict.fromkeys((UNCODED, *found)))


def _parse(text: str) -> list[Coding]:
    name, colon, listed = text.strip().partition(":")
    codec = _known(name, text)
    words = [word.strip() for word in listed.split(",") if word.strip()]
    if codec == "none":
        if colon:
            raise OptionError(f"--codec {text}: none has no quality", hint="write --codec none.")
        return [UNCODED]
    if not words:
        raise OptionError(
            f"--codec {text}: expected a codec and its qualities",
            hint=f"such as --codec {codec}:{_example(codec)}.",
        )
    return [Coding(codec, _quality(codec, word, text)) for word in words]


def _known(name: str, text: str) -> str:
    codec = OTHER_NAMES.get(name.lower(), name.lower())
    if codec in NAMES:
        return codec
    close = get_close_matches(codec, NAMES, 1)
    hint = f"did you mean {close[0]}?" if close else "such as --codec h264:18,23,28."
    raise OptionError(f"--codec {text}: expected {one_of(NAMES)}, got {name!r}", hint=hint)


def _quality(codec: str, word: str, text: str) -> int:
    kind = CODEC_KINDS[codec]
    if not word.isdecimal() or not kind.lowest <= int(word) <= kind.highest:
        raise OptionError(
            f"--codec {text}: expected a {kind.quality} of {kind.lowest} to {kind.highest}, "
            f"got {word}",
            hint="smaller is better.",
        )
    return int(word)


def _example(codec: str) -> str:
    kind = CODEC_KINDS[codec]
    return f"{kind.highest // 3},{kind.highest // 2}"
