"""Quality against time and work: shapes of ``lite`` after equal short trainings, and what ships.

    python benchmarks/shapes.py train --photos PHOTOS --out runs/shapes
    python benchmarks/shapes.py measure --out runs/shapes --data SETS --clips A B --json FILE
    python benchmarks/shapes.py table FILE

``train`` goes on where it was stopped. SETS is the folder of Set5 and Set14; clips are shrunk,
coded by x264 and compared with what they were. Times are of one thread at 320x180, each against
lite-x4 right before and after it, in processor time: a busy machine slows both.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: as vidsr itself has it

import torch
from shape_networks import Shape, multiply_adds, parameters
from shape_tables import front, markdown
from shape_training import Lesson, is_done, taught, teach

from vidsr.bench.machine import others_now, this_host
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.selection.accuracy_check import waves
from vidsr.models.checkpoint import Generator
from vidsr.models.receptive_field import halo
from vidsr.models.zoo import load_model
from vidsr.option_values import Precision
from vidsr.picture.frame import Frame
from vidsr.quality.baselines import BASELINES
from vidsr.quality.clip_scores import ClipTask, score_coded
from vidsr.quality.footage.codings import Coding
from vidsr.quality.footage.methods import ClipMethod, clip_filters, clip_models
from vidsr.quality.footage.originals import Clip, frames_of
from vidsr.quality.methods import Upscale, load_upscalers
from vidsr.quality.set_scores import score_sets, set_means
from vidsr.training.records.run_folder import load_state
from vidsr.upscaling import transform
from vidsr.video.still_images import to_bytes, to_unit

REFERENCE = "lite-x4"
SHIPPED = (REFERENCE, "srresnet-x4", "lite-x2", "lite-fast-x2", "srresnet-x2")
CODINGS = (Coding("h264", 23), Coding("h264", 28))
PRECISIONS: tuple[Precision, ...] = ("bf16", "fp32")
SIZE = (180, 320)  # rows and columns
FRAMES = 4


SHAPES = (
    Shape(4, 1, 32, 7, prelu="channel"),  # lite-x4
    Shape(4, 1, 64, 7, "separable"),
    Shape(4, 2, 64, 7),
    Shape(4, 1, 64, 4, "shuffled"),
    Shape(4, 2, 64, 4),
    Shape(4, 2, 96, 4),
    Shape(2, 1, 32, 4, prelu="channel"),  # lite-x2
    Shape(2, 2, 48, 3),  # lite-fast-x2
    Shape(2, 2, 64, 4),
)


@dataclass(frozen=True)
class Subject:
    """Network that is measured.

    Attributes:
        name: Name in results.
        label: Name in tables.
        net: The network itself, with its weights.
        upscale: Function of a picture.
        clip: Way to upscale a clip.
        about: More that results say of it.
    """

    name: str
    label: str
    net: Generator
    upscale: Upscale
    clip: ClipMethod
    about: Mapping[str, Any]


def taught_subjects(lesson: Lesson) -> Iterator[Subject]:
    """Yield the shapes that have learned."""
    for shape in SHAPES:
        if not is_done(lesson, shape):
            continue
        net = taught(lesson, shape)
        engine = TorchEngine(net, device="cpu")
        about = {"steps": load_state(lesson.folder(shape).state)["step"]}
        label = f"{shape.stride}, {shape.width}, {shape.blocks}, {shape.layers}"
        slopes = ", a slope a channel" if shape.prelu == "channel" else ""
        clip = clip_method(shape.name, engine)
        yield Subject(shape.name, label + slopes, net, picture_method(engine), clip, about)


def long_subjects(more: Sequence[str]) -> Iterator[Subject]:
    """Yield what ships, and other weights; on clips with the strength that each chooses itself."""
    for name in (*SHIPPED, *more):
        upscalers = load_upscalers([name], device="cpu")
        (column, upscaler), (clip,) = next(iter(upscalers.items())), clip_models(upscalers)
        net = load_model(name).module
        config = net.config
        shape = f"{config.stride}, {config.width}, {config.blocks}, plain"
        label = f"`{name}`" if name in SHIPPED else shape
        yield Subject(column, label, net, upscaler, clip, {})


def picture_method(engine: TorchEngine) -> Upscale:
    """Return a function from uint8 ``[3, h, w]`` to the larger picture, as users get it."""
    return lambda picture: to_bytes(transform.enlarge_rgb(to_unit(picture), engine, None))


def clip_method(name: str, engine: TorchEngine) -> ClipMethod:
    """Return how a network with one set of weights upscales a clip."""

    def upscale(clip: Clip) -> Iterator[Frame]:
        for frame in frames_of(clip):
            width, height = (engine.scale * n for n in (frame.format.width, frame.format.height))
            target = replace(frame.format, width=width, height=height)
            yield transform.enlarge(frame, target, engine, None)

    return ClipMethod(name, upscale)


def cpu_ms(engine: TorchEngine) -> Callable[[], float]:
    """Return a function that gives the processor time of one frame in milliseconds."""
    x = waves(torch.empty(1, engine.channels, *SIZE))

    def run() -> float:
        begun = time.thread_time()
        engine.run(x)
        return 1e3 * (time.thread_time() - begun)

    return run


def speed(subject: Subject, precision: Precision, rounds: int) -> dict[str, float]:
    """Return the median ratio to the reference right before and after, and the reference's ms."""
    reference, run = (
        cpu_ms(TorchEngine(net, device="cpu", precision=precision))
        for net in (load_model(REFERENCE).module, subject.net)
    )
    ratios, references = [], []
    for number in range(-1, rounds):  # the first round warms up
        before, own, after = reference(), run(), reference()
        if number >= 0:
            ratios.append(2 * own / (before + after))
            references += [before, after]
    ms, ratio = round(median(references), 1), round(median(ratios), 3)
    return {f"{precision}_ratio": ratio, f"{precision}_reference_ms": ms}


def quality(subject: Subject, data: Path, clips: Sequence[Path]) -> dict[str, Any]:
    """Return PSNR on the sets, and the gain over bicubic on every clip and coding, in dB."""
    scale = subject.net.config.scale
    sets = set_means(score_sets(subject.upscale, data, scale=scale))
    methods = [*clip_filters({"bicubic": BASELINES["bicubic"]}, scale), subject.clip]
    task = ClipTask(methods, ("psnr",), border=scale, scale=scale, niqe_every=FRAMES + 1)
    gains: dict[str, list[float]] = {str(coding): [] for coding in CODINGS}
    for path in clips:
        rows = list(score_coded(Clip(path, 0.0, FRAMES), CODINGS, task))
        for coding, found in gains.items():
            own = [r for r in rows if r.group == coding]
            db = {r.method: r.scores["psnr"] for r in own if "psnr" in r.scores}
            found.append(db[subject.clip.name] - db["bicubic"])
    means = {coding: round(sum(found) / len(found), 3) for coding, found in gains.items()}
    return {**{name: scores["model_db"] for name, scores in sets.items()}, "clips": means}


def facts(subject: Subject) -> dict[str, Any]:
    """Return what is known of a network without a clock."""
    config = subject.net.config
    return {
        "name": subject.name,
        "label": subject.label,
        "scale": config.scale,
        "parameters": parameters(subject.net),
        "reach": halo(subject.net),
        "multiply_adds": round(multiply_adds(subject.net, config.channels)),
        **subject.about,
    }


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Measure every network that the result does not have yet, and write it after each."""
    result = json.loads(args.json.read_text(encoding="utf-8")) if args.json.is_file() else {}
    result = result or header(args)
    subjects = {"short": taught_subjects(lesson_of(args)), "long": long_subjects(args.model)}
    for kind, group in subjects.items():
        for subject in group:
            known = [row for row in result[kind] if row["name"] == subject.name]
            if known and not args.times:
                continue
            row = facts(subject)
            for precision in PRECISIONS:
                row |= speed(subject, precision, args.rounds)
            if known:
                known[0].update(row)
            else:
                result[kind].append(row | quality(subject, args.data, args.clips))
            args.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
            print(row, flush=True)
    return result


def header(args: argparse.Namespace) -> dict[str, Any]:
    """Return what is said of the whole measurement."""
    host = this_host(None, others_now())
    return {
        "processor": host.describe(),
        "threads": torch.get_num_threads(),
        "others": round(host.others, 2),
        "size": f"{SIZE[1]}x{SIZE[0]}",
        "rounds": args.rounds,
        "clips": [path.name for path in args.clips],
        "frames": FRAMES,
        "short": [],
        "long": [],
    }


def lesson_of(args: argparse.Namespace) -> Lesson:
    """Return what the shapes learn by."""
    return Lesson(getattr(args, "photos", Path()), args.out, args.steps)


def show(result: Mapping[str, Any]) -> None:
    """Print all tables, and the fronts by work as well as by time."""
    for kind in ("short", "long"):
        for scale in (4, 2):
            if any(row["scale"] == scale for row in result[kind]):
                print(f"\n{kind}, x{scale}\n\n{markdown(result, kind, scale)}")
        for cost in ("bf16_ratio", "fp32_ratio", "multiply_adds"):
            print(f"\nfront by {cost}: {', '.join(front(result[kind], cost))}")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="teach every shape, or what is left of it")
    train.add_argument("--photos", type=Path, required=True)
    measured = commands.add_parser("measure", help="measure what has learned and what ships")
    for command in (train, measured):
        command.add_argument("--out", type=Path, required=True, help="folder of the runs")
        command.add_argument("--steps", type=int, default=1000, help="of each run (1000)")
    measured.add_argument("--data", type=Path, required=True, help="folder of Set5 and Set14")
    measured.add_argument("--clips", type=Path, nargs="+", required=True)
    measured.add_argument("--model", action="append", default=[], help="more weights, by path")
    measured.add_argument("--times", action="store_true", help="measure the times of all anew")
    measured.add_argument("--rounds", type=int, default=7)
    measured.add_argument("--json", type=Path, required=True)
    shown = commands.add_parser("table", help="print the tables of a result")
    shown.add_argument("result", type=Path)
    return parser


def main() -> None:
    """Teach, measure or show."""
    args = build_parser().parse_args()
    torch.set_num_threads(1)
    if args.command == "train":
        teach(lesson_of(args), SHAPES)
        return
    if args.command == "measure":
        show(measure(args))
        return
    show(json.loads(args.result.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
