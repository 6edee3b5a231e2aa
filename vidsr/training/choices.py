"""The words that name losses, schedules and networks of a training run, without PyTorch."""

from __future__ import annotations

from typing import Literal

PixelLoss = Literal["l1", "mse", "charbonnier"]
ShuffleStart = Literal["random", "icnr"]
ScheduleKind = Literal["cosine", "step", "constant"]
AdversarialKind = Literal["bce", "hinge", "wgan-gp"]
DiscriminatorKind = Literal["srgan", "patch"]
QuantiseKind = Literal["int8"]
FeatureLayer = Literal["vgg22", "vgg31", "vgg54"]
