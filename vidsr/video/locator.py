"""Names of sources and targets, parsed: file, numbered pictures, address, pipe, stored object.

Nothing here opens anything, and neither PyAV nor PyTorch is loaded.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias

from vidsr.errors import OptionError
from vidsr.video.image_sequences import is_pattern

Kind = Literal["file", "sequence", "address", "pipe", "object"]
Name: TypeAlias = "str | bytes | os.PathLike[str] | os.PathLike[bytes] | Locator"

PIPE = "-"
# File systems in the manner of fsspec: names of whole objects that can be read at any place.
OBJECT_STORES = (
    *("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "hdfs", "webhdfs", "r2"),
    *("oss", "oci", "hf", "lakefs", "smb", "memory"),
)
# Addresses that can be read from any place; the others give what comes now, and once.
SEEKABLE_SCHEMES = ("http", "https", "ftp", "sftp")
HIDDEN = "***"

# Two letters at least: C:/clip.mp4 is a file. A path has lost one of the two strokes.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):/{1,2}(?!/)", re.IGNORECASE)
# What stands before an absolute path; one with the name of a host is an address. ``file:a.mkv`` is
# a file of that name.
_FILE = re.compile(r"\Afile:(?://(?:localhost)?/*(?=/)|(?=/(?!/)))", re.IGNORECASE)
# User and password, as far as the last @ that can be theirs: people write passwords with strokes
# and marks as they are. Where it is not clear what a part is, too much is hidden.
_USER = re.compile(
    r"""(?<=://)(?:
      [^/?#:@]*:[^/?#]*@(?:[^=]*@)?      # user and password
    | [^/?#]+@                           # user alone; udp://@group has none
    | [^/?#:@]*:(?!\d*(?:[/?#]|$)).*@    # no port has letters: a password with a stroke
    | [^/?#:@]*:\d*/(?!@)[^?#]*@         # such a password that begins as a port does
    | [^/?#:@]*:\d*[?#][^=]*@            # the same with a mark; a query has names and values
    )""",
    re.VERBOSE | re.DOTALL,
)
_SECRET = re.compile(
    r"([?&;][^=&;#]*(?:pass|pwd|pw|token|secret|key|sig|auth|cred|streamid|session|jwt)[^=&;#]*=)"
    r"[^&;#]*",
    re.IGNORECASE,
)
# The name of an RTMP stream is the key to it: all behind the last stroke, if there are several, and
# no file is named there.
_STREAM_KEY = re.compile(
    r"(\Artmp\w*(?:\+listen)?://[^/?#]*/[^?#]*/)"
    r"(?![^/?#]*\.(?:flv|f4v|mp4)(?:[?#]|\Z))[^/?#].*",
    re.IGNORECASE | re.DOTALL,
)
# All values of a fragment: tokens of a log-in come in it, and the user's part of an SRT stream.
_FRAGMENT = re.compile(r"#([^=#&;]*=)?.+", re.DOTALL)


@dataclass(frozen=True, repr=False)
class Locator:
    """The name of a source or of a target, and what kind of thing it names.

    ``text`` is the whole name, with user and password where it holds them; ``str`` and ``repr``
    hide them, and the keys of RTMP streams. A name with a number's place, such as ``%05d``, names
    a file where such a file exists, and numbered pictures otherwise.
    """

    kind: Kind
    text: str

    @classmethod
    def of(cls, name: Name) -> Locator:
        """Return the locator of a name; a locator is its own.

        Args:
            name: A path as text or bytes, an absolute one perhaps behind ``file:`` or ``file://``,
                an address, or ``-`` for standard input or output.

        Raises:
            OptionError: The name is of another type, or holds a NUL character.
        """
        if isinstance(name, Locator):
            return name
        if not isinstance(name, str | bytes | os.PathLike):
            raise OptionError(f"expected a path, got type {type(name).__name__}.")
        text = os.fsdecode(name)
        if "\0" in text:
            raise OptionError("a file name holds a NUL character.")
        if text == PIPE:
            return cls("pipe", text)
        text = _FILE.sub("", text)
        if match := _SCHEME.match(text):
            store = match[1].lower() in OBJECT_STORES
            return cls("object" if store else "address", f"{match[1]}://{text[match.end() :]}")
        return cls("sequence" if _is_sequence(Path(text)) else "file", str(Path(text)))

    @property
    def local(self) -> bool:
        """True for what lies in the file system of this machine."""
        return self.kind in ("file", "sequence")

    @property
    def path(self) -> Path:
        """The name as a path. That of anything not local names no file."""
        return Path(self.text)

    @property
    def scheme(self) -> str:
        """The part before ``://``, in lower case; empty without it."""
        if self.kind not in ("address", "object"):
            return ""
        return self.text.partition("://")[0].lower()

    @property
    def name(self) -> str:
        """The last part of the name, without a query, user and password."""
        if self.local:
            return self.path.name
        return PurePosixPath(re.split(r"[?#]", str(self))[0]).name

    @property
    def suffix(self) -> str:
        """The suffix of ``name`` in lower case with its dot, empty for none."""
        return PurePosixPath(self.name).suffix.lower()

    @property
    def may_exist(self) -> bool:
        """True where it can be asked whether the thing is there before it is opened."""
        return self.local or self.kind == "object"

    @property
    def may_seek(self) -> bool:
        """True where reading may begin at any place, and again."""
        return self.may_exist or self.scheme in SEEKABLE_SCHEMES

    def __str__(self) -> str:
        """Return the name without user, password, keys, and values of a fragment."""
        if self.kind not in ("address", "object"):
            return self.text
        text = _USER.sub(f"{HIDDEN}@", self.text)
        text = _STREAM_KEY.sub(rf"\1{HIDDEN}", text)
        text = _FRAGMENT.sub(lambda match: f"#{match[1] or ''}{HIDDEN}", text)
        return _SECRET.sub(rf"\1{HIDDEN}", text)

    def __repr__(self) -> str:
        return f"Locator({self.kind!r}, {str(self)!r})"


def _is_sequence(path: Path) -> bool:
    try:
        return is_pattern(path)
    except OSError:  # a name too long, a loop of links: whoever opens it says so
        return True
