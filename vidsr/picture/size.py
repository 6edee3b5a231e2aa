"""Size of a picture: one type instead of pairs whose order has to be guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from vidsr.errors import OptionError


@dataclass(frozen=True)
class Size:
    """Width and height of a picture or a part of one, in pixels."""

    width: int
    height: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the size that ``1920x1080`` stands for. Raises OptionError."""
        match = re.fullmatch(r"(\d+)[xX](\d+)", text.strip())
        if match is None:
            raise OptionError(f"size = {text!r}: expected WxH, such as 1920x1080.")
        return cls(int(match[1]), int(match[2]))

    @property
    def pixels(self) -> int:
        """Return the number of pixels."""
        return self.width * self.height

    @property
    def rows_columns(self) -> tuple[int, int]:
        """Return (height, width), the order of a tensor's last two dimensions."""
        return self.height, self.width

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"
