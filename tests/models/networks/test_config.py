"""Dimensions that mean the same are equal, whatever a file states of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from vidsr.models.header import stated_config
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.shipped import available, find_weights

LITE: dict[str, Any] = {"kind": "lite", "scale": 4, "channels": 1, "width": 32, "blocks": 7}
KINDS: dict[str, dict[str, Any]] = {
    "srresnet": {"kind": "srresnet", "scale": 2, "channels": 3, "width": 8, "blocks": 2},
    "lite": LITE,
    "espcn": {"kind": "espcn", "scale": 2, "channels": 1, "width": 8, "blocks": 1},
    "srcnn": {"kind": "srcnn", "scale": 2, "channels": 1, "width": 8, "blocks": 1},
    "rrdb": {"kind": "rrdb", "scale": 2, "channels": 3, "width": 8, "blocks": 1},
    "unet": {"kind": "unet", "scale": 1, "channels": 3, "width": 8, "blocks": 1},
}
SAY = {
    "srresnet": {"prelu", "norm"},
    "lite": {"prelu"},
    "espcn": set[str](),
    "srcnn": set[str](),
    "rrdb": {"growth"},
    "unet": {"levels"},
}
OTHER: dict[str, Any] = {"prelu": "shared", "norm": "batch", "growth": 16, "levels": 3}
PLAIN = {"prelu": "channel", "norm": "none", "growth": 32, "levels": 2}


@pytest.mark.parametrize("name", sorted(OTHER))
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_only_what_says_something_tells_networks_apart(kind: str, name: str) -> None:
    plain = GeneratorConfig(**KINDS[kind] | PLAIN)
    other = GeneratorConfig(**KINDS[kind] | PLAIN | {name: OTHER[name]})
    apart = name in SAY[kind]
    assert (plain != other) is apart
    assert (len({plain, other}) == 2) is apart
    assert (plain.to_json() != other.to_json()) is apart
    assert (replace(plain, **{name: OTHER[name]}) != plain) is apart


@pytest.mark.parametrize(
    "stated",
    [
        {},
        {"norm": "batch"},
        {"norm": "none", "growth": 32},
        {"norm": "none", "growth": 8, "levels": 3, "stride": 1, "output_range": "unit"},
        {"prelu": "channel", "levels": 2},
    ],
)
def test_files_of_every_age_state_the_same(stated: dict[str, Any]) -> None:
    assert GeneratorConfig.from_json(json.dumps(LITE | stated)) == GeneratorConfig(**LITE)


@pytest.mark.parametrize("kind", ["lite", "srresnet"])
def test_one_slope_for_one_channel_is_a_slope_a_channel(kind: str) -> None:
    narrow = KINDS[kind] | {"width": 1}
    assert GeneratorConfig(**narrow, prelu="shared") == GeneratorConfig(**narrow, prelu="channel")


@pytest.mark.parametrize(
    "wrong", [{"norm": "layer"}, {"prelu": "none"}, {"output_range": "signed"}, {"stride": 3}]
)
def test_what_no_network_has_is_refused_still(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        GeneratorConfig(**LITE | wrong)


@pytest.mark.parametrize("name", available())
def test_shipped_dimensions_are_those_of_a_new_network(name: str) -> None:
    stated = stated_config(find_weights(name))
    assert stated is not None
    says = SAY[stated.kind] | {"kind", "scale", "channels", "width", "blocks", "stride"}
    again = GeneratorConfig(**{field: getattr(stated, field) for field in sorted(says)})
    assert again == stated
