"""The items of a batch: each input with its target, checked against one another."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vidsr.batch.inputs import Found
from vidsr.batch.name_pattern import NamePattern
from vidsr.errors import OptionError
from vidsr.video.image_sequences import numbered_files
from vidsr.video.locator import Locator, Name
from vidsr.video.pieces.job_folder import is_left_finished
from vidsr.video.sink.target_file import CONTAINERS, Target


@dataclass(frozen=True)
class Item:
    """One input of a batch and its target."""

    source: Locator
    target: Locator

    @property
    def source_bytes(self) -> int:
        """Bytes of the source; 0 where they are unknown."""
        try:
            return os.stat(self.source.text).st_size if self.source.kind == "file" else 0
        except OSError:
            return 0

    @property
    def done(self) -> bool:
        """True where the target exists: it appears only when it is whole."""
        return is_done(self.target)

    @property
    def empty(self) -> bool:
        """True where the target is a file without a byte, which a run may replace."""
        return is_empty(self.target)


def is_done(target: Name) -> bool:
    """Return True if a target exists in the file system: it appears only when it is whole.

    Not if it is empty, as what another program began or a full disk left; nor numbered pictures of
    which some are still to be put in place; nor if the folder of its run is still to be removed.
    Files are not opened: that takes 10 ms and more each, and a copy of a Matroska file that was cut
    off can be opened as well.
    """
    locator = Locator.of(target)
    known = locator.suffix in CONTAINERS
    if locator.kind == "sequence":
        moving = known and Target.of(locator).working.parent.is_dir()
        return bool(numbered_files(locator.path)) and not moving
    if not locator.local or not os.path.exists(locator.path) or is_empty(locator):
        return False
    return not (known and is_left_finished(Target.of(locator)))


def is_empty(target: Name) -> bool:
    """Return True if a target is a file in the file system that holds no byte."""
    locator = Locator.of(target)
    try:
        state = locator.path.stat() if locator.local and locator.kind == "file" else None
    except (OSError, ValueError):  # there is none, or there can be none
        return False
    return state is not None and stat.S_ISREG(state.st_mode) and not state.st_size


def item_of(found: Found, folder: Path, pattern: NamePattern) -> Item:
    """Return an input with its target in ``folder``. Raises OptionError for an unknown suffix."""
    source = found.source
    inside = Path()
    if (source.local and not found.named) or source.path.parent != found.below:
        inside = source.path.parent.relative_to(found.below)
    path = str(folder / inside / pattern.name_of(source))
    # A name with a number's place is that of one file, unless the source is a sequence.
    target = Locator("sequence" if source.kind == "sequence" else "file", path)
    return Item(source, Target.of(target).locator)


def plan_items(inputs: Iterable[Found], folder: Path, pattern: NamePattern) -> list[Item]:
    """Return the items of a batch, earlier targets among what folders hold left out.

    Raises OptionError where two inputs have one target, or a target is an input.
    """
    pairs = [(found, item_of(found, folder, pattern)) for found in inputs]
    targets = {_key(item.target.text) for _, item in pairs}
    items = [i for found, i in pairs if found.named or _key(i.source.text) not in targets]
    _check_targets(items)
    return items


def _check_targets(items: list[Item]) -> None:
    sources = {_key(item.source.text): item.source for item in items if item.source.local}
    taken: dict[str, Item] = {}
    for item in items:
        key = _key(item.target.text)
        if key in taken:
            raise OptionError(
                f"{taken[key].source} and {item.source} have one target, {item.target}",
                hint="tell them apart by `name`, such as {parent}_{stem}{suffix}.",
            )
        if key in sources and sources[key] is not item.source:
            raise OptionError(
                f"{item.target}: is the target of {item.source}, and an input as well",
                hint="name another folder.",
            )
        taken[key] = item


def _key(text: str) -> str:
    """Return what tells files apart, links in folders followed."""
    folder, name = os.path.split(os.path.abspath(text))
    return os.path.normcase(os.path.join(os.path.realpath(folder), name))


def folders_of(items: Iterable[Item]) -> Iterator[Path]:
    """Yield the folders of the targets, each once."""
    yield from dict.fromkeys(item.target.path.parent for item in items)
