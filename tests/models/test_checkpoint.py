"""Weights in and out of files: ours, other people's, and files that are neither."""

from __future__ import annotations

import json
import os
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from vidsr.errors import ModelError
from vidsr.models.checkpoint import (
    Generator,
    build_generator,
    load_generator,
    save_generator,
)
from vidsr.models.header import CONFIG_KEY
from vidsr.models.networks.config import GeneratorConfig

WIDTH = 6


class Residual(nn.Module):
    def __init__(self, width: int, slopes: int, bias: bool) -> None:
        super().__init__()
        self.conv_a = nn.Conv2d(width, width, 3, padding=1, bias=bias)
        self.bn_a = nn.BatchNorm2d(width)
        self.act = nn.PReLU(slopes)
        self.conv_b = nn.Conv2d(width, width, 3, padding=1, bias=bias)
        self.bn_b = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.bn_b(self.conv_b(self.act(self.bn_a(self.conv_a(x)))))
        return out


class Foreign(nn.Module):
    """SRResNet under names that sort in another order than they run."""

    def __init__(self, scale: int = 4, slopes: int = 1, blocks: int = 11, bias: bool = True):
        super().__init__()
        w = WIDTH
        self.stem = nn.Sequential(nn.Conv2d(3, w, 9, padding=4, bias=bias), nn.PReLU(slopes))
        self.residuals = nn.ModuleList(Residual(w, slopes, bias) for _ in range(blocks))
        self.mid = nn.Sequential(nn.Conv2d(w, w, 3, padding=1, bias=bias), nn.BatchNorm2d(w))
        self.enlarge = nn.ModuleList(
            nn.ModuleDict(
                {"conv": nn.Conv2d(w, 4 * w, 3, padding=1, bias=bias), "act": nn.PReLU(slopes)}
            )
            for _ in range(scale // 2)
        )
        self.final = nn.Conv2d(w, 3, 9, padding=4, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        head = h = self.stem(x)
        for block in self.residuals:
            h = block(h)
        h = head + self.mid(h)
        for stage in self.enlarge:
            assert isinstance(stage, nn.ModuleDict)
            h = stage["act"](nn.functional.pixel_shuffle(stage["conv"](h), 2))
        out: Tensor = self.final(h)
        return out


class Numbered(nn.Module):
    """SRResNet in parts called block1, block2 and so on, as one well-known project has it."""

    def __init__(self) -> None:
        super().__init__()
        foreign = Foreign(scale=2, blocks=3)
        self.block1 = foreign.stem
        self.block2, self.block3, self.block4 = foreign.residuals
        self.block5 = foreign.mid
        self.block6 = nn.Sequential(foreign.enlarge[0], foreign.final)
        self.run = [foreign]

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.run[0](x)
        return out


@torch.no_grad()
def scramble(net: nn.Module) -> nn.Module:
    """Give every tensor its own values, so that swapped layers are seen."""
    torch.manual_seed(3)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
        if isinstance(layer, nn.BatchNorm2d | nn.PReLU):
            nn.init.normal_(layer.weight)
    return net.eval()


def small(**changes: Any) -> GeneratorConfig:
    fields: dict[str, Any] = {
        "kind": "srresnet", "scale": 2, "channels": 3, "width": WIDTH, "blocks": 2,
    }  # fmt: skip
    return GeneratorConfig(**(fields | changes))


@torch.no_grad()
def assert_same(loaded: nn.Module, original: nn.Module) -> None:
    x = torch.rand(1, 3, 9, 7)
    torch.testing.assert_close(loaded(x), original(x), rtol=1e-5, atol=1e-5)


CONFIGS = [
    small(output_range="signed", prelu="shared"),
    small(scale=4, prelu="channel"),
    small(norm="none"),
    small(kind="lite", channels=1, scale=4),
    small(kind="espcn", channels=1, blocks=1),
    small(kind="srcnn", blocks=1, scale=4),
    small(kind="rrdb", growth=5),
    small(kind="rrdb", scale=4, blocks=1),
    small(kind="unet", scale=1, blocks=1),
    small(kind="unet", scale=1, levels=3, channels=1),
]


@pytest.mark.parametrize("config", CONFIGS)
@torch.no_grad()
def test_own_files_come_back_as_they_were_in_half_precision(
    config: GeneratorConfig, tmp_path: Path
) -> None:
    net = scramble(build_generator(config))
    save_generator(tmp_path / "a.safetensors", config, net.state_dict())
    found, loaded = load_generator(str(tmp_path / "a.safetensors"))
    assert found == config
    assert not loaded.training
    for name, tensor in loaded.state_dict().items():
        original = net.state_dict()[name]
        assert tensor.dtype == original.dtype
        rounded = original.half().float() if original.is_floating_point() else original
        assert torch.equal(tensor, rounded)
    net.load_state_dict(loaded.state_dict())
    for size in ((1, 1), (3, 5), (17, 31)):
        x = torch.rand(1, config.channels, *size)
        assert torch.equal(loaded(x), net(x))  # nothing is missing that the file does not hold


def test_files_from_before_a_field_was_known_still_load(tmp_path: Path) -> None:
    for config in (small(), small(kind="lite", channels=1)):
        fields = json.loads(config.to_json())
        old = {k: v for k, v in fields.items() if k not in ("norm", "growth", "levels")}
        state = build_generator(config).state_dict()
        path = tmp_path / "old.safetensors"
        save_file(state, str(path), metadata={CONFIG_KEY: json.dumps(old)})
        assert load_generator(path)[0] == config


def test_an_output_range_that_the_kind_cannot_have_is_refused(tmp_path: Path) -> None:
    config = small(kind="lite")
    path = tmp_path / "a.safetensors"
    save_generator(path, config, build_generator(config).state_dict())
    with pytest.raises(ModelError, match=r"a\.safetensors: output_range = 'signed'.*Hint"):
        load_generator(path, output_range="signed")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "edsr"}, r"kind = 'edsr', allowed \('srresnet', 'lite', 'espcn'"),
        ({"scale": 1}, "scale = 1, allowed 2 or 4 for srresnet"),
        ({"scale": 2.0}, r"scale = 2\.0, allowed 2 or 4"),
        ({"kind": "lite", "scale": 1}, "scale = 1, allowed 2 or 4 for lite"),
        ({"channels": 4}, "channels = 4, allowed 1 or 3"),
        ({"width": 1.5}, r"width = 1\.5, allowed 1 to 1024"),
        ({"blocks": 257}, "blocks = 257, allowed 0 to 256 for srresnet"),
        ({"blocks": -1}, "blocks = -1, allowed 0 to 256"),
        ({"prelu": "none"}, r"prelu = 'none', allowed \('shared', 'channel'\)"),
        ({"kind": "lite", "output_range": "signed"}, "'signed', allowed 'unit' for lite"),
    ],
)
def test_dimensions_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**changes)


def test_counters_are_not_rounded(tmp_path: Path) -> None:
    net = build_generator(small())
    state = net.state_dict()
    state["join.1.num_batches_tracked"].fill_(1_000_001)
    save_generator(tmp_path / "a.safetensors", small(), state)
    _, loaded = load_generator(tmp_path / "a.safetensors")
    assert int(loaded.state_dict()["join.1.num_batches_tracked"]) == 1_000_001


def as_pickle(path: Path, state: dict[str, Tensor]) -> Path:
    torch.save(state, path.with_suffix(".pth"))
    return path.with_suffix(".pth")


def as_nested_pickle(path: Path, state: dict[str, Tensor]) -> Path:
    prefixed = OrderedDict((f"module.generator.{name}", t) for name, t in state.items())
    content = {"epoch": 7, "optimizer": {"state": {}}, "model": {"params_ema": prefixed}}
    torch.save(content, path.with_suffix(".pt"))
    return path.with_suffix(".pt")


def as_old_pickle(path: Path, state: dict[str, Tensor]) -> Path:
    torch.save(state, path.with_suffix(".pth"), _use_new_zipfile_serialization=False)
    return path.with_suffix(".pth")


def as_safetensors(path: Path, state: dict[str, Tensor]) -> Path:
    save_file({f"net.{name}": t for name, t in state.items()}, str(path) + ".safetensors")
    return Path(str(path) + ".safetensors")


WRITERS = [as_pickle, as_nested_pickle, as_old_pickle, as_safetensors]
Writer = Callable[[Path, dict[str, Tensor]], Path]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("slopes", [1, WIDTH])
def test_foreign_checkpoints_load_by_their_shapes(
    write: Writer, scale: int, slopes: int, tmp_path: Path
) -> None:
    net = scramble(Foreign(scale, slopes))
    config, loaded = load_generator(write(tmp_path / "x", net.state_dict()), output_range="signed")
    assert (config.scale, config.width, config.blocks) == (scale, WIDTH, 11)
    assert config.prelu == ("shared" if slopes == 1 else "channel")
    assert config.output_range == "signed"
    assert_same(loaded, net)


@pytest.mark.parametrize("write", WRITERS)
def test_numbered_parts_and_missing_biases(write: Writer, tmp_path: Path) -> None:
    for net in (scramble(Numbered()), scramble(Foreign(bias=False))):
        path = write(tmp_path / "x", net.state_dict())
        assert_same(load_generator(path, output_range="unit")[1], net)


def test_sorted_names_that_hide_the_order_are_refused(tmp_path: Path) -> None:
    net = scramble(Foreign(2))
    state = net.state_dict()
    loose = {k.replace("enlarge.0.act", "act_up").replace("stem.1", "act"): v
             for k, v in state.items()}  # fmt: skip
    with pytest.raises(ModelError, match="order of its layers"):
        load_generator(as_safetensors(tmp_path / "x", loose), output_range="unit")
    path = as_pickle(tmp_path / "x", loose)
    assert_same(load_generator(path, output_range="unit")[1], net)


@torch.no_grad()
def grey_keeper(gain: float, offset: float) -> Generator:
    """A network that maps flat grey x to gain*x + offset: every value passes one channel."""
    net = build_generator(small(scale=2, blocks=1)).eval()
    for weight in net.parameters():
        weight.zero_()
    convs = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    convs[0].weight[0, :, 4, 4] = 1 / 3
    convs[-2].weight[:4, 0, 1, 1] = 1
    convs[-1].weight[:, 0, 4, 4] = gain
    assert convs[-1].bias is not None
    convs[-1].bias.fill_(offset)
    return net


@pytest.mark.parametrize(("gain", "offset", "expected"), [(1, 0, "unit"), (2, -1, "signed")])
def test_output_range_is_found_by_trying(
    gain: float, offset: float, expected: str, tmp_path: Path
) -> None:
    path = as_pickle(tmp_path / "x", grey_keeper(gain, offset).state_dict())
    assert load_generator(path)[0].output_range == expected


def test_an_unknown_output_range_is_refused_with_a_way_out(tmp_path: Path) -> None:
    path = as_pickle(tmp_path / "x", grey_keeper(255, 0).state_dict())
    with pytest.raises(ModelError, match=r"0\.5 -> 127\.50.*output_range="):
        load_generator(path)
    assert load_generator(path, output_range="unit")[0].output_range == "unit"


def other_architecture() -> dict[str, Tensor]:
    """What BasicSR calls MSRResNet: no normalisation, 3x3 ends."""
    layers = [nn.Conv2d(3, 64, 3), *(nn.Conv2d(64, 64, 3) for _ in range(4))]
    layers += [nn.Conv2d(64, 256, 3), nn.Conv2d(64, 3, 3)]
    return nn.Sequential(*layers).state_dict()


def test_other_architectures_are_named_by_what_they_hold(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"4 of \[64, 64, 3, 3\].*allowed: a 9x9 head.*Hint"):
        load_generator(as_pickle(tmp_path / "x", other_architecture()))


@pytest.mark.parametrize("drop", ["mid.1.running_mean", "mid.0.weight", "enlarge.0.act.weight"])
def test_a_checkpoint_with_a_part_missing_is_refused(drop: str, tmp_path: Path) -> None:
    state = Foreign(2).state_dict()
    state = {k: v for k, v in state.items() if not k.startswith(drop)}
    with pytest.raises(ModelError, match="not an SRResNet"):
        load_generator(as_pickle(tmp_path / "x", state))


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("ran-code",)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ""])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"these are not weights\n" * 9,
        b"\x00" * 64,
        b"\xff" * 8 + b"{",
        b"\x10\x00\x00\x00\x00\x00\x00\x00{" + b"x" * 40,
        pickle.dumps({"a": 1}),
        pickle.dumps(Evil()),
        b"PK\x03\x04" + b"\x00" * 30,
    ],
)
def test_files_that_are_no_checkpoints(
    content: bytes, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="file"):
        load_generator(path)
    assert not (tmp_path / "ran-code").exists()


def test_code_inside_an_archive_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(ModelError, match="Hint"):
        load_generator(tmp_path / "evil.pth")
    assert not (tmp_path / "ran-code").exists()


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated_files(write: Writer, share: float, tmp_path: Path) -> None:
    path = write(tmp_path / "x", Foreign(2).state_dict())
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ModelError):
        load_generator(path)


def test_missing_files_and_directories(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        load_generator(tmp_path / "absent.pth")
    with pytest.raises(ModelError, match="directory"):
        load_generator(tmp_path)


@pytest.mark.parametrize(
    "header",
    [
        "{}",
        "no json",
        '"text"',
        small(width=7).to_json(),
        small(blocks=256, width=1024).to_json(),
        small().to_json().replace('"width": 6', '"width": "6"'),
    ],
)
def test_headers_that_lie(header: str, tmp_path: Path) -> None:
    state = build_generator(small()).state_dict()
    save_file(state, str(tmp_path / "a.safetensors"), metadata={CONFIG_KEY: header})
    with pytest.raises(ModelError):
        load_generator(tmp_path / "a.safetensors")


def test_weights_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    net = build_generator(small())
    state = net.state_dict()
    state["tail.bias"][0] = float("nan")
    save_generator(tmp_path / "a.safetensors", small(), state)
    with pytest.raises(ModelError, match=r"tail\.bias"):
        load_generator(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    "strange",
    [
        torch.zeros(3, dtype=torch.complex64),
        torch.zeros(3).to_sparse(),
        torch.zeros(3, device="meta"),
    ],
)
def test_tensors_that_are_not_plain_are_refused(strange: Tensor, tmp_path: Path) -> None:
    state = Foreign(2).state_dict()
    state["final.bias"] = strange
    with pytest.raises(ModelError, match="plain"):
        load_generator(as_pickle(tmp_path / "x", state))
