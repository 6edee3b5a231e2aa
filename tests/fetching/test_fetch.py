"""Models of the user's own index: fetched once, resumed, checked, from a server that misbehaves."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from tests.makers.http_server import HttpServer, Served, serving, unused_port
from vidsr import Upscaler
from vidsr.errors import ModelError
from vidsr.fetching.fetch import fetch_named
from vidsr.models.shipped import find_weights, weights_folder
from vidsr.video.addresses.connection import Patience

QUICK = Patience(timeout_s=2, first_tries=2, tries=3, pause_s=0.01, longest_pause_s=0.02)
DATA = bytes(range(256)) * 4000  # longer than what is skipped instead of asked for
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of models."""
    monkeypatch.setenv("VIDSR_MODELS", str(tmp_path))
    return tmp_path


def write_index(folder: Path, address: str, sha256: str = SHA, more: str = "") -> None:
    text = f'[mine]\naddress = "{address}"\nsha256 = "{sha256}"\n{more}'
    (folder / "models.toml").write_text(text)


def fetched(folder: Path, server: HttpServer, sha256: str = SHA) -> tuple[Path, list[str]]:
    write_index(folder, server.url("/net.pth"), sha256)
    said: list[str] = []
    path = fetch_named("mine", said.append, QUICK)
    assert path is not None
    return path, said


def test_a_model_is_fetched_once(folder: Path) -> None:
    with serving({"/net.pth": Served(DATA)}) as server:
        path, said = fetched(folder, server)
        assert path == folder / "net.pth"
        assert path.read_bytes() == DATA
        assert len(said) == 1
        again, said = fetched(folder, server)
        assert (again, said, len(server.requests)) == (path, [], 1)
    assert find_weights("mine") == path  # and needs no server any more
    assert sorted(p.name for p in folder.iterdir()) == ["models.toml", "net.pth"]


def test_a_broken_connection_is_resumed(folder: Path) -> None:
    with serving({"/net.pth": Served(DATA, cut_after=400_000)}) as server:
        path, _ = fetched(folder, server)
        assert path.read_bytes() == DATA
        begins = [headers["Range"] for _, headers in server.requests]
    assert begins == ["bytes=0-", "bytes=400000-", "bytes=800000-"]


def test_a_later_run_goes_on_where_the_server_died(folder: Path) -> None:
    with (
        serving({"/net.pth": Served(DATA, wall=700_000)}) as server,
        pytest.raises(ModelError, match="could not be resumed") as caught,
    ):
        fetched(folder, server)
    assert caught.value.hint == "the same command goes on from there"
    assert (folder / "net.pth.part").stat().st_size == 700_000
    with serving({"/net.pth": Served(DATA)}) as server:
        path, said = fetched(folder, server)
        assert path.read_bytes() == DATA
        assert "from byte 700000 on" in said[0]
        assert server.requests[-1][1]["Range"] == "bytes=700000-"


def test_a_server_without_ranges_begins_anew(folder: Path) -> None:
    (folder / "net.pth.part").write_bytes(b"x" * 1000)
    with serving({"/net.pth": Served(DATA, ranges=False)}) as server:
        assert fetched(folder, server)[0].read_bytes() == DATA


def test_a_wrong_checksum_leaves_nothing(folder: Path) -> None:
    with (
        serving({"/net.pth": Served(DATA[::-1])}) as server,
        pytest.raises(ModelError, match=f"has sha256 .*, expected {SHA}"),
    ):
        fetched(folder, server)
    assert [p.name for p in folder.iterdir()] == ["models.toml"]


def test_a_part_of_something_else_is_found_out(folder: Path) -> None:
    (folder / "net.pth.part").write_bytes(b"x" * 1000)
    with serving({"/net.pth": Served(DATA)}) as server:
        with pytest.raises(ModelError, match="has sha256"):
            fetched(folder, server)
        assert fetched(folder, server)[0].read_bytes() == DATA


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/a", "data:,a"])
def test_a_redirection_to_another_kind_of_address_is_refused(target: str, folder: Path) -> None:
    with (
        serving({"/net.pth": Served(b"", location=target)}) as server,
        pytest.raises(ModelError, match="another kind of address, which is not followed"),
    ):
        fetched(folder, server)
    assert not (folder / "net.pth").exists()


def test_a_redirection_on_the_web_is_followed(folder: Path) -> None:
    files = {"/net.pth": Served(b"", location="/real"), "/real": Served(DATA)}
    with serving(files) as server:
        assert fetched(folder, server)[0].read_bytes() == DATA


def test_a_dead_server_is_said_in_one_line(folder: Path) -> None:
    write_index(folder, f"http://127.0.0.1:{unused_port()}/net.pth")
    with pytest.raises(ModelError, match="cannot be reached") as caught:
        fetch_named("mine", lambda _: None, QUICK)
    assert "\n" not in caught.value.message


def test_an_absent_file_is_said(folder: Path) -> None:
    with serving({}) as server, pytest.raises(ModelError, match=r"no such file \(404"):
        fetched(folder, server)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[a", "cannot be read"),
        ("a = 1", "expected address and sha256 as text"),
        ('[a]\naddress = "file:///etc/passwd"\nsha256 = "0"', "expected http:// or https://"),
        ('[a]\naddress = "https://h/a.pth"\nsha256 = "0"', "expected 64 hexadecimal digits"),
        (f'[a]\naddress = "https://h/"\nsha256 = "{SHA}"', "expected a name such as a.pth"),
        (f'[a]\naddress = "https://h/a.pth"\nsha256 = "{SHA}"\nfile = "../b.pth"', "file ="),
        (f'[a]\naddress = "https://h/a.pth"\nsha256 = "{SHA}"\nextra = "b"', "extra: expected"),
        (f'["a/b"]\naddress = "https://h/a.pth"\nsha256 = "{SHA}"', "a name of letters"),
    ],
)
def test_a_wrong_index_is_refused(text: str, words: str, folder: Path) -> None:
    (folder / "models.toml").write_text(text)
    with pytest.raises(ModelError, match=words):
        fetch_named("a", lambda _: None)


def test_a_model_of_the_folder_is_called_by_its_name(folder: Path) -> None:
    data = (weights_folder() / "lite-fast-x2.safetensors").read_bytes()
    (folder / "mine.safetensors").write_bytes(data)
    with Upscaler("mine", device="cpu") as upscaler:
        assert upscaler.model.name == "mine"
        assert upscaler(torch.rand(3, 8, 8)).shape == (3, 16, 16)
    (folder / "mine.pth").write_bytes(b"")
    with pytest.raises(ModelError, match=r"has mine.pth and mine.safetensors"):
        find_weights("mine")
    with pytest.raises(ModelError, match="unknown model"):
        find_weights("other")


def test_an_upscaler_fetches_what_it_is_asked_for(folder: Path) -> None:
    data = (weights_folder() / "lite-fast-x2.safetensors").read_bytes()
    with serving({"/a.safetensors": Served(data)}) as server:
        write_index(folder, server.url("/a.safetensors"), hashlib.sha256(data).hexdigest())
        with Upscaler("mine", device="cpu") as upscaler:
            assert upscaler.scale == 2


def test_a_refusal_leaves_no_empty_file(folder: Path) -> None:
    with serving({"/net.pth": Served(DATA)}) as server:
        write_index(folder, server.url("/other.pth"))
        with pytest.raises(ModelError, match="no such file"):
            fetch_named("mine", print, QUICK)
    assert [path.name for path in folder.iterdir()] == ["models.toml"]
