"""Variants of a stream's newest picture: output or source, small or full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from vidsr.live.base.status import PicturePair
from vidsr.live.web.previews.jpeg import JpegEncoder, Size, fit

Kind = Literal["output", "source"]
Extent = Literal["small", "full"]
BOXES: dict[Extent, Size] = {"small": (640, 360), "full": (1920, 1080)}
KINDS: tuple[Kind, ...] = ("output", "source")


@dataclass(frozen=True)
class Variant:
    """One way to show a pair of pictures.

    Args:
        kind: ``output``, or ``source`` scaled to the same size by bicubic interpolation.
        extent: The box that the picture fits in, at most.
    """

    kind: Kind = "output"
    extent: Extent = "small"


def parse_variant(query: Mapping[str, str], extent: Extent) -> Variant:
    """Return the variant that a request asks for by ``picture`` and ``size``.

    Raises:
        ValueError: One of them is unknown.
    """
    kind, size = query.get("picture", "output"), query.get("size", extent)
    if kind not in KINDS or size not in BOXES:
        raise ValueError("expected picture=output|source and size=small|full")
    return Variant(kind, size)


def encode_variant(encoder: JpegEncoder, pair: PicturePair, variant: Variant) -> bytes | None:
    """Return a pair's picture as JPEG; None for the source where the pair has none."""
    frame = pair.output if variant.kind == "output" else pair.source
    if frame is None:
        return None
    layout = pair.output.format
    return encoder.encode(frame, fit((layout.width, layout.height), BOXES[variant.extent]))
