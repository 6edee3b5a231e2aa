"""The expected error of every picture of a stream: what its packets, quantisers and luma say.

A value is found for a key frame and for every 48th picture shown after it, out of up to 16
pictures, and held in between, so that strength is steady: a picture's value depends on up to 63
before it, back to a key frame, and wherever decoding starts it is the same. Beside it luma alone is
looked at, which tells of earlier codecs. Of 72 coded clips
lite-x4 flickered more than bicubic interpolation in 32 where every frame had a value of its own, in
28 where values were held, and in 43 with the network for clean pictures alone.
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
from vidsr.video.coding.blind.estimate import NOTHING, Look, look
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
from vidsr.video.coding.packets import PacketFacts, Packets, headers_of
from vidsr.video.coding.spent_bytes import levels_of_bytes
from vidsr.video.coding.step_map import Steps, picture_steps
from vidsr.video.coding.venc_params import parse
from vidsr.video.items import Packet
from vidsr.video.side_data import SideData

_B = 3  # av.video.frame.PictureType.B
_LEAST_STEP = 0.25
_LEAST_LEVELS = 1e-3
# Pictures whose values are averaged: encoders give P and B frames quantisers of their own by turns.
STEADIED = 16
# Pictures from one value to the next, while no key frame comes.
HELD = 48
# Octaves that a key frame counts for more, so that it differs from its neighbours by as much as is
# true: of a still camera, key frames of x264, x265 and libvpx said 36 to 39 % less than the frames
# before them, where the error fell by 15 to 25 %.
_KEY_OCTAVES = 0.4
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


@dataclass(frozen=True)
class _Held:
    """Value that holds until the next one: activity of its picture, and errors in levels."""

    busy: float = TYPICAL_ACTIVITY
    levels: float | None = None
    look: Look = NOTHING  # by luma alone


class CodingErrors:
    """The errors of one stream's pictures: ``packet`` and ``picture`` in order, ``of`` at will.

    Args:
        decoder: FFmpeg's name of the decoder.
        extradata: What the container holds of the codec's headers.
        exported: True if the decoder was asked for its quantisers.
    """

    def __init__(self, decoder: str, extradata: bytes | None = None, *, exported: bool) -> None:
        self._family = family_of(decoder)
        self._lossless = is_lossless(decoder)
        self._packets = Packets(headers_of(self._family, extradata))
        wanted = exported and self._family in ("vp9", "mpeg")
        self._side_data = SideData(frozenset({Type.VIDEO_ENC_PARAMS})) if wanted else None
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._levels: deque[float] = deque(maxlen=STEADIED)
        self._since_key = 0
        self._progressive = True
        self._held = _Held()
        self._grids: deque[float] = deque(maxlen=_GRIDS)
        self._on_cpu = exported
        self._looks = exported and not self._lossless and self._family not in _WITH_GRID
        self._seen: _Seen | None = None

    def packet(self, packet: Packet) -> None:
        """Note a packet before it is decoded."""
        if not self._lossless:
            self._packets.add(packet)

    def picture(self, image: av.VideoFrame) -> None:
        """Note a picture as the decoder gives it, its time still the packet's."""
        if self._lossless:
            self._since_key = 0 if image.key_frame else self._since_key + 1
            self._progressive = not image.interlaced_frame
            return
        facts = self._packets.take(image)
        steps = self._steps(image, facts)
        key = image.key_frame or bool(facts and facts.key)
        if key:
            self._recent.clear()
            self._levels.clear()
            self._since_key = 0
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
        self._hold(image)

    def _hold(self, image: av.VideoFrame) -> None:
        """Average the picture in, and find the value anew where it is time."""
        evidence = self.evidence(TYPICAL_ACTIVITY)
        if evidence is not None:
            lifted = evidence.key and self._family not in _WITH_GRID  # JPEG has nothing else
            own = log2(max(expected_levels(evidence), _LEAST_LEVELS))
            self._levels.append(own + _KEY_OCTAVES if lifted else own)
        if self._since_key % HELD == 0:
            busy = self._busy(image)
            self._held = _Held(busy, self._mean_levels(busy), self._look(image))
        self._since_key += 1

    def _busy(self, image: av.VideoFrame) -> float:
        """Return the activity of a picture, a typical one where its samples lie on a GPU."""
        if not self._on_cpu:
            return TYPICAL_ACTIVITY
        depth = image.format.components[0].bits
        if depth > 16 or not image.format.is_planar:
            return TYPICAL_ACTIVITY
        return activity(differences(first_plane(image.planes[0], depth)), depth)

    def _look(self, image: av.VideoFrame) -> Look:
        """Return what the luma of a picture tells, whatever the stream says."""
        depth = image.format.components[0].bits
        if not self._looks or depth > 16 or not image.format.is_planar or image.interlaced_frame:
            return NOTHING
        return look(first_plane(image.planes[0], depth), depth, few=self._family == "other")

    def _mean_levels(self, busy: float) -> float | None:
        """Return the geometric mean of what the last pictures would be at one activity."""
        typical, own = self.evidence(TYPICAL_ACTIVITY), self.evidence(busy)
        if typical is None or own is None:
            return None
        mean = 2.0 ** (sum(self._levels) / len(self._levels))
        ratio = expected_levels(own) / max(expected_levels(typical), _LEAST_LEVELS)
        return float(mean * ratio)

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
            if self._lossless and self._progressive and self._since_key % HELD == 0:
                self._held = _Held(look=look(luma, depth, few=True))
            seen = self._held.look.beyond(0)
            return CodingError(max(grid_levels(differences(luma)), seen), "picture")
        seen_grid = self._seen.grid_levels if self._seen else 0.0
        seen_grid = max(seen_grid, self._held.look.beyond(told.levels))
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
        if (evidence := self.evidence(self._held.busy)) is not None:
            return self._quantised(evidence)
        if (bits := self.bits_per_pixel) is None:
            return None
        return CodingError(levels_of_bytes(self._family, bits, self._held.busy), "bytes")

    def _quantised(self, evidence: Evidence) -> CodingError:
        own = expected_levels(evidence)
        levels = own if self._held.levels is None else self._held.levels
        if self._family == "jpeg":
            return CodingError(levels, "tables")
        steps = self._seen.steps if self._seen else None
        if steps is None or steps.grid is None:
            return CodingError(levels, "quantiser")
        blocks = block_levels(evidence, steps.grid) * np.float32(levels / max(own, _LEAST_LEVELS))
        return CodingError(levels, "quantiser", blocks)
