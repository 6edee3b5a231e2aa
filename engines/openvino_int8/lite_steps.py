"""Networks that OpenVINO runs in 8 bits here: lite ones on luma, with their steps."""

from __future__ import annotations

from vidsr.engines.quantised.networks import later_convolutions
from vidsr.engines.quantised.steps import Steps, read_steps, shipped
from vidsr.errors import OptionError
from vidsr.models.model import Model
from vidsr.models.networks.lite import Lite
from vidsr.models.networks.stated_net import StatedNet

HINT = "engine = 'torch' runs every model"


def require_lite(model: Model) -> Lite:
    """Return the network of ``model``. Raises OptionError for one that is not run in 8 bits."""
    if isinstance(model.module, Lite) and model.config.channels == 1:
        return model.module
    net, channels = model.module, model.traits.in_channels
    kind = net.architecture if isinstance(net, StatedNet) else f"{model.config.kind} network"
    raise OptionError(
        f"model {model.name!r} with engine = 'openvino': {kind} on "
        f"{'luma' if channels == 1 else 'RGB'}: expected lite networks "
        f"on luma with stored steps, such as {', '.join(shipped())}, or an ONNX file",
        hint=HINT,
    )


def load_steps(model: Model) -> Steps:
    """Return the steps beside the weights of a lite ``model``.

    Raises OptionError where there are none, ModelError for those of other weights or a damaged
    file.
    """
    convs = later_convolutions(require_lite(model))
    return read_steps(model, [conv.in_channels for conv in convs])
