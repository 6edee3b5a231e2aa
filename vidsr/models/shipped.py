"""Names of models: which weights ship with vidsr, and whether a name or a path leads to a file.

PyTorch is not imported: a command refuses an unknown model before it loads anything.
"""

from __future__ import annotations

import os
from importlib import resources
from os import PathLike
from pathlib import Path

from vidsr.errors import ModelError
from vidsr.models.named.folder import METHOD_SUFFIX as METHOD_SUFFIX
from vidsr.models.named.folder import find_here, index_here, models_here
from vidsr.option_values import ModelName, nearest

SUFFIX = ".safetensors"
ONNX_SUFFIX = ".onnx"
RUN_WEIGHTS, RUN_OPTIONS = "model.safetensors", "options.json"
"""Files in the folder of a training run."""
CODED_SUFFIX = ".coded.safetensors"
"""The end of the name of a file that holds networks for coded footage, beside the weights."""
PURPOSES = {
    "deblur-x1": "takes blur of motion and lens away at the same size",
    "denoise-x1": "takes noise and what codecs left away at the same size",
    "lite-crisp-x4": "sharper on footage, with detail that is no evidence",
    "lite-fast-x2": "the fastest",
    "lite-surveillance-x4": "footage of IP cameras, soft, noisy and compressed",
    "lite-x2": "the default for twice the size on a CPU",
    "lite-x4": "the default for four times the size on a CPU",
    "srgan-x4": "sharper for the eye, less faithful",
    "srresnet-x2": "more faithful, for a GPU or patience",
    "srresnet-x4": "more faithful, for a GPU or patience",
}
"""The purposes of the shipped weights, by name."""
METHODS = {
    "ibp": "iterative back-projection",
    "map-huber": "maximum a posteriori, with a Huber-Markov prior",
    "map-tv": "maximum a posteriori, with total variation as prior",
    "pocs": "projection onto convex sets",
}
"""The methods without learning, each at several scales: ``map-tv-x4``."""
ALIASES = {"unet-x1": "deblur-x1", "deblock-x1": "denoise-x1"}
"""Further names of shipped weights: an old one, and what else the same network is for."""


def weights_folder() -> Path:
    """Return the folder of the shipped weights; it need not exist."""
    return Path(str(resources.files("vidsr.models"))) / "weights"


def available() -> tuple[str, ...]:
    """Return the names of the shipped weights, sorted."""
    files = weights_folder().glob(f"*{SUFFIX}")
    return tuple(sorted(path.stem for path in files if not path.name.endswith(CODED_SUFFIX)))


def methods_folder() -> Path:
    """Return the folder of the methods without learning, a file each."""
    return Path(str(resources.files("vidsr.models"))) / "methods"


def without_learning() -> tuple[str, ...]:
    """Return the names of the methods without learning, sorted."""
    return tuple(sorted(path.stem for path in methods_folder().glob(f"*{METHOD_SUFFIX}")))


def method_scales(method: str) -> tuple[int, ...]:
    """Return the scales of a method without learning that has names."""
    ends = (name.removeprefix(f"{method}-x") for name in without_learning())
    return tuple(sorted(int(end) for end in ends if end.isdecimal()))


def find_weights(name_or_path: str | PathLike[str]) -> Path:
    """Return the file of the shipped weights of that name, or the user's own by path.

    A string is a path when it has a separator or a suffix, or names a training run's folder here;
    other names are looked for in the user's folder of models, too.
    Raises ModelError for an unknown name and for a path that leads to no file.
    """
    if isinstance(name_or_path, str) and is_name(name_or_path):
        if name_or_path in available():
            return _shipped(name_or_path)
        if name_or_path in without_learning():
            return methods_folder() / f"{name_or_path}{METHOD_SUFFIX}"
        own = _of_run(Path(name_or_path)) or find_here(name_or_path)
        return own or _shipped(name_or_path)
    path = Path(name_or_path)
    path = _of_run(path) or _of_folder(name_or_path) or path
    require_file(path)
    return path


def _of_folder(name: str | PathLike[str]) -> Path | None:
    """Return the file of a model of the user's folder whose name has a dot, such as ``net_v3.1``.

    None where a file of that name lies here, and for what has a separator.
    """
    if not isinstance(name, str) or Path(name).name != name:
        return None
    try:
        return None if Path(name).exists() else find_here(name)
    except (OSError, ValueError):  # a name too long, a NUL
        return None


def model_title(path: Path) -> str:
    """Return the name of the model in a file: that of its run's folder, or of the file itself."""
    if path.name == RUN_WEIGHTS and (path.parent / RUN_OPTIONS).is_file():
        return path.absolute().parent.name or path.stem
    return path.stem


def _of_run(folder: Path) -> Path | None:
    """Return the weights in the folder of a training run; None where it is none."""
    weights = folder / RUN_WEIGHTS
    try:
        return weights if weights.is_file() else None
    except (OSError, ValueError):  # a name too long, a NUL
        return None


def require_file(path: Path) -> None:
    """Raise ModelError where no file of weights is."""
    try:
        if path.is_file():
            return
        what = "does not exist"
        if path.is_dir():
            what = f"is a directory without {RUN_WEIGHTS}, which training writes there"
    except (OSError, ValueError) as error:  # a name too long, a NUL
        what = f"cannot be read: {error}"
    raise ModelError(
        f"{path}: {what}", hint="name a file that ends in .safetensors, .pth, .onnx or .param"
    )


def is_name(text: str) -> bool:
    """Return True if ``text`` is the name of weights, not a path."""
    return not Path(text).suffix and not any(s in text for s in (os.sep, os.altsep) if s)


def _shipped(name: str) -> Path:
    names = available()
    own = (*index_here(), *models_here())
    for known in (name, ALIASES.get(name)):
        if known in names:
            return weights_folder() / f"{known}{SUFFIX}"
    others = (*names, *own, *without_learning())
    near = f"{name}-x4" if name in METHODS else nearest(name, others)
    hint = f"did you mean {near!r}?" if near else "a path to a .safetensors or .pth works too"
    there = ", ".join((*names, *sorted({*own} - {*names}))) or "none"
    raise ModelError(f"unknown model: model = {name!r}, available: {there}", hint=hint)


def is_onnx_model(model: ModelName) -> bool:
    """Return True if a name or a path leads to an ONNX file; False where it leads nowhere."""
    try:
        return find_weights(model).suffix.lower() == ONNX_SUFFIX
    except ModelError:  # a family, or whoever loads it says why not
        return False


def strengths_path(weights: Path) -> Path:
    """Return where the descendants of a file of weights lie: beside it."""
    return weights.with_name(weights.name.removesuffix(SUFFIX) + CODED_SUFFIX)
