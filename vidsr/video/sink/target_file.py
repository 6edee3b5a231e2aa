"""The place of the result: a working name until it is whole, then its own."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePath

from vidsr.errors import OptionError, OutputError
from vidsr.files import LONGEST_NAME, behind_links, working_name, written_whole
from vidsr.notes import Notes
from vidsr.video.image_sequences import is_image, numbered_files
from vidsr.video.locator import Locator, Name
from vidsr.video.media.pipe_formats import WORDS

CONTAINERS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mkv": "matroska",
    ".webm": "webm",
    ".mov": "mov",
    ".ts": "mpegts",
    ".m2ts": "mpegts",
    ".mts": "mpegts",
    ".png": "image2",
    ".jpg": "image2",
    ".jpeg": "image2",
    ".tif": "image2",
    ".tiff": "image2",
    ".gif": "gif",
    ".apng": "apng",
    ".webp": "webp",
    ".avif": "avif",
    ".avi": "avi",
    ".mxf": "mxf",
}

# FFmpeg would look at the working file, which ends in ".part".
# Cameras and Blu-ray discs put a time before each packet of 188 bytes; FFmpeg itself does so for
# ``.m2ts`` alone. It takes its muxer ``ipod`` for ``.m4v``, which refuses HEVC: only the brand.
_BY_SUFFIX = {
    ".m2ts": {"mpegts_m2ts_mode": "1"},
    ".mts": {"mpegts_m2ts_mode": "1"},
    ".m4v": {"brand": "M4V "},
}


class Claim:
    """A claim on a working file or folder, held while a run writes it; it ends with the process."""

    _descriptor: int | None = None  # of the class too: a signal may strike before the first line

    def __init__(self, path: Path, *, shared: bool = False) -> None:
        """Take the claim, for oneself or shared with others. Raises OutputError when it is held."""
        if sys.platform != "win32":
            import fcntl

            self._descriptor = os.open(path, os.O_RDONLY)
            try:
                fcntl.flock(
                    self._descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
                )
            except BlockingIOError as error:
                self.release()
                raise OutputError(f"{path}: another run is writing this target") from error
            except OSError:  # a file system without locks
                self.release()
            except BaseException:
                # A signal, whose traceback keeps this object: held on, the claim would keep whoever
                # puts the run away from removing the working file, as if another run were at it.
                self.release()
                raise

    def __del__(self) -> None:
        self.release()

    def release(self) -> None:
        # Cleared first: a second signal in between must not close the number again.
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


@dataclass(frozen=True)
class Target:
    """A file, a numbered sequence of pictures (``sequence``), or a ``pipe`` written once."""

    locator: Locator
    container: str
    overwrite: bool = False
    pipe: bool = False

    @classmethod
    def of(cls, name: Name, *, overwrite: bool = False) -> Target:
        """Return the target of that name. Raises OptionError for an unknown suffix."""
        locator = Locator.of(name)
        container = CONTAINERS.get(locator.suffix)
        if container is None:
            allowed = ", ".join(CONTAINERS)
            suffix = PurePath(locator.name).suffix
            raise OptionError(f"{locator}: suffix {suffix!r} unknown; expected one of {allowed}.")
        if locator.kind == "sequence" and is_image(locator.path):
            container = "image2"  # WebP too, of which a single file may move
        return cls(locator, container, overwrite)

    @property
    def path(self) -> Path:
        """The target's own name in the file system."""
        return self.locator.path

    @property
    def holder(self) -> str:
        """What holds the streams, for messages: the suffix, or the format of a pipe."""
        return WORDS[self.container] if self.pipe else self.path.suffix

    @property
    def place(self) -> Path:
        """The file that is written: ``path``, or what it leads to as a link."""
        return self.path if self.sequence else behind_links(self.path)

    @property
    def muxer_options(self) -> dict[str, str]:
        """The options that FFmpeg derives from a file's name."""
        if self.pipe:  # more than eight bits are no part of the standard, and read everywhere
            return {"strict": "-1"} if self.container == "yuv4mpegpipe" else {}
        return dict(_BY_SUFFIX.get(self.locator.suffix, {}))

    @property
    def sequence(self) -> bool:
        """True for numbered pictures."""
        return self.locator.kind == "sequence" and is_image(self.path)

    @property
    def taken(self) -> bool:
        """True where there is a file, or are numbered pictures, of that name."""
        return bool(numbered_files(self.path)) if self.sequence else self.place.exists()

    @property
    def working(self) -> Path:
        """The working file ``NAME.part``, for a sequence a picture in a folder of that name."""
        place = self.place
        part = working_name(place.with_name(place.name.replace("%", "") or "_"))
        return part / place.name if self.sequence else part

    @property
    def url(self) -> str:
        """``working`` for FFmpeg, to which a lone percent sign in a folder means a number.

        An absolute path is never taken for a protocol, as ``12:30.mp4`` would be.
        """
        working = self.working.absolute()
        if not self.sequence:
            return str(working)
        return os.path.join(str(working.parent).replace("%", "%%"), working.name)

    def check(self, source: Name, *, overwrite: bool) -> None:
        """Refuse now what would fail at the end. Raises OutputError."""
        try:
            self._check(Locator.of(source), overwrite)
        except OutputError:
            raise
        except OSError as error:  # a name too long, a loop of links
            raise OutputError(f"{self.locator}: cannot be written: {error.strerror}") from error

    def _check(self, source: Locator, overwrite: bool) -> None:
        self._check_name()
        self._check_folder(self.path.parent)
        place = self.place
        if place.parent != self.path.parent:
            self._check_folder(place.parent)
        if not self.sequence and place.is_dir():
            raise OutputError(f"{self.locator}: is a folder", hint="name a file in it.")
        if not _identities(self.locator).isdisjoint(_identities(source)):
            raise OutputError(f"{self.locator}: is the source itself", hint="choose another name.")
        if not self.sequence and self.taken and not stat.S_ISREG(place.stat().st_mode):
            raise OutputError(f"{self.locator}: is a device or a pipe, which cannot be replaced")
        if self.taken and not overwrite:
            raise OutputError(f"{self.locator}: exists already", hint="`overwrite` replaces it.")

    def _check_name(self) -> None:
        """Raise OSError for a name that the file system does not take."""
        name = self.path
        if self.sequence:
            name = name.with_name(name.name % 1)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            name.lstat()

    def _check_folder(self, folder: Path) -> None:
        shown = Path(str(self.locator)).parent if folder == self.path.parent else folder
        if not folder.is_dir():
            raise OutputError(f"{shown}: no such folder", hint="create it first.")
        if not os.access(folder, os.W_OK):
            raise OutputError(f"{shown}: no permission to write there")

    def open(self) -> Claim:
        """Make way for the working file. Raises OutputError, OSError."""
        if not self.sequence:
            if self.working.is_symlink():
                self.working.unlink()
            self.working.touch()  # an earlier run's is written over
            return Claim(self.working)
        folder = self.working.parent
        folder.mkdir(exist_ok=True)
        claim = Claim(folder)
        try:
            for stale in folder.iterdir():
                stale.unlink()
        except BaseException:  # which keeps the claim, as in ``Claim``
            claim.release()
            raise
        return claim

    def size(self) -> int:
        """Return the bytes of what has been written so far."""
        if self.sequence:
            return sum(p.stat().st_size for p in self.working.parent.iterdir())
        return self.working.stat().st_size

    def commit(self, notes: Notes) -> None:
        """Put the finished file, or every finished picture, in its place."""
        if not self.sequence:
            with self.working.open("rb") as file:
                os.fsync(file.fileno())
            self._put_in_place()
            return
        written = sorted(self.working.parent.iterdir())
        older = {p.name for p in numbered_files(self.path).values()} - {p.name for p in written}
        for picture in written:
            _move(picture, behind_links(self.path.parent / picture.name))
        self.working.parent.rmdir()
        if older:
            notes.say(f"{len(older)} older pictures of the sequence {self.path} were left alone")

    def _put_in_place(self) -> None:
        """Rename, but never onto a file that was not there when the run began."""
        place = self.place
        if self.overwrite:
            os.replace(self.working, place)
            return
        try:
            os.link(self.working, place)
        except FileExistsError:
            spare = next(p for n in count(1) if not (p := _numbered(place, n)).exists())
            os.rename(self.working, spare)
            raise OutputError(
                f"{self.locator}: has appeared meanwhile; result is {spare}"
            ) from None
        except OSError:  # a file system without links
            os.replace(self.working, place)
        else:
            self.working.unlink()

    def discard(self) -> None:
        """Remove what a run left unfinished, unless another run is still at it."""
        part = self.working.parent if self.sequence else self.working
        try:
            claim = Claim(part)
        except OSError:  # another run's, or nothing there
            return
        if self.sequence:
            shutil.rmtree(part, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                part.unlink()
        claim.release()


def _identities(locator: Locator) -> set[tuple[int, int]]:
    """Return device and inode of the file, or of every picture of the sequence; empty for none."""
    path = locator.path
    files = numbered_files(path).values() if locator.kind == "sequence" else [path]
    return {(s.st_dev, s.st_ino) for s in (p.stat() for p in files if p.exists())}


def _numbered(path: Path, number: int) -> Path:
    """Return a name beside ``path`` with a number at its end, no longer than a name may be."""
    ending = f"-{number}{path.suffix}"
    stem = os.fsencode(path.stem)[: LONGEST_NAME - len(os.fsencode(ending))]
    return path.with_name(stem.decode("utf-8", "ignore") + ending)


def _move(file: Path, place: Path) -> None:
    """Put a finished file in its place, which a link may have on another file system."""
    try:
        os.replace(file, place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with written_whole(place) as part:
            shutil.copyfile(file, part)
        file.unlink()
