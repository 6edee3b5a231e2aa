"""Store of pairs: one file a source, found again by all that the pairs depend on."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from vidsr.degradation.recipe_files import recipe_identity
from vidsr.files import written_whole
from vidsr.training.data.crop_pool import TrainingPair
from vidsr.training.options import Options

log = logging.getLogger("vidsr")
FORMAT = 1
NEEDED = ("scale", "crop", "clips", "spots", "seed")


@dataclass(frozen=True)
class PairCache:
    """Folder of pairs as bytes, RGB, with the chain and the coding error of each.

    A file appears when it is whole, so that a run that was stopped goes on where it was.
    """

    folder: Path

    def load(self, source: Path, options: Options, portion: str) -> list[TrainingPair] | None:
        """Return the pairs of a source; None where they are not stored, or the file is damaged."""
        path = self._path(source, _key(source, options, portion))
        if not path.is_file():
            return None
        try:
            return _read(path)
        except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
            log.warning("%s: not readable, made anew: %s", path, error)
            return None

    def store(
        self, source: Path, options: Options, portion: str, pairs: Sequence[TrainingPair]
    ) -> None:
        """Write the pairs of a source. Raises OutputError."""
        key = _key(source, options, portion)
        tensors = {}
        for number, pair in enumerate(pairs):
            tensors[f"low.{number}"] = pair.low.contiguous()
            tensors[f"high.{number}"] = pair.high.contiguous()
        about = [{"chain": pair.chain, "error": round(pair.error, 4)} for pair in pairs]
        metadata = {"vidsr": json.dumps({"made of": key, "pairs": about})}
        self.folder.mkdir(parents=True, exist_ok=True)
        with written_whole(self._path(source, key)) as part:
            save_file(tensors, part, metadata)

    def _path(self, source: Path, key: dict[str, object]) -> Path:
        text = json.dumps(key, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        return self.folder / f"{source.stem}-{digest}.safetensors"


def _read(path: Path) -> list[TrainingPair]:
    with safe_open(str(path), framework="pt") as file:
        about = json.loads(file.metadata()["vidsr"])["pairs"]
        return [
            TrainingPair(
                file.get_tensor(f"low.{number}"),
                file.get_tensor(f"high.{number}"),
                str(pair["chain"]),
                float(pair["error"]),
            )
            for number, pair in enumerate(about)
        ]


def _key(source: Path, options: Options, portion: str) -> dict[str, object]:
    """Return all that the pairs of a source depend on."""
    state = source.stat()
    return {
        "format": FORMAT,
        "source": [source.name, state.st_size, state.st_mtime_ns],
        "recipe": recipe_identity(options.recipe),
        "portion": portion,
        **{name: getattr(options, name) for name in NEEDED},
    }
