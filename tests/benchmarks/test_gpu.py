"""The GPU benchmark, rehearsed on a CPU: every part runs and writes what it should."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.warm import run_warm
from tests.paths import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

from gpu_bars import bars

pytest.importorskip("triton")
pytest.importorskip("av")

FOLDER = ROOT / "benchmarks"
SCRIPT = FOLDER / "gpu.py"
NO_GPU = {"CUDA_VISIBLE_DEVICES": ""}


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    code = f"import runpy; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    return run_warm(
        f"import sys; sys.path.insert(0, {str(FOLDER)!r}); {code}",
        arguments,
        environment={**NO_GPU, "TRITON_INTERPRET": "1"},
        timeout=600,
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    target = tmp_path_factory.mktemp("gpu") / "result.json"
    done = run("--device", "cpu", "--dry-run", "--tune", "--json", target)
    assert done.returncode == 0, done.stderr[-3000:]
    result: dict[str, Any] = json.loads(target.read_text())
    return result


def numbers(row: dict[str, Any], *names: str) -> bool:
    return all(isinstance(row[name], float) and row[name] > 0 for name in names)


@pytest.mark.slow
def test_every_part_measures(report: dict[str, Any]) -> None:
    parts = report["parts"]
    bounds = ["copy_gb_per_s", "matmul_tflop_per_s", "upload_gb_per_s", "download_gb_per_s"]
    assert numbers(parts["ceilings"], *bounds)
    assert len(parts["kernels"]) == 12
    for row in parts["kernels"].values():
        assert numbers(row, "us", "gb_per_s", "share_of_copy", "host_us", "torch_us")
        assert row["greatest_difference"] <= 1
    assert len(parts["engines"]) == 3
    for row in parts["engines"].values():
        assert numbers(row, "graphed_ms", "eager_ms", "gflop", "eager_unmeasured_ms")
        assert row["graphed_equals_eager"] is True
        assert row["largest_shares"]
    for row in parts["stream"].values():
        assert numbers(row, "stream_fps", "single_fps", "engine_fps", "device_fps")
    assert parts["endurance"]["order_errors"] == 0
    assert parts["endurance"]["frames"] > 0
    assert all(row["best"] for row in parts["tune"].values())
    assert all(numbers(row, "graphed_ms") for row in parts["compile"].values())


@pytest.mark.slow
def test_circumstances(report: dict[str, Any]) -> None:
    facts = report["circumstances"]
    assert set(facts["versions"]) == {"torch", "triton", "av", "numpy"}
    assert facts["commit"]
    assert facts["device"]


def test_multiply_adds_of_the_paper() -> None:
    """SRResNet x4 with its tail on phases: 2.22 M a pixel as published, 0.06 M more so."""
    code = "import gpu_engines; print(gpu_engines.gflop('srresnet-x4', (40, 20)))"
    done = run_warm(f"import sys; sys.path.insert(0, {str(FOLDER)!r}); {code}")
    assert done.returncode == 0, done.stderr
    millions = float(done.stdout) * 1e9 / 800 / 2e6
    assert millions == pytest.approx(2.28, abs=0.03)


def test_no_gpu_is_said() -> None:
    done = run()
    assert done.returncode == 7
    assert "no CUDA device" in done.stderr


def test_the_share_of_copies_under_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    from gpu_trace import overlap

    def event(category: str, name: str, start: float, duration: float) -> dict[str, Any]:
        return {"ph": "X", "cat": category, "name": name, "ts": start, "dur": duration}

    events = [
        event("kernel", "conv", 0, 10),
        event("kernel", "conv", 5, 10),
        event("kernel", "shuffle", 20, 10),
        event("gpu_memcpy", "Memcpy HtoD (Pinned -> Device)", 10, 10),  # half of it under conv
        event("gpu_memcpy", "Memcpy DtoH (Device -> Pinned)", 25, 5),  # all of it under shuffle
        event("gpu_memcpy", "Memcpy DtoD", 40, 50),  # not over the bus
        event("cpu_op", "aten::copy_", 0, 100),
        {"ph": "M", "name": "process_name"},
    ]
    path = tmp_path / "trace.json.gz"
    with gzip.open(path, "wt") as file:
        json.dump({"traceEvents": events}, file)
    result = overlap(path)
    assert result["kernels_us"] == 25
    assert result["copies_us"] == 15
    assert result["whole_us"] == 30
    assert result["copies_under_kernels"] == pytest.approx(10 / 15)


def test_bars_are_met_missed_or_not_measured() -> None:
    good = {
        "kernels": {
            "yuv420p to fp16 nhwc": {"share_of_copy": 0.81, "greatest_difference": 1.0},
            "yuv420p to fp32 nhwc": {"share_of_copy": 0.1, "greatest_difference": 0.0},
        },
        "engines": {"srresnet-x4 960x540": {"share_of_matmul": 0.36, "graphed_equals_eager": True}},
        "stream": {"srresnet-x4 960x540": {"share_of_engine": 0.96}},
        "endurance": {
            "frames": 10, "asked_for": 10, "order_errors": 0, "growth_bytes": {"resident": 5},
        },
    }  # fmt: skip
    assert set(bars(good).values()) == {"met"}
    bad = {
        "kernels": {"yuv420p to fp16 nhwc": {"share_of_copy": 0.5, "greatest_difference": 2.0}},
        "engines": {"srresnet-x4 960x540": {"share_of_matmul": 0.2, "graphed_equals_eager": False}},
        "stream": {"srresnet-x4 960x540": {"share_of_engine": 0.5}},
        "endurance": {
            "frames": 9, "asked_for": 10, "order_errors": 1, "growth_bytes": {"resident": 8 << 30},
        },
    }  # fmt: skip
    assert all(verdict.startswith("missed") for verdict in bars(bad).values())
    assert set(bars({}).values()) == {"not measured"}
