"""Token that opens the web server: from options, the environment or a file, or newly made."""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from vidsr.errors import OptionError, OutputError
from vidsr.live.web.options import WebOptions

VARIABLE = "VIDSR_LIVE_TOKEN"
SHORTEST = 16  # characters: about as many as nobody guesses through a throttle
_RANDOM_BYTES = 32


class Token:
    """A secret that can be compared but not printed."""

    def __init__(self, text: str) -> None:
        self._digest = sha256(text.encode()).digest()

    def matches(self, text: str) -> bool:
        """Return True if ``text`` is the token, after a time that does not depend on it."""
        return hmac.compare_digest(sha256(text.encode(errors="replace")).digest(), self._digest)

    def key(self, purpose: str) -> bytes:
        """Return a key of 32 bytes for signatures of one purpose, from which no token follows."""
        return hmac.digest(self._digest, purpose.encode(), "sha256")


def default_token_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return ``live-token`` in systemd's folder of state, else in that of the user."""
    if systemd := environ.get("STATE_DIRECTORY", "").partition(":")[0]:
        return Path(systemd) / "live-token"
    state = Path(environ.get("XDG_STATE_HOME", ""))
    if not state.is_absolute():
        state = Path.home() / ".local" / "state"
    return state / "vidsr" / "live-token"


def find_token(
    options: WebOptions, *, needed: bool, environ: Mapping[str, str] = os.environ
) -> tuple[Token | None, Path | None]:
    """Return the token, and the file it stands in if it was read from or written to one.

    Args:
        options: The server's options.
        needed: True to make a token where none is given.
        environ: The environment's variables.

    Raises:
        OptionError: The token is too short, or others may read its file.
        OutputError: A new token cannot be written.
    """
    if given := options.token or environ.get(VARIABLE):
        return Token(_checked(given, "the token")), None
    path = options.token_file or default_token_file(environ)
    if options.token_file is None and not needed:
        return None, None
    if path.exists():
        return Token(_checked(_read(path), f"the token in {path}")), path
    return Token(_make(path)), path


def _checked(text: str, what: str) -> str:
    if len(text) < SHORTEST or not text.isascii() or not text.isprintable() or " " in text:
        raise OptionError(
            f"{what} is not usable: expected {SHORTEST} or more printable characters of ASCII "
            "without spaces",
            hint="python -c 'import secrets; print(secrets.token_urlsafe(32))' makes one",
        )
    return text


def _read(path: Path) -> str:
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) and os.name == "posix":
            raise OptionError(f"other users may read the token in {path}", hint=f"chmod 600 {path}")
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise OptionError(f"cannot read the token in {path}: {error.strerror}") from error


def _make(path: Path) -> str:
    text = secrets.token_urlsafe(_RANDOM_BYTES)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text + "\n")
    except OSError as error:
        raise OutputError(
            f"cannot write a new token to {path}: {error.strerror}",
            hint=f"set {VARIABLE}, or name a file that can be written",
        ) from error
    return text
