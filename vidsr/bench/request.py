"""Request for measurements, checked before anything is started."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from vidsr.bench.peers import PEERS
from vidsr.errors import NoInputError, OptionError, OutputError
from vidsr.files import check_writable
from vidsr.models.families import check_model
from vidsr.option_values import check_device_names, one_of
from vidsr.picture.size import Size
from vidsr.terminal.parser import did_you_mean, reader
from vidsr.video.sink.codec_defaults import check_quality, find_codec

DRAWN = Size(640, 360)  # the clip, where no size is given
SMALLEST, LARGEST = 16, 4096  # sides of a drawn clip
FEWEST_FRAMES = 4
MOST_STREAMS = 1024


@dataclass(frozen=True, kw_only=True)
class Request:
    """Choices of one ``vidsr-bench``.

    Attributes:
        input: Video to measure on; None draws a clip.
        size: Size of the drawn clip.
        model: Model of the command.
        scale: Scale of the model.
        device: Device of the command.
        engine: Engine of the command.
        codec: Codec of the target.
        preset: Preset of the encoder.
        frames: Frames of a run, 4 or more.
        repeats: Rounds, 1 or more.
        rate: Frames a second that ``realtime`` and ``find_max`` have to hold, 1 to 240.
        main: True measures the command.
        stages: True measures its stages, each alone.
        against: Names of the peers to compare with.
        realtime: True tries the usual sizes.
        find_max: True searches for the largest size.
        streams: Number of cameras that share the device, 1 to 1024; None runs none.
    """

    input: Path | None = None
    size: Size = DRAWN
    model: str = "auto"
    scale: int | None = None
    device: str = "auto"
    engine: str = "torch"
    codec: str | None = None
    preset: str | None = None
    frames: int = 48
    repeats: int = 3
    rate: float = 30.0
    main: bool = True
    stages: bool = False
    against: tuple[str, ...] = ()
    realtime: bool = False
    find_max: bool = False
    streams: int | None = None

    def check(self) -> None:
        """Raise OptionError or NoInputError for a request that cannot be measured."""
        if self.input is not None and not self.input.is_file():
            raise NoInputError(f"{self.input}: no such file")
        size = self.size
        if not all(SMALLEST <= side <= LARGEST and side % 2 == 0 for side in size.rows_columns):
            raise OptionError(f"--size {size}: expected even sides of {SMALLEST} to {LARGEST}.")
        if self.frames < FEWEST_FRAMES:
            raise OptionError(f"--frames {self.frames}: expected {FEWEST_FRAMES} or more.")
        if self.repeats < 1:
            raise OptionError(f"--repeats {self.repeats}: expected 1 or more.")
        if not 1 <= self.rate <= 240:
            raise OptionError(f"--rate {self.rate:g}: expected 1 to 240.")
        if self.streams is not None and not 1 <= self.streams <= MOST_STREAMS:
            raise OptionError(f"--streams {self.streams}: expected 1 to {MOST_STREAMS}.")
        check_model(self.model, self.scale)
        check_device_names(self.device)
        check_quality(find_codec(self.codec or "h264"), None, self.preset)
        self._check_peers()

    def _check_peers(self) -> None:
        names = [peer.name for peer in PEERS]
        for name in self.against:
            if name not in names:
                raise OptionError(
                    f"--against {name}: expected {one_of(names)}.",
                    hint=did_you_mean(name, names),
                )
        if self.against and self.codec not in (None, "h264"):
            raise OptionError(
                f"--codec {self.codec} with --against: expected h264, which all of them write."
            )


size = reader(Size.parse, "WxH such as 640x360")


def check_files(json_file: Path | None, plot: Path | None, source: Path | None) -> None:
    """Refuse before the work what would fail after it. Raises OutputError, OptionError."""
    taken = [source.resolve()] if source else []
    for name, path in (("--json", json_file), ("--plot", plot)):
        if path is None:
            continue
        if path.resolve() in taken:
            raise OutputError(f"{name} {path}: is the source, or written already")
        check_writable(path, name)
        taken.append(path.resolve())
    if plot is not None and plot.suffix.lower() != ".png":
        raise OptionError(f"--plot {plot}: expected a name that ends in .png")
    if plot is not None and find_spec("matplotlib") is None:
        raise OptionError("--plot needs matplotlib", hint="pip install -e '.[train]'")
