"""Removal of secrets from texts that leave the process, as a second line of defence."""

from __future__ import annotations

import re

# Sources and sinks give names without secrets. A library's message may repeat an address.
_USER = re.compile(r"(?<=://)[^\s/?#\"'<>]*@")
_VALUE = re.compile(
    r"(?i)([?&;](?:[\w.-]*(?:token|password|passwd|pwd|secret|key|auth|sig|passphrase|streamid)"
    r"[\w.-]*)=)[^&\s#;\"'<>]+"
)
HIDDEN = "***"


def redacted(text: str) -> str:
    """Return the text with user names, passwords and keys of addresses replaced."""
    return _VALUE.sub(rf"\g<1>{HIDDEN}", _USER.sub(f"{HIDDEN}@", text))
