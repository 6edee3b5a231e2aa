"""Names of models: shipped ones, files, and the folders of training runs."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

from vidsr import ModelError, OptionError, Upscaler
from vidsr.models.families import check_model, check_restorer, find_restorer
from vidsr.models.named.folder import models_here
from vidsr.models.shipped import find_weights
from vidsr.models.zoo import load_model
from vidsr.run.options import RunOptions


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with training runs of two names, and one that holds nothing."""
    for name in ("night", "v1.5", "lite-x4"):
        (tmp_path / name).mkdir()
        shutil.copy(find_weights("lite-x2"), tmp_path / name / "model.safetensors")
        (tmp_path / name / "options.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ("night", "night"),
        ("night/", "night"),
        ("./night", "night"),
        ("night/model.safetensors", "night"),
        ("v1.5", "v1.5"),
        (Path("v1.5"), "v1.5"),
        (Path("lite-x4"), "lite-x4"),
        ("empty/../night", "night"),
    ],
)
def test_a_run_is_called_by_its_folder(given: str | Path, called: str, runs: Path) -> None:
    model = load_model(given)
    assert (model.name, model.scale) == (called, 2)
    check_model(given, 2)
    with pytest.raises(OptionError, match=f"but {called} upscales 2 times"):
        check_model(given, 4)


def test_a_shipped_name_comes_before_a_folder_of_that_name(runs: Path) -> None:
    assert load_model("lite-x4").scale == 4


def test_other_files_keep_their_own_name(runs: Path) -> None:
    shutil.copy(find_weights("lite-x2"), runs / "mine.safetensors")
    (runs / "moved").mkdir()
    shutil.copy(find_weights("lite-x2"), runs / "moved" / "model.safetensors")
    assert load_model("mine.safetensors").name == "mine"
    assert load_model("moved").name == "model"  # no run: nobody has named it


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ("nothing", "unknown model: model = 'nothing', available: deblur-x1", "a path to"),
        ("lite_x4", "unknown model", "did you mean 'lite-x4'?"),
        ("sresnet-x4", "unknown model", "did you mean 'srresnet-x4'?"),
        ("esrgan", "unknown model", "a path to"),
        ("empty", "unknown model", "a path to"),
        ("./empty", "empty: is a directory without model.safetensors", "name a"),
    ],
)
def test_what_is_unknown_is_called_so(given: str, message: str, hint: str, runs: Path) -> None:
    with pytest.raises(ModelError) as error:
        load_model(given)
    assert message in error.value.message
    assert error.value.hint.startswith(hint)


def test_bytes_are_names_too(runs: Path) -> None:
    assert Upscaler(b"night", device="cpu").model.name == "night"  # type: ignore[arg-type]
    assert RunOptions.of({"model": b"lite-x2"}).model == "lite-x2"
    for wrong in (3, None, ["lite-x2"]):
        with pytest.raises(OptionError, match="model"):
            Upscaler(wrong, device="cpu")  # type: ignore[arg-type]
        with pytest.raises(OptionError, match="model"):
            RunOptions.of({"model": wrong})


def test_a_name_of_the_users_folder_may_have_a_dot(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (runs / "models").mkdir()
    shutil.copy(find_weights("lite-x2"), runs / "models" / "2x_V3.1_net.safetensors")
    monkeypatch.setenv("VIDSR_MODELS", str(runs / "models"))
    assert load_model("2x_V3.1_net").name == "2x_V3.1_net"
    with pytest.raises(ModelError, match=r"2x_V3\.2_net: does not exist"):
        load_model("2x_V3.2_net")


def test_a_method_of_the_users_folder_has_a_name(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = runs / "models"
    folder.mkdir()
    text = find_weights("map-tv-x2").read_text().replace("rounds = 100", "rounds = 3")
    (folder / "soft.toml").write_text(text)
    (folder / "broken.toml").write_text("method = ")
    (folder / "models.toml").write_text("")
    shutil.copy(find_weights("lite-x2"), folder / "net.safetensors")
    (folder / "net.toml").write_text("[training]\nsteps = 3\n")  # of another program
    monkeypatch.setenv("VIDSR_MODELS", str(folder))
    model = load_model("soft")
    assert (model.name, model.module.scale) == ("soft", 2)
    assert load_model("net").file_format != "method"
    with pytest.raises(ModelError, match=r"broken\.toml: cannot be read"):
        load_model("broken")
    with pytest.raises(ModelError, match=r"available: .*, broken, net, soft"):
        load_model("models")


def test_a_toml_that_may_not_be_read_hides_no_other_model(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (runs / "models").mkdir()
    for name in ("locked.toml", "soft.toml"):
        shutil.copy(find_weights("map-tv-x2"), runs / "models" / name)
    monkeypatch.setenv("VIDSR_MODELS", str(runs / "models"))
    opened = Path.open

    def refuse(path: Path, *arguments: Any, **named: Any) -> Any:
        if path.name == "locked.toml":
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", refuse)
    assert list(models_here()) == ["soft"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("debleur", "did you mean 'deblur'?"),
        ("denois", "did you mean 'denoise'?"),
        ("nothing", "a path to weights works too"),
        ("", "a path to weights works too"),
    ],
)
def test_an_unknown_restorer_is_refused_with_the_names_of_restorers(name: str, hint: str) -> None:
    said = f"unknown restorer: restore = '{name}', available: deblur, denoise, deblock"
    for look_up in (
        lambda: check_restorer(name),
        lambda: Upscaler("auto", restore=name, scale=1, device="cpu"),
        lambda: Upscaler("lite-x2", restore=name, device="cpu"),
    ):
        with pytest.raises(ModelError) as refused:
            look_up()
        assert (refused.value.message, refused.value.hint) == (said, hint)


def test_a_restorer_is_found_by_name_by_path_and_by_run(runs: Path) -> None:
    assert find_restorer("deblock") == find_weights("denoise-x1")
    assert find_restorer(find_weights("deblur-x1")) == find_weights("deblur-x1")
    assert find_restorer("night") == find_weights("night")
    with pytest.raises(OptionError, match="got one that upscales 2 times"):
        check_restorer("night")
    with pytest.raises(ModelError, match=r"no\.safetensors: does not exist"):
        find_restorer("no.safetensors")
