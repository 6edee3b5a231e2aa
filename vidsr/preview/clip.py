"""The clip of a preview: before and after side by side, as H.264."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import torch
from torch import Tensor

from vidsr.files import working_name

ENCODER = {"crf": "16", "preset": "veryfast"}


class SideBySide:
    """A writer of pairs of pictures into one clip, which appears when it is whole.

    A single pair makes none.

    Args:
        path: The clip, ``.mp4``.
        rate: Frames a second.
    """

    def __init__(self, path: Path, rate: Fraction) -> None:
        self._path, self._part = path, working_name(path)
        self._container = av.open(str(self._part.absolute()), "w", format="mp4")
        self._stream = self._container.add_stream("libx264", rate=rate, options=ENCODER)
        self.frames = 0

    def write(self, before: Tensor, after: Tensor) -> None:
        """Write two pictures, uint8 ``[3, H, W]`` RGB of one size, beside each other."""
        both = torch.cat([before, after], dim=2)
        both = both[:, : both.shape[1] // 2 * 2, : both.shape[2] // 2 * 2]
        array = both.permute(1, 2, 0).contiguous().numpy()
        if not self.frames:
            self._stream.height, self._stream.width = array.shape[:2]
            self._stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(array, format="rgb24")
        self._container.mux(self._stream.encode(frame))
        self.frames += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None and self.frames > 1:
                self._container.mux(self._stream.encode(None))
            self._container.close()
            if error is None and self.frames > 1:
                self._part.replace(self._path)
        finally:
            self._part.unlink(missing_ok=True)
