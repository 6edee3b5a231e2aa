"""Setup of an unpaired run: footage and good pictures, networks, device and folder."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor

from vidsr.degradation.recipe import Recipe
from vidsr.engines.devices import resolve_device
from vidsr.errors import OptionError
from vidsr.files import write_text
from vidsr.training.command.setting import Setting, check_begin
from vidsr.training.command.setup import HELD_BACK, can_draw, restore, tensorboard_writer
from vidsr.training.data.crop_pool import TrainingPair
from vidsr.training.data.pairs import Prepared, prepare
from vidsr.training.data.validation import Sample, samples_of
from vidsr.training.options import Options
from vidsr.training.records.run_folder import RunFolder, load_state
from vidsr.training.steps.processes import Processes
from vidsr.training.steps.schedule import Clock
from vidsr.training.unpaired.cycle import Cycle
from vidsr.training.unpaired.data import UnpairedPool, footage, shrunk
from vidsr.training.unpaired.run import SHOWN, Shown, UnpairedRun


def begin_unpaired(options: Options, setting: Setting, *, resume: bool) -> UnpairedRun:
    """Prepare a run, or with ``resume`` the rest of one. Raises a VidsrError."""
    check_begin(options, setting, resume=resume)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise OptionError("unpaired footage in several processes: expected one process")
    device, folder = resolve_device(setting.device), RunFolder(setting.out)
    state = load_state(folder.state) if resume else None
    clock, learner = Clock(options.steps, options.minutes), Cycle(options, device)
    if state is not None:
        clock.step, clock.seconds = state["step"], state["seconds"]
        restore(learner, state["learner"], folder)
    data, bad = _read(options, setting)
    samples = samples_of(data, Recipe.load(options.recipe), options.scale)
    pool = _pool(options, data, bad, device, setting)
    if state is not None and state.get("pool_bytes", pool.bytes) != pool.bytes:
        setting.tell("the pictures are not those the run was begun with: it will not be the same")
    folder.create()
    write_text(folder.options, options.to_json() + "\n")
    return UnpairedRun(
        options,
        folder,
        learner,
        pool,
        [],
        clock,
        device,
        Processes(),
        every=setting.every,
        stop_after=setting.stop_after,
        interrupted=setting.interrupted,
        tell=setting.tell,
        curves=can_draw(setting),
        tensorboard=tensorboard_writer(setting, folder),
        shown=[_shown(sample) for sample in samples],
        seen=[bad[i * len(bad) // SHOWN] for i in range(min(SHOWN, len(bad)))],
    )


def _read(options: Options, setting: Setting) -> tuple[Prepared, list[Tensor]]:
    threads = setting.threads or os.cpu_count() or 1
    bad = footage(options, threads)  # the smaller work, which may be refused
    data = prepare(
        options,
        threads=threads,
        colour=True,
        hold_back=HELD_BACK,
        cache=setting.cache,
        change=shrunk,
    )
    return data, bad


def _shown(sample: Sample) -> Shown:
    pair = shrunk(TrainingPair(sample.low, sample.high))
    return Shown(sample.name, pair.low, pair.high)


def _pool(
    options: Options, data: Prepared, bad: list[Tensor], device: torch.device, setting: Setting
) -> UnpairedPool:
    pool = UnpairedPool(data.pairs, bad, crop=options.crop, device=device)
    skipped = f", {len(data.skipped)} skipped" if data.skipped else ""
    setting.tell(
        f"{len(data.pairs)} good pictures and {len(bad)} of {Path(str(options.unpaired)).name} to "
        f"learn from, {pool.bytes / 1e6:.0f} MB{skipped}"
    )
    return pool
