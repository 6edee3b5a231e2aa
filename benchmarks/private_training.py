"""Quality that differential privacy costs: the same training with and without, at equal steps.

    python benchmarks/private_training.py --photos DIR --eval DIR --json FILE
    python benchmarks/private_training.py --photos DIR --eval DIR --started --steps 60 --json FILE

Every run learns for as many steps from the same photographs; runs with an epsilon differ in
sampling, clipping and noise alone, and in the rates named. ``tiles`` cuts every photograph into as
many, each of which counts as a photograph of its own: what a collection that much larger would
give. DIR of --eval holds Set5 and Set14. PSNR on Y of the averaged weights, in dB.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from foundation import circumstances

from vidsr.degradation.recipe import Recipe
from vidsr.models.checkpoint import build_generator
from vidsr.models.zoo import load_model
from vidsr.training.data.crop_pool import CropPool, Pool, TrainingPair
from vidsr.training.data.pairs import prepare
from vidsr.training.data.validation import Sample, load_samples, score
from vidsr.training.networks.student import adopt, build_student
from vidsr.training.options import Options, preset
from vidsr.training.steps.fidelity import Fidelity, Learner
from vidsr.training.steps.schedule import Clock, learning_rate

CPU = torch.device("cpu")
SCALE, CROP = 4, 32


@dataclass(frozen=True)
class Variant:
    """Run of the table: how it is protected, where it starts, how fast it learns."""

    epsilon: float | None = None
    tiles: int = 1  # a side, of every photograph
    init: str | None = None
    rate: float = 1e-3
    clip: float = 0.02


PRIVATE_RATE = 4e-3  # from nothing: of 1e-3, 4e-3 and 1e-2 the best under noise after 1500 steps
RUNS = (
    Variant(),
    *(Variant(epsilon=epsilon, rate=PRIVATE_RATE) for epsilon in (30.0, 8.0, 2.0)),
    *(Variant(epsilon=epsilon, tiles=4, rate=PRIVATE_RATE) for epsilon in (8.0, 2.0)),
)
STARTED = (
    Variant(init="lite-x4", rate=1e-4),
    Variant(epsilon=8.0, init="lite-x4", rate=1e-4),
)


def options_of(variant: Variant, arguments: argparse.Namespace) -> Options:
    given: dict[str, Any] = {"width": arguments.width, "blocks": arguments.blocks}
    if variant.init is not None:
        config = load_model(variant.init).config
        given = {"width": config.width, "blocks": config.blocks}
    if variant.epsilon is not None:
        given |= {"dp_epsilon": variant.epsilon, "dp_clip": variant.clip, "dp_seed": 1}
    return preset(
        "lite",
        data=str(arguments.photos),
        validate=str(arguments.eval),
        scale=SCALE,
        crop=CROP,
        steps=arguments.steps,
        batch=arguments.batch,
        rate=variant.rate,
        init=variant.init,
        middle=0,
        warmup=arguments.steps // 20,
        **given,
    )


def cut(pairs: list[TrainingPair], side: int) -> Iterator[TrainingPair]:
    """Yield ``side`` x ``side`` tiles of every pair, each with a source of its own."""
    for pair in pairs:
        height, width = (length // side for length in pair.low.shape[1:])
        for row in range(side):
            for column in range(side):
                low = pair.low[:, row * height : (row + 1) * height]
                high = pair.high[:, row * height * SCALE : (row + 1) * height * SCALE]
                yield TrainingPair(
                    low[..., column * width : (column + 1) * width],
                    high[..., column * width * SCALE : (column + 1) * width * SCALE],
                    source=f"{pair.source} {row} {column}",
                )


def begun(variant: Variant, options: Options, pool: CropPool) -> tuple[Learner, Pool]:
    """Return learner and pool of a run, as ``vidsr-train`` makes them."""
    student = build_student(options.config(), seed=options.seed, middle=options.middle)
    if variant.init is not None:
        adopt(student, options.config(), load_model(variant.init).module)
    student.train()
    plain = Fidelity(student, options, CPU)
    if variant.epsilon is None:
        return plain, pool
    from vidsr.training.private.begin import protect  # --help needs no Opacus

    return protect(options, plain, pool, None, print)


def measured(
    variant: Variant, options: Options, pool: CropPool, sets: dict[str, list[Sample]]
) -> dict[str, Any]:
    """Run a variant to its end and return its row."""
    learner, crops = begun(variant, options, pool)
    clock = Clock(options.steps, None)
    clock.start()
    for step in range(options.steps or 0):
        learner.set_rate(learning_rate(options, clock))
        learner.learn(*crops.cut(crops.draw(options.batch, options.seed, step)), step)
        clock.tick()
    generator = build_generator(options.config())
    generator.load_state_dict(learner.average)
    row: dict[str, Any] = {**asdict(variant), "steps": options.steps, "batch": options.batch}
    row |= {"width": options.width, "blocks": options.blocks}
    row["sources"] = len(set(pool.sources))
    if variant.epsilon is not None:
        from vidsr.training.private.learner import PrivateLearner

        assert isinstance(learner, PrivateLearner)
        row |= {"noise": round(learner.guarantee.noise, 3), "spent": learner.figures()["epsilon"]}
    row["step_ms"] = round(1000 * clock.seconds / clock.step, 1)
    for name, samples in sets.items():
        row[name] = round(score(generator.eval(), samples, "cpu")[0].psnr_db, 2)
    return row


def begin_rows(sets: dict[str, list[Sample]]) -> dict[str, float]:
    """Return what needs no training: bicubic, and the shipped weights."""
    shipped = load_model("lite-x4").module
    rows = {}
    for name, samples in sets.items():
        scores, _ = score(shipped, samples, "cpu")
        rows[f"bicubic {name}"] = round(scores.bicubic_db, 2)
        rows[f"lite-x4 {name}"] = round(scores.psnr_db, 2)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--eval", type=Path, required=True, help="holds Set5 and Set14")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--started", action="store_true", help="the runs from lite-x4 instead")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    runs = STARTED if arguments.started else RUNS
    sets = {
        name: load_samples(arguments.eval / name, Recipe.load("bicubic"), SCALE)
        for name in ("Set5", "Set14")
    }
    mark = time.monotonic()
    pairs = prepare(options_of(RUNS[0], arguments), threads=1, colour=False, hold_back=0).pairs
    print(f"{len(pairs)} pairs in {time.monotonic() - mark:.0f} s", flush=True)
    rows, known = [], begin_rows(sets)
    for variant in runs:
        pool = CropPool(list(cut(pairs, variant.tiles)), scale=SCALE, crop=CROP)
        rows.append(measured(variant, options_of(variant, arguments), pool, sets))
        print(rows[-1], flush=True)
        if arguments.json:
            result = {"machine": circumstances(), **known, "runs": rows}
            arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
