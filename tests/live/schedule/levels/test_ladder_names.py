"""Names of a ladder's levels, given or left open."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from vidsr.errors import ModelError, OptionError
from vidsr.live.base.options import QualityOptions
from vidsr.live.schedule.levels.ladder_names import best_name, check_ladder, names_below

CPU = torch.device("cpu")
FAST = ("lite-fast-x2", "bicubic")


@pytest.mark.parametrize(
    ("given", "scale", "names"),
    [
        ({}, 2, ("lite-x2", *FAST)),
        ({"scale": 4}, 4, ("lite-x4", *FAST)),
        ({"model": "lite-fast-x2"}, 2, FAST),
        ({"model": "srresnet-x2"}, 2, ("srresnet-x2", "lite-x2", *FAST)),
        ({"model": "srgan-x4"}, 4, ("srgan-x4", "lite-x4", *FAST)),
        ({"model": "lite", "scale": 2}, 2, ("lite-x2", *FAST)),
        ({"model": "unet-x1"}, 1, ("unet-x1", "bicubic")),
        ({"model": "bicubic"}, 1, ("bicubic",)),
        ({"late": "drop"}, 2, ("lite-x2",)),
        ({"late": "wait", "ladder": ("lite-x2", "bicubic")}, 2, ("lite-x2",)),
        ({"ladder": ("srresnet-x2", "lite-fast-x2")}, 2, ("srresnet-x2", "lite-fast-x2")),
        ({"ladder": ("lite-x2", *FAST), "model": "lite-fast-x2"}, 2, FAST),
    ],
)
def test_names(given: dict[str, Any], scale: int, names: tuple[str, ...]) -> None:
    quality = QualityOptions(**given)
    check_ladder(quality)
    best = best_name(quality, CPU)
    assert (best, *names_below(best, quality, scale)) == names


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ladder": ("lite-x2", "lite-x2")}, "each level once"),
        ({"ladder": ("bicubic", "lite-x2")}, "at the end"),
        ({"ladder": ("lite-x2",), "model": "lite-x4"}, "one of ladder"),
        ({"model": "lite", "scale": 1}, "scale = 1"),
    ],
)
def test_wrong_ladders_name_the_argument(given: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        check_ladder(QualityOptions(**given))


def test_an_unknown_model_is_found_before_anything_runs() -> None:
    with pytest.raises(ModelError, match="lite-x3"):
        check_ladder(QualityOptions(ladder=("lite-x2", "lite-x3")))
