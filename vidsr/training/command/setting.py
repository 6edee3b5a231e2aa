"""The place where a training run runs, and what can be said of a run before PyTorch is loaded."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vidsr.degradation.recipe_files import read_recipe
from vidsr.errors import ModelError, OptionError
from vidsr.files import check_folder
from vidsr.models.header import stated_config
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.shipped import find_weights
from vidsr.option_values import check_device_name
from vidsr.training.folders import is_paired, training_material, validation_files
from vidsr.training.heeded import check_material
from vidsr.training.networks.vgg_file import require_vgg
from vidsr.training.options import PRESETS, Options
from vidsr.training.portions import portions_of
from vidsr.training.privacy_rules import check_private_place, check_sources
from vidsr.training.records.run_folder import RunFolder, require_state

log = logging.getLogger("vidsr")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The choices of a run that belong to the place where it runs; none changes what is learned."""

    out: Path
    device: str = "auto"
    threads: int | None = None
    every: int | None = None
    stop_after: int | None = None
    tensorboard: bool = False
    cache: Path | None = None
    interrupted: Callable[[], bool] = lambda: False
    tell: Callable[[str], None] = log.info

    def check(self) -> None:
        """Raise OptionError for what no machine makes right."""
        for name in ("threads", "every", "stop_after"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise OptionError(f"{name} = {value}: expected 1 or more.")
        check_device_name(self.device)


def check_begin(options: Options, setting: Setting, *, resume: bool) -> None:
    """Raise a VidsrError where a file that a run needs is absent, or one that it writes is there.

    What the files hold is not looked at.
    """
    setting.check()
    folder = RunFolder(setting.out)
    if resume:
        require_state(folder.state)
    else:
        folder.refuse_others()
        if options.init is not None:
            find_weights(options.init)
    check_private_place(options)
    check_folder(folder.path)
    read_recipe(options.recipe)
    if options.teacher is not None:
        stated = stated_config(find_weights(options.teacher))
        if stated is not None:
            check_teacher(options, stated)
    if options.adversarial is not None and options.perceptual_weight and options.vgg is not None:
        require_vgg(Path(options.vgg))
    if options.validate is not None:
        validation_files(Path(options.validate), options.scale)
    material = training_material(Path(options.data))
    check_sources(options, material.count)
    if not resume:
        usual = PRESETS[options.kind].get("recipe", "bicubic")
        check_material(options, material, paired=is_paired(Path(options.data)), usual_recipe=usual)
    portions_of(list(material.videos), options.portion)
    if options.unpaired is not None:
        _check_unpaired(options)
    if setting.cache is not None:
        check_folder(setting.cache)


def _check_unpaired(options: Options) -> None:
    if is_paired(Path(options.data)):
        raise OptionError(
            f"{options.data}: holds pairs, beside unpaired footage",
            hint="name a folder of good pictures",
        )
    footage = training_material(Path(str(options.unpaired)))
    portions_of(list(footage.videos), options.portion)


def check_teacher(options: Options, config: GeneratorConfig) -> None:
    """Raise ModelError for a teacher that upscales otherwise than the run."""
    if config.scale != options.scale:
        raise ModelError(
            f"teacher {options.teacher}: expected scale {options.scale} of the run, "
            f"got {config.scale}"
        )
