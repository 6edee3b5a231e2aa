"""Networks as ONNX in the engine cache, so that an export is waited for once and by builders only.

Exporting takes 8 to 11 s, nearly all of it in PyTorch's exporter, for networks of any size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from vidsr.cache.keys import NetworkKey, differences
from vidsr.cache.store import EngineCache
from vidsr.engines.onnx_files.facts import FloatType
from vidsr.errors import ModelError, OutputError

if TYPE_CHECKING:
    from vidsr.models.zoo import Model

# Torch and the exporter are imported where they are used: a look into the cache needs neither.

GRAPH = 1  # see NetworkKey
EXPORTER = ("torch", "onnx", "onnxscript")


def exporter_versions() -> dict[str, str]:
    """Return the version of each package that takes part in an export; empty for absent ones."""
    return {name: _version(name) for name in EXPORTER}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def network_key(model: Model, precision: FloatType) -> NetworkKey:
    """Return the key under which a model lies in the cache. Reads its file. Raises ModelError."""
    digest = hashlib.sha256()
    for path in (model.path, *model.others):
        try:
            digest.update(path.read_bytes())
        except OSError as error:
            raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    return NetworkKey(
        model=model.name,
        weights_sha256=digest.hexdigest(),
        precision=precision,
        exporter=exporter_versions(),
        graph=GRAPH,
    )


def network_changes(key: dict[str, Any]) -> tuple[str, ...]:
    """Return why a network that was stored for ``key`` is not looked for any more."""
    wanted = {"exporter": exporter_versions(), "graph": GRAPH}
    return differences({name: key.get(name) for name in wanted}, wanted)


def cached_network(model: Model, precision: FloatType, cache: EngineCache) -> bytes | None:
    """Return what ``exported_network`` would not have to export; None where it would."""
    return cache.load(network_key(model, precision)).payload


def exported_network(
    model: Model, precision: FloatType, cache: EngineCache, say: Callable[[str], None]
) -> bytes:
    """Return the model as ONNX, out of the cache, or exported and put there.

    ``say`` gets what keeps it from being stored. Raises what ``export_onnx`` raises.
    """
    from vidsr.engines.onnx_files.export import export_onnx

    key = network_key(model, precision)
    with cache.lock(key, say):
        found = cache.load(key).payload
        if found is not None:
            return found
        data = export_onnx(model, precision=precision)
        try:
            cache.store(key, data)
        except OutputError as error:
            say(f"not kept for the next start: {error.message}")
    return data
