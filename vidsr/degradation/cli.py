"""The command ``vidsr-degrade``: low-resolution material made of good one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vidsr import __version__
from vidsr.degradation.files import (
    check_folders,
    check_picture,
    check_source_or_folder,
    check_video,
    file_names,
)
from vidsr.degradation.pairs import Pairs
from vidsr.degradation.recipe_files import read_recipe, recipe_names
from vidsr.errors import OptionError
from vidsr.notes import Notes
from vidsr.terminal.command import run_command, say
from vidsr.terminal.parser import Parser
from vidsr.video.image_sequences import is_image, is_pattern, picture_files
from vidsr.video.sink.codec_defaults import CODECS
from vidsr.video.sink.output_options import OutputOptions

if TYPE_CHECKING:
    from vidsr.degradation.recipe import Recipe
    from vidsr.degradation.stills import Done

# What loads torch is imported where it is used: the command has to be ready for Ctrl-C before.

NAME = "vidsr-degrade"
Kind = Literal["video", "folder", "picture"]
EPILOG = """INPUT is a video, a numbered sequence, a folder of pictures or a picture; OUTPUT is of
the same kind (folders and pictures become PNG). Videos keep their timestamps and their sound. The
artefacts are in the picture already, so the target adds none that show: FFV1 in .mkv, which loses
nothing, else the container's codec at CRF 8. One chain is drawn per video, and one per picture from
the seed and the file's name; the same seed gives the same files.

examples:
  vidsr-degrade hr.mp4 -o lr.mp4 --recipe surveillance --seed 7
  vidsr-degrade photos -o small --recipe web --pairs training
  vidsr-degrade hr.mkv -o soft.mkv --recipe motion --scale 1
exit status: 0 done (pictures that could not be read are named and left out), 2 arguments,
3 source, 4 target, 5 container, 8 out of memory, 130 interrupted
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = Parser(
        prog=NAME,
        usage="vidsr-degrade INPUT -o OUTPUT [options]",
        description="Make video and pictures small and bad, as they are found in the wild.",
        epilog=EPILOG,
    )
    parser.add_argument("input", nargs="?", type=Path, metavar="INPUT", help=argparse.SUPPRESS)
    add = parser.add_argument
    add("-o", "--output", type=Path, metavar="OUTPUT", help="the target; required")
    add(
        "--recipe",
        default="bicubic",
        metavar="NAME|TOML",
        help="a recipe; --list-recipes names them (bicubic)",
    )
    add("--seed", type=int, default=0, metavar="N", help="the random seed (0)")
    add(
        "--scale", type=int, default=4, metavar="N", help="the factor that sizes are divided by (4)"
    )
    add("--pairs", type=Path, metavar="DIR", help="write DIR/hr and DIR/lr too, of several sources")
    add(
        "--every",
        type=int,
        default=1,
        metavar="N",
        help="the step between frames or pictures of --pairs (1)",
    )
    add("--codec", metavar="NAME", help="the target's codec: h264, hevc, vp9, ffv1 and others")
    add("--crf", type=int, metavar="N", help="the target's quality; smaller is better (8)")
    add("--overwrite", action="store_true", help="replace an existing target")
    add("-q", "--quiet", action="store_true", help="print errors only")
    add("--list-recipes", action="store_true", help="print the recipes and stop")
    add("--version", action="version", version=f"vidsr {__version__}")
    return parser


def _list_recipes() -> None:
    from vidsr.degradation.recipe import Recipe

    for name in recipe_names():
        print(f"{name:14} {Recipe.load(name).about}")


def _work(arguments: argparse.Namespace, interrupted: Callable[[], bool]) -> None:
    if arguments.list_recipes:
        return _list_recipes()
    kind = _check(arguments)
    pairs = _pairs(arguments, kind)
    from vidsr.degradation.recipe import Recipe

    recipe, notes = Recipe.load(arguments.recipe), Notes()
    if kind == "folder":
        done = _folder(arguments, recipe, notes, pairs)
    elif kind == "picture":
        done = _picture(arguments, recipe, pairs)
    else:
        done = _video(arguments, recipe, notes, pairs, interrupted)
    if not arguments.quiet:
        left_out = f", {done.skipped} left out" if done.skipped else ""
        chain = f": {done.chain}" if done.chain else ""
        say(NAME, f"{arguments.output}: {done.written} written{left_out}{chain}")
    return None


def _check(arguments: argparse.Namespace) -> Kind:
    """Return what INPUT is, where nothing of the command line is wrong. Raises a VidsrError."""
    if arguments.input is None or arguments.output is None:
        raise OptionError("INPUT and -o OUTPUT are needed.", hint="vidsr-degrade --help.")
    for name in ("scale", "every"):
        if getattr(arguments, name) < 1:
            raise OptionError(f"--{name} {getattr(arguments, name)}: expected 1 or more.")
    source, target, overwrite = arguments.input, arguments.output, arguments.overwrite
    read_recipe(arguments.recipe)
    check_source_or_folder(source)
    kind = _kind(source)
    if kind == "video":
        check_video(source, target, _output(arguments))
        return kind
    for name in ("codec", "crf"):
        if getattr(arguments, name) is not None:
            raise OptionError(f"--{name}: {source} is no video, and pictures become PNG")
    if kind == "folder":
        check_folders(source, target, overwrite=overwrite)
    else:
        check_picture(source, target, overwrite=overwrite)
    return kind


def _kind(source: Path) -> Kind:
    if source.is_dir():
        return "folder"
    return "picture" if is_image(source) and not is_pattern(source) else "video"


def _output(arguments: argparse.Namespace) -> OutputOptions:
    return OutputOptions(codec=arguments.codec, crf=arguments.crf, overwrite=arguments.overwrite)


def _pairs(arguments: argparse.Namespace, kind: Kind) -> Pairs | None:
    """Return the writer of pairs, if none of those that are there is in its way."""
    if arguments.pairs is None:
        return None
    pairs = Pairs(arguments.pairs, every=arguments.every, overwrite=arguments.overwrite)
    if kind == "video":
        pairs.check_video(arguments.input)
    else:
        pairs.check([arguments.output.stem] if kind == "picture" else file_names(arguments.input))
    return pairs


def _folder(
    arguments: argparse.Namespace, recipe: Recipe, notes: Notes, pairs: Pairs | None
) -> Done:
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    from vidsr.degradation.stills import degrade_folder

    total = len(picture_files(arguments.input))
    hidden = True if arguments.quiet else None  # None: only on a terminal
    bar = tqdm(total=total, desc="vidsr-degrade", unit="picture", disable=hidden, leave=False)
    with bar, logging_redirect_tqdm():
        return degrade_folder(
            arguments.input,
            arguments.output,
            recipe,
            seed=arguments.seed,
            scale=arguments.scale,
            pairs=pairs,
            overwrite=arguments.overwrite,
            notes=notes,
            told=bar.update,
        )


def _picture(arguments: argparse.Namespace, recipe: Recipe, pairs: Pairs | None) -> Done:
    from vidsr.degradation.stills import Done, degrade_file

    source, target = arguments.input, arguments.output
    seed, scale = arguments.seed, arguments.scale
    chain = degrade_file(source, target, recipe, seed=seed, scale=scale, pairs=pairs)
    return Done(1, 0, chain.describe())


def _video(
    arguments: argparse.Namespace,
    recipe: Recipe,
    notes: Notes,
    pairs: Pairs | None,
    interrupted: Callable[[], bool],
) -> Done:
    from vidsr.degradation.stills import Done
    from vidsr.degradation.videos import degrade_video
    from vidsr.terminal.progress_choice import make_progress

    chain = recipe.sample(arguments.seed)
    done = degrade_video(
        arguments.input,
        arguments.output,
        chain,
        scale=arguments.scale,
        options=_output(arguments),
        pairs=pairs,
        notes=notes,
        progress=make_progress("auto", NAME, quiet=arguments.quiet, interrupted=interrupted),
    )
    return Done(done.written, 0, chain.describe())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return run_command(
        NAME,
        _work,
        argv,
        parser=build_parser,
        interrupted="interrupted; the target was not written",
        words={"--recipe": recipe_names, "--codec": lambda: CODECS},
    )


if __name__ == "__main__":
    sys.exit(main())
