"""Degradation with every number fixed, ready to run over clips and videos."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import Tensor

from vidsr.degradation.operations.catalogue import OPS, Values, resized
from vidsr.degradation.operations.passes import Each, Line, Pass, Scene, run_through
from vidsr.degradation.operations.resize import resize
from vidsr.errors import OptionError
from vidsr.picture.size import Size

SMALLEST_LR = 4  # pixels a side, below which there is nothing to see


@dataclass(frozen=True)
class Step:
    """One operation, its parameters, and the seed of its random numbers."""

    op: str
    values: Values
    seed: int = 0

    def describe(self) -> str:
        """Return the step as text, such as ``jpeg(quality=62, subsampling=420)``."""
        shown = ", ".join(
            f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}"
            for key, value in self.values.items()
        )
        return f"{self.op}({shown})"


@dataclass(frozen=True)
class Chain:
    """Steps in order. The result has the final size and 8-bit values, whatever the steps are."""

    steps: tuple[Step, ...]

    @property
    def temporal(self) -> bool:
        """Return True if frames depend on those around them."""
        return any(OPS[step.op].temporal for step in self.steps)

    def describe(self) -> str:
        """Return the steps in a line."""
        return " > ".join(step.describe() for step in self.steps) or "nothing"

    def open(
        self,
        size: Size,
        scale: int,
        *,
        rate: Fraction = Fraction(25),
        device: str = "cpu",
    ) -> ChainStream:
        """Make ready for the frames of one video.

        Args:
            size: Size of its frames.
            scale: Ratio of original to low-resolution sides, 1 or more.
            rate: Frames a second; only bit rates depend on it.
            device: Device of the frames.

        Raises:
            OptionError: The size is too small for ``scale``.
        """
        lr_size = Size(size.width // scale, size.height // scale) if scale > 0 else Size(0, 0)
        if min(lr_size.rows_columns) < SMALLEST_LR:
            raise OptionError(
                f"a picture of {size} at scale {scale} is too small: expected "
                f"{SMALLEST_LR * max(scale, 1)} pixels a side or more, and scale 1 or more"
            )
        hr_size = Size(lr_size.width * scale, lr_size.height * scale)
        scene = Scene(hr_size, lr_size, 0, rate, device)
        return ChainStream(Line(self._passes(scene)), hr_size, lr_size)

    def _passes(self, scene: Scene) -> list[Pass]:
        passes: list[Pass] = []
        for step in self.steps:
            passes.append(OPS[step.op].make(step.values, replace(scene, seed=step.seed)))
            if step.op == "resize":
                scene = replace(scene, size=resized(step.values, scene))
        passes.append(Each(lambda x: resize(x, scene.lr_size, "bicubic")))
        passes.append(Each(lambda x: (x * 255).round() / 255))
        return passes

    def apply(self, clip: Tensor, scale: int) -> Tensor:
        """Degrade a clip. The same chain and clip give the same bytes on a CPU.

        Args:
            clip: ``[T, 3, H, W]`` float32 in [0, 1]; H and W are first cut to multiples of
                ``scale``, at the bottom and on the right.
            scale: Ratio of original to low-resolution sides, 1 or more.

        Returns:
            ``[T, 3, H // scale, W // scale]`` float32, in whole 1/255ths.

        Raises:
            OptionError: ``clip`` has another shape or dtype, or is too small for ``scale``.
        """
        if clip.ndim != 4 or clip.shape[1] != 3 or clip.dtype != torch.float32:
            raise OptionError(
                f"clip: expected [T, 3, H, W] float32, got {list(clip.shape)} {clip.dtype}"
            )
        size = Size(clip.shape[3], clip.shape[2])
        stream = self.open(size, scale, device=str(clip.device))
        none = clip.new_empty(0, 3, *stream.lr_size.rows_columns)
        return torch.cat([none, *run_through(stream, clip)])


@dataclass(frozen=True)
class ChainStream:
    """Chain at work: frames in, as many out in the same order, some of them later."""

    line: Line
    hr_size: Size
    lr_size: Size

    def trim(self, frame: Tensor) -> Tensor:
        """Cut ``[..., H, W]`` to ``hr_size``."""
        return frame[..., : self.hr_size.height, : self.hr_size.width]

    def push(self, frame: Tensor) -> list[Tensor]:
        """Take ``[1, 3, H, W]`` float32 in [0, 1]; return the ``[1, 3, h, w]`` that are ready."""
        return self.line.push(self.trim(frame))

    def finish(self) -> list[Tensor]:
        """Return the frames still inside. Raises VidsrError when a codec lost a frame."""
        return self.line.finish()
