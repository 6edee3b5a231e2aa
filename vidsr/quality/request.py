"""The request for an evaluation, checked before PyTorch is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from vidsr.errors import NoInputError, OptionError
from vidsr.models.families import check_model
from vidsr.option_values import check_device_names, one_of
from vidsr.quality.footage.codings import Coding
from vidsr.video.image_sequences import is_image, picture_files

USUAL_METRICS = ("psnr", "ssim", "niqe", "flicker")
METRICS = (*USUAL_METRICS, "brisque")
SLOW_METRICS = ("niqe", "brisque")  # of a video, not for every frame
PICTURE_METRICS, VIDEO_METRICS = ("psnr", "ssim"), ("psnr", "ssim", "flicker")
USUAL_BLIND_METRICS = ("niqe", "flicker")  # those that need no original
BLIND_METRICS = (*USUAL_BLIND_METRICS, "brisque")
FILTERS = ("nearest", "bilinear", "bicubic", "lanczos")
BASELINES = (*FILTERS, "ibp", "pocs", "map-huber", "map-tv")


@dataclass(frozen=True)
class Footage:
    """Choices for clips: ``codings`` to put their small version through; none: clips as they are.

    ``frames`` are read of each of ``clips`` from each of ``starts_s`` on. ``upscaler`` are more
    options of ``Upscaler``.
    """

    clips: tuple[Path, ...]
    codings: tuple[Coding, ...] = ()
    starts_s: tuple[float, ...] = (0.0,)
    frames: int = 8
    upscaler: Mapping[str, object] = field(default_factory=dict)

    def check(self, metrics: Sequence[str]) -> None:
        """Raise OptionError for a metric that needs an original where there is none."""
        for metric in metrics:
            if not self.codings and metric not in BLIND_METRICS:
                raise OptionError(
                    f"--metrics {metric}: without an original expected {one_of(BLIND_METRICS)}",
                    hint="--codec shrinks and codes the clips and has an original.",
                )


@dataclass(frozen=True)
class Request:
    """The choices of one ``vidsr-eval``; None is the default that the command's help states.

    ``originals`` is the folder of the benchmark ``sets``; where there are no sets, a folder of
    pictures, a picture or a video.
    """

    models: tuple[str, ...]
    originals: Path
    sets: tuple[str, ...] = ()
    lr: Path | None = None
    scale: int | None = None
    baselines: tuple[str, ...] | None = None
    metrics: tuple[str, ...] | None = None
    border: int | None = None
    device: str = "auto"
    frames: int | None = None
    niqe_every: int = 10
    footage: Footage | None = None
    threads: int | None = None

    @property
    def video(self) -> bool:
        """True if the original is a file that is no picture."""
        return not self.sets and not self.originals.is_dir() and not is_image(self.originals)

    @property
    def chosen_metrics(self) -> tuple[str, ...]:
        if self.footage is not None:
            usual = USUAL_METRICS if self.footage.codings else USUAL_BLIND_METRICS
            return self.metrics or usual
        return self.metrics or (VIDEO_METRICS if self.video else PICTURE_METRICS)

    @property
    def chosen_baselines(self) -> tuple[str, ...]:
        """Return the plain filters; footage is compared with bicubic, whatever else is named."""
        if self.footage is None:
            return self.baselines if self.baselines is not None else ("bicubic",)
        named = self.baselines if self.baselines is not None else ("lanczos",)
        return tuple(dict.fromkeys(("bicubic", *named)))

    def check(self) -> None:
        """Raise a VidsrError for what no network makes right."""
        for metric in self.chosen_metrics:
            if metric not in METRICS:
                raise OptionError(f"--metrics {metric}: expected {one_of(METRICS)}")
        if "brisque" in self.chosen_metrics and find_spec("brisque") is None:
            raise OptionError(
                "--metrics brisque: the package brisque is not installed.",
                hint="pip install -e '.[brisque]' installs it.",
            )
        if self.footage is not None:
            self.footage.check(self.chosen_metrics)
        elif not self.video and "flicker" in self.chosen_metrics:
            raise OptionError("--metrics flicker: pictures do not flicker; expected a video --hr")
        if self.footage is None and not self.video and self.frames is not None:
            raise OptionError("--frames: expected a video --hr", hint="--sets chooses benchmarks.")
        if self.border is not None and self.border < 0:
            raise OptionError(f"--border {self.border}: expected 0 or more")
        check_baselines(self.chosen_baselines)
        check_device_names(self.device)
        for model in self.models:
            check_model(model, self.scale)
        self._check_folders()

    def _check_folders(self) -> None:
        for name in self.sets:
            require_set(self.originals / name)
        for folder in (self.originals, self.lr):
            if self.footage is None and not self.sets and folder is not None and folder.is_dir():
                picture_files(folder)


def check_baselines(names: tuple[str, ...]) -> None:
    """Raise OptionError for a name that is no plain enlargement's."""
    for name in names:
        if name not in BASELINES:
            raise OptionError(f"baseline {name!r}: expected {one_of(BASELINES)}")


def require_set(folder: Path) -> None:
    """Raise NoInputError where the folder of a benchmark is absent."""
    if not folder.is_dir():
        raise no_set(folder)


def no_set(folder: Path) -> NoInputError:
    """Return the error for a folder of a benchmark without pictures."""
    return NoInputError(
        f"no pictures in {folder}",
        hint="--data names the folder that holds Set5 and Set14 (or set VIDSR_DATA)",
    )
