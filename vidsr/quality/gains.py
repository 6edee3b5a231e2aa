"""Gains of models over bicubic: their means by coding, and the lowest of all, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from vidsr.quality.metrics.measure import METRICS, counted
from vidsr.quality.results import Row, table

BICUBIC = "bicubic"
GAINED = ("psnr", "ssim")
TOLERANCE = {"psnr": 0.02, "ssim": 0.0005}  # below bicubic by more than this is named


@dataclass(frozen=True)
class Gain:
    """What a model gains over bicubic on one clip in one coding, by metric."""

    model: str
    clip: str
    codec: str
    by: dict[str, float]

    @property
    def below(self) -> bool:
        """Return True if the model is worse than bicubic, beyond the tolerance."""
        return any(value < -TOLERANCE[metric] for metric, value in self.by.items())

    def about(self) -> dict[str, object]:
        """Return the gain in plain values, for JSON."""
        numbers = {metric: round(value, 6) for metric, value in self.by.items()}
        return {"clip": self.clip, "codec": self.codec, **numbers}


def gains_of(rows: Sequence[Row], models: Sequence[str]) -> list[Gain]:
    """Return the gain of every model on every clip and coding."""
    base = {(row.group, row.picture): row.scores for row in rows if row.method == BICUBIC}
    gains = []
    for row in rows:
        if row.method not in models:
            continue
        bicubic = base[row.group, row.picture]
        by = {
            metric: counted(metric, row.scores[metric]) - counted(metric, bicubic[metric])
            for metric in GAINED
            if metric in row.scores
        }
        if by:
            gains.append(Gain(row.method, row.picture, row.group, by))
    return gains


def mean_gains(gains: Sequence[Gain]) -> dict[str, dict[str, dict[str, float]]]:
    """Return means over clips, by metric, coding and model."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for metric in _metrics(gains):
        for codec in dict.fromkeys(gain.codec for gain in gains):
            result.setdefault(metric, {})[codec] = {
                model: fmean(g.by[metric] for g in gains if (g.model, g.codec) == (model, codec))
                for model in dict.fromkeys(gain.model for gain in gains)
            }
    return result


def lowest(gains: Sequence[Gain], model: str, metric: str) -> Gain:
    """Return the lowest gain of a model over all clips and codings."""
    return min((g for g in gains if g.model == model), key=lambda gain: gain.by[metric])


def gains_markdown(gains: Sequence[Gain]) -> str:
    """Return a table a metric, a line a coding, and a line a model that names its lowest gain."""
    models = list(dict.fromkeys(gain.model for gain in gains))
    parts = []
    for metric, by_codec in mean_gains(gains).items():
        digits = METRICS[metric].digits
        lines = [
            [codec, *(f"{values[model]:+.{digits}f}" for model in models)]
            for codec, values in by_codec.items()
        ]
        worst = [lowest(gains, model, metric) for model in models]
        lines.append(["lowest", *(f"{g.by[metric]:+.{digits}f} {g.clip} {g.codec}" for g in worst)])
        title = f"Gain over bicubic, mean over clips, {METRICS[metric].title.partition(',')[0]}:"
        parts.append(f"{title}\n\n{table(['codec', *models], lines)}")
    return "\n\n".join([*parts, _counts(gains, models)])


def gains_json(gains: Sequence[Gain]) -> dict[str, object]:
    """Return the gains in plain values: means, the lowest, and all that are below bicubic."""
    means = mean_gains(gains)
    result: dict[str, object] = {}
    for model in dict.fromkeys(gain.model for gain in gains):
        result[model] = {
            "mean": {
                codec: {metric: round(means[metric][codec][model], 6) for metric in means}
                for codec in dict.fromkeys(gain.codec for gain in gains)
            },
            "lowest": {metric: lowest(gains, model, metric).about() for metric in means},
            "below": [gain.about() for gain in gains if gain.model == model and gain.below],
        }
    return result


def _counts(gains: Sequence[Gain], models: Sequence[str]) -> str:
    told = []
    for model in models:
        own = [gain for gain in gains if gain.model == model]
        bad = sum(gain.below for gain in own)
        told.append(f"{model} {bad} of {len(own)}")
    return f"Below bicubic by more than 0.02 dB or 0.0005: {', '.join(told)}."


def _metrics(gains: Sequence[Gain]) -> list[str]:
    return [metric for metric in GAINED if any(metric in gain.by for gain in gains)]
