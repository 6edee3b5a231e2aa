"""The PyTorch engine: devices, precision, and the same picture as the plain network."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vidsr.engines import devices
from vidsr.engines.activation_memory import activation_numbers
from vidsr.engines.devices import has_native_bf16, resolve_device, resolve_precision
from vidsr.engines.engine import Engine
from vidsr.engines.pytorch import onednn
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.pytorch.rewrite import to_phase_module
from vidsr.errors import DeviceError, MemoryLimitError, OptionError
from vidsr.models.checkpoint import Generator, build_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.zoo import Model
from vidsr.option_values import Precision

CPU = torch.device("cpu")
CPUINFO = Path("/proc/cpuinfo")


def generator(**changes: Any) -> Generator:
    torch.manual_seed(1)
    fields: dict[str, Any] = {
        "kind": "srresnet", "scale": 4, "channels": 3, "width": 8, "blocks": 2,
    }  # fmt: skip
    net = build_generator(GeneratorConfig(**(fields | changes))).eval()
    if changes.get("kind") == "unet":
        nn.init.normal_(net.tail.weight, std=0.1)  # it starts at zero
    return net


def picture(engine: Engine, x: Tensor) -> Tensor:
    return nn.functional.pixel_shuffle(engine.run(x), engine.shuffle)


KINDS: list[dict[str, Any]] = [
    {"kind": "lite", "channels": 1},
    {"kind": "lite", "channels": 3, "scale": 2},
    {"kind": "lite", "channels": 1, "scale": 2, "stride": 2, "prelu": "shared"},
    {"kind": "lite", "channels": 3, "scale": 4, "stride": 2},
    {"scale": 2, "output_range": "signed"},
    {"scale": 4, "prelu": "shared"},
    {"scale": 2, "norm": "none"},
    {"kind": "espcn", "channels": 1, "blocks": 1},
    {"kind": "srcnn", "channels": 1, "blocks": 1},
    {"kind": "srcnn", "scale": 2, "blocks": 1},
    {"kind": "rrdb", "blocks": 1, "growth": 4},
    {"kind": "rrdb", "blocks": 1, "growth": 4, "scale": 2},
    {"kind": "unet", "scale": 1, "blocks": 1},
    {"kind": "unet", "scale": 1, "blocks": 1, "levels": 3, "channels": 1},
    {"kind": "unet", "scale": 1, "blocks": 1, "stride": 2},
]
SIZES = [(1, 1), (3, 5), (17, 31)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("changes", KINDS)
@torch.no_grad()
def test_fp32_equals_the_network(changes: dict[str, Any], size: tuple[int, int]) -> None:
    net = generator(**changes)
    engine = TorchEngine(net, device="cpu", precision="fp32")
    x = torch.rand(2, engine.channels, *size)
    expected = (net(x) + 1) / 2 if net.config.output_range == "signed" else net(x)
    torch.testing.assert_close(picture(engine, x), expected, rtol=0, atol=1e-5)  # sums reordered


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("changes", KINDS)
def test_what_the_protocol_promises(changes: dict[str, Any], precision: Precision) -> None:
    engine: Engine = TorchEngine(generator(**changes), device="cpu", precision=precision)
    grow = engine.scale // engine.shuffle
    for height, width in SIZES:
        x = torch.rand(1, engine.channels, height, width)
        before = x.clone()
        out = engine.run(x)
        assert out.shape == (1, engine.channels * engine.shuffle**2, height * grow, width * grow)
        assert out.dtype == torch.float32
        assert out.device == engine.device == CPU
        assert torch.equal(x, before)
    levels, stride = changes.get("levels", 2), changes.get("stride", 1)
    assert engine.alignment == (stride * 2**levels if engine.scale == 1 else stride)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "lite", "channels": 1, "width": 32, "blocks": 6},
        {"kind": "lite", "scale": 2},
        {"kind": "unet", "scale": 1},
        {"kind": "unet", "scale": 1, "channels": 1, "levels": 3},
    ],
)
@torch.no_grad()
def test_bf16_rounds_only_what_is_added(changes: dict[str, Any]) -> None:
    net = generator(**changes)
    nn.init.zeros_(net.tail.weight)
    nn.init.zeros_(net.tail.bias) if net.tail.bias is not None else None
    x = torch.rand(1, net.config.channels, 20, 30)
    engine = TorchEngine(net, device="cpu", precision="bf16")
    nearest = nn.functional.interpolate(x, scale_factor=engine.scale, mode="nearest")
    assert torch.equal(picture(engine, x), nearest)  # bf16 itself would be 1/512 off


@torch.no_grad()
def test_other_tails_put_out_what_lies_above_mid_grey() -> None:
    """Half a unit of bfloat16 at 1/2 is 1/1024; counted from grey, a flat 0.501 is kept to 4e-6."""
    for changes in ({}, *(c for c in KINDS if c.get("kind") in ("espcn", "srcnn", "rrdb"))):
        net = generator(**changes)
        nn.init.zeros_(net.tail.weight)
        nn.init.constant_(net.tail.bias, 0.501)  # type: ignore[arg-type]
        engine = TorchEngine(net, device="cpu", precision="bf16")
        out = engine.run(torch.rand(1, engine.channels, 4, 5))
        torch.testing.assert_close(out, torch.full_like(out, 0.501), rtol=0, atol=4e-6)


@pytest.mark.parametrize(
    "changes", [{"kind": "lite", "channels": 1, "width": 32, "blocks": 6}, *KINDS]
)
@torch.no_grad()
def test_bf16_error_is_small(changes: dict[str, Any]) -> None:
    net = generator(**changes)
    x = torch.rand(1, net.config.channels, 40, 50)
    full, half = (picture(TorchEngine(net, device="cpu", precision=p), x) for p in ("fp32", "bf16"))
    size = max(1.0, float(full.abs().max()))  # untrained, some put out more than a picture has
    # SRCNN passes the whole picture through every layer, and each rounds it.
    assert (full - half).abs().mean() < (4e-3 if net.config.kind == "srcnn" else 2e-3) * size
    assert (full - half).abs().max() < 2e-2 * size


@torch.no_grad()
def test_strided_convolutions_stay_strided() -> None:
    conv = nn.Conv2d(4, 8, 2, stride=2)
    x = torch.rand(1, 4, 8, 10).contiguous(memory_format=torch.channels_last)
    wanted = conv(x)
    torch.testing.assert_close(onednn.DirectConv2d.adopt(conv)(x), wanted)


def test_the_model_given_is_left_alone() -> None:
    net = generator(kind="lite", channels=1)
    before = {name: t.clone() for name, t in net.state_dict().items()}
    TorchEngine(net, device="cpu", precision="bf16")
    assert all(torch.equal(t, before[name]) for name, t in net.state_dict().items())
    assert all(type(m) is not onednn.DirectConv2d for m in net.modules())


FUSED: list[tuple[dict[str, Any], int]] = [  # and how many activations run with their convolution
    ({"kind": "lite", "channels": 1, "prelu": "shared"}, 3),
    ({"kind": "lite", "channels": 1}, 0),  # oneDNN takes one slope for all channels
    ({"scale": 4, "prelu": "shared"}, 1 + 2 + 2),  # head, blocks, both enlarging steps
    ({"kind": "rrdb", "blocks": 1, "growth": 4, "scale": 4}, 2),
    ({"kind": "unet", "scale": 1, "blocks": 1}, 5),
]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(("changes", "count"), FUSED)
@torch.no_grad()
def test_activations_run_with_their_convolutions(
    changes: dict[str, Any], count: int, precision: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = generator(**changes)
    for layer in net.modules():
        if isinstance(layer, nn.PReLU):
            nn.init.uniform_(layer.weight, -0.5, 1)
    x = torch.rand(1, net.config.channels, 18, 30)
    engine = TorchEngine(net, device="cpu", precision=precision)
    convolutions = [m for m in engine.net.modules() if isinstance(m, onednn.DirectConv2d)]
    assert sum(m.activation is not None for m in convolutions) == count
    monkeypatch.setattr(onednn, "_can_fuse", lambda: False)
    apart = TorchEngine(net, device="cpu", precision=precision)
    # float32: the same sums, so a last bit; bfloat16: one rounding less, of numbers of order one.
    step = 1e-6 if precision == "fp32" else 2**-7
    torch.testing.assert_close(engine.run(x), apart.run(x), rtol=0, atol=step)


def test_a_model_lends_its_name() -> None:
    net = generator(kind="lite", channels=1)
    model = Model("mine", net, Path("mine.safetensors"))
    assert TorchEngine(model, device="cpu").name == "mine"
    assert TorchEngine(net, device="cpu").name == "lite-x4"


def test_layout_of_the_input_does_not_matter() -> None:
    engine = TorchEngine(generator(), device="cpu", precision="fp32")
    x = torch.rand(1, 3, 20, 22)
    window = torch.nn.functional.pad(x, (3, 3, 3, 3))[..., 3:-3, 3:-3]
    assert torch.equal(engine.run(x), engine.run(window))
    assert torch.equal(engine.run(x), engine.run(x.to(memory_format=torch.channels_last)))


@pytest.mark.parametrize(
    ("changes", "numbers"),
    [
        # The three widest tensors alive at once: what a layer read, its output, and the activated.
        ({"kind": "lite", "channels": 1, "width": 32}, 3 * 32 + 2),
        # A picture of 2x2, 64 channels read and 256 shuffled; or 256 on the x2 grid, activated.
        ({"width": 64}, 2 * 1024 + 64 + 3 + 3),
        # On the x4 grid: 64 channels activated in place, 32 beside; the enlarged picture.
        ({"kind": "srcnn", "channels": 1, "width": 64, "blocks": 1}, 16 * (64 + 32 + 1) + 1),
        # Two activations of one layer, inside a block that keeps its input, with a skip below it.
        ({"kind": "unet", "scale": 1, "width": 16, "blocks": 1}, 4 * 16 + 6),
    ],
)
def test_estimate_of_activations_by_hand(changes: dict[str, Any], numbers: int) -> None:
    found = activation_numbers(to_phase_module(generator(**changes)))
    assert 0.8 * numbers <= found <= 1.2 * numbers


def test_estimate_of_activations_grows_with_the_widest_layer() -> None:
    lite = TorchEngine(generator(kind="lite", channels=1, width=32), precision="fp32", device="cpu")
    assert 2 * 32 * 4 <= lite.bytes_per_pixel <= 5 * 32 * 4
    wide = TorchEngine(generator(width=64), precision="fp32", device="cpu")
    assert 2 * 1024 * 4 <= wide.bytes_per_pixel <= 3 * 1024 * 4  # 256 channels on the x2 grid
    half = TorchEngine(generator(width=64), precision="bf16", device="cpu")
    assert half.bytes_per_pixel < 0.6 * wide.bytes_per_pixel


@pytest.mark.parametrize("text", ["gpu", "cuda:", "cuda:x", "cuda:-1", "CPU", "", "cuda:0,1"])
def test_devices_that_are_not_spelt_so(text: str) -> None:
    with pytest.raises(OptionError, match="expected 'auto', 'cpu'"):
        resolve_device(text)


def test_device_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == resolve_device("cpu") == CPU
    with pytest.raises(DeviceError, match="Hint: use device = 'cpu'"):
        resolve_device("cuda:0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    assert resolve_device("auto") == resolve_device("cuda") == torch.device("cuda", 1)
    assert resolve_device("cuda:0") == torch.device("cuda", 0)
    with pytest.raises(DeviceError, match="there are 2"):
        resolve_device("cuda:2")


@pytest.mark.parametrize(("native", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_automatic_precision(
    native: bool, expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "has_native_bf16", lambda: native)
    assert resolve_precision("auto", CPU) == expected
    assert resolve_precision("auto", torch.device("cuda", 0)) == torch.float16


@pytest.mark.skipif(platform.machine() != "x86_64" or not CPUINFO.exists(), reason="x86 Linux")
def test_native_bf16_is_what_the_processor_says() -> None:
    flags = CPUINFO.read_text()
    assert has_native_bf16() == ("avx512_bf16" in flags or "amx_bf16" in flags)


def test_precisions_that_are_refused() -> None:
    with pytest.raises(OptionError, match="fp16"):
        resolve_precision("fp16", CPU)
    with pytest.raises(OptionError, match="expected auto, fp32"):
        resolve_precision("int8", CPU)  # type: ignore[arg-type]


def test_no_memory_is_said_with_a_hint() -> None:
    engine = TorchEngine(generator(), device="cpu", precision="fp32")
    huge = torch.empty(1).expand(1, 3, 2**22, 2**22)
    with pytest.raises(MemoryLimitError, match=r"Hint: .*`tile`"):
        engine.run(huge)


def test_gpu_out_of_memory_is_a_memory_error(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = TorchEngine(generator(), device="cpu", precision="fp32")

    def full(x: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(engine, "_run", full)
    with pytest.raises(MemoryError):
        engine.run(torch.rand(1, 3, 4, 4))


def test_a_failing_device_is_a_device_error() -> None:
    engine = TorchEngine(generator(), device="cpu", precision="fp32")
    with pytest.raises(DeviceError, match="srresnet-x4 on cpu"):
        engine.run(torch.rand(1, 5, 4, 4))
