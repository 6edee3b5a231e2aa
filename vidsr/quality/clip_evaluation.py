"""Evaluation of footage: a request in, rows of scores and gains over bicubic out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from tqdm import tqdm

from vidsr.errors import OptionError
from vidsr.quality.baselines import BASELINES
from vidsr.quality.clip_scores import ClipTask, check_clips, score_coded, score_plain
from vidsr.quality.footage.methods import ClipMethod, clip_filters, clip_models
from vidsr.quality.footage.originals import Clip
from vidsr.quality.footage.sheet import ClipSheet
from vidsr.quality.gains import Gain, gains_of
from vidsr.quality.methods import common_scale, load_upscalers
from vidsr.quality.metrics.measure import ORIGINAL
from vidsr.quality.request import Footage, Request
from vidsr.quality.results import Row


@dataclass(frozen=True)
class ClipResult:
    """Scores, gains, what they were made with, and the sheet if one was asked for."""

    rows: list[Row]
    gains: list[Gain]
    settings: dict[str, object]
    sheet: ClipSheet | None


def evaluate_clips(request: Request, footage: Footage, sheet_rows: int | None) -> ClipResult:
    """Measure every clip in every coding by every method. Raises a VidsrError.

    ``sheet_rows`` are the worst places of each model that a sheet shows; None for no sheet.
    """
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    upscalers = load_upscalers(
        request.models, scale=request.scale, device=request.device, **footage.upscaler
    )
    scale = common_scale(upscalers)
    if scale == 1:
        raise OptionError(
            "clips are for models that upscale; this model's scale is 1.",
            hint="give originals with --hr and their damaged versions with --lr.",
        )
    filters = {name: BASELINES[name] for name in request.chosen_baselines}
    methods = [*clip_filters(filters, scale), *clip_models(upscalers)]
    border = scale if request.border is None else request.border
    task = ClipTask(methods, request.chosen_metrics, border, scale, request.niqe_every)
    sheet = None if sheet_rows is None else _sheet(footage, methods, list(upscalers), sheet_rows)
    rows = _rows(footage, task, sheet)
    settings = _settings(request, footage, list(upscalers), task)
    return ClipResult(rows, gains_of(rows, list(upscalers)), settings, sheet)


def _sheet(
    footage: Footage, methods: Sequence[ClipMethod], models: list[str], limit: int
) -> ClipSheet:
    columns = ["bicubic", *models]
    if footage.codings:
        columns.insert(0, ORIGINAL)
    return ClipSheet(models, columns, limit)


def _rows(footage: Footage, task: ClipTask, sheet: ClipSheet | None) -> list[Row]:
    rows: list[Row] = []
    clips = _clips(footage)
    check_clips(clips, footage.codings, task)
    for clip in tqdm(clips, desc="clips", disable=None, leave=False):
        if footage.codings:
            rows += score_coded(clip, footage.codings, task, sheet)
        else:
            rows += score_plain(clip, task, sheet)
    order = [str(coding) for coding in footage.codings]
    return sorted(rows, key=lambda row: order.index(row.group) if order else 0)


def _clips(footage: Footage) -> list[Clip]:
    return [
        Clip(path, start_s, footage.frames)
        for path in footage.clips
        for start_s in footage.starts_s
    ]


def _settings(
    request: Request, footage: Footage, models: list[str], task: ClipTask
) -> dict[str, object]:
    return {
        "models": list(request.models),
        "columns": models,
        "scale": task.scale,
        "border": task.border,
        "metrics": list(task.metrics),
        "codecs": [str(coding) for coding in footage.codings],
        "clips": [clip.name for clip in _clips(footage)],
        "frames": footage.frames,
        "upscaler": {name: str(value) for name, value in footage.upscaler.items()},
    }
