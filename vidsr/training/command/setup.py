"""Setup of a training run: data, networks, device and folder, before the first step."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vidsr.degradation.recipe import Recipe
from vidsr.engines.devices import resolve_device
from vidsr.errors import ModelError, OptionError
from vidsr.files import write_text
from vidsr.models.checkpoint import Generator
from vidsr.models.zoo import load_model
from vidsr.training.command.setting import Setting, check_begin, check_teacher
from vidsr.training.data.crop_pool import CropPool
from vidsr.training.data.pairs import Prepared, prepare
from vidsr.training.data.validation import load_samples, samples_of
from vidsr.training.networks.discriminator import build_discriminator
from vidsr.training.networks.icnr import start_alike
from vidsr.training.networks.quantised import QuantisedStudent
from vidsr.training.networks.student import adopt, build_student
from vidsr.training.networks.vgg_features import load_vgg
from vidsr.training.options import Options
from vidsr.training.records.run_folder import RunFolder, load_state
from vidsr.training.steps.adversarial import Adversarial
from vidsr.training.steps.fidelity import Fidelity
from vidsr.training.steps.processes import Processes, own_device
from vidsr.training.steps.quantised import Quantised, observe
from vidsr.training.steps.run import Run
from vidsr.training.steps.schedule import Clock

log = logging.getLogger("vidsr")
HELD_BACK = 5  # pictures, where no folder to validate on is named


def begin(options: Options, setting: Setting, *, resume: bool) -> Run:
    """Prepare a run, or with ``resume`` the rest of one. Raises a VidsrError.

    Cheap checks come first: weights and state before the pictures are read.
    """
    check_begin(options, setting, resume=resume)
    device = own_device(resolve_device(setting.device))
    processes = _join(options, device)
    folder = RunFolder(setting.out)
    state = load_state(folder.state) if resume else None
    learner = _learner(options, device, processes, fresh=state is None)
    clock = Clock(options.steps, options.minutes)
    if state is not None:
        clock.step, clock.seconds = state["step"], state["seconds"]
        _restore(learner, state["learner"], folder)
    recipe = Recipe.load(options.recipe)
    folder_of = options.validate
    samples = load_samples(Path(folder_of), recipe, options.scale) if folder_of else []
    data = _read(options, setting, colour_needed(options, learner))
    samples = samples or samples_of(data, recipe, options.scale)
    if not samples:
        log.warning(
            "nothing can be validated: none of %d pictures is held back, which takes %d or more; "
            "name others with --validate",
            data.pictures,
            2 * HELD_BACK,
        )
    pool = _pool(options, data, device, setting)
    if state is None:
        observe(learner, pool)
    elif state.get("pool_bytes", pool.bytes) != pool.bytes:
        log.warning("the pictures are not those the run was begun with: it will not be the same")
    if processes.is_first:
        folder.create()
        write_text(folder.options, options.to_json() + "\n")
    return Run(
        options,
        folder,
        learner,
        pool,
        samples,
        clock,
        device,
        processes,
        every=setting.every,
        stop_after=setting.stop_after,
        interrupted=setting.interrupted,
        tell=setting.tell,
        curves=_can_draw(setting),
        tensorboard=_tensorboard(setting, folder) if processes.is_first else None,
    )


def _join(options: Options, device: torch.device) -> Processes:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and options.steps is None:
        raise OptionError(
            "several processes with --minutes: their clocks would differ", hint="give --steps"
        )
    return Processes.join(device)


def _learner(
    options: Options, device: torch.device, processes: Processes, *, fresh: bool
) -> Fidelity:
    config = options.config()
    student = build_student(config, seed=options.seed, middle=options.middle)
    if options.shuffle == "icnr":
        start_alike(student)
    if fresh and options.init is not None:
        how = adopt(student, config, load_model(options.init).module)
        log.info("started from %s by %s", options.init, how)
    student.to(device)
    student.train()
    teacher = _teacher(options, device)
    if options.quantise is not None:
        rounding = QuantisedStudent(student, config).to(device)
        run = processes.share(rounding)
        return Quantised(rounding, options, device, run=run, teacher=teacher)
    run = processes.share(student)
    if options.adversarial is None:
        return Fidelity(student, options, device, run=run, teacher=teacher)
    critic = build_critic(options, device)
    features = None
    if options.perceptual_weight and options.vgg is not None:
        features = load_vgg(options.vgg, options.vgg_layer).to(device)
    return Adversarial(
        student,
        options,
        device,
        critic=critic,
        features=features,
        run=run,
        run_critic=processes.share(critic),
    )


def build_critic(options: Options, device: torch.device) -> nn.Module:
    """Return the discriminator, its weights drawn from the run's seed."""
    assert options.adversarial is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed + 1)
        critic = build_discriminator(
            options.discriminator,
            adversarial=options.adversarial,
            width=options.discriminator_width,
        )
    return critic.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _teacher(options: Options, device: torch.device) -> Generator | None:
    if options.teacher is None:
        return None
    model = load_model(options.teacher)
    check_teacher(options, model.config)
    return model.module.to(device).requires_grad_(False)


def colour_needed(options: Options, learner: Fidelity) -> bool:
    """Return True if the pool must hold RGB: for the student, or for its teacher."""
    teacher = learner.teacher
    return options.channels == 3 or (teacher is not None and teacher.config.channels == 3)


def _restore(learner: Fidelity, state: dict[str, Any], folder: RunFolder) -> None:
    try:
        learner.restore(state)
    except (KeyError, RuntimeError, ValueError) as error:
        raise ModelError(
            f"{folder.state}: the state of another architecture ({type(error).__name__})",
            hint="resume with the options the run was begun with",
        ) from error


def _read(options: Options, setting: Setting, colour: bool) -> Prepared:
    hold_back = 0 if options.validate else HELD_BACK
    threads = setting.threads or os.cpu_count() or 1
    return prepare(
        options, threads=threads, colour=colour, hold_back=hold_back, cache=setting.cache
    )


def _pool(options: Options, data: Prepared, device: torch.device, setting: Setting) -> CropPool:
    count = len(data.pairs)
    pairs = iter([data.pairs.pop(0) for _ in range(count)])
    pool = CropPool(pairs, scale=options.scale, crop=options.crop, device=device)
    skipped = f", {len(data.skipped)} skipped" if data.skipped else ""
    setting.tell(
        f"{_counts(data)} to learn from, {count} pairs, {pool.bytes / 1e6:.0f} MB{skipped}"
    )
    return pool


def _counts(data: Prepared) -> str:
    videos = f"{data.videos} video{'s' if data.videos != 1 else ''}" if data.videos else ""
    if not data.pictures:
        return videos or "0 pictures"
    return f"{data.pictures} pictures" + (f" and {videos}" if videos else "")


def _can_draw(setting: Setting) -> bool:
    """Return True if there is matplotlib; a run without its picture is better than none."""
    present = importlib.util.find_spec("matplotlib") is not None
    if not present:
        setting.tell(
            "no matplotlib, so no curves.png (pip install -e '.[train]'); log.csv has it all"
        )
    return present


def _tensorboard(setting: Setting, folder: RunFolder) -> Any:
    if not setting.tensorboard:
        return None
    try:
        module = importlib.import_module("torch.utils.tensorboard")
    except ImportError as error:
        raise OptionError(
            "--tensorboard needs the package tensorboard", hint="pip install tensorboard"
        ) from error
    return module.SummaryWriter(str(folder.path / "tensorboard"))
