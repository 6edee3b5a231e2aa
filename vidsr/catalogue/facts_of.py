"""Facts about a loaded model of any kind, in the form in which they are shown."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import nn

from vidsr.engines.tile_margins import Surroundings
from vidsr.engines.tiling import DEEP_HALO
from vidsr.models.foreign.facts import ColorOrder, FloatName, ModelFacts, Purpose, Reach
from vidsr.models.model import Model
from vidsr.models.networks.stated_net import StatedNet
from vidsr.models.onnx_networks.contract import RANGE_WORDS
from vidsr.models.onnx_networks.network import onnx_network

PRECISIONS: dict[torch.dtype, FloatName] = {
    torch.float32: "fp32",
    torch.bfloat16: "bf16",
    torch.float16: "fp16",
}


def facts_of(model: Model, found: Surroundings | None = None) -> ModelFacts:
    """Return the facts about a model; ``found`` is what its tiles are known to need."""
    network = onnx_network(model.module)
    if network is not None:
        facts = network.facts
        known = facts.reach.kind == "unknown" and found is not None
        return replace(facts, reach=_reach_of(None, found)) if known else facts
    traits = model.traits
    order: ColorOrder = "luma" if traits.in_channels == 1 else "rgb"
    purpose: Purpose = "restore" if traits.scale == 1 else "upscale"
    return ModelFacts(
        architecture=_architecture(model),
        file_format=model.file_format,
        purpose=purpose,
        scale=traits.scale,
        in_channels=traits.in_channels,
        out_channels=traits.out_channels,
        color_order=order,
        reach=_reach_of(traits.halo, found),
        multiple=traits.alignment,
        minimum=traits.minimum.width,
        precisions=tuple(PRECISIONS[dtype] for dtype in traits.dtypes if dtype in PRECISIONS),
        licence=model.licence,
        parameters=sum(weight.numel() for weight in model.module.parameters()),
    )


def _reach_of(halo: int | None, found: Surroundings | None) -> Reach:
    if halo is not None:
        return Reach("exact", halo)
    if found is None:
        return Reach("unknown")
    return Reach("measured", found.pixels, found.levels[found.pixels])


def _architecture(model: Model) -> str:
    module: nn.Module = model.module
    if isinstance(module, StatedNet):
        return module.architecture
    config = model.config
    return f"{config.kind} {config.width}x{config.blocks}"


@dataclass(frozen=True)
class FactLine:
    """A fact with its name, for people."""

    name: str
    text: str


def fact_lines(facts: ModelFacts, found: Surroundings | None = None) -> list[FactLine]:
    """Return the facts for people, in order; ``found`` is what tiles are known to need."""
    change = "keeps the size" if facts.scale == 1 else f"{facts.scale} times"
    channels = {"rgb": "RGB", "bgr": "BGR", "luma": "luma, chroma is interpolated"}
    span = RANGE_WORDS["byte" if facts.full_scale == 255 else "unit"]
    return [
        FactLine("kind", f"{facts.architecture}, {facts.file_format}"),
        FactLine("scale", change),
        FactLine("takes", f"{channels[facts.color_order]}, {span}{_sizes(facts)}"),
        FactLine("weights", f"{facts.parameters:,}"),
        FactLine("licence", facts.licence or "the file names none"),
        FactLine("reach", _reach(facts)),
        FactLine("tiles", _tiles(facts, found)),
    ]


def _sizes(facts: ModelFacts) -> str:
    if facts.fixed_size:
        return f", {facts.fixed_size[1]}x{facts.fixed_size[0]} only"
    least = f", {facts.minimum} pixels a side or more" if facts.minimum > 1 else ""
    return least + (f", on a grid of {facts.multiple}" if facts.multiple > 1 else "")


def _reach(facts: ModelFacts) -> str:
    reach = facts.reach
    if reach.kind == "exact":
        return f"{reach.pixels} pixels, counted"
    return "unknown or the whole picture"


def _tiles(facts: ModelFacts, found: Surroundings | None) -> str:
    if facts.fixed_size:
        return "windows of its one size, which overlap and blend where its reach asks for it"
    halo = facts.reach.pixels if facts.reach.kind == "exact" else None
    if halo is not None and halo <= DEEP_HALO:
        return "exact: tiles equal the whole frame"
    large = "exact where they are large, else blended" if halo else "blended"
    return f"{large} where memory asks for tiles: {_left(found)}"


def _left(found: Surroundings | None) -> str:
    """Return what blending leaves, as far as it is known."""
    if found is None:
        return "what that leaves is measured on the first frame that needs it, or on --picture"
    left = f"{found.levels[found.pixels]:.2f} levels of 255, root mean square"
    return f"{found.pixels} pixels around leave {left}"
