"""Set-up of ``gpu-check`` on a machine with no more than torch, Triton, NumPy and pytest."""

from __future__ import annotations

import sys

from tests.paths import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

from gpu_weights import ensure_safetensors

ensure_safetensors()
