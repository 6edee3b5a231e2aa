"""8-bit steps of a model's networks for coded footage: one file beside the descendants."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vidsr.engines.quantised.steps import SUFFIX, Steps, layer_steps
from vidsr.errors import ModelError
from vidsr.models.model import Model
from vidsr.models.shipped import strengths_path
from vidsr.models.strength_files import sha256_of

SCHEMA = 1  # raised whenever a field changes its meaning


def coded_steps_path(weights: Path) -> Path:
    """Return where the steps of the descendants of a file of weights lie: beside them."""
    descendants = strengths_path(weights)
    return descendants.with_name(descendants.stem + SUFFIX)


def has_coded_steps(model: Model) -> bool:
    """Return True if every network for coded footage can run in 8 bits. Raises ModelError."""
    if model.strengths is None or not coded_steps_path(model.path).is_file():
        return False
    return len(_networks(model)) == model.strengths.last_step


def load_coded_steps(model: Model) -> Steps:
    """Return the steps of the network that ``model`` is: its ``step`` is 1 or more.

    Raises ModelError where there are none, and for a damaged file.
    """
    networks = _networks(model)
    if not 1 <= model.step <= len(networks):
        raise ModelError(f"{coded_steps_path(model.path)}: no steps for network {model.step}")
    return networks[model.step - 1]


def _networks(model: Model) -> list[Steps]:
    path, descendants = coded_steps_path(model.path), strengths_path(model.path)
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if fields["schema"] != SCHEMA:
            raise ValueError(f"schema = {fields['schema']!r}: expected {SCHEMA}")
        if fields["weights_sha256"] != sha256_of(descendants):
            raise ValueError("its steps were made for other weights")
        made_from = str(fields["made_from"])
        return [
            Steps(fields["weights_sha256"], made_from, tuple(map(layer_steps, layers)))
            for layers in fields["networks"]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: no steps for 8 bits: {error}") from error


def coded_steps_json(model: Model, networks: Iterator[Steps]) -> str:
    """Return the text of the file for the steps of networks 1 to the last."""
    found = list(networks)
    fields = {
        "schema": SCHEMA,
        "weights_sha256": sha256_of(strengths_path(model.path)),
        "made_from": found[0].made_from,
        "networks": [[asdict(layer) for layer in steps.layers] for steps in found],
    }
    return json.dumps(fields) + "\n"
