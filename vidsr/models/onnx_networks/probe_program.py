"""The program that tries an ONNX file in a process of its own, within bounds of memory and time.

What a library does with a file of others may crash, hang or take all memory: here it takes this
process only. Arguments: file, bytes of address space, seconds of CPU; the outcome is JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vidsr.errors import VidsrError
from vidsr.models.onnx_networks.contract import Contract
from vidsr.models.onnx_networks.ends import to_network
from vidsr.models.onnx_networks.probe import Face, Network, Refusal, find_contract
from vidsr.models.onnx_networks.runtime import TYPES, first_line, open_session

THREADS = 2
LARGEST_SIDE = 192  # of the picture that memory and time are measured on
MEASURED_S = 1.0  # at most, by what smaller pictures took
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def main() -> int:
    """Try the file and print the outcome as JSON: ``contract``, or ``refusal``."""
    path, address_bytes, cpu_s = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    with suppress(ValueError, OSError):  # where there is no such limit
        resource.setrlimit(resource.RLIMIT_AS, (address_bytes, address_bytes))
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        outcome = {"contract": json.loads(_try(path).to_json())}
    except Refusal as error:
        outcome = {"refusal": str(error)}
    except VidsrError as error:
        outcome = {"refusal": error.message.removeprefix(f"{path}: ")}
    except MemoryError:
        outcome = {"refusal": "it takes more memory than a network for pictures does"}
    except Exception as error:  # of ONNX Runtime, which has no common base
        outcome = {"refusal": f"ONNX Runtime fails on it: {first_line(error)}"}
    print(json.dumps(outcome))
    return 0


def _try(path: Path) -> Contract:
    session = open_session(path, THREADS, arena=False)
    taken, given = session.get_inputs(), session.get_outputs()
    if (len(taken), len(given)) != (1, 1):
        names = ", ".join(each.name for each in taken)
        raise Refusal(
            f"expected one picture in and one out, got {len(taken)} inputs ({names}) "
            f"and {len(given)} outputs"
        )
    network = Network(session, _face(taken[0]), _face(given[0]))
    metadata = session.get_modelmeta().custom_metadata_map
    return _measured(network, find_contract(network, metadata))


def _face(declared: Any) -> Face:
    sizes = tuple(n if isinstance(n, int) and n > 0 else None for n in declared.shape)
    return Face(declared.name, TYPES.get(declared.type, declared.type), sizes)


def _measured(network: Network, contract: Contract) -> Contract:
    """Return the contract with memory and time of a run."""
    if contract.fixed_size:
        height, width = contract.fixed_size
    else:
        height = width = max(contract.minimum, 32 + -32 % contract.multiple)
    seconds = _run(network, contract, (height, width))[0]
    per_pixel = seconds / (height * width)
    if not contract.fixed_size:
        affordable = int((MEASURED_S / per_pixel) ** 0.5)
        side = max(height, min(LARGEST_SIDE, affordable))
        height = width = side - side % contract.multiple
    seconds, peak = _run(network, contract, (height, width))
    return replace(
        contract,
        seconds_per_pixel=seconds / (height * width),
        bytes_per_pixel=peak // (height * width),
    )


def _run(network: Network, contract: Contract, size: tuple[int, int]) -> tuple[float, int]:
    """Return seconds and the peak of memory of one run."""
    channels = contract.channels
    x = np.full((contract.fixed_batch, channels, *size), 0.5, np.float32)
    given = to_network(x, contract.input)
    before = _resident("VmRSS")
    with suppress(OSError):
        CLEAR.write_text("5")
    start = time.perf_counter()
    network.run(given)
    seconds = time.perf_counter() - start
    return seconds, max(0, _resident("VmHWM") - before)


def _resident(name: str) -> int:
    """Return bytes that the system counts of this process; 0 where it does not say."""
    with suppress(OSError, ValueError, IndexError):
        for line in STATUS.read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) << 10
    return 0


if __name__ == "__main__":
    sys.exit(main())
