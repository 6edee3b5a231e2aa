"""The order of a shared job, which its folder holds: what is to be done, and where it ends up."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from vidsr.errors import OptionError, OutputError
from vidsr.jobs.order_checks import check_encoder_options, is_name
from vidsr.run.spec import JobSpec
from vidsr.video.folders.opening import open_folder
from vidsr.video.locator import SEEKABLE_SCHEMES, Locator, Name
from vidsr.video.pieces.job_folder import ENDING, JobFolder, read_order
from vidsr.video.sink.target_file import Target

_GIVE_UP = "vidsr-job clean gives the job up; vidsr-job plan makes a new one."
MOST_PIECES = 10**8  # twenty years of pieces of one frame


@dataclass(frozen=True)
class Order:
    """What is to be done in a folder.

    Args:
        folder: The folder.
        spec: The run. With a folder in a store its target is a name alone.
        pieces: How many pieces it has.
    """

    folder: Locator
    spec: JobSpec
    pieces: int

    @classmethod
    def read(cls, folder: Name) -> Order:
        """Read the order of a folder, which is input like any other.

        Raises:
            OutputError: It is no folder of a job, or its order cannot be read.
        """
        locator = Locator.of(folder)
        text = read_order(open_folder(locator))
        try:
            stored = json.loads(text)
            spec, pieces = JobSpec.from_json(json.dumps(stored["run"])), stored["pieces"]
            check_encoder_options(spec.options.encoder_option or ())
        except (KeyError, TypeError, ValueError, RecursionError, OptionError) as error:
            said = f"{locator}: its order cannot be read: {error}"
            raise OutputError(said, hint=_GIVE_UP) from error
        known = is_readable(spec.source) and (locator.local or is_bare(spec.target))
        known = known and is_name(spec.source.text) and is_name(spec.target.text)
        if type(pieces) is not int or not 1 <= pieces <= MOST_PIECES or not known:
            raise OutputError(f"{locator}: its order cannot be read", hint=_GIVE_UP)
        return cls(locator, spec, pieces)

    def of_device(self, device: str | None) -> Order:
        """Return the order for a device of this machine."""
        if device is None:
            return self
        options = replace(self.spec.options, device=device)
        return replace(self, spec=replace(self.spec, options=options))

    @property
    def place(self) -> Locator | None:
        """The address that the target has beside a folder in a store; None where it is another."""
        begin, _, name = self.folder.text.rpartition("/")
        fits = not self.folder.local and name == f"{self.spec.target.text}{ENDING}"
        return Locator.of(f"{begin}/{self.spec.target.text}") if fits else None


def is_readable(source: Locator) -> bool:
    """Return True for a source that can be read from any place, and hold no credentials."""
    if source.kind == "address":
        return source.scheme in SEEKABLE_SCHEMES and str(source) == source.text
    return source.kind in ("file", "object")


def is_bare(target: Locator) -> bool:
    """Return True for a target that is a name alone and leads nowhere."""
    name = target.text
    alone = PurePosixPath(name.replace("\\", "/")).name == name and name not in ("", ".", "..")
    return target.kind == "file" and alone and "\0" not in name


def folder_beside(target: Locator) -> Locator:
    """Return the folder of a target in a store."""
    return Locator.of(f"{target.text}{ENDING}")


def check_place(order: Order) -> None:
    """Raise OutputError where an order names a target that a local folder does not belong to."""
    if not order.folder.local:
        return
    folder = JobFolder(Target.of(order.spec.target))
    if folder.path.resolve() != order.folder.path.resolve():
        raise OutputError(
            f"{order.folder}: its target would be {order.spec.target}, which it does not lie beside"
        )
