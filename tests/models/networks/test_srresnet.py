"""The published generator: its size, its shapes, the range of its output."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from vidsr.models.networks.config import GeneratorConfig, PReLUKind
from vidsr.models.networks.srresnet import SRResNet


def config(**changes: Any) -> GeneratorConfig:
    fields: dict[str, Any] = {
        "kind": "srresnet", "scale": 4, "channels": 3, "width": 64, "blocks": 16,
        "prelu": "shared", "output_range": "signed",
    }  # fmt: skip
    return GeneratorConfig(**(fields | changes))


def conv_numbers(inside: int, outside: int, k: int) -> int:
    return inside * outside * k * k + outside


@pytest.mark.parametrize(("prelu", "slopes"), [("shared", 1), ("channel", 64)])
@pytest.mark.parametrize(("scale", "doublings"), [(2, 1), (4, 2)])
def test_parameter_count_is_that_of_the_paper(
    prelu: PReLUKind, slopes: int, scale: int, doublings: int
) -> None:
    body, norm = conv_numbers(64, 64, 3), 2 * 64
    expected = (
        conv_numbers(3, 64, 9) + slopes
        + 16 * (2 * body + 2 * norm + slopes)
        + body + norm
        + doublings * (conv_numbers(64, 256, 3) + slopes)
        + conv_numbers(64, 3, 9)
    )  # fmt: skip
    net = SRResNet(config(prelu=prelu, scale=scale))
    assert sum(p.numel() for p in net.parameters()) == expected


def test_without_normalisation_only_that_is_missing() -> None:
    plain = SRResNet(config(norm="none"))
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in plain.modules())
    full = sum(p.numel() for p in SRResNet(config()).parameters())
    assert sum(p.numel() for p in plain.parameters()) == full - 33 * 2 * 64


@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (17, 31)])
@torch.no_grad()
def test_every_size(norm: str, size: tuple[int, int]) -> None:
    net = SRResNet(config(scale=2, width=4, blocks=1, norm=norm)).eval()
    assert net(torch.rand(2, 3, *size)).shape == (2, 3, 2 * size[0], 2 * size[1])


def test_an_unknown_normalisation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"norm = 'layer': expected one of \('batch', 'none'\)"):
        config(norm="layer")


@pytest.mark.parametrize("scale", [2, 4])
def test_size_grows_by_the_scale_at_odd_sizes(scale: int) -> None:
    net = SRResNet(config(scale=scale, width=4, blocks=1)).eval()
    with torch.no_grad():
        assert net(torch.rand(2, 3, 5, 7)).shape == (2, 3, 5 * scale, 7 * scale)


def test_signed_output_is_brought_to_the_unit_range() -> None:
    signed = SRResNet(config(width=4, blocks=1)).eval()
    unit = SRResNet(config(width=4, blocks=1, output_range="unit")).eval()
    unit.load_state_dict(signed.state_dict())
    x = torch.rand(1, 3, 6, 6)
    raw = unit.upscale(x)
    torch.testing.assert_close(signed(x), raw)
    torch.testing.assert_close(signed.upscale(x), raw / 2 + 0.5)


def test_output_is_not_squashed() -> None:
    net = SRResNet(config(width=4, blocks=0)).eval()
    with torch.no_grad():
        net.tail.bias.fill_(5.0) if net.tail.bias is not None else None
        assert net(torch.rand(1, 3, 4, 4)).max() > 1.5


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_training_reaches_every_parameter(norm: str) -> None:
    net = SRResNet(config(width=4, blocks=2, norm=norm))
    net(torch.rand(2, 3, 6, 6)).square().mean().backward()
    assert all(p.grad is not None for p in net.parameters())
