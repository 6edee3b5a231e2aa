"""Evaluation: a request in, rows of scores out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from vidsr.errors import OptionError
from vidsr.quality.gallery import Gallery
from vidsr.quality.methods import Method, load_baselines, load_models
from vidsr.quality.pairs import PicturePair, benchmark_pairs, folder_pairs
from vidsr.quality.results import Row
from vidsr.quality.stills import score_pictures
from vidsr.quality.video_scores import VideoPair, score_video
from vidsr.video.image_sequences import is_image

PICTURE_METRICS, VIDEO_METRICS = ("psnr", "ssim"), ("psnr", "ssim", "flicker")


@dataclass(frozen=True)
class Request:
    """Request for an evaluation. ``None`` is the default that the command's help states.

    Attributes:
        models: Names or files of models, all of one scale.
        originals: Folder of the benchmark ``sets``; if there are no sets, a folder of pictures, a
            picture or a video.
        sets: Names of benchmark sets.
        lr: Folder or file of the low-resolution versions; made by bicubic if None.
        scale: Scale of the models.
        baselines: Names of plain methods to compare with.
        metrics: Names of metrics.
        border: Pixels left out at each edge.
        device: Device of the models.
        frames: Most frames of a video.
        niqe_every: Frames of a video between two values of NIQE.
    """

    models: tuple[str, ...]
    originals: Path
    sets: tuple[str, ...] = ()
    lr: Path | None = None
    scale: int | None = None
    baselines: tuple[str, ...] = ("bicubic",)
    metrics: tuple[str, ...] | None = None
    border: int | None = None
    device: str = "auto"
    frames: int | None = None
    niqe_every: int = 10

    @property
    def video(self) -> bool:
        """Return True if the original is a file that is no picture."""
        return not self.sets and not self.originals.is_dir() and not is_image(self.originals)

    @property
    def chosen_metrics(self) -> tuple[str, ...]:
        """Return the names of the metrics, given or default."""
        return self.metrics or (VIDEO_METRICS if self.video else PICTURE_METRICS)


def evaluate(
    request: Request, gallery: Gallery | None = None
) -> tuple[list[Row], dict[str, object]]:
    """Return rows of scores, and the settings that they were made with. Raises a VidsrError."""
    models, scale = load_models(request.models, scale=request.scale, device=request.device)
    methods = [*load_baselines(request.baselines, scale), *models]
    border = request.border
    if border is None:
        border = scale if scale > 1 else 0
    if request.video:
        rows = _video(request, methods, scale, border, gallery)
    else:
        rows = _pictures(request, methods, scale, border, gallery)
    settings = {"scale": scale, "border": border, "metrics": list(request.chosen_metrics)}
    return rows, {"models": list(request.models), **settings}


def _video(
    request: Request, methods: list[Method], scale: int, border: int, gallery: Gallery | None
) -> list[Row]:
    return score_video(
        VideoPair(request.originals, request.lr, request.frames, request.niqe_every),
        methods,
        scale=scale,
        border=border,
        metrics=request.chosen_metrics,
        gallery=gallery,
    )


def _pictures(
    request: Request, methods: list[Method], scale: int, border: int, gallery: Gallery | None
) -> list[Row]:
    rows = score_pictures(
        tqdm(_pairs(request, scale), desc="pictures", disable=None, leave=False),
        methods,
        scale=scale,
        border=border,
        metrics=request.chosen_metrics,
        gallery=gallery,
    )
    return list(rows)


def _pairs(request: Request, scale: int) -> list[PicturePair]:
    if not request.sets:
        return folder_pairs(request.originals, request.lr, scale)
    if scale == 1:
        raise OptionError(
            "the benchmark sets are for models that upscale; this model's scale is 1.",
            hint="give originals with --hr and their damaged versions with --lr.",
        )
    return benchmark_pairs(request.originals, request.sets, scale)
