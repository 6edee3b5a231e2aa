"""Quality that federated averaging costs: clients of different footage against one run on all.

    python benchmarks/federated_training.py FOOTAGE FOOTAGE FOOTAGE --eval DIR --json FILE

The clients are those of examples/federated, and what the server does is done here: weights are
averaged by number of pairs. Each client alone, and one run on all footage, learn for as many steps.
DIR of --eval holds Set5 and Set14. PSNR on Y of the last weights, in dB.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from foundation import circumstances

from vidsr.degradation.recipe import Recipe
from vidsr.models.checkpoint import build_generator
from vidsr.training.data.crop_pool import CropPool, TrainingPair
from vidsr.training.data.validation import Sample, load_samples, score

sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "federated"))
from learning import Arrays, Local, Plan, arrays_of, fill, pairs_of, student_of


def averaged(results: list[tuple[Arrays, int]]) -> Arrays:
    """Return the mean of weights, each client's by its number of pairs."""
    total = sum(samples for _, samples in results)
    shares = [samples / total for _, samples in results]
    return [
        np.asarray(sum(s * a for s, a in zip(shares, tensors, strict=True)), dtype=np.float32)
        for tensors in zip(*(arrays for arrays, _ in results), strict=True)
    ]


def together(clients: list[Local], plan: Plan) -> Arrays:
    """Return the weights after all rounds."""
    arrays = arrays_of(student_of(plan.options(Path())))
    for finished in range(plan.rounds):
        results = [(client.learn(arrays, finished)[0], client.samples) for client in clients]
        arrays = averaged(results)
    return arrays


def scores(arrays: Arrays, plan: Plan, sets: dict[str, list[Sample]]) -> dict[str, float]:
    student = student_of(plan.options(Path()))
    fill(student, arrays)
    generator = build_generator(student.generator.config)
    generator.load_state_dict(student.plain_weights())
    return {
        name: round(score(generator.eval(), samples, "cpu")[0].psnr_db, 2)
        for name, samples in sets.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--eval", type=Path, required=True, help="holds Set5 and Set14")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=50, help="of each client in each round")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--blocks", type=int, default=7)
    parser.add_argument("--middle", type=int, default=128)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sets = {
        name: load_samples(arguments.eval / name, Recipe.load("bicubic"), 4)
        for name in ("Set5", "Set14")
    }
    network = {"width": arguments.width, "blocks": arguments.blocks, "middle": arguments.middle}
    plan = Plan(rounds=arguments.rounds, steps=arguments.steps, **network)
    whole = replace(plan, rounds=1, steps=plan.rounds * plan.steps)
    owned = [pairs_of(plan.options(folder)) for folder in arguments.folders]
    rows: list[dict[str, Any]] = []

    def local(pairs: list[TrainingPair], number: int, chosen: Plan) -> Local:
        pool = CropPool(pairs, scale=plan.scale, crop=plan.crop)
        return Local(pool, chosen.options(arguments.folders[number], number), chosen)

    def note(name: str, pairs: int, arrays: Arrays) -> None:
        rows.append({"name": name, "pairs": pairs, **scores(arrays, plan, sets)})
        print(rows[-1], flush=True)

    clients = [local(pairs, number, plan) for number, pairs in enumerate(owned)]
    note("together", sum(c.samples for c in clients), together(clients, plan))
    fresh = arrays_of(student_of(plan.options(Path())))
    everything = local([pair for pairs in owned for pair in pairs], 0, whole)
    note("all in one place", everything.samples, everything.learn(fresh, 0)[0])
    for number, folder in enumerate(arguments.folders):
        alone = local(owned[number], number, whole)
        note(f"{folder.stem} alone", alone.samples, alone.learn(fresh, 0)[0])
    result = {"machine": circumstances(), **asdict(plan), "runs": rows}
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
