"""Server of federated training: averages weights by number of samples; sees no footage.

python server.py --clients 3 --out lite.safetensors
"""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")  # else Flower reports its use to its makers

from flwr.common import ndarrays_to_parameters, parameters_to_ndarrays
from flwr.server import ServerConfig, start_server
from flwr.server.strategy import FedAvg
from learning import Arrays, Plan, arrays_of, fill, student_of

from vidsr.models.checkpoint import save_generator


class Average(FedAvg):  # type: ignore[misc]  # of a package whose types are left out
    """Federated averaging (McMahan et al., 2017) that keeps what it made last."""

    latest: Arrays | None = None

    def aggregate_fit(self, server_round: int, results: Any, failures: Any) -> Any:
        parameters, figures = super().aggregate_fit(server_round, results, failures)
        if parameters is not None:
            self.latest = parameters_to_ndarrays(parameters)
        losses = ", ".join(f"{r.metrics['loss']:.4f}" for _, r in results)
        samples = ", ".join(str(r.num_examples) for _, r in results)
        print(f"round {server_round}: losses {losses} on {samples} pairs", flush=True)
        return parameters, figures


def serve(address: str, clients: int, plan: Plan, init: str | None, out: Path) -> None:
    """Run all rounds and write the weights, as ``vidsr --model`` takes them."""
    options = plan.options(Path())
    student = student_of(options, init)
    strategy = Average(
        fraction_evaluate=0.0,
        min_fit_clients=clients,
        min_available_clients=clients,
        accept_failures=False,
        initial_parameters=ndarrays_to_parameters(arrays_of(student)),
        on_fit_config_fn=lambda number: {**asdict(plan), "finished": number - 1},
    )
    config = ServerConfig(num_rounds=plan.rounds)
    start_server(server_address=address, config=config, strategy=strategy)
    if strategy.latest is None:
        raise SystemExit("no round came to its end: nothing is written")
    fill(student, strategy.latest)
    save_generator(out, options.config(), student.plain_weights())


def add_plan(parser: argparse.ArgumentParser) -> None:
    """Add an option for each number of the plan."""
    for name, value in asdict(Plan()).items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    parser.add_argument("--init", help="weights to start from, such as lite-x4")
    parser.add_argument("--out", type=Path, required=True, help="the weights' file")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--address", default="127.0.0.1:8080")
    parser.add_argument("--clients", type=int, default=3)
    add_plan(parser)
    given = vars(parser.parse_args())
    plan = Plan.of(given)
    serve(given["address"], given["clients"], plan, given["init"], given["out"])


if __name__ == "__main__":
    main()
