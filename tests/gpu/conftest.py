"""What ``gpu-check`` finds on a machine that has no more than torch, Triton, NumPy and pytest."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from gpu_weights import ensure_safetensors

ensure_safetensors()
