"""Portions of videos that may be learned from: ``0-50%`` for all, others by name in a file.

# portions.toml, in the folder of the videos
"camera.mp4" = "0-50%"
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from vidsr.errors import OptionError

FILE = "portions.toml"
WHOLE = "0-100%"
_HINT = "such as 0-50% for the first half"


@dataclass(frozen=True)
class Portion:
    """Part of a video, from ``begin`` to ``end`` as shares of its length."""

    begin: float
    end: float

    def __str__(self) -> str:
        return f"{self.begin * 100:g}-{self.end * 100:g}%"


def parse_portion(text: object) -> Portion:
    """Return the portion that ``0-50%`` stands for. Raises OptionError."""
    number = r"(\d{1,3}(?:\.\d+)?)"
    match = re.fullmatch(rf"{number}\s*%?\s*-\s*{number}\s*%", str(text).strip())
    begin, end = (float(match[1]), float(match[2])) if match else (0.0, 0.0)
    if not 0 <= begin < end <= 100:
        raise OptionError(f"portion = {text!r}: expected BEGIN-END%", hint=_HINT)
    return Portion(begin / 100, end / 100)


def portions_of(videos: list[Path], default: str) -> dict[Path, Portion]:
    """Return the portion of each video: what ``portions.toml`` beside it says, else ``default``.

    Raises OptionError for a file that breaks the rules, or names no video that is there.
    """
    portions: dict[Path, Portion] = {}
    for folder in dict.fromkeys(video.parent for video in videos):
        named = _read(folder / FILE)
        own = [video for video in videos if video.parent == folder]
        unknown = sorted(set(named) - {path.name for path in folder.iterdir()})
        if unknown:
            raise OptionError(f"{folder / FILE}: {unknown[0]}: no such file beside it", hint=_HINT)
        portions |= {video: parse_portion(named.get(video.name, default)) for video in own}
    return portions


def _read(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OptionError(f"{path}: cannot be read: {error}") from error
