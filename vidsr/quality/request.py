"""The request for an evaluation, checked before PyTorch is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vidsr.errors import NoInputError, OptionError
from vidsr.models.families import check_model
from vidsr.option_values import check_device_names, one_of
from vidsr.video.image_sequences import is_image, picture_files

METRICS = ("psnr", "ssim", "niqe", "flicker")
PICTURE_METRICS, VIDEO_METRICS = ("psnr", "ssim"), ("psnr", "ssim", "flicker")
BASELINES = ("nearest", "bilinear", "bicubic", "lanczos")


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
    baselines: tuple[str, ...] = ("bicubic",)
    metrics: tuple[str, ...] | None = None
    border: int | None = None
    device: str = "auto"
    frames: int | None = None
    niqe_every: int = 10

    @property
    def video(self) -> bool:
        """True if the original is a file that is no picture."""
        return not self.sets and not self.originals.is_dir() and not is_image(self.originals)

    @property
    def chosen_metrics(self) -> tuple[str, ...]:
        return self.metrics or (VIDEO_METRICS if self.video else PICTURE_METRICS)

    def check(self) -> None:
        """Raise a VidsrError for what no network makes right."""
        for metric in self.chosen_metrics:
            if metric not in METRICS:
                raise OptionError(f"--metrics {metric}: expected {one_of(METRICS)}")
        if not self.video and "flicker" in self.chosen_metrics:
            raise OptionError("--metrics flicker: pictures do not flicker; expected a video --hr")
        if not self.video and self.frames is not None:
            raise OptionError("--frames: expected a video --hr", hint="--sets chooses benchmarks.")
        if self.border is not None and self.border < 0:
            raise OptionError(f"--border {self.border}: expected 0 or more")
        check_baselines(self.baselines)
        check_device_names(self.device)
        for model in self.models:
            check_model(model, self.scale)
        self._check_folders()

    def _check_folders(self) -> None:
        for name in self.sets:
            require_set(self.originals / name)
        for folder in (self.originals, self.lr):
            if not self.sets and folder is not None and folder.is_dir():
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
