"""The command ``vidsr-degrade``: low-resolution material out of good one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vidsr import __version__
from vidsr.errors import NoInputError, OptionError
from vidsr.terminal.command import run_command, say
from vidsr.terminal.parser import Parser
from vidsr.video.image_sequences import is_image, is_pattern

if TYPE_CHECKING:
    from vidsr.degradation.pairs import Pairs
    from vidsr.degradation.recipe import Recipe
    from vidsr.degradation.stills import Done
    from vidsr.notes import Notes

# What loads torch is imported where it is used: the command has to be ready for Ctrl-C before.

NAME = "vidsr-degrade"
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
    parser = Parser(
        prog=NAME,
        usage="vidsr-degrade INPUT -o OUTPUT [options]",
        description="Make video and pictures small and bad, as they are found in the wild.",
        epilog=EPILOG,
    )
    parser.add_argument("input", nargs="?", type=Path, metavar="INPUT", help=argparse.SUPPRESS)
    add = parser.add_argument
    add("-o", "--output", type=Path, metavar="OUTPUT", help="target; required")
    add("--recipe", default="bicubic", metavar="NAME|TOML", help="default bicubic")
    add("--seed", type=int, default=0, metavar="N", help="of all that is random (0)")
    add("--scale", type=int, default=4, metavar="N", help="how many times smaller (4); 1 keeps")
    add("--pairs", type=Path, metavar="DIR", help="write DIR/hr/NAME.png and DIR/lr/NAME.png too")
    add("--every", type=int, default=1, metavar="N", help="pairs of every Nth frame or picture (1)")
    add("--codec", metavar="NAME", help="of the target video: h264, hevc, vp9, ffv1 and others")
    add("--crf", type=int, metavar="N", help="of the target video (8)")
    add("--overwrite", action="store_true", help="replace an existing target")
    add("-q", "--quiet", action="store_true", help="errors only")
    add("--list-recipes", action="store_true", help="print the recipes and stop")
    add("--version", action="version", version=f"vidsr {__version__}")
    return parser


def _list_recipes() -> None:
    from vidsr.degradation.recipe import Recipe, recipe_names

    for name in recipe_names():
        print(f"{name:14} {Recipe.load(name).about}")


def _work(arguments: argparse.Namespace, interrupted: Callable[[], bool]) -> None:
    if arguments.list_recipes:
        return _list_recipes()
    if arguments.input is None or arguments.output is None:
        raise OptionError("INPUT and -o OUTPUT are needed.", hint="vidsr-degrade --help.")
    if arguments.scale < 1:
        raise OptionError(f"--scale {arguments.scale}: allowed is 1 or more.")
    if arguments.every < 1:
        raise OptionError(f"--every {arguments.every}: allowed is 1 or more.")
    from vidsr.degradation.recipe import Recipe
    from vidsr.notes import Notes

    recipe, notes = Recipe.load(arguments.recipe), Notes()
    done = _dispatch(arguments, recipe, notes, interrupted)
    if not arguments.quiet:
        left_out = f", {done.skipped} left out" if done.skipped else ""
        chain = f": {done.chain}" if done.chain else ""
        say(NAME, f"{arguments.output}: {done.written} written{left_out}{chain}")
    return None


def _dispatch(
    arguments: argparse.Namespace, recipe: Recipe, notes: Notes, interrupted: Callable[[], bool]
) -> Done:
    source: Path = arguments.input
    if not is_pattern(source) and not source.exists():
        raise NoInputError(f"{source}: no such file or folder")
    picture = is_image(source) and not is_pattern(source)
    if not picture and not source.is_dir():
        return _video(arguments, recipe, notes, interrupted)
    for name in ("codec", "crf"):
        if getattr(arguments, name) is not None:
            raise OptionError(f"--{name}: {source} is no video, and pictures become PNG")
    return _folder(arguments, recipe, notes) if source.is_dir() else _picture(arguments, recipe)


def _pairs(arguments: argparse.Namespace) -> Pairs | None:
    from vidsr.degradation.pairs import Pairs

    if arguments.pairs is None:
        return None
    return Pairs(arguments.pairs, every=arguments.every, overwrite=arguments.overwrite)


def _folder(arguments: argparse.Namespace, recipe: Recipe, notes: Notes) -> Done:
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    from vidsr.degradation.stills import degrade_folder
    from vidsr.video.still_images import picture_files

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
            pairs=_pairs(arguments),
            overwrite=arguments.overwrite,
            notes=notes,
            told=bar.update,
        )


def _picture(arguments: argparse.Namespace, recipe: Recipe) -> Done:
    from vidsr.degradation.stills import Done, degrade_file
    from vidsr.video.sink.target_file import Target

    source, target = arguments.input, arguments.output
    if target.suffix.lower() != ".png":
        raise OptionError(f"{target}: a picture becomes a .png")
    Target.of(target).check(source, overwrite=arguments.overwrite)
    seed, scale = arguments.seed, arguments.scale
    pairs = _pairs(arguments)
    chain = degrade_file(source, target, recipe, seed=seed, scale=scale, pairs=pairs)
    return Done(1, 0, chain.describe())


def _video(
    arguments: argparse.Namespace, recipe: Recipe, notes: Notes, interrupted: Callable[[], bool]
) -> Done:
    from vidsr.degradation.stills import Done
    from vidsr.degradation.videos import degrade_video
    from vidsr.terminal.progress_bar import ProgressBar
    from vidsr.video.sink.output_options import OutputOptions

    chain = recipe.sample(arguments.seed)
    done = degrade_video(
        arguments.input,
        arguments.output,
        chain,
        scale=arguments.scale,
        options=OutputOptions(
            codec=arguments.codec, crf=arguments.crf, overwrite=arguments.overwrite
        ),
        pairs=_pairs(arguments),
        notes=notes,
        progress=ProgressBar(quiet=arguments.quiet, interrupted=interrupted),
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
    )


if __name__ == "__main__":
    sys.exit(main())
