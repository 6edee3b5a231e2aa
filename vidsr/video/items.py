"""Items that a source gives and every stage passes on: frames, foreign packets, discontinuities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import av

    from vidsr.picture.frame import Frame

Packet: TypeAlias = "av.Packet[Any]"
Item: TypeAlias = "Frame | Packet | Discontinuity"
Reason = Literal["jump", "reconnect", "scene_cut", "new_format"]


@dataclass(frozen=True)
class Discontinuity:
    """A mark between two frames that do not follow from each other.

    Stages pass it on in its place; what keeps a memory of frames begins anew there. Sinks ignore
    it unless they are ``MarkingSink``.

    Args:
        reason: ``jump`` of the source's clock, ``reconnect`` after a loss, ``scene_cut``, or
            ``new_format`` of the pictures.
        where: The time of the first frame behind it, in units of the video's time base; None
            where it is not known.
    """

    reason: Reason
    where: int | None = None
