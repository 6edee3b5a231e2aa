"""The file with the weights of VGG19, which does not ship: whether it is there."""

from __future__ import annotations

from pathlib import Path

from vidsr.errors import ModelError

HINT = "give torchvision's VGG19 state dict, or VGG normalised up to relu3_1"


def require_vgg(path: Path) -> None:
    """Raise ModelError where there is no file."""
    if not path.is_file():
        raise ModelError(f"{path}: no such file", hint=HINT)
