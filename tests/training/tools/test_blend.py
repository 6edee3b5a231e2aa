"""Weights between two networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.models.model import Model
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.shipped import available
from vidsr.models.zoo import load_model
from vidsr.training.networks.student import adopt, build_student
from vidsr.training.options import dimensions_of, preset
from vidsr.training.tools.blend import main


def network(path: Path, value: float, width: int = 8) -> Path:
    config = GeneratorConfig(kind="lite", scale=2, channels=1, width=width, blocks=1)
    net = build_generator(config)
    save_generator(
        path, config, {k: torch.full_like(v, value) for k, v in net.state_dict().items()}
    )
    return path


@pytest.mark.parametrize(("share", "expected"), [("0", 1.0), ("0.25", 1.5), ("1", 3.0)])
def test_every_weight_lies_between(share: str, expected: float, tmp_path: Path) -> None:
    first, second = (network(tmp_path / f"{v}.safetensors", v) for v in (1.0, 3.0))
    output = tmp_path / "mix.safetensors"
    assert main([str(first), str(second), "--share", share, "-o", str(output)]) == 0
    mixed = load_model(output)
    assert mixed.config == load_model(first).config
    assert all((weight == expected).all() for weight in mixed.module.state_dict().values())


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["a.safetensors", "b.safetensors", "--share", "1.5", "-o", "c.safetensors"], 2, "0 to 1"),
        (["a.safetensors", "b.safetensors", "--share", "nan", "-o", "c.safetensors"], 2, "0 to 1"),
        (["a.safetensors", "wide.safetensors", "-o", "c.safetensors"], 6, "different shape"),
        (["a.safetensors", "none.safetensors", "-o", "c.safetensors"], 6, "none.safetensors"),
        (["a.safetensors", "b.safetensors", "-o", "a.safetensors"], 4, "exists already"),
        (["a.safetensors", "b.safetensors", "-o", "c.pth"], 2, ".safetensors"),
        (["a.safetensors", "b.safetensors", "-o", "no/c.safetensors"], 4, "no/c.safetensors"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str],
    status: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, width in (("a", 8), ("b", 8), ("wide", 9)):
        network(tmp_path / f"{name}.safetensors", 1.0, width)
    assert main(arguments) == status
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "c.safetensors").exists()


def descendant(path: Path, init: str, **changes: Any) -> Path:
    """Weights as ``vidsr-train --init`` begins with them and writes them, a little moved."""
    model = load_model(init)
    name, found = dimensions_of(model.config, changes.pop("model", None))
    options = preset(
        name, data="-", init=init, steps=1, middle=0, **{**unbound(name), **found, **changes}
    )
    student = build_student(options.config(), seed=3, middle=0)
    adopt(student, options.config(), model.module)
    weights = {name: value * 1.01 for name, value in student.plain_weights().items()}
    save_generator(path, options.config(), weights)
    return path


def unbound(name: str) -> dict[str, Any]:
    """What a GAN's options ask for beside the network."""
    return {"vgg": "vgg.pth"} if name == "srgan" else {}


@pytest.mark.parametrize("name", available())
def test_every_shipped_network_blends_with_what_was_trained_from_it(
    name: str, tmp_path: Path
) -> None:
    trained = descendant(tmp_path / "trained.safetensors", name)
    output = tmp_path / "mix.safetensors"
    assert main([name, str(trained), "--share", "0.25", "-o", str(output)]) == 0
    mixed, old, new = (load_model(each) for each in (output, name, trained))
    assert mixed.config == old.config == new.config
    for key, value in old.module.state_dict().items():
        wanted = value.lerp(new.module.state_dict()[key], 0.25).half().float()
        assert torch.equal(mixed.module.state_dict()[key], wanted)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("lite-x4", {"blocks": 9}),
        ("lite-x2", {"blocks": 5}),
        ("lite-x4", {"model": "srresnet", "blocks": 8}),
        ("lite-surveillance-x4", {"model": "srgan", "blocks": 9}),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_what_grew_out_of_a_network_blends_with_it(
    name: str, changes: dict[str, Any], turned: bool, tmp_path: Path
) -> None:
    trained = descendant(tmp_path / "trained.safetensors", name, **changes)
    x = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(2))

    def shown(model: Model) -> Tensor:
        picture = x if model.config.channels == 3 else x.mean(1, keepdim=True)
        with torch.inference_mode():
            large: Tensor = model.module(picture)
        return large[..., 40:-40, 40:-40] if model.scale == 4 else large[..., 20:-20, 20:-20]

    grown = load_model(trained)
    ends = {}
    for share in ("0", "1"):
        output = tmp_path / f"{share}.safetensors"
        pair = [name, str(trained)] if not turned else [str(trained), name]
        assert main([*pair, "--share", share, "-o", str(output)]) == 0
        ends[share] = load_model(output)
        assert ends[share].config == grown.config
    small_end, large_end = ends[str(int(turned))], ends[str(int(not turned))]
    assert torch.equal(shown(large_end), shown(grown))
    if small_end.config.kind == "lite":
        torch.testing.assert_close(shown(small_end), shown(load_model(name)), atol=2e-3, rtol=0)
    else:  # luma of the grown network is what the small one makes of luma
        luma = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
        with torch.inference_mode():
            small = load_model(name).module((x * luma).sum(1, keepdim=True))
        found = (shown(small_end) * luma).sum(1, keepdim=True)
        torch.testing.assert_close(found, small[..., 40:-40, 40:-40], atol=4e-3, rtol=0)


def test_counters_of_normalisation_stay_whole(tmp_path: Path) -> None:
    config = GeneratorConfig(kind="srresnet", scale=2, channels=3, width=4, blocks=1, norm="batch")
    for name, count in (("a", 70_000), ("b", 90_001)):
        weights = dict(build_generator(config).state_dict())
        for key, value in weights.items():
            if not value.is_floating_point():
                weights[key] = torch.full_like(value, count)
        save_generator(tmp_path / f"{name}.safetensors", config, weights)
    output = tmp_path / "mix.safetensors"
    assert main([*(str(tmp_path / f"{n}.safetensors") for n in "ab"), "-o", str(output)]) == 0
    counters = [v for v in load_model(output).module.state_dict().values() if v.dtype == torch.long]
    assert counters
    assert all(value == 90_001 for value in counters)


@pytest.mark.parametrize(
    ("pair", "named"),
    [
        (("lite-x2", "lite-x4"), "scale 2"),
        (("lite-x4", "srresnet-x2"), "kind lite"),
        (("lite-fast-x2", "lite-x2"), "stride 2"),
        (("unet-x1", "srgan-x4"), "kind unet"),
    ],
)
def test_networks_of_different_shape_are_refused_with_what_differs(
    pair: tuple[str, str], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*pair, "-o", str(tmp_path / "mix.safetensors")]) == 6
    said = capsys.readouterr().err
    assert "different shape" in said
    assert named in said
    assert "norm" not in said
    assert not (tmp_path / "mix.safetensors").exists()
