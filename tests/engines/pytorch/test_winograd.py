"""Wide convolutions by Winograd's transforms: the same pictures within rounding, or a refusal."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from vidsr import Upscaler
from vidsr.engines.pytorch import winograd
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.pytorch.winograd import WinogradConv2d, WinogradEngine, is_wide
from vidsr.engines.selection.engine_order import EngineChoice, first_engine
from vidsr.engines.tiling import run_tiled
from vidsr.errors import DeviceError, OptionError
from vidsr.models.foreign.compact import Compact
from vidsr.models.model import Model
from vidsr.picture.size import Size

CPU = torch.device("cpu")
needs_nnpack = pytest.mark.skipif(
    not (hasattr(torch, "_nnpack_available") and torch._nnpack_available()),
    reason="needs NNPACK",
)
# Sums of 6x6 results from 8x8 transforms, whose factors reach 21: 5e-5 to 8e-5 of values of up to 5
# for 48 to 256 channels, where direct sums differ from float64 by 5e-6.
CONVOLUTION = 2e-4
# Of a network's picture in [0, 1]: 2e-6 to 3e-5 measured on trained ones.
PICTURE = 1e-4
SIZES = ((1, 1), (7, 5), (2, 40), (33, 65), (36, 48))


@pytest.fixture(scope="module")
def compact() -> Model:
    torch.manual_seed(1)
    return Model("compact", Compact(3, 48, 2, 2).eval(), Path("compact.pth"))


@needs_nnpack
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("taken", "given"), [(48, 48), (64, 33), (65, 64)])
def test_a_convolution_is_that_of_float64(taken: int, given: int, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(taken, given, 3, padding=1)
    assert conv.bias is not None
    x = torch.randn(2, taken, *size)
    expected = nn.functional.conv2d(x.double(), conv.weight.double(), conv.bias.double(), padding=1)
    with torch.inference_mode():
        result = WinogradConv2d.adopt(conv)(x.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(result.double(), expected, rtol=0, atol=CONVOLUTION)


@needs_nnpack
@pytest.mark.parametrize("most", [1, 300_000, 700_000])
def test_strips_give_the_bits_of_the_whole(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    conv = WinogradConv2d.adopt(nn.Conv2d(48, 32, 3, padding=1))
    x = torch.randn(1, 48, 41, 29)
    with torch.inference_mode():
        whole = conv(x)
        monkeypatch.setattr(winograd, "MOST_BYTES", most)
        assert conv._rows_at_once(29) < 41
        assert torch.equal(conv(x), whole)


@needs_nnpack
def test_a_convolution_without_a_bias_gets_zeros() -> None:
    conv = nn.Conv2d(48, 48, 3, padding=1, bias=False)
    with torch.inference_mode():
        assert not WinogradConv2d.adopt(conv)(torch.zeros(1, 48, 9, 9)).any()


@needs_nnpack
@pytest.mark.parametrize("size", SIZES)
def test_an_engine_gives_what_pytorch_gives(compact: Model, size: tuple[int, int]) -> None:
    x = torch.rand(1, 3, *size)
    expected = TorchEngine(compact, device="cpu", precision="fp32").run(x)
    result = WinogradEngine(compact).run(x)
    torch.testing.assert_close(result, expected, rtol=0, atol=PICTURE)
    assert result.is_contiguous(memory_format=torch.channels_last)


@needs_nnpack
def test_runs_threads_and_batches_give_the_same_bits(compact: Model) -> None:
    engine = WinogradEngine(compact)
    x = torch.rand(3, 3, 40, 31)
    expected = engine.run(x)
    assert torch.equal(engine.run(x), expected)
    assert torch.equal(torch.cat([engine.run(one) for one in x[:, None]]), expected)
    with ThreadPoolExecutor(3) as pool:
        assert all(torch.equal(one, expected) for one in pool.map(engine.run, [x] * 6))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert torch.equal(engine.run(x), expected)
    finally:
        torch.set_num_threads(before)


@needs_nnpack
def test_tiles_are_the_whole_within_rounding(compact: Model) -> None:
    engine = WinogradEngine(compact)
    x = torch.rand(1, 3, 70, 81)
    torch.testing.assert_close(
        run_tiled(engine, x, Size(33, 32)), engine.run(x), rtol=0, atol=PICTURE
    )


@needs_nnpack
def test_a_generator_with_a_wide_body_keeps_its_narrow_layers(compact: Model) -> None:
    net = WinogradEngine(compact).net.net
    kinds = [type(layer).__name__ for layer in net.modules() if isinstance(layer, nn.Conv2d)]
    narrow = kinds[0], kinds[-1]  # 3 channels in, 12 out
    assert kinds[1:-1] == ["WinogradConv2d"] * 2
    assert "WinogradConv2d" not in narrow


def test_strides_groups_and_large_kernels_are_not_for_it() -> None:
    assert is_wide(nn.Conv2d(48, 32, 3, padding=1))
    assert is_wide(nn.Conv2d(48, 32, 3, padding="same"))
    others: tuple[nn.Module, ...] = (
        nn.Conv2d(32, 32, 3, padding=1),
        nn.Conv2d(64, 12, 3, padding=1),
        nn.Conv2d(64, 64, 3),
        nn.Conv2d(64, 64, 3, padding=2, dilation=2),
        nn.Conv2d(64, 64, 3, padding=1, stride=2),
        nn.Conv2d(64, 64, 3, padding=1, groups=2),
        nn.Conv2d(64, 64, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(64, 64, 1),
        nn.ConvTranspose2d(64, 64, 3, padding=1),
    )
    assert not any(map(is_wide, others))


@needs_nnpack
def test_narrow_networks_and_other_precisions_are_refused(compact: Model) -> None:
    with pytest.raises(OptionError, match=r"lite-x2 has no 3x3 convolution from 48 channels"):
        Upscaler("lite-x2", device="cpu", engine="winograd")
    with pytest.raises(OptionError, match="expected auto or fp32"):
        WinogradEngine(compact, precision="bf16")
    with pytest.raises(OptionError, match="expected auto or fp32"):
        EngineChoice("winograd", "bf16").check(CPU)
    with pytest.raises(OptionError, match="it is there at once"):
        EngineChoice("winograd", wait=True).check(CPU)


def test_other_devices_are_refused() -> None:
    with pytest.raises(OptionError, match="on cuda: it runs on a CPU"):
        EngineChoice("winograd").check(torch.device("cuda"))
    with pytest.raises(DeviceError, match="on cuda: it runs on a CPU"):
        winograd.require_winograd(torch.device("cuda"))


def test_without_nnpack_it_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "_nnpack_available", lambda: False)
    with pytest.raises(DeviceError, match="without NNPACK"):
        EngineChoice("winograd").check(CPU)


@needs_nnpack
def test_it_is_compared_with_pytorch_and_rejected_when_wrong(
    compact: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.rand(1, 3, 20, 24)
    good = first_engine(compact, CPU, EngineChoice("winograd"), pytest.fail)
    assert good.current(lambda: x).runtime == "winograd"

    def wrong(self: WinogradConv2d, input: Tensor) -> Tensor:
        return nn.functional.conv2d(input, self.weight, self.bias, padding=1) * 1.5

    monkeypatch.setattr(WinogradConv2d, "forward", wrong)
    said: list[str] = []
    bad = first_engine(compact, CPU, EngineChoice("winograd"), said.append)
    assert bad.current(lambda: x).runtime == "torch"
    assert "compact is rejected" in said[0]
