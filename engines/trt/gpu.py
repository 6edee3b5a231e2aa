"""The GPU that TensorRT engines are built by and for."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidsr.cache.keys import TimingKey, differences
from vidsr.errors import DeviceError, OptionError

if TYPE_CHECKING:
    import torch

    from vidsr.cache.keys import Gpu

# Torch is imported where it is used: what needs none of it need not wait for it.

DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True)
class Machine:
    """A GPU with TensorRT: what engines are built by and for."""

    device: torch.device
    gpu: Gpu
    trt: Any

    def differences(self, key: dict[str, Any]) -> tuple[str, ...]:
        """Return why what was made for ``key`` is of no use here."""
        own = TimingKey(tensorrt_version=self.trt.__version__, gpu=self.gpu)
        wanted = json.loads(own.canonical)
        if "parser_version" in key:
            wanted["parser_version"] = int(self.trt.get_nv_onnx_parser_version())
        return differences({name: key.get(name) for name in wanted}, wanted)


def check_cuda_name(device: str) -> None:
    """Raise OptionError for what is no name of an NVIDIA GPU on any machine."""
    if not re.fullmatch(r"cuda(:\d+)?", device):
        raise OptionError(f"device = {device!r}: expected 'cuda' or 'cuda:N'")


def find_machine(device: str = "cuda") -> Machine:
    """Return the GPU of that name. Raises OptionError, DeviceError without it or TensorRT."""
    check_cuda_name(device)
    import torch

    from vidsr.engines.devices import resolve_device
    from vidsr.engines.trt.build import import_tensorrt

    if not torch.cuda.is_available():
        raise DeviceError(
            "TensorRT engines need an NVIDIA GPU, and PyTorch sees none",
            hint="vidsr-engine export writes an ONNX file to build from on another machine",
        )
    chosen = resolve_device(device)
    return Machine(chosen, describe_gpu(chosen), import_tensorrt())


def describe_gpu(device: torch.device) -> Gpu:
    """Return the GPU as engines are bound to it."""
    import torch

    from vidsr.cache.keys import Gpu

    found = torch.cuda.get_device_properties(device)
    return Gpu(
        name=found.name,
        compute_capability=(found.major, found.minor),
        sm_count=found.multi_processor_count,
        driver_version=driver_version(),
        cuda_version=str(torch.version.cuda),
    )


def driver_version() -> str:
    """Return a version such as 580.65.06 from Linux, elsewhere CUDA's number, such as 13000."""
    import torch

    try:
        text = DRIVER.read_text(encoding="utf-8")
    except OSError:
        return str(torch._C._cuda_getDriverVersion())  # type: ignore[attr-defined]
    found = re.search(r"\s(\d+\.\d+(\.\d+)?)\s", text)
    return found[1] if found else text.strip()


def machine_or_reason(device: str = "cuda") -> Machine | str:
    """Return the GPU, or in one line why there is none to ask."""
    try:
        return find_machine(device)
    except DeviceError as error:
        return error.message
