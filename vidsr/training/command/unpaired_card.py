"""Model card of an unpaired run: what both networks were made of, how, and how to use them."""

from __future__ import annotations

import math
from pathlib import Path

from vidsr.files import write_text
from vidsr.training.command.model_card import hardware
from vidsr.training.unpaired.run import UnpairedRun


def write_unpaired_card(run: UnpairedRun) -> None:
    """Write ``card.md`` beside the weights."""
    write_text(run.folder.card, unpaired_card(run))


def unpaired_card(run: UnpairedRun) -> str:
    """Return the model card as Markdown: material, recipe, losses, steps, scores, options."""
    options, clock = run.options, run.clock
    size = sum(p.numel() for p in run.cycle.generators["restore"].parameters())
    facts = {
        "networks": f"{options.kind}, {options.width} wide, {options.blocks} blocks, "
        f"{size} parameters each",
        "footage": f"{Path(str(options.unpaired)).name}, {options.portion} of each video",
        "good pictures": f"{run.pool.count} from {Path(options.data).name}, shrunk {options.scale} "
        "times",
        "physical part": options.recipe,
        "losses": f"{options.adversarial_weight:g} {options.adversarial} at "
        f"{options.discriminator_scales} scales, {options.cycle_weight:g} cycle, "
        f"{options.identity_weight:g} identity",
        "steps": f"{clock.step} of {options.batch} crops a side of {options.crop}x{options.crop}",
        "time": f"{clock.seconds / 60:.1f} minutes on {hardware(run.device)}",
        "seed": f"{options.seed}",
        "score": _scores(run),
    }
    lines = ["# A degradation learned from footage, and its undoing", "", "| | |", "| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in facts.items()]
    lines += [
        "",
        f"`{run.recipe.name}` is a recipe for `vidsr-degrade` and `vidsr-train`; its last step is "
        f"`{run.degradation.name}`. `{run.folder.model.name}` is the way back, for "
        "`vidsr --restore`.",
    ]
    lines += ["", "## Every option", "", "```json", options.to_json(), "```", ""]
    return "\n".join(lines)


def _scores(run: UnpairedRun) -> str:
    if not math.isfinite(run.restored_db):
        return "not measured"
    return (
        f"good pictures degraded {run.degraded_db:.2f} dB PSNR on Y, restored again "
        f"{run.restored_db:.2f} dB"
    )
