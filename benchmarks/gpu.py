"""GPU benchmark: vidsr on one NVIDIA GPU, against what that GPU can do at all.

    python benchmarks/gpu.py                                  # all of it, about seven minutes
    python benchmarks/gpu.py --only kernels,engines --json result.json
    python benchmarks/gpu.py --device cpu --dry-run           # a rehearsal: tiny sizes, no GPU

ceilings   copy, matrix product and bus: every other number is given as a share of these
kernels    yuv_to_rgb and shuffle_to_yuv at 3840x2160, against a copy and against plain torch
engines    networks at three sizes, eager and as a graph, against a matrix product
stream     Upscaler.stream from 960x540 to 4K without codecs, against its network alone; a trace
endurance  very many small frames: memory and order
compile    the networks through torch.compile, in processes of their own
tune       block sizes and warps of the kernels; only if it is named or with --tune

Exit status 1 if a measurement failed, or a bar of gpu_bars.py is missed or was not measured.
The result, written again after every part, lies in $OUT or in benchmarks/results.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # a checkout of which nothing is installed

import torch  # noqa: E402
from foundation import commit, installed, processor  # noqa: E402
from gpu_bars import bars  # noqa: E402
from gpu_timing import Bench, guarded, say  # noqa: E402
from gpu_weights import ensure_safetensors  # noqa: E402

PARTS = ("kernels", "engines", "stream", "endurance", "compile", "tune")
CLOCKS = "driver_version,clocks.sm,clocks.max.sm,clocks.mem,clocks.max.mem,power.limit"


def device_facts(device: torch.device) -> dict[str, Any]:
    if device.type != "cuda":
        return {"device": processor()}
    properties = torch.cuda.get_device_properties(device)
    return {
        "device": properties.name,
        "multiprocessors": properties.multi_processor_count,
        "memory_gib": round(properties.total_memory / 2**30, 1),
        "capability": f"{properties.major}.{properties.minor}",
        **nvidia_smi(device),
    }


def nvidia_smi(device: torch.device) -> dict[str, str]:
    """Return driver and clocks, as far as the tool tells."""
    index = str(device.index or 0)
    command = ["nvidia-smi", f"--query-gpu={CLOCKS}", "--format=csv,noheader", "-i", index]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError) as error:
        return {"nvidia_smi": f"{type(error).__name__}: {error}"}
    return dict(zip(CLOCKS.split(","), (v.strip() for v in done.stdout.split(",")), strict=False))


def _cudnn() -> Any:
    return torch.backends.cudnn.version()  # type: ignore[no-untyped-call]


def circumstances(device: torch.device) -> dict[str, Any]:
    return {
        **device_facts(device),
        "processor": processor(),
        "processors": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: installed(name) for name in ("torch", "triton", "av", "numpy")},
        "cuda": torch.version.cuda,
        "cudnn": _cudnn() if device.type == "cuda" else None,
        "commit": commit(),
    }


def measure(args: argparse.Namespace, bench: Bench, target: Path, report: dict[str, Any]) -> None:
    """Fill ``report`` part by part and write it after each."""
    from gpu_ceilings import ceilings
    from gpu_engines import compiled, engines
    from gpu_kernels import kernels, tune
    from gpu_stream import endurance, stream

    def bound(name: str) -> float | None:
        value = report["parts"]["ceilings"].get(name)
        return None if value is None else float(value)

    seconds = bench.pick(args.endurance_s, 5.0)
    works: dict[str, Callable[[], dict[str, Any]]] = {
        "ceilings": lambda: ceilings(bench),
        "kernels": lambda: kernels(bench, bound("copy_gb_per_s")),
        "engines": lambda: engines(bench, bound("matmul_tflop_per_s")),
        "stream": lambda: stream(bench, target.parent, target.stem),
        "endurance": lambda: endurance(
            bench, bench.pick(args.frames, 40), max(1.0, min(seconds, bench.left_s - 20))
        ),
        "tune": lambda: tune(bench, bound("copy_gb_per_s")),
        "compile": lambda: compiled(bench),
    }
    for name, work in works.items():
        if name != "ceilings" and name not in args.only:
            continue
        out_of_time = bench.left_s < 10
        begin = time.perf_counter()
        result = {"skipped": "no time left"} if out_of_time else guarded(name, work)
        report["parts"][name] = result
        report["seconds"][name] = round(time.perf_counter() - begin, 1)
        target.write_text(json.dumps(report, indent=1) + "\n")


def has_error(result: Any) -> bool:
    """Return True if any measurement in it failed."""
    if not isinstance(result, dict):
        return False
    wrong = "error" in result or "errors" in result or "skipped" in result
    return wrong or bool(result.get("order_errors")) or any(map(has_error, result.values()))


def target_path(args: argparse.Namespace, device: torch.device) -> Path:
    if args.json:
        return Path(args.json)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "rehearsal"
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return Path(os.environ.get("OUT") or HERE / "results") / f"{slug}.json"


def parts(text: str) -> list[str]:
    """Split names with commas between them."""
    names = text.split(",")
    if unknown := set(names) - set(PARTS):
        known = ", ".join(PARTS)
        raise argparse.ArgumentTypeError(f"expected some of {known}, got {sorted(unknown)}")
    return names


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", type=parts, default=list(PARTS[:-1]), help=",".join(PARTS))
    parser.add_argument("--tune", action="store_true", help="sweep the kernels' constants too")
    parser.add_argument("--json", help="where the result goes")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N, or cpu to rehearse")
    parser.add_argument("--dry-run", action="store_true", help="tiny sizes, one round")
    parser.add_argument("--budget-s", type=float, default=460, help="after which parts are skipped")
    parser.add_argument("--frames", type=int, default=100_000, help="of endurance")
    parser.add_argument("--endurance-s", type=float, default=100, help="at most, of endurance")
    args = parser.parse_args()
    args.only = [*args.only, *(["tune"] if args.tune else [])]
    return args


def main() -> int:
    args = arguments()
    ensure_safetensors()
    device = torch.device(args.device)
    if device.type == "cuda":
        if not torch.cuda.is_available():
            print("error: no CUDA device. Hint: --device cpu --dry-run", file=sys.stderr)
            return 7
        device = torch.device("cuda", device.index or 0)
        torch.cuda.set_device(device)
    else:
        # Before Triton is imported: its kernels then run in its interpreter.
        os.environ.setdefault("TRITON_INTERPRET", "1")
    rounds, round_ms = (1, 0.0) if args.dry_run else (7, 20.0)
    begin = time.perf_counter()
    bench = Bench(device, args.dry_run, rounds, round_ms, begin + args.budget_s)
    target = target_path(args, device)
    target.parent.mkdir(parents=True, exist_ok=True)
    report: dict[str, Any] = {"circumstances": circumstances(device), "parts": {}, "seconds": {}}
    measure(args, bench, target, report)
    say(f"{target}: {time.perf_counter() - begin:.0f} s")
    failed = [
        name
        for name, result in report["parts"].items()
        if name not in ("compile", "tune") and has_error(result)  # which only explore
    ]
    say(f"failed: {', '.join(failed)}" if failed else "nothing failed")
    report["bars"] = bars(report["parts"])
    target.write_text(json.dumps(report, indent=1) + "\n")
    if args.dry_run:  # sizes at which shares mean nothing
        return int(bool(failed))
    for name, verdict in report["bars"].items():
        say(f"{name}: {verdict}")
    return int(bool(failed) or any(verdict != "met" for verdict in report["bars"].values()))


if __name__ == "__main__":
    sys.exit(main())
