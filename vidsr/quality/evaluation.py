"""Evaluation: a request in, rows of scores out."""

from __future__ import annotations

import torch
from tqdm import tqdm

from vidsr.errors import OptionError
from vidsr.quality.gallery import Gallery
from vidsr.quality.methods import Method, load_baselines, load_models
from vidsr.quality.pairs import PicturePair, benchmark_pairs, folder_pairs
from vidsr.quality.request import Request
from vidsr.quality.results import Row
from vidsr.quality.stills import score_pictures
from vidsr.quality.video_scores import VideoPair, score_video


def evaluate(
    request: Request, gallery: Gallery | None = None
) -> tuple[list[Row], dict[str, object]]:
    """Return rows of scores, and the settings that they were made with. Raises a VidsrError."""
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    models, scale = load_models(request.models, scale=request.scale, device=request.device)
    methods = [*load_baselines(request.chosen_baselines, scale), *models]
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
