"""Which device, and in which numbers: what people say, and what is there."""

from __future__ import annotations

import platform
from contextlib import AbstractContextManager
from typing import get_args

import torch

from vidsr.errors import DeviceError, OptionError
from vidsr.option_values import Precision, check_device_name, check_device_names, one_of

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def resolve_device(text: str) -> torch.device:
    """Return the device that ``auto``, ``cpu``, ``cuda`` or ``cuda:N`` means, if it is there.

    Raises OptionError for other text, DeviceError for a GPU that is absent.
    """
    check_device_name(text)
    present = torch.cuda.is_available()
    if text == "cpu" or (text == "auto" and not present):
        return torch.device("cpu")
    if not present:
        raise DeviceError(
            f"device = {text!r}, but PyTorch sees no CUDA device",
            hint="use device = 'cpu', or install a CUDA build of PyTorch and a driver for it",
        )
    index = int(text.partition(":")[2] or torch.cuda.current_device())
    count = torch.cuda.device_count()
    if index >= count:
        raise DeviceError(f"device = {text!r}, but there are {count}", hint="they count from 0")
    return torch.device("cuda", index)


def resolve_devices(text: str) -> tuple[torch.device, ...]:
    """Return one device, or several CUDA devices that a list such as ``cuda:0,cuda:1`` means.

    Raises OptionError for a device named twice and for a list that is not of CUDA devices.
    """
    names = check_device_names(text)  # wrong everywhere; an absent device is so only here
    devices = tuple(map(resolve_device, names))
    if len(devices) > 1 and any(device.type != "cuda" for device in devices):
        raise OptionError(f"device = {text!r}: expected CUDA devices only in a list")
    if len(set(devices)) < len(devices):
        raise OptionError(f"device = {text!r}: expected each device once")
    return devices


def has_native_bf16() -> bool:
    """Return True if the CPU multiplies bfloat16 itself; emulated, it is slower than float32.

    ``mkldnn``'s own answer is no help on x86: it is yes wherever AVX-512 can emulate.
    """
    if platform.machine().lower() in ("x86_64", "amd64"):
        asks = (getattr(torch.cpu, f"_is_{n}_supported", None) for n in ("avx512_bf16", "amx_tile"))
        return any(ask is not None and bool(ask()) for ask in asks)
    return takes_bf16()


def takes_bf16() -> bool:
    """Return True if oneDNN runs bfloat16 here at all, be it emulated."""
    ask = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return ask is not None and bool(ask())


def resolve_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """Return the type of activations; ``auto`` is fp16 on CUDA, bf16 where a CPU has it, else fp32.

    Raises OptionError for unknown names and for fp16 on a CPU, which would be emulated.
    """
    if precision not in get_args(Precision):
        raise OptionError(f"precision = {precision!r}: expected {one_of(get_args(Precision))}")
    if precision != "auto":
        if precision == "fp16" and device.type == "cpu":
            raise OptionError("precision = 'fp16' on a CPU", hint="use bf16, fp32 or auto there")
        return DTYPES[precision]
    if device.type == "cuda":
        return torch.float16
    return torch.bfloat16 if has_native_bf16() else torch.float32


def cudnn_flags(**changes: bool) -> AbstractContextManager[None]:
    """Change settings of cuDNN for a while; those that are not named stay as they are.

    ``torch.backends.cudnn.flags`` alone sets what is not named to its own defaults.
    """
    cudnn = torch.backends.cudnn
    now = {
        "enabled": cudnn.enabled,
        "benchmark": cudnn.benchmark,
        "deterministic": cudnn.deterministic,
        "allow_tf32": cudnn.allow_tf32,
    }
    return cudnn.flags(**(now | changes))
