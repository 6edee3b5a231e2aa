"""A lite network in 8 bits as OpenVINO's own graph: no ONNX, no exporter.

FakeQuantize rounds floats to the numbers that codes stand for; the plugin recognises it, and runs
convolutions between two of them on the codes, with activation and rounding in the same pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from vidsr.engines.quantised.codes import HIGHEST_CODE, LARGEST_WEIGHT_CODE
from vidsr.engines.quantised.networks import weights_and_biases
from vidsr.engines.quantised.rounding import weight_steps
from vidsr.engines.quantised.steps import LayerSteps, Steps
from vidsr.models.networks.lite import Lite

ACTIVATION_LEVELS, WEIGHT_LEVELS = HIGHEST_CODE + 1, 2 * LARGEST_WEIGHT_CODE + 1


def build_network(net: Lite, steps: Steps) -> Any:
    """Return an ``openvino.Model`` of [N, 1, H, W] in [0, 1], sides multiples of the stride.

    Out comes what ``Lite.residual`` gives, [N, scale**2, H, W] float32. The
    picture is not added here, where the plugin might do that in bfloat16.
    """
    import openvino
    from openvino import opset13 as ops

    x = ops.parameter([-1, 1, -1, -1], np.float32, name="x")
    h = ops.subtract(x, _constant(0.5))
    layers = (None, *steps.layers)
    parts = weights_and_biases(net, tuple(layer.factors for layer in steps.layers))
    for index, (layer, (weight, bias)) in enumerate(zip(layers, parts, strict=True)):
        kernel = ops.constant(weight.numpy())
        if layer is not None:
            h, kernel = _rounded(h, layer), _rounded_weight(kernel, weight)
        h = _convolution(h, kernel, net.config.stride if layer is None else 1)
        h = ops.add(h, ops.constant(bias.view(1, -1, 1, 1).numpy()))
        if index < len(net.activations):
            slopes = net.activations[index].get_parameter("weight").detach()
            h = ops.prelu(h, ops.constant(slopes.numpy()))
    if net.config.stride > 1:
        h = ops.depth_to_space(h, "depth_first", net.config.stride)
    return openvino.Model([h], [x], net.config.kind)


def _convolution(x: Any, kernel: Any, stride: int) -> Any:
    """Return a convolution padded as in ``Lite``: by the stride."""
    from openvino import opset13 as ops

    pads = [stride, stride]
    return ops.convolution(x, kernel, [stride, stride], pads, pads, [1, 1])


def _rounded(x: Any, layer: LayerSteps) -> Any:
    from openvino import opset13 as ops

    low, high = ((code - layer.zero) * layer.step for code in (0, ACTIVATION_LEVELS - 1))
    bounds = _constant(low), _constant(high)
    return ops.fake_quantize(x, *bounds, *bounds, ACTIVATION_LEVELS)


def _rounded_weight(kernel: Any, weight: Tensor) -> Any:
    from openvino import opset13 as ops

    high = (weight_steps(weight) * LARGEST_WEIGHT_CODE).view(-1, 1, 1, 1).numpy()
    bounds = ops.constant(-high), ops.constant(high)
    return ops.fake_quantize(kernel, *bounds, *bounds, WEIGHT_LEVELS)


def _constant(value: float) -> Any:
    from openvino import opset13 as ops

    return ops.constant(np.float32(value))
