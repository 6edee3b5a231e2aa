"""Foundation benchmark of three promises: little overhead, no waste, flat memory.

    python benchmarks/foundation.py --json result.json

engine   TorchEngine.run costs at most 1.1 times the bare network
command  a frame costs the whole command at most 1.25 times its parts measured alone
memory   ten thousand frames need at most 5 % more memory than five hundred
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
DEMO = HERE.parent / "examples" / "demo.mp4"
BARS = {"engine": 1.10, "command": 1.25, "memory": 1.05}
PARTS = ("decode", "engine", "colour", "encode")
# Idle OpenMP threads sleep instead of spinning, on both sides of every comparison: on a busy
# machine spinning was seen to multiply a part's CPU time by twenty.
ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE"}


@dataclass(frozen=True)
class Cost:
    """Cost of a finished process, as the kernel reports it."""

    cpu_s: float
    peak_mib: float


def run(command: Sequence[str]) -> tuple[Cost, str]:
    """Run a command to its end. Raises SystemExit with its last words when it fails."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, stdout=out, stderr=errors, env={**os.environ, **ENVIRONMENT}
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode:
            tail = errors.read().decode(errors="replace").strip()[-1500:]
            raise SystemExit(f"error: {' '.join(command)}\n{tail}")
        return _cost(usage), out.read().decode()


def _cost(usage: Any) -> Cost:
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 2**20)


def part(name: str, *arguments: object) -> dict[str, Any]:
    """Run one function of ``parts.py`` in a process of its own."""
    _, text = run([sys.executable, str(HERE / "parts.py"), name, *map(str, arguments)])
    result: dict[str, Any] = json.loads(text)
    return result


def vidsr(source: Path, target: Path, *, preset: str = "veryfast") -> Cost:
    """Run the whole command as a user would."""
    entry = "from vidsr.cli import main; raise SystemExit(main())"
    command = [sys.executable, "-c", entry, str(source), "-o", str(target)]
    options = ["--model", "lite-x4", "--device", "cpu", "--codec", "h264", "--preset", preset]
    cost, _ = run([*command, *options, "--overwrite", "-q"])
    return cost


def measure_engine(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return the ratio of medians over several processes, because layouts of memory differ."""
    runs = [part("engine_overhead", 20 * args.repeats) for _ in range(3)]
    middle = sorted(runs, key=lambda r: float(r["ratio"]))[1]
    return {**middle, "ratios": [r["ratio"] for r in runs]}


def measure_command(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return CPU time a frame: the slope between two lengths, which leaves out the start."""
    short, long = 24, 24 + args.frames
    clips = {count: folder / f"{count}.mp4" for count in (short, long)}
    for count, path in clips.items():
        part("clip", DEMO, path, count)
    whole: list[float] = []
    alone: dict[str, list[float]] = {name: [] for name in PARTS}
    for _ in range(args.repeats):
        costs = [vidsr(clips[count], folder / "out.mp4").cpu_s for count in (short, long)]
        whole.append(1e3 * (costs[1] - costs[0]) / args.frames)
        for name in PARTS:
            extra = [folder / "alone.mp4"] if name == "encode" else []
            alone[name].append(part(f"part_{name}", clips[long], args.frames, *extra)["cpu_ms"])
    parts_ms = {name: median(values) for name, values in alone.items()}
    total = sum(parts_ms.values())
    return {
        "frames": args.frames,
        "command_cpu_ms_per_frame": median(whole),
        "parts_cpu_ms_per_frame": parts_ms,
        "parts_sum_cpu_ms_per_frame": total,
        "ratio": median(whole) / total,
        "all_command_cpu_ms": whole,
        "all_parts_cpu_ms": alone,
    }


def measure_memory(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return peak resident memory of the command on a short and a long clip of small frames."""
    peaks: dict[int, list[float]] = {500: [], args.long: []}
    for count in peaks:
        part("tiny", folder / f"tiny{count}.mp4", count)
    for _ in range(min(args.repeats, 3)):
        for count, values in peaks.items():
            cost = vidsr(folder / f"tiny{count}.mp4", folder / "out.mp4", preset="ultrafast")
            values.append(cost.peak_mib)
    medians = {count: median(values) for count, values in peaks.items()}
    return {
        "frames": list(peaks),
        "peak_mib": [medians[count] for count in peaks],
        "ratio": medians[args.long] / medians[500],
    }


MEASURES: dict[str, Callable[[argparse.Namespace, Path], dict[str, Any]]] = {
    "engine": measure_engine,
    "command": measure_command,
    "memory": measure_memory,
}


def processor() -> str:
    """Return the CPU's own name if the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def commit() -> str:
    """Return the commit measured, with ``-dirty`` if files were changed since."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        out = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return out.stdout.strip()


def circumstances() -> dict[str, Any]:
    """Return the circumstances of the numbers: host, versions, commit."""
    return {
        "processor": processor(),
        "processors": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: installed(name) for name in ("vidsr", "torch", "av", "numpy")},
        "commit": commit(),
    }


def line(name: str, result: dict[str, Any]) -> str:
    """Return one line for people."""
    numbers = {
        "engine": lambda r: f"{r['engine_ms']:.1f} ms, bare {r['bare_ms']:.1f} ms ({r['dtype']})",
        "command": lambda r: (
            f"{r['command_cpu_ms_per_frame']:.1f} ms of CPU a frame, parts "
            + " + ".join(f"{k} {v:.1f}" for k, v in r["parts_cpu_ms_per_frame"].items())
        ),
        "memory": lambda r: " and ".join(
            f"{p:.0f} MiB for {n} frames" for n, p in zip(r["frames"], r["peak_mib"], strict=True)
        ),
    }
    verdict = "ok" if result["within_bar"] else "MISSED"
    return (
        f"{name:8} {result['ratio']:.3f} (bar {BARS[name]:.2f}) {verdict}: {numbers[name](result)}"
    )


def parser() -> argparse.ArgumentParser:
    out = argparse.ArgumentParser(description="Measure overhead, CPU time and memory.")
    out.add_argument("--only", nargs="+", choices=list(MEASURES), default=list(MEASURES))
    out.add_argument("--repeats", type=int, default=5, help="rounds, medians are taken (5)")
    out.add_argument("--frames", type=int, default=300, help="of the command's clip (300)")
    out.add_argument("--long", type=int, default=10_000, help="frames of the memory clip (10000)")
    out.add_argument("--json", type=Path, help="write everything measured to this file")
    out.add_argument("--check", action="store_true", help="exit with 1 when a bar is missed")
    return out


def main() -> int:
    args = parser().parse_args()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in args.only:
            result = MEASURES[name](args, Path(folder))
            result |= {"bar": BARS[name], "within_bar": result["ratio"] <= BARS[name]}
            results[name] = result
            print(line(name, result), flush=True)
    if args.json:
        report = {"circumstances": circumstances(), "results": results}
        args.json.write_text(json.dumps(report, indent=2) + "\n")
    return int(args.check and not all(r["within_bar"] for r in results.values()))


if __name__ == "__main__":
    sys.exit(main())
