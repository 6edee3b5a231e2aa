"""Files that mean harm: one line, no code that runs, no memory beyond what the file holds."""

from __future__ import annotations

import io
import os
import pickle
import resource
import struct
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.makers.foreign import compact
from vidsr.errors import ModelError
from vidsr.models import loaders
from vidsr.models.zoo import load_model

MOST_BYTES = 300 << 20  # more than any of these reads may take


class Code:
    """An object whose unpickling runs a command."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch executed",)


def repacked(source: Path, target: Path, change: Callable[[str, bytes], bytes]) -> None:
    """Copy an archive of PyTorch with other content."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            new.writestr(entry.filename, change(entry.filename, old.read(entry)))


def code_in_archive(path: Path) -> None:
    torch.save({"state_dict": compact(), "extra": Code()}, path)


def code_in_legacy_pickle(path: Path) -> None:
    torch.save(compact() | {"x": Code()}, path, _use_new_zipfile_serialization=False)


def plain_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(Code()))


def torchscript(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.script(torch.nn.Conv2d(3, 3, 3))
        torch.jit.save(script, path)


def zip_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}." + bytes(64 << 20))
        archive.writestr("archive/version", b"3\n")


def huge_byte_array(path: Path) -> None:
    torch.save(compact(), path.with_suffix(".tmp"))
    call = b"\x80\x02c__builtin__\nbytearray\n\x8a\x05\x00\x00\x00\x00\x08\x85R."
    repacked(
        path.with_suffix(".tmp"), path, lambda name, data: call if "data.pkl" in name else data
    )


def endless_pickle(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + b"]0" * (9 << 20) + b"N.")


def truncated(path: Path) -> None:
    torch.save(compact(), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def wrong_shapes(path: Path) -> None:
    torch.save(compact() | {"body.0.weight": torch.zeros(8, 3, 3, 2)}, path)


def not_numbers(path: Path) -> None:
    state = compact()
    state["body.0.bias"][1] = torch.nan
    torch.save(state, path)


def infinite_half(path: Path) -> None:
    state = compact()
    state["body.0.bias"][1] = 1e9
    torch.save({name: tensor.half() for name, tensor in state.items()}, path)


def expanded_view(path: Path) -> None:
    state = compact()
    state["body.0.weight"] = torch.zeros(1).expand(1 << 14, 3, 3, 3)
    state["body.2.weight"] = torch.zeros(1).expand(1 << 14, 1 << 14, 3, 3)
    torch.save(state, path)


def long_header(path: Path) -> None:
    path.write_bytes(struct.pack("<Q", 2 << 30) + b"{" + bytes(1000))


def long_header_of_a_sparse_file(path: Path) -> None:
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 2 << 30) + b"{")
        file.truncate(3 << 30)


def offsets_outside(path: Path) -> None:
    header = b'{"body.0.weight":{"dtype":"F32","shape":[9,9],"data_offsets":[0,99999999999]}}'
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))


def deep_header(path: Path) -> None:
    header = b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    path.write_bytes(struct.pack("<Q", len(header)) + header)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def no_tensors(path: Path) -> None:
    torch.save(OrderedDict(a=1), path)


HOSTILE: dict[Callable[[Path], None], str] = {
    code_in_archive: "names 'posix.system'|names 'os.system'|names 'nt.system'",
    code_in_legacy_pickle: "names 'posix.system'|names 'nt.system'",
    plain_pickle: "not a file of plain tensors",
    torchscript: "TorchScript program, which is code",
    zip_bomb: "got packed",
    huge_byte_array: "names '__builtin__.bytearray'",
    endless_pickle: "too much beside them",
    truncated: "not a readable checkpoint",
    wrong_shapes: "no architecture that is known",
    not_numbers: r"body\.0\.bias holds values that are not finite",
    infinite_half: r"body\.0\.bias holds values that are not finite",
    expanded_view: "more than it holds",
    long_header: "a header of 2147483648 bytes",
    long_header_of_a_sparse_file: "a header of 2147483648 bytes",
    offsets_outside: "damaged safetensors file",
    deep_header: "damaged safetensors file",
    empty: "not a readable checkpoint",
    no_tensors: "holds no weights",
}


@pytest.mark.parametrize("make", list(HOSTILE), ids=lambda make: make.__name__)
def test_hostile_files_are_refused_in_one_line(
    make: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loaders, "has_spandrel", lambda: False)
    path = tmp_path / "net.pth"
    make(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelError, match=HOSTILE[make]) as raised:
        load_model(path)
    taken = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    assert "\n" not in str(raised.value)
    assert str(path) in str(raised.value)
    assert taken < MOST_BYTES
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("cut", [1, 7, 60, 400, 3000])
def test_any_cut_and_any_flipped_byte_is_a_refusal_or_a_network(cut: int, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save(compact(), buffer)
    data = bytearray(buffer.getvalue())
    path = tmp_path / "net.pth"
    for place in (cut, len(data) - cut):
        flipped = bytearray(data)
        flipped[place] ^= 0x55
        for content in (data[:place], flipped):
            path.write_bytes(content)
            with suppress(ModelError):
                load_model(path)
