"""The expected error of every picture of a stream: what its packets, quantisers and luma say.

Values hold for many pictures and fade into each other, so that strength is steady: see
``steady_levels.py``. What luma alone tells of earlier codecs raises them: see ``blind/``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from math import log2

import av
import numpy as np
from av.sidedata.sidedata import Type

from vidsr.picture.coding_error import CodingError
from vidsr.video.coding.activity import Samples, activity, differences, first_plane
from vidsr.video.coding.blind.estimate import look
from vidsr.video.coding.blocking import grid_levels
from vidsr.video.coding.codecs import family_of, is_lossless
from vidsr.video.coding.expected_error import (
    CURVES,
    RECENT,
    TYPICAL_ACTIVITY,
    Evidence,
    block_levels,
    expected_levels,
)
from vidsr.video.coding.held_looks import HeldLooks
from vidsr.video.coding.packets import PacketFacts, Packets, headers_of
from vidsr.video.coding.spent_bytes import levels_of_bytes
from vidsr.video.coding.steady_levels import LEAST_LEVELS, SteadyLevels
from vidsr.video.coding.step_map import Steps, picture_steps
from vidsr.video.coding.venc_params import parse
from vidsr.video.items import Packet
from vidsr.video.side_data import SideData

_B = 3  # av.video.frame.PictureType.B
_LEAST_STEP = 0.25
# Pictures in a row, after a key frame, that have to show a grid before a codec that leaves none of
# its own is taken to have coded a picture that had one: single key frames show 0.36 for no reason.
_GRIDS = 4
# Codecs whose own blocks show: a grid tells nothing of what was before them.
_WITH_GRID = frozenset({"mpeg", "jpeg"})


@dataclass(frozen=True)
class _Seen:
    """What is known of a decoded picture before its samples are looked at."""

    pixels: int
    steps: Steps | None
    recent: float
    key: bool
    bidirectional: bool
    facts: PacketFacts | None
    grid_levels: float = 0.0


class CodingErrors:
    """The errors of one stream's pictures: ``packet`` and ``picture`` in order, ``of`` at will.

    Attributes:
        reads_ahead: True if packets have to be given to ``see`` as they are read, in their order,
            long before ``packet``.

    Args:
        decoder: FFmpeg's name of the decoder.
        extradata: What the container holds of the codec's headers.
        exported: True if the decoder was asked for its quantisers.
        ahead: True if packets can be read ahead.
        alone: True for a single picture, no stream.
    """

    def __init__(
        self,
        decoder: str,
        extradata: bytes | None = None,
        *,
        exported: bool,
        ahead: bool = False,
        alone: bool = False,
    ) -> None:
        self._family = family_of(decoder)
        self._lossless = is_lossless(decoder)
        headers = headers_of(decoder, extradata)
        self.reads_ahead = ahead and headers is not None and self._family != "jpeg"
        self._packets = Packets(self._family, headers)
        self._steady = SteadyLevels(self._packets.log, ahead=self.reads_ahead)
        wanted = exported and self._family in ("vp9", "mpeg")
        self._side_data = SideData(frozenset({Type.VIDEO_ENC_PARAMS})) if wanted else None
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._grids: deque[float] = deque(maxlen=_GRIDS)
        self._on_cpu = exported
        self._looks = exported and not self._lossless and self._family not in _WITH_GRID
        # Where every picture is a key frame, or every twelfth, a look at each makes strength pulse:
        # 0 to 3.2 levels in neighbours of a camera's clip stored without loss.
        self._looks_at_luma = alone if self._lossless or self._family == "other" else self._looks
        self._by_luma = HeldLooks()
        self._seen: _Seen | None = None

    def see(self, packet: Packet) -> None:
        """Note a packet that was read ahead."""
        self._packets.see(packet)

    def see_other(self, packet: Packet) -> None:
        """Note a packet of another stream that was read ahead."""
        self._packets.see_other(packet)

    def packet(self, packet: Packet) -> None:
        """Note a packet before it is decoded."""
        if not self._lossless:
            self._packets.add(packet)

    def picture(self, image: av.VideoFrame) -> None:
        """Note a picture as the decoder gives it, its time still the packet's."""
        if self._lossless:
            return
        facts = self._packets.take(image)
        steps = self._steps(image, facts)
        key = image.key_frame or bool(facts and facts.key)
        if key:
            self._recent.clear()
            self._grids.clear()
        if steps is not None:
            self._recent.append(log2(max(steps.mean, _LEAST_STEP)))
        recent = 2.0 ** (sum(self._recent) / len(self._recent)) if self._recent else 1.0
        if steps is None and self._recent:  # as of MPEG-2's last picture, which exports none
            steps = Steps(recent)
        pixels, bidirectional = image.width * image.height, int(image.pict_type) == _B
        self._seen = _Seen(pixels, steps, recent, key, bidirectional, facts)
        if self._looks:
            self._seen = replace(self._seen, grid_levels=self._grid_levels(image))
        number = None if facts is None else facts.number
        evidence = self.evidence(TYPICAL_ACTIVITY)
        self._steady.picture(evidence, number, key=key, look=lambda: self._busy(image))
        self._look(image, key)

    def _busy(self, image: av.VideoFrame) -> float:
        """Return the activity of a picture, a typical one where its samples lie on a GPU."""
        if not self._on_cpu:
            return TYPICAL_ACTIVITY
        depth = image.format.components[0].bits
        if depth > 16 or not image.format.is_planar:
            return TYPICAL_ACTIVITY
        return activity(differences(first_plane(image.planes[0], depth)), depth)

    def _look(self, image: av.VideoFrame, key: bool) -> None:
        """Look at the luma of a picture where it is time."""
        self._by_luma.picture(key=key)
        if not (self._looks_at_luma and self._by_luma.is_due):
            return  # before components are asked for, which formats of a GPU have not
        depth = image.format.components[0].bits
        if depth <= 16 and image.format.is_planar and not image.interlaced_frame:
            luma = first_plane(image.planes[0], depth)
            self._by_luma.found(look(luma, depth))

    def _grid_levels(self, image: av.VideoFrame) -> float:
        """Return the error that the grid of this and of each of the last pictures tells of."""
        depth = image.format.components[0].bits
        if depth <= 16 and image.format.is_planar:
            self._grids.append(grid_levels(differences(first_plane(image.planes[0], depth))))
        return min(self._grids) if len(self._grids) == _GRIDS else 0.0

    def _steps(self, image: av.VideoFrame, facts: PacketFacts | None) -> Steps | None:
        if self._side_data is not None:
            depth = image.format.components[0].bits
            for item in self._side_data.read(image):
                if (quantisers := parse(item.data)) is not None:
                    return picture_steps(quantisers, image.width, image.height, depth)
        if facts is None or facts.step is None:
            return None
        return Steps(facts.step)

    def of(self, luma: Samples | None, depth: int) -> CodingError | None:
        """Return the error of the picture noted last; None where nothing tells of it.

        Args:
            luma: Its first plane, ``[h, w]``; None where that lies on a GPU.
            depth: Bits of a sample.
        """
        told = self._told()
        if self._lossless or told is None:
            if luma is None:
                return told
            alone = self._lossless and self._looks_at_luma
            seen = look(luma, depth) if alone else self._by_luma.now
            levels = max(grid_levels(differences(luma)), seen.beyond(0))
            return CodingError(levels, "picture")
        seen_grid = self._seen.grid_levels if self._seen else 0.0
        seen_grid = max(seen_grid, self._by_luma.now.beyond(told.levels))
        return told if told.levels >= seen_grid else CodingError(seen_grid, "picture")

    @property
    def bits_per_pixel(self) -> float | None:
        """The bits spent on each pixel of the last key frame."""
        if self._seen is None or self._seen.facts is None:
            return None
        return 8 * self._seen.facts.key_bytes / self._seen.pixels

    def evidence(self, busy: float) -> Evidence | None:
        """Return what is known of the picture noted last, None where no quantiser is."""
        seen = self._seen
        if seen is None or seen.steps is None or self._family not in CURVES:
            return None
        step, flags = seen.steps.mean, (seen.key, seen.bidirectional)
        return Evidence(self._family, step, seen.recent, busy, *flags)

    def _told(self) -> CodingError | None:
        """Return what the stream itself says, None for nothing."""
        if self._lossless:
            return CodingError(0.0, "picture")
        if (evidence := self.evidence(self._steady.busy)) is not None:
            return self._quantised(evidence)
        if (bits := self.bits_per_pixel) is None:
            return None
        return CodingError(levels_of_bytes(self._family, bits, self._steady.busy), "bytes")

    def _quantised(self, evidence: Evidence) -> CodingError:
        own = expected_levels(evidence)
        levels = own if self._steady.levels is None else self._steady.levels
        if self._family == "jpeg":
            return CodingError(levels, "tables")
        steps = self._seen.steps if self._seen else None
        if steps is None or steps.grid is None:
            return CodingError(levels, "quantiser")
        blocks = block_levels(evidence, steps.grid) * np.float32(levels / max(own, LEAST_LEVELS))
        return CodingError(levels, "quantiser", blocks)
