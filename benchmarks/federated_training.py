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
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from foundation import circumstances

from vidsr.degradation.recipe import Recipe
from vidsr.models.checkpoint import build_generator
from vidsr.training.data.crop_pool import CropPool
from vidsr.training.data.pairs import prepare
from vidsr.training.data.validation import Sample, load_samples, score

sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "federated"))
from learning import Arrays, Local, Plan, arrays_of, fill, student_of  # noqa: E402


class Everything(Local):
    """Client that has all the footage, which is what federation avoids."""

    def __init__(self, folders: list[Path], plan: Plan) -> None:
        super().__init__(folders[0], plan)
        pairs = [
            pair
            for folder in folders
            for pair in prepare(plan.options(folder), threads=1, colour=False, hold_back=0).pairs
        ]
        self._pool = CropPool(pairs, scale=plan.scale, crop=plan.crop)


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
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    sets = {
        name: load_samples(arguments.eval / name, Recipe.load("bicubic"), 4)
        for name in ("Set5", "Set14")
    }
    plan = Plan(rounds=arguments.rounds, steps=arguments.steps)
    whole = Plan(rounds=1, steps=plan.rounds * plan.steps)
    clients = [Local(folder, plan, seed) for seed, folder in enumerate(arguments.folders)]
    rows: list[dict[str, Any]] = []

    def note(name: str, pairs: int, work: Any) -> None:
        mark = time.monotonic()
        figures = scores(work(), plan, sets)
        rows.append({"name": name, "pairs": pairs, **figures})
        print(rows[-1], f"{time.monotonic() - mark:.0f} s", flush=True)

    note("together", sum(c.samples for c in clients), lambda: together(clients, plan))
    everything = Everything(arguments.folders, whole)
    for name, local in [
        ("all footage in one place", everything),
        *((f"{f.name} alone", Local(f, whole, n)) for n, f in enumerate(arguments.folders)),
    ]:
        fresh = arrays_of(student_of(plan.options(Path())))
        note(name, local.samples, lambda local=local, fresh=fresh: local.learn(fresh, 0)[0])
    result = {"machine": circumstances(), "rounds": plan.rounds, "steps": plan.steps, "runs": rows}
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
