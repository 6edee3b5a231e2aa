"""A network in an ONNX file as a module: found out, checked, and runnable without fusing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from vidsr.models.foreign.facts import ModelFacts, Reach
from vidsr.models.networks.plain_net import PlainNet
from vidsr.models.networks.traits import NetworkTraits
from vidsr.models.onnx_networks.contract import Contract
from vidsr.models.onnx_networks.ends import from_network, to_network
from vidsr.models.onnx_networks.graph import ModelOutline
from vidsr.models.onnx_networks.reach import CountedReach, count_reach
from vidsr.models.onnx_networks.runtime import import_runtime, open_session
from vidsr.models.onnx_networks.safety import read_checked
from vidsr.models.onnx_networks.trial import known_contract
from vidsr.picture.size import Size

SUFFIX = ".onnx"
FLOATS, HALF = (1, 10, 11, 16), 10  # float types of TensorProto.DataType
CODES = ("QuantizeLinear", "QLinearConv", "ConvInteger", "MatMulInteger")
LEAST_BYTES_PER_PIXEL = 256  # below, the measurement was lost in noise


@dataclass(frozen=True)
class OnnxNetwork:
    """What is known of a network in an ONNX file.

    Attributes:
        path: The file.
        contract: What it takes and gives.
        counted: Its reach, None where the graph does not tell.
        parameters: Number of weights.
        opset: Version of ONNX's operators.
        producer: Program that wrote it.
        half: True where its weights are stored in float16.
        codes: True where layers run on whole numbers.
        licence: Licence that the file names.
        beside: True where weights lie in another file.
    """

    path: Path
    contract: Contract
    counted: CountedReach | None
    parameters: int
    opset: int
    producer: str
    half: bool
    codes: bool
    licence: str | None
    beside: bool = False

    @property
    def traits(self) -> NetworkTraits:
        """Facts for engines and planners; fixed sizes are the engine's own affair."""
        contract, counted = self.contract, self.counted
        step = math.lcm(contract.multiple, counted.alignment if counted else 1)
        free = contract.fixed_size is None
        return NetworkTraits(
            scale=contract.scale,
            in_channels=contract.channels,
            out_channels=contract.channels,
            halo=counted.halo if counted and free else None,
            alignment=step if free else 1,
            minimum=Size(contract.minimum, contract.minimum),
            tiling=free,
            dtypes=(torch.float32,),
        )

    @property
    def facts(self) -> ModelFacts:
        """Facts for whoever shows the model."""
        contract, counted = self.contract, self.counted
        full = 255.0 if contract.input.range == "byte" else 1.0
        return ModelFacts(
            architecture=f"ONNX graph of opset {self.opset}"
            + (f" by {self.producer}" if self.producer else "")
            + (", 8 bits" if self.codes else ""),
            file_format="onnx",
            purpose="restore" if contract.scale == 1 else "upscale",
            scale=contract.scale,
            in_channels=contract.channels,
            out_channels=contract.channels,
            color_order=contract.input.order,
            reach=Reach("exact", counted.halo) if counted else Reach("unknown"),
            full_scale=full,
            multiple=contract.multiple,
            minimum=contract.minimum,
            fixed_size=contract.fixed_size,
            precisions=("fp16", "fp32") if self.half else ("fp32",),
            licence=self.licence,
            parameters=self.parameters,
        )

    def describe(self) -> str:
        """Return one sentence on how the file is understood."""
        return f"{self.path.name} is understood as {self.contract.describe()}"


class OnnxNet(nn.Module):
    """A network in an ONNX file, run as it is written on one CPU thread per caller's share.

    The yardstick for engines that fuse or round; engines have sessions of their own.
    """

    def __init__(self, network: OnnxNetwork) -> None:
        super().__init__()
        self.network = network

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # nothing of it changes

    @cached_property
    def _session(self) -> Any:
        return open_session(self.network.path, torch.get_num_threads(), plain=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] in [0, 1] -> [N, C, s*H, s*W], about [0, 1], on the device of ``x``."""
        return run_session(self._session, self.network.contract, x)


def run_session(session: Any, contract: Contract, x: Tensor) -> Tensor:
    """Run pictures through a session, as many at once as it takes.

    [N, C, H, W] in [0, 1] -> [N, C, s*H, s*W] float32, on the device of ``x``.
    """
    batch = contract.fixed_batch
    pictures = x.detach().cpu().float()
    results = []
    for start in range(0, len(pictures), batch):
        part = pictures[start : start + batch]
        lacking = batch - len(part)
        if lacking:
            part = torch.cat([part, part[-1:].expand(lacking, -1, -1, -1)])
        given = to_network(part.numpy(), contract.input)
        raw = session.run([contract.output.name], {contract.input.name: given})[0]
        found = torch.from_numpy(from_network(raw, contract.output))
        results.append(found[: batch - lacking])
    return torch.cat(results).to(x.device) if len(results) > 1 else results[0].to(x.device)


def is_onnx(path: Path) -> bool:
    """Return True if the name is that of an ONNX file."""
    return path.suffix.lower() == SUFFIX


def load_onnx(path: Path) -> PlainNet:
    """Return the network in an ONNX file as a generator.

    Its outline is checked first, then it is tried in another process; only then is it run here. The
    same file is tried once.
    Raises ModelError for what is damaged, unsafe or no network for pictures, DeviceError without
    ONNX Runtime.
    """
    outline = read_checked(path)
    import_runtime()
    network = _known(path, outline, known_contract(path, _files(path, outline)))
    return PlainNet(OnnxNet(network), network.traits, network.facts.architecture)


def onnx_network(module: nn.Module) -> OnnxNetwork | None:
    """Return what is known of a generator out of an ONNX file; None for all others."""
    inner = module.net if isinstance(module, PlainNet) else None
    return inner.network if isinstance(inner, OnnxNet) else None


def _known(path: Path, outline: ModelOutline, contract: Contract) -> OnnxNetwork:
    tensors = list(outline.graph.tensors)
    for node in outline.graph.nodes:
        tensors += [each for each in node.tensors.values() if math.prod(each.dims) > 1]
    quantised = any(node.op in CODES for node in outline.graph.nodes)
    weights = [each for each in tensors if each.data_type in FLOATS or quantised]
    largest = max(weights, key=lambda each: math.prod(each.dims), default=None)
    return OnnxNetwork(
        path,
        contract,
        count_reach(outline.graph),
        sum(math.prod(each.dims) for each in weights),
        outline.opsets.get("", 0),
        outline.producer,
        largest is not None and largest.data_type == HALF,
        quantised,
        next((outline.metadata[k] for k in outline.metadata if _names_licence(k)), None),
        any(each.external is not None for each in tensors),
    )


def _names_licence(key: str) -> bool:
    return key.lower().rpartition(".")[2] in ("license", "licence", "model_license")


def _files(path: Path, outline: ModelOutline) -> list[Path]:
    """Return the file and those beside it, always in the same order."""
    places = {t.external.get("location", "") for t in outline.graph.tensors if t.external}
    return [path, *(path.parent / place for place in sorted(places))]
