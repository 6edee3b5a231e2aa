"""Client of federated training: learns on its own footage, and sends weights alone.

python client.py FOOTAGE --server 127.0.0.1:8080
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")  # else Flower reports its use to its makers

import torch
from flwr.client import NumPyClient, start_client
from learning import Arrays, Local, Plan

PATIENCE_S = 120.0  # for a server that is not there yet


class Client(NumPyClient):  # type: ignore[misc]  # of a package whose types are left out
    """Flower's client around one ``Local``, which is made when the plan arrives."""

    def __init__(self, data: Path, seed: int) -> None:
        self.data, self.seed = data, seed
        self.local: Local | None = None

    def fit(self, parameters: Arrays, config: dict[str, Any]) -> tuple[Arrays, int, dict[str, Any]]:
        """Learn one round; return weights, number of samples, and the loss."""
        if self.local is None:
            self.local = Local.of(self.data, Plan.of(config), self.seed)
        arrays, loss = self.local.learn(parameters, int(config["finished"]))
        return arrays, self.local.samples, {"loss": loss}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="a folder of photographs or videos")
    parser.add_argument("--server", default="127.0.0.1:8080")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    client = Client(arguments.data, arguments.seed).to_client()
    start_client(server_address=arguments.server, client=client, max_wait_time=PATIENCE_S)


if __name__ == "__main__":
    main()
