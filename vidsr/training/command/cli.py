"""The command ``vidsr-train``: options in, a run begun or continued, errors on one line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from vidsr import __version__
from vidsr.degradation.recipe_files import recipe_names
from vidsr.errors import ModelError, NoInputError, OptionError
from vidsr.models.header import stated_config
from vidsr.models.shipped import available, find_weights
from vidsr.option_values import Precision
from vidsr.terminal.command import INTERRUPTED, run_command, say
from vidsr.terminal.parser import Parser
from vidsr.terminal.signals import PatientInterruption
from vidsr.training.choices import (
    AdversarialKind,
    DiscriminatorKind,
    FeatureLayer,
    PixelLoss,
    QuantiseKind,
    ScheduleKind,
    ShuffleStart,
)
from vidsr.training.command.setting import Setting, check_begin
from vidsr.training.options import PRESETS, Options, dimensions_of, merge, preset
from vidsr.training.records.run_folder import RunFolder

if TYPE_CHECKING:
    from vidsr.training.steps.run import Run

# Everything that loads torch is imported where it is used: what was typed wrong is told before.

NAME = "vidsr-train"
WEIGHTS = {
    "pixel": "the loss on pixels, beside adversarial losses (1)",
    "edge": "the loss on gradients, against soft and ringing edges (0)",
    "colour": "the loss on blurred chroma, against a tint (0)",
    "perceptual": "the loss on features of VGG19 (0; srgan 1)",
    "adversarial": "the discriminator's verdict (0; srgan 0.001)",
    "tv": "total variation, against noise (0)",
    "mesh": "errors that repeat from pixel to pixel of the input, against a mesh (0)",
    "flicker": "the difference between moved pictures, against flicker (0)",
    "penalty": "wgan-gp's gradient penalty (10)",
}
EPILOG = """examples:
  vidsr-train PHOTOS --out runs/lite --minutes 90
  vidsr-train PHOTOS --out runs/big --model srresnet --init lite-x4 --steps 20000
  vidsr-train PHOTOS --out runs/gan --model srgan --init runs/big/model.safetensors \\
              --vgg vgg19.pth --steps 5000
  vidsr-train VIDEOS --out runs/web --recipe codecs --portion 0-50% --cache pairs --minutes 60
  vidsr-train PHOTOS --out runs/cctv --init lite-x4 --recipe surveillance --minutes 30
  vidsr-train PHOTOS --out runs/int8 --init lite-x4 --quantise int8 --minutes 5
  vidsr-train --out runs/lite --resume
What --init names gives model, scale and dimensions, too, unless they are given.
  torchrun --nproc-per-node 4 -m vidsr.training PHOTOS --out runs/ddp --steps 100000
The folder of a run holds model.safetensors (for vidsr --model), options.json and state.pt (for
--resume), log.csv, curves.png, contact sheets (LR | bicubic | ours | HR) and card.md.
--minutes counts learning alone; preparing the pictures comes before.
exit status: 0 done, 2 arguments, 3 pictures, 4 target, 6 weights, 7 device, 8 memory,
9 diverged, 130 interrupted
"""


def _words(literal: Any) -> str:
    return ", ".join(get_args(literal))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = Parser(
        prog=NAME,
        usage="vidsr-train DATA --out FOLDER (--minutes N | --steps N) [options]",
        description="Train a generator on photographs and videos, or on pairs (hr/ and lr/).",
        epilog=EPILOG,
    )
    parser.add_argument("data", nargs="?", metavar="DATA", help=argparse.SUPPRESS)
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", required=True, help="the run's folder; required"
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    _add_model(parser.add_argument_group("generator"))
    _add_data(parser.add_argument_group("data"))
    _add_schedule(parser.add_argument_group("schedule"))
    _add_losses(parser.add_argument_group("losses"))
    _add_setting(parser.add_argument_group("machine, output and logging"))
    return parser


def _add_model(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--model", metavar="NAME", help=f"the generator: {', '.join(PRESETS)} (lite)"
    )
    group.add_argument("--scale", type=int, metavar="N", help="the factor: 2 or 4; 1 for unet (4)")
    group.add_argument("--width", type=int, metavar="N", help="the channels of the body")
    group.add_argument(
        "--blocks", type=int, metavar="N", help="the depth; of a unet, the blocks on each grid"
    )
    group.add_argument("--prelu", metavar="NAME", help="the slopes: channel, shared (channel)")
    group.add_argument(
        "--stride",
        type=int,
        metavar="N",
        help="the grid's step; 2: half the grid, of lite or unet (1)",
    )
    group.add_argument(
        "--shuffle",
        metavar="NAME",
        help=f"srresnet's and unet's start before pixel shuffles: {_words(ShuffleStart)} (random)",
    )
    group.add_argument(
        "--channels", type=int, metavar="N", help="the channels of pictures: 1 for luma, 3 for RGB"
    )
    group.add_argument(
        "--norm", metavar="NAME", help="srresnet's normalisation: none, batch (none)"
    )
    group.add_argument(
        "--middle", type=int, metavar="N", help="lite's over-parameterised width; 0: off (128)"
    )
    group.add_argument(
        "--quantise",
        metavar="NAME",
        help=f"learn with numbers rounded to codes of 8 bits: {_words(QuantiseKind)} (none)",
    )
    group.add_argument(
        "--init",
        metavar="NAME|PATH",
        help="the weights to start from, or to grow",
    )


def _add_data(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--recipe", metavar="NAME|PATH", help="the degradation (bicubic)")
    group.add_argument(
        "--clips",
        type=int,
        metavar="N",
        help="the clips cut of a picture, for recipes with motion, or of a spot of a video (8)",
    )
    group.add_argument(
        "--spots", type=int, metavar="N", help="the spots of each video, spread over its time (64)"
    )
    group.add_argument(
        "--portion", metavar="BEGIN-END%", help="the part of each video to learn from (0-100%%)"
    )
    group.add_argument(
        "--cache",
        type=Path,
        metavar="FOLDER",
        help="keep the pairs there, and take those there are",
    )
    group.add_argument(
        "--batch", type=int, metavar="N", help="the crops of a step, in each process"
    )
    group.add_argument(
        "--crop", type=int, metavar="N", help="the side of a crop in low-resolution pixels"
    )
    group.add_argument("--seed", type=int, metavar="N", help="the random seed (0)")
    group.add_argument(
        "--validate", metavar="FOLDER", help="the pictures to validate on (5 of DATA, held back)"
    )


def _add_schedule(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--minutes",
        type=float,
        metavar="N",
        help="the minutes of learning, over which the schedule runs",
    )
    group.add_argument(
        "--steps", type=int, metavar="N", help="the same in steps, which is reproducible"
    )
    group.add_argument(
        "--stop-after", type=int, metavar="N", help="the step to stop at before the end"
    )
    group.add_argument("--rate", type=float, metavar="X", help="Adam's rate at its highest")
    group.add_argument(
        "--schedule", metavar="NAME", help=f"the rate's course: {_words(ScheduleKind)} (cosine)"
    )
    group.add_argument(
        "--warmup", type=int, metavar="N", help="the steps up to the full rate (200)"
    )
    group.add_argument(
        "--decay", type=float, metavar="X", help="the decay of the averaged weights (0.999)"
    )
    group.add_argument(
        "--clip-norm", type=float, metavar="X", help="the greatest norm of the gradient (1)"
    )


def _add_losses(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--loss", metavar="NAME", help=f"the loss on pixels: {_words(PixelLoss)} (l1)"
    )
    group.add_argument("--teacher", metavar="NAME|PATH", help="a model to learn from as well")
    group.add_argument(
        "--teacher-weight", type=float, metavar="X", help="the teacher's share, 0 to 1 (0.5)"
    )
    group.add_argument(
        "--adversarial",
        metavar="NAME",
        help=f"the adversarial loss: {_words(AdversarialKind)} (none)",
    )
    group.add_argument(
        "--discriminator",
        metavar="NAME",
        help=f"the discriminator: {_words(DiscriminatorKind)} (patch)",
    )
    group.add_argument(
        "--discriminator-width", type=int, metavar="N", help="its first channels (64)"
    )
    group.add_argument(
        "--vgg", metavar="PATH", help="the weights of VGG19, for the perceptual loss"
    )
    group.add_argument(
        "--vgg-layer", metavar="NAME", help=f"the layer compared: {_words(FeatureLayer)} (vgg22)"
    )
    for name, what in WEIGHTS.items():
        group.add_argument(
            f"--{name}-weight", type=float, metavar="X", help=f"the weight of {what}"
        )


def _add_setting(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--device", default="auto", metavar="NAME", help="a device: auto, cpu, cuda, or cuda:1"
    )
    group.add_argument(
        "--precision", metavar="NAME", help=f"the numbers to learn in: {_words(Precision)} (auto)"
    )
    group.add_argument("--threads", type=int, metavar="N", help="the CPU threads (all)")
    group.add_argument(
        "--every", type=int, metavar="STEPS", help="the steps between validations (20 a run)"
    )
    group.add_argument(
        "--tensorboard", action="store_true", help="write TensorBoard's files as well"
    )
    group.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    group.add_argument("--version", action="version", version=f"vidsr {__version__}")


SETTING = ("device", "threads", "every", "tensorboard", "stop_after", "out", "cache")


def _options(arguments: argparse.Namespace) -> Options:
    """Return the options of a new run, or of the one in ``--out`` with a new end."""
    names = set(Options.__dataclass_fields__)
    given = {k: v for k, v in vars(arguments).items() if k in names and v is not None}
    if not arguments.resume:
        return _new(arguments, given)
    old = Options.from_json(_stored(RunFolder(arguments.out).options))
    if arguments.model is not None and not _is_model_of(arguments.model, old):
        raise ModelError(f"--model {arguments.model}, but {arguments.out} trains {old.kind}")
    return merge(old, given)


def _new(arguments: argparse.Namespace, given: dict[str, Any]) -> Options:
    if arguments.data is None:
        raise OptionError("DATA is missing: a folder of photographs or videos, or of pairs")
    if arguments.init is None:
        return preset(arguments.model or "lite", **given)
    config = stated_config(find_weights(arguments.init))
    if config is None:  # of others: only PyTorch can tell their dimensions
        from vidsr.models.zoo import load_model

        config = load_model(arguments.init).config
    model, dimensions = dimensions_of(config, arguments.model)
    return preset(model, **{**dimensions, **given})


def _is_model_of(name: str, options: Options) -> bool:
    kind = "srresnet" if name == "srgan" else name
    return kind == options.kind and (name != "srgan" or options.adversarial is not None)


def _stored(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise NoInputError(
            f"{path}: no run to go on with", hint="leave --resume out to begin one"
        ) from error


def _setting(arguments: argparse.Namespace, **more: Any) -> Setting:
    return Setting(**{name: getattr(arguments, name) for name in SETTING}, **more)


def _work(arguments: argparse.Namespace, interrupted: Callable[[], bool]) -> int:
    first = int(os.environ.get("RANK", "0")) == 0
    silent = arguments.quiet or not first
    setting = _setting(
        arguments, interrupted=interrupted, tell=(lambda _: None) if silent else _say
    )
    setting.check()
    options = _options(arguments)
    check_begin(options, setting, resume=arguments.resume)
    import torch

    from vidsr.training.command.model_card import write_card
    from vidsr.training.command.setup import begin

    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    run = begin(options, setting, resume=arguments.resume)
    with ExitStack() as ending:
        ending.callback(run.processes.leave)
        finished = run.train()
        if run.processes.is_first and run.folder.state.exists():
            write_card(run)
    if not silent:
        _say(_result(run, finished))
    return INTERRUPTED if interrupted() and not finished else 0


def _result(run: Run, finished: bool) -> str:
    if not run.folder.state.exists():
        return "stopped before the first step; nothing is written"
    if finished:
        shown = [run.folder.model, run.folder.curves if run.curves else run.folder.log]
        return f"done: {', '.join(map(str, [*shown, run.folder.card]))}"
    return f"stopped at step {run.clock.step}; --resume --out {run.folder.path} goes on"


def _say(text: str) -> None:
    say(NAME, text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return run_command(
        NAME,
        _work,
        argv,
        parser=build_parser,
        interrupted="interrupted; what was written last stays",
        memory_hint="give a smaller --batch or --crop.",
        interruption=PatientInterruption(),
        words={
            "--model": lambda: PRESETS,
            "--init": available,
            "--teacher": available,
            "--recipe": recipe_names,
        },
    )


if __name__ == "__main__":
    sys.exit(main())
