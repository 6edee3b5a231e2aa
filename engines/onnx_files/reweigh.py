"""Other weights in an exported network, without another export, which takes 8 to 11 s."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from torch import Tensor

from vidsr.engines.onnx_files.export import export_onnx, inference_net
from vidsr.engines.onnx_files.facts import read_facts
from vidsr.engines.pytorch.inference_net import InferenceNet
from vidsr.errors import ModelError

if TYPE_CHECKING:
    from vidsr.models.model import Model


def reweighed(data: bytes, model: Model, other: Model) -> bytes:
    """Return the ONNX file ``data`` of ``model`` with the weights of ``other``, of the same layers.

    It equals what ``export_onnx`` makes of ``other``, byte for byte. Weights are found by their
    values, since the exporter names and shapes slopes of activations anew; where two weights are
    equal, ``other`` is exported.
    Raises ModelError where the file does not hold every weight of ``model`` exactly once.
    """
    import onnx

    proto = onnx.load_model_from_string(data)
    precision = read_facts(data).precision
    if precision == "int8" or precision == "fp8":  # mypy narrows no other form
        raise ModelError(f"{model.name}: a network in codes takes no other weights")
    nets = (inference_net(each.module, precision) for each in (model, other))
    old, new = (dict(_weights(net)) for net in nets)
    by_bytes = {weight: name for name, weight in old.items()}
    if len(by_bytes) < len(old):  # equal ones cannot be told apart
        return export_onnx(other, precision=precision)
    left = set(old)
    for stored in proto.graph.initializer:
        name = by_bytes.get(stored.raw_data)
        if name in left:
            stored.raw_data = new[name]
            left.discard(name)
    if left:
        raise ModelError(f"{model.name}: the exported network does not hold {min(left)}")
    result: bytes = proto.SerializeToString(deterministic=True)
    return result


def _weights(net: InferenceNet) -> Iterator[tuple[str, bytes]]:
    for name, weight in net.net.state_dict().items():
        yield name, _bytes(weight)


def _bytes(weight: Tensor) -> bytes:
    data: bytes = weight.detach().contiguous().numpy().tobytes()
    return data
