"""The levels of one stream, chosen by its options: all make frames of the same format."""

from __future__ import annotations

from dataclasses import dataclass

from vidsr.engines.devices import resolve_devices
from vidsr.live.base.options import BICUBIC, QualityOptions
from vidsr.live.schedule.levels.bicubic_level import BicubicLevel
from vidsr.live.schedule.levels.ladder_names import best_name, check_ladder, names_below
from vidsr.live.schedule.levels.level import Level
from vidsr.live.schedule.levels.model_level import ModelLevel
from vidsr.live.schedule.levels.model_store import Lease, ModelKey, ModelStore
from vidsr.live.schedule.levels.shape import Shape
from vidsr.option_values import Precision
from vidsr.picture.frame import PixelFormat
from vidsr.upscaling.reuse.rule import Reuse


@dataclass(frozen=True)
class Levels:
    """The levels of one stream, from best to fastest, and the format that all of them make.

    Args:
        levels: For ``Scheduler.join``.
        target: Function from a source's format to that of the frames that come out.
    """

    levels: tuple[Level, ...]
    target: Shape

    @classmethod
    def of(
        cls,
        quality: QualityOptions,
        store: ModelStore,
        *,
        device: str = "auto",
        precision: Precision = "auto",
        pixel: PixelFormat | None = None,
        side_by_side: int = 1,
        batches: bool | None = None,
        rate: float = 25.0,
    ) -> Levels:
        """Load the models of a stream.

        Args:
            quality: The stream's options.
            store: Models of all streams.
            device: Device of the models, as in ``vidsr.Upscaler``.
            precision: Precision of the models.
            pixel: Samples of the frames that come out; None for the source's.
            side_by_side: Most frames of the stream in work at once.
            batches: True to upscale frames of several streams at once; None does so on GPUs.
            rate: Frames a second, by which ``refresh_s`` is counted.

        Raises:
            OptionError: An option is wrong.
            VidsrError: A model cannot be loaded, or does not run.
        """
        check_ladder(quality)
        best = best_name(quality, resolve_devices(device)[0])
        leases: dict[str, Lease] = {}
        try:
            scale = quality.scale
            if best != BICUBIC:
                leases[best] = store.lease(_key(best, device, precision, quality))
                scale = scale or leases[best].upscaler.scale
            below = names_below(best, quality, scale or 1)
            for name in below:
                if name != BICUBIC:
                    leases[name] = store.lease(_key(name, device, precision, quality))
        except BaseException:
            for lease in leases.values():
                lease.close()
            raise
        shape = Shape(scale or 1, quality.size, pixel)
        reuse = Reuse(quality.reuse, quality.near_levels, quality.refresh_s, rate)
        levels: list[Level] = [
            ModelLevel(name, lease, shape, side_by_side, batches, reuse)
            for name, lease in leases.items()
        ]
        if BICUBIC in (best, *below):
            levels.append(BicubicLevel(shape))
        return cls(tuple(levels), shape)

    def close(self) -> None:
        """Give all levels up. May be called twice."""
        for level in self.levels:
            level.close()


def _key(name: str, device: str, precision: Precision, quality: QualityOptions) -> ModelKey:
    return ModelKey(model=name, device=device, precision=precision, strength=quality.strength)
