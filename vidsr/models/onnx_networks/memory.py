"""Memory of a network in an ONNX file."""

from __future__ import annotations

from vidsr.models.onnx_networks.contract import Contract
from vidsr.models.onnx_networks.network import LEAST_BYTES_PER_PIXEL


def bytes_per_pixel(contract: Contract) -> int:
    """Return the estimated peak per low-resolution pixel: activations, and both ends twice."""
    ends = 8 * contract.channels * (1 + contract.scale**2)  # float32
    if contract.fixed_size:  # activations are those of one window
        return ends
    return ends + max(LEAST_BYTES_PER_PIXEL, contract.bytes_per_pixel)
