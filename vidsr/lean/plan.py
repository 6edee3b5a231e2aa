"""A TensorRT plan in a file that the caller names, for programs without torch.

A plan is executable code: the file has the layout and passes the checks of the engine cache.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from vidsr.cache import entry_file
from vidsr.cache.keys import EngineKey, differences
from vidsr.engines.trt.build import build_engine
from vidsr.engines.trt.log import Messages
from vidsr.errors import OptionError

LOG = logging.getLogger("vidsr")


def load_or_build(
    model_onnx: bytes, key: EngineKey, path: Path | None, trt: Any, messages: Messages
) -> bytes:
    """Return the plan from ``path``, or build it, which takes minutes, and keep it there.

    The log ``vidsr`` says why it is built. Raises OptionError for a file that others may
    change, that is damaged or no plan; such a file is left as it is. Raises DeviceError and
    OutputError.
    """
    plan, why = _stored(path, key) if path else (None, "no file to keep it is named")
    if plan is not None:
        return plan
    LOG.warning("TensorRT engine of %s: %s; building it, which takes minutes", key.model, why)
    plan, _ = build_engine(model_onnx, profiles=key.profiles, trt=trt, messages=messages)
    if path:
        entry_file.write(path, key.canonical, plan)
    return plan


def _stored(path: Path, key: EngineKey) -> tuple[bytes | None, str]:
    """Return the plan, or None and why there is none for ``key``."""
    try:
        stored, plan = entry_file.read(path)
    except FileNotFoundError:
        return None, f"{path} does not exist yet"
    except entry_file.Refused as error:
        raise OptionError(
            f"{path}: {error}, and engines are executable code",
            hint="name another file, or delete this one, and an engine is built",
        ) from error
    if stored == key.canonical:
        return plan, ""
    changes = differences(json.loads(stored), json.loads(key.canonical))
    return None, f"{path} does not fit: {', '.join(changes)}"
