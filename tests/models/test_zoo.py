"""Shipped weights by name, the user's own by path."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vidsr.errors import ModelError
from vidsr.models import shipped as shipped_models
from vidsr.models import zoo
from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.models.families import automatic_model, choose_model, choose_restorer
from vidsr.models.networks.config import GeneratorConfig

LITE = GeneratorConfig(kind="lite", scale=4, channels=1, width=4, blocks=1)


def write(path: Path) -> Path:
    save_generator(path, LITE, build_generator(LITE).state_dict())
    return path


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights in place of the package's own."""
    monkeypatch.setattr(shipped_models, "weights_folder", lambda: tmp_path)
    for name in ("lite-x4", "srresnet-x4", "lite-x2"):
        write(tmp_path / f"{name}.safetensors")
    (tmp_path / "README.md").touch()
    return tmp_path


def test_every_shipped_model_loads_and_is_what_its_name_says() -> None:
    for name in shipped_models.available():
        model = zoo.load_model(name)
        assert model.name == name
        assert name.endswith(f"-x{model.config.scale}")
        assert not model.module.training
        assert all(p.dtype == torch.float32 for p in model.module.parameters())


@pytest.mark.usefixtures("shipped")
def test_names_are_listed_in_order() -> None:
    assert shipped_models.available() == ("lite-x2", "lite-x4", "srresnet-x4")


def test_no_folder_means_no_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped_models, "weights_folder", lambda: tmp_path / "absent")
    assert shipped_models.available() == ()
    with pytest.raises(ModelError, match="available: none"):
        zoo.load_model("lite-x4")


def test_a_name_finds_the_shipped_file(shipped: Path) -> None:
    model = zoo.load_model("lite-x4")
    assert (model.name, model.config) == ("lite-x4", LITE)
    assert model.path == shipped / "lite-x4.safetensors"


def test_a_path_finds_the_users_own(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.safetensors")
    for given in (path, str(path)):
        assert zoo.load_model(given).name == "mine"


@pytest.mark.usefixtures("shipped")
def test_a_misspelt_name_is_met_with_the_names_there_are() -> None:
    with pytest.raises(ModelError, match=r"lite-x2, lite-x4, srresnet-x4.*mean 'srresnet-x4'"):
        zoo.load_model("sresnet-x4")


@pytest.mark.usefixtures("shipped")
def test_a_path_that_is_absent_is_not_taken_for_a_name() -> None:
    with pytest.raises(ModelError, match="does not exist"):
        zoo.load_model("lite-x4.pth")
    with pytest.raises(ModelError, match="does not exist"):
        zoo.load_model(Path("lite-x4"))


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize("family", ["espcn", "srcnn", "rrdb"])
def test_families_without_weights_are_met_with_the_names_there_are(family: str) -> None:
    name = choose_model(family, None, torch.device("cpu"))
    with pytest.raises(ModelError, match=f"model = '{family}-x4', available: lite-x2"):
        zoo.load_model(name)
    with pytest.raises(ModelError, match="model = 'unet-x1', available: lite-x2"):
        zoo.load_model(choose_model("unet", None, torch.device("cpu")))


def test_families_find_weights_as_soon_as_there_are_some(shipped: Path) -> None:
    for name in ("espcn-x2", "unet-x1"):
        write(shipped / f"{name}.safetensors")
    cpu = torch.device("cpu")
    assert zoo.load_model(choose_model("espcn", 2, cpu)).name == "espcn-x2"
    assert zoo.load_model(choose_model("unet", None, cpu)).name == "unet-x1"


def test_further_names_lead_to_the_same_weights(shipped: Path) -> None:
    for name in ("deblur-x1", "denoise-x1"):
        write(shipped / f"{name}.safetensors")
    cpu = torch.device("cpu")
    for family, known in (
        ("unet", "deblur-x1"), ("deblur", "deblur-x1"),
        ("denoise", "denoise-x1"), ("deblock", "denoise-x1"),
    ):  # fmt: skip
        assert zoo.load_model(choose_model(family, None, cpu)).name == known
        assert choose_restorer(family) == choose_model(family, 1, cpu)


@pytest.mark.usefixtures("shipped")
def test_automatic_choice() -> None:
    assert automatic_model(torch.device("cpu"), 4) == "lite-x4"
    assert automatic_model(torch.device("cuda", 0), 4) == "srresnet-x4"
    assert automatic_model(torch.device("cuda", 0), 2) == "lite-x2"
