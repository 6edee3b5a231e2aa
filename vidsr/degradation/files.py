"""The files that are read and written in a degradation, checked before PyTorch is loaded."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from vidsr.errors import NoInputError, OptionError, OutputError
from vidsr.files import check_folder
from vidsr.video.image_sequences import is_pattern, picture_files
from vidsr.video.locator import Locator
from vidsr.video.sink.output_options import OutputOptions, check_encoding
from vidsr.video.sink.target_file import Target
from vidsr.video.source.presence import check_source
from vidsr.video.source.source_kinds import unread


def check_source_or_folder(source: Path) -> None:
    """Raise NoInputError where neither a file, a folder nor a numbered sequence is."""
    if not Locator.of(source).local:
        raise unread(Locator.of(source))
    if not is_pattern(source) and not source.exists():
        raise NoInputError(f"{source}: no such file or folder")


def check_video(source: Path, target_path: Path, options: OutputOptions) -> Target:
    """Return the target of a video. Raises InputError, OutputError, OptionError."""
    check_source(Locator.of(source))
    target = Target.of(target_path, overwrite=options.overwrite)
    check_encoding(replace(options, codec=codec_name(options, target)), target)
    target.check(source, overwrite=options.overwrite)
    return target


def codec_name(options: OutputOptions, target: Target) -> str | None:
    """Return the codec to write, which adds as little as the container allows; None for pictures.

    FFV1 in Matroska, where no quality is asked for; else H.264, and VP9 in WebM.
    """
    if options.codec is not None or target.container == "image2":
        return options.codec
    lossless = target.container == "matroska" and options.crf is None
    return "vp9" if target.container == "webm" else "ffv1" if lossless else "h264"


def check_picture(source: Path, target: Path, *, overwrite: bool) -> None:
    """Raise OptionError, OutputError for a target that is no PNG or is in the way.

    Raises InputError for a source that is no file.
    """
    check_source(Locator.of(source))
    if target.suffix.lower() != ".png":
        raise OptionError(f"{target}: a picture becomes a .png")
    Target.of(target).check(source, overwrite=overwrite)


def check_folders(source: Path, target: Path, *, overwrite: bool) -> tuple[list[Path], list[str]]:
    """Return the pictures of a folder, and the names without ``.png`` that they get in ``target``.

    Raises NoInputError where there are none, OutputError for what is in the way.
    """
    paths = picture_files(source)
    names = _names(paths)
    check_folder(target)
    _check_target(source, target, names, overwrite)
    return paths, names


def file_names(source: Path) -> list[str]:
    """Return the names without ``.png`` that the pictures of a folder get. Raises NoInputError."""
    return _names(picture_files(source))


def _names(paths: list[Path]) -> list[str]:
    """Return names without suffixes, or with them where case-blind they would be the same.

    All have them where one with and one without would be the same: a.png, a.bmp and a.png.bmp.
    """
    counts = Counter(path.stem.casefold() for path in paths)
    names = [path.stem if counts[path.stem.casefold()] == 1 else path.name for path in paths]
    unique = len({name.casefold() for name in names}) == len(names)
    return names if unique else [path.name for path in paths]


def _check_target(source: Path, target: Path, names: list[str], overwrite: bool) -> None:
    if target.resolve() == source.resolve():
        raise OutputError(f"{target}: is the source itself", hint="choose another name.")
    taken = [name for name in names if (target / f"{name}.png").exists()]
    if taken and not overwrite:
        raise OutputError(
            f"{target / taken[0]}.png: exists already", hint="--overwrite replaces it."
        )
