"""Text on pictures without a font library: capitals, digits and signs of 5x7 dots."""

from __future__ import annotations

import torch
from torch import Tensor

from vidsr.picture.size import Size

HIGH, ADVANCE = 7, 6  # dots; a glyph is 5 wide and one is left free

# Ten glyphs beside each other a block, named by the line above it.
_FONT = """
0123456789
.###. ..#.. .###. .###. ...#. ##### .###. ##### .###. .###.
#...# .##.. #...# #...# ..##. #.... #.... ....# #...# #...#
#..## ..#.. ....# ....# .#.#. ####. #.... ...#. #...# #...#
#.#.# ..#.. ...#. ..##. #..#. ....# ####. ..#.. .###. .####
##..# ..#.. ..#.. ....# ##### ....# #...# ..#.. #...# ....#
#...# ..#.. .#... #...# ...#. #...# #...# ..#.. #...# ....#
.###. .###. ##### .###. ...#. .###. .###. ..#.. .###. .###.
ABCDEFGHIJ
.###. ####. .###. ####. ##### ##### .###. #...# .###. ..###
#...# #...# #...# #...# #.... #.... #...# #...# ..#.. ...#.
#...# #...# #.... #...# #.... #.... #.... #...# ..#.. ...#.
##### ####. #.... #...# ####. ####. #.### ##### ..#.. ...#.
#...# #...# #.... #...# #.... #.... #...# #...# ..#.. ...#.
#...# #...# #...# #...# #.... #.... #...# #...# ..#.. #..#.
#...# ####. .###. ####. ##### #.... .###. #...# .###. .##..
KLMNOPQRST
#...# #.... #...# #...# .###. ####. .###. ####. .#### #####
#..#. #.... ##.## ##..# #...# #...# #...# #...# #.... ..#..
#.#.. #.... #.#.# #.#.# #...# #...# #...# #...# #.... ..#..
##... #.... #.#.# #..## #...# ####. #...# ####. .###. ..#..
#.#.. #.... #...# #...# #...# #.... #.#.# #.#.. ....# ..#..
#..#. #.... #...# #...# #...# #.... #..#. #..#. ....# ..#..
#...# ##### #...# #...# .###. #.... .##.# #...# ####. ..#..
UVWXYZ.-+/
#...# #...# #...# #...# #...# ##### ..... ..... ..... ....#
#...# #...# #...# #...# #...# ....# ..... ..... ..#.. ....#
#...# #...# #...# .#.#. .#.#. ...#. ..... ..... ..#.. ...#.
#...# #...# #.#.# ..#.. ..#.. ..#.. ..... .###. ##### ..#..
#...# #...# #.#.# .#.#. ..#.. .#... ..... ..... ..#.. .#...
#...# .#.#. ##.## #...# ..#.. #.... .##.. ..... ..#.. #....
.###. ..#.. #...# #...# ..#.. ##### .##.. ..... ..... #....
:()%=_,?<>
..... ...#. .#... ##..# ..... ..... ..... .###. ...#. .#...
.##.. ..#.. ..#.. ##..# ..... ..... ..... #...# ..#.. ..#..
.##.. .#... ...#. ...#. ##### ..... ..... ....# .#... ...#.
..... .#... ...#. ..#.. ..... ..... ..... ...#. #.... ....#
.##.. .#... ...#. .#... ##### ..... .##.. ..#.. .#... ...#.
.##.. ..#.. ..#.. #..## ..... ..... ..#.. ..... ..#.. ..#..
..... ...#. .#... #..## ..... ##### .#... ..#.. ...#. .#...
"""


def _glyphs() -> dict[str, list[str]]:
    lines = _FONT.split("\n")[1:-1]
    blocks = [lines[i : i + 1 + HIGH] for i in range(0, len(lines), 1 + HIGH)]
    return {
        name: [row.split()[place] for row in rows]
        for names, *rows in blocks
        for place, name in enumerate(names)
    } | {" ": ["....."] * HIGH}


_GLYPHS = _glyphs()


def text_size(text: str, dot: int = 1) -> Size:
    """Return the size of a line of text whose dots are ``dot`` pixels wide."""
    return Size(max(0, len(text) * ADVANCE - 1) * dot, HIGH * dot)


def draw_text(text: str, dot: int = 1) -> Tensor:
    """Draw a line of text, bool ``[h, w]`` of ``text_size``: True for ink.

    Small letters become capitals; a letter that the font lacks becomes a question mark.
    """
    # Letter by letter: as a whole, some text grows longer in capitals.
    glyphs = [_GLYPHS.get(c.upper(), _GLYPHS["?"]) for c in text]
    rows = [".".join(glyph[y] for glyph in glyphs) for y in range(HIGH)]
    ink = torch.tensor([[mark == "#" for mark in row] for row in rows], dtype=torch.bool)
    return ink.repeat_interleave(dot, 0).repeat_interleave(dot, 1)


def fit_text(text: str, width: int, dot: int = 2) -> tuple[str, int]:
    """Return (text, dot) that fit ``width`` pixels: smaller dots first, then fewer letters."""
    while dot > 1 and text_size(text, dot).width > width:
        dot -= 1
    return text[: max(0, (width // dot + 1) // ADVANCE)], dot
