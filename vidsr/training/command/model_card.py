"""Model card of a run: what its weights were made of, how, and what they are worth."""

from __future__ import annotations

import math
import platform
from pathlib import Path

import torch

from vidsr.files import write_text
from vidsr.training.folders import is_paired
from vidsr.training.options import Options
from vidsr.training.steps.run import Run


def write_card(run: Run) -> None:
    """Write ``card.md`` beside the weights."""
    write_text(run.folder.card, card(run))


def _beyond(options: Options) -> str:
    """Return in words how the network differs from the usual one."""
    slopes = ", one slope a layer" if options.prelu == "shared" else ""
    slopes += f", rounded to {options.quantise}" if options.quantise else ""
    return slopes + (f", on 1/{options.stride} of the grid" if options.stride > 1 else "")


def card(run: Run) -> str:
    """Return the model card as Markdown: data, recipe, steps, seed, hardware, scores, options."""
    options, clock = run.options, run.clock
    generator = run.generator()
    facts = {
        "network": f"{options.kind}, x{options.scale}, {options.channels} channels, "
        f"{options.width} wide, {options.blocks} blocks{_beyond(options)}",
        "parameters": f"{sum(p.numel() for p in generator.parameters())}",
        "data": f"{run.pool.count} pairs from {Path(options.data).name}",
        "degradation": "pairs made before" if is_paired(Path(options.data)) else options.recipe,
        "start": options.init or "random weights",
        "steps": f"{clock.step} of {options.batch * run.processes.count} crops of "
        f"{options.crop}x{options.crop} low-resolution pixels",
        "time": f"{clock.seconds / 60:.1f} minutes on {hardware(run.device)}",
        "loss": _losses(run),
        "seed": f"{options.seed}",
        "score": _scores(run),
    }
    lines = [f"# {options.kind}-x{options.scale}", "", "| | |", "| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in facts.items()]
    lines += ["", "## Every option", "", "```json", options.to_json(), "```", ""]
    return "\n".join(lines)


def _losses(run: Run) -> str:
    options = run.options
    names = ("pixel", "edge", "colour", "perceptual", "adversarial", "tv", "mesh", "flicker")
    weights = {name: getattr(options, f"{name}_weight") for name in names}
    shown = ", ".join(f"{w:g} {name}" for name, w in weights.items() if w)
    if options.adversarial is None:
        return options.loss if shown == "1 pixel" else f"{shown}; {options.loss}"
    return f"{shown}; {options.adversarial}, {options.discriminator} discriminator"


def _scores(run: Run) -> str:
    if run.best is None or not math.isfinite(run.best.psnr_db):
        return "not measured"
    return f"{run.best.psnr_db:.2f} dB PSNR on Y, bicubic {run.best.bicubic_db:.2f} dB"


def hardware(device: torch.device) -> str:
    """Return the name of the GPU, or the CPU's threads and kind."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{threads} thread{'s' if threads > 1 else ''} of a {platform.machine()} processor"
