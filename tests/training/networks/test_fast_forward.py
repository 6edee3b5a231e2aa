"""SRResNet in the form it trains in: the same values, the same gradients, the same statistics.

float32: both forms sum the same products in another order, over up to 5184 of them. 1e-4 of
outputs and gradients of order one; a tap or a phase out of place shows at 1e-2 and more.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.srresnet import SRResNet
from vidsr.training.networks.fast_forward import fast_forward


def generator(**changes: Any) -> SRResNet:
    torch.manual_seed(4)
    fields: dict[str, Any] = {
        "kind": "srresnet", "scale": 4, "channels": 3, "width": 8, "blocks": 2,
    }  # fmt: skip
    net = SRResNet(GeneratorConfig(**(fields | changes)))
    for layer in net.modules():
        if isinstance(layer, nn.PReLU):
            nn.init.uniform_(layer.weight, -1, 1)
    return net


def learn(net: SRResNet, y: Tensor) -> dict[str, Tensor]:
    """Gradients of a loss that no symmetry makes blind to swapped pixels."""
    weights = torch.rand(y.shape, generator=torch.Generator().manual_seed(5))
    torch.autograd.backward((y * weights).mean())
    return {name: p.grad for name, p in net.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("prelu", ["shared", "channel"])
@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize("size", [(3, 5), (9, 8)])
def test_values_and_gradients_are_those_of_the_plain_form(
    scale: int, prelu: str, norm: str, size: tuple[int, int]
) -> None:
    plain = generator(scale=scale, prelu=prelu, norm=norm)
    fast, x = copy.deepcopy(plain), torch.rand(2, 3, *size)
    wanted, found = plain(x), fast_forward(fast, x)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    old, new = learn(plain, wanted), learn(fast, found)
    assert old.keys() == new.keys() == dict(plain.named_parameters()).keys()
    for name, gradient in old.items():
        torch.testing.assert_close(new[name], gradient, rtol=1e-4, atol=1e-4)
    for name, buffer in plain.named_buffers():  # batch norm learned the same statistics
        torch.testing.assert_close(fast.get_buffer(name), buffer, rtol=1e-4, atol=1e-4)


def test_evaluation_mode_and_a_signed_range_change_nothing() -> None:
    net, x = generator(output_range="signed").eval(), torch.rand(1, 3, 1, 1)
    torch.testing.assert_close(fast_forward(net, x), net(x), rtol=1e-4, atol=1e-4)


def test_the_layout_of_the_input_is_kept() -> None:
    net = generator(norm="none")
    x = torch.rand(2, 3, 6, 7)
    wide = x.to(memory_format=torch.channels_last)
    plain, last = fast_forward(net, x), fast_forward(net, wide)
    torch.testing.assert_close(last, plain, rtol=1e-4, atol=1e-4)
    assert plain.is_contiguous()
    assert last.is_contiguous(memory_format=torch.channels_last)


def test_it_works_where_nothing_is_learned() -> None:
    net, x = generator().eval(), torch.rand(1, 3, 4, 4)
    with torch.inference_mode():
        quiet = fast_forward(net, x)
    torch.testing.assert_close(fast_forward(net, x).detach(), quiet.clone())
    learn(net, fast_forward(net, x))  # and nothing of it stays behind
