"""A look through pickles before they are read: what they name, and how much there is of it.

PyTorch's own reader of weights runs no code, but builds whatever lists and byte strings a file
asks for. So a file is read only where it names nothing but tensors and plain containers.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from pathlib import Path
from typing import BinaryIO

from vidsr.errors import ModelError

STORAGES = (
    "FloatStorage", "HalfStorage", "BFloat16Storage", "DoubleStorage", "LongStorage", "IntStorage",
    "ShortStorage", "CharStorage", "ByteStorage", "BoolStorage",
)  # fmt: skip
ALLOWED_NAMES = frozenset(
    {"collections OrderedDict", "torch._utils _rebuild_tensor_v2"}
    | {"torch._utils _rebuild_parameter"}
    | {f"torch {storage}" for storage in STORAGES}
)
MOST_PICKLE_BYTES = 16 << 20  # a checkpoint of 5000 tensors has 1 MB of it
MOST_STEPS = 3_000_000  # of a pickle: two seconds
PICKLE = b"\x80"  # the protocol's number follows
LEGACY_PICKLES = 4  # magic number, version, machine, the object; one of keys follows
UNKNOWN_OPCODES = frozenset({"STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4", "PERSID"})
BIG_STRINGS = frozenset({"BYTEARRAY8", "NEXT_BUFFER", "READONLY_BUFFER"})


def scan_checkpoint(path: Path) -> None:
    """Raise ModelError for a checkpoint that names anything but tensors, or claims too much.

    Takes both forms that PyTorch writes: a zip archive of stored entries, and pickles one after
    another. Damaged ones are left to the reader.
    """
    with path.open("rb") as file:
        begin = file.read(4)
        if begin == b"PK\x03\x04":
            return _scan_archive(path)
        if begin[:1] != PICKLE:  # a film, a picture, a page that says that a model is gone
            hint = "files of weights end in .pth, .safetensors, .onnx or .param"
            if path.suffix.lower() == ".bin":
                hint = "weights of ncnn have their graph beside them, as text in a .param"
            raise ModelError(
                f"{path}: not a readable checkpoint: neither PyTorch nor safetensors begin like it",
                hint=hint,
            )
        file.seek(0)
        for _ in range(LEGACY_PICKLES):
            if not _scan(path, file):
                return None
    return None


def _scan_archive(path: Path) -> None:
    """Raise ModelError for packed entries, TorchScript, and pickles of other things."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            if any(name.endswith(("constants.pkl", ".py")) for name in names):
                raise ModelError(
                    f"{path}: a TorchScript program, which is code",
                    hint="save the module's state_dict() alone; files that carry code are refused",
                )
            packed = next((e for e in entries if e.compress_type != zipfile.ZIP_STORED), None)
            whole = sum(entry.file_size for entry in entries)
            if packed is not None or whole > path.stat().st_size:
                raise ModelError(f"{path}: expected stored entries as PyTorch writes, got packed")
            pickles = [name for name in names if name.endswith(".pkl")]
            for name in pickles:
                if archive.getinfo(name).file_size > MOST_PICKLE_BYTES:
                    raise _too_long(path)
                with archive.open(name) as entry:
                    _scan(path, io.BytesIO(entry.read()))
    except ModelError:
        raise
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise ModelError(f"{path}: not a readable checkpoint ({type(error).__name__})") from error


def _scan(path: Path, file: BinaryIO | io.BytesIO) -> bool:
    """Look through one pickle; return False where it is none, which the reader will say."""
    begin = file.tell()
    try:
        for count, (opcode, argument, position) in enumerate(pickletools.genops(file)):
            if count > MOST_STEPS or (position or 0) - begin > MOST_PICKLE_BYTES:
                raise _too_long(path)
            if opcode.name in UNKNOWN_OPCODES | BIG_STRINGS:
                raise _strange(path, opcode.name)
            if opcode.name == "GLOBAL" and argument not in ALLOWED_NAMES:
                raise _strange(path, str(argument).replace(" ", "."))
    except ModelError:
        raise
    except Exception:  # genops raises several kinds for what is no pickle
        return False
    return True


def _too_long(path: Path) -> ModelError:
    return ModelError(f"{path}: not a file of plain tensors: too much beside them")


def _strange(path: Path, what: str) -> ModelError:
    return ModelError(
        f"{path}: not a file of plain tensors: it names {what[:80]!r}",
        hint="save the module's state_dict() alone; files that carry code are refused",
    )
