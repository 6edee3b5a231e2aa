"""Values of the expected error that hold for many pictures and fade into each other.

A value is found for a key frame, and for every 48th picture shown after it. It is the geometric
mean of what up to 32 packets from that picture's on say, as far as the next key frame, and less
where these are small beside the key frame: what stands still keeps its error. Where no packets are
read ahead, as of live sources, and where their headers are not read, it is that of up to 16
pictures back to the key frame. From one value to the next it takes 16 pictures: before a key
frame, whose packets are known by then, and after each of the others. So where decoding begins
changes nothing: no value depends on pictures before a key frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from math import log2

from vidsr.video.coding.codecs import Family
from vidsr.video.coding.expected_error import TYPICAL_ACTIVITY, Evidence, expected_levels
from vidsr.video.coding.packet_log import FADED, PacketLog, Span

LEAST_LEVELS = 1e-3
# Pictures whose values are averaged: encoders give P and B frames quantisers of their own by turns.
STEADIED = 16
# Pictures from one value to the next, while no key frame comes.
HELD = 48
# Pictures whose mean activity stands for that of the key frame behind them.
_LOOKS = 4
# Octaves that a key frame counts for more, so that it differs from its neighbours by as much as is
# true: of a still camera, key frames of x264, x265 and libvpx said 36 to 39 % less than the frames
# before them, where the error fell by 15 to 25 %.
_KEY_OCTAVES = 0.4
# Codecs of MPEG's and JPEG's families say of key frames what is true.
_TRUE_KEYS: frozenset[Family] = frozenset({"mpeg", "jpeg"})
# Octaves; what differs by more is another scene, into which nothing fades. Over 16 pictures it is
# 4 % a picture.
_MOST_FADED = 1.0
# Where little is coded anew, the key frame's finer quantiser counts for longer: of eight clips that
# x264, x265, libvpx and SVT-AV1 coded at three qualities, errors of 32 pictures were 0.47 octaves
# (rms) off the mean of their quantisers, and 0.30 with a quarter of an octave less for each by
# which packets are smaller than a sixteenth of their key frame's. MPEG-2 and VP8 show none of it.
# Of H.264 the higher value chooses the better network: lite-x4 lost 0.03 and 0.06 dB with the lower
# at CRF 28 and 33 (mean of seven clips), and gained 0.02 to 0.07 dB with it of HEVC and VP9.
_KEEPING: frozenset[Family] = frozenset({"hevc", "vp9", "av1"})
_MOVING_OCTAVES, _KEPT_SHARE, _MOST_KEPT = -4.0, 0.25, 1.0


def log_levels(evidence: Evidence) -> float:
    """Return the expected error of a picture by itself, log2 of levels, a key frame's lifted."""
    own = log2(max(expected_levels(evidence), LEAST_LEVELS))
    lifted = evidence.key and evidence.family not in _TRUE_KEYS
    return own + _KEY_OCTAVES if lifted else own


class SteadyLevels:
    """The value of each picture of a stream, in the order of display.

    Attributes:
        busy: Activity of the picture that the last value was found for.
        levels: Value of the picture noted last in levels of 8 bits, None where none is known.

    Args:
        log: What the packets say.
        ahead: True if they are read ahead of decoding.
    """

    def __init__(self, log: PacketLog, *, ahead: bool) -> None:
        self._log, self._ahead = log, ahead
        self.busy = TYPICAL_ACTIVITY
        self.levels: float | None = None
        self._past: deque[float] = deque(maxlen=STEADIED)
        self._looks: deque[float] = deque(maxlen=_LOOKS)
        self._begin(None)

    def _begin(self, number: int | None) -> None:
        """Forget what was before a key frame, whose packet has this number."""
        self._past.clear()
        self._looks.clear()
        self._key = number
        self._key_size = None if number is None else self._log.size(number)
        self._pictures = self._since_value = 0
        self._before: float | None = None
        self._value: float | None = None
        self._found_for: Evidence | None = None
        self._scale = 0.0
        self._next_key: int | None = None

    def picture(
        self,
        evidence: Evidence | None,
        number: int | None,
        *,
        key: bool,
        look: Callable[[], float],
    ) -> None:
        """Note the next picture.

        Args:
            evidence: What is known of it but for its activity.
            number: Number of its packet, None where that is not known.
            key: True for a key frame.
            look: Function that returns its activity.
        """
        if key:
            self._begin(number)
        if evidence is not None:
            self._past.append(log_levels(evidence))
        if self._is_due:
            self._find(evidence, number, look())
        self._pictures += 1
        self._since_value += 1
        if self._share_of_next:
            self._looks.append(look())
        self.levels = self._level()

    def _level(self) -> float | None:
        """Return the value of the picture noted last."""
        if self._value is None or self._before is None:
            return None
        done = min(1.0, self._since_value / (FADED + 1))
        now = self._before + done * (self._value - self._before)
        return float(2.0 ** (now + self._to_next(now)))

    @property
    def _is_due(self) -> bool:
        """True if a value is to be found for the next picture."""
        if self._pictures % HELD:
            return False
        left = self._left(self._pictures)
        return not self._pictures or left is None or left > FADED

    def _find(self, evidence: Evidence | None, number: int | None, busy: float) -> None:
        self.busy, old = busy, self._value
        self._value, self._since_value, self._scale = None, 0, 0.0
        self._found_for = evidence
        if evidence is None:
            return
        mean = self._mean_ahead(evidence, number)
        if mean is None:
            mean = sum(self._past) / len(self._past)
        self._value = mean + _octaves(evidence, busy)
        self._before = self._value if old is None else old

    def _mean_ahead(self, evidence: Evidence, number: int | None) -> float | None:
        """Return the mean of the packets from one on, as the picture's own quantisers scale it."""
        if not self._ahead or number is None:
            return None
        own = self._log.own(number)
        mean = self._mean_from(number, evidence.family, self._key_size)
        if mean is None or own is None:
            return None
        self._scale = log_levels(replace(evidence, recent=evidence.step)) - own
        return mean + self._scale

    def _mean_from(self, number: int, family: Family, key_size: int | None) -> float | None:
        """Return the mean of the packets from one on, whose key frame took so many bytes."""
        span = self._log.span(number)
        if span is None:
            return None
        still = _kept_octaves(span, key_size) if family in _KEEPING else 0.0
        return span.log_levels - still

    def _left(self, pictures: int) -> int | None:
        """Return how many pictures come from one on before the next key frame, None for unknown."""
        if not self._ahead or self._key is None:
            return None
        if self._next_key is None:
            self._next_key = self._log.next_key(self._key)
        return None if self._next_key is None else self._next_key - self._key - pictures

    @property
    def _share_of_next(self) -> float:
        """How much of the next key frame's value the picture noted last has; 0 far before it."""
        left = self._left(self._pictures - 1)
        if left is None or self._next_key is None or self._key is None:
            return 0.0
        over = min(FADED, (self._next_key - self._key) // 2)
        return min(1.0, max(0.0, 1.0 - left / (over + 1)))

    def _to_next(self, now: float) -> float:
        """Return the octaves by which the picture noted last is nearer to the next value.

        That of the next key frame is expected to be as busy as the last pictures before it are.
        """
        share = self._share_of_next
        if not share or self._next_key is None or self._found_for is None:
            return 0.0
        size, family = self._log.size(self._next_key), self._found_for.family
        if (mean := self._mean_from(self._next_key, family, size)) is None:
            return 0.0
        busy = sum(self._looks) / len(self._looks)
        change = mean + self._scale + _octaves(self._found_for, busy) - now
        return 0.0 if abs(change) > _MOST_FADED else share * change


def _kept_octaves(span: Span, key_size: int | None) -> float:
    """Return by how much the error is below what quantisers say, for what keeps its key frame's."""
    if not span.size or not key_size:
        return 0.0
    below = _MOVING_OCTAVES - log2(span.size / key_size)
    return min(_MOST_KEPT, max(0.0, _KEPT_SHARE * below))


def _octaves(evidence: Evidence, busy: float) -> float:
    """Return by how much the error of a picture of that activity is above a typical one's."""
    own = expected_levels(replace(evidence, activity=busy))
    typical = expected_levels(evidence)
    return log2(max(own, LEAST_LEVELS) / max(typical, LEAST_LEVELS))
