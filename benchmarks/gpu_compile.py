"""Run of one network through torch.compile, for `gpu.py`: it may take minutes and may crash.

python benchmarks/gpu_compile.py MODEL WIDTH HEIGHT MODE DEVICE TINY
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import torch
from gpu_weights import ensure_safetensors

ensure_safetensors()

from gpu_engines import build, capture_for  # noqa: E402
from gpu_timing import Bench, call_ms, rounded  # noqa: E402

from vidsr.engines.pytorch.inference_net import InferenceNet  # noqa: E402
from vidsr.models.zoo import load_model  # noqa: E402


@torch.inference_mode()
def main() -> None:
    model, width, height, mode, device, tiny = sys.argv[1:]
    bench = Bench(torch.device(device), tiny == "1", 1 if tiny == "1" else 5, 20.0, float("inf"))
    engine = build(bench, model)
    shape = (1, engine.channels, int(height), int(width))
    x = torch.rand(shape, device=bench.device).to(engine.input_dtype)
    x = x.contiguous(memory_format=torch.channels_last)
    wanted = engine.run(x).float()
    # Without CUDA this is a rehearsal: what compiles nothing comes soonest.
    options: dict[str, Any] = {"mode": mode} if bench.cuda else {"backend": "eager"}
    plain = InferenceNet(load_model(model).module, engine.dtype, half_output=bench.cuda)
    plain.to(bench.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    net = torch.compile(plain, fullgraph=True, dynamic=False, **options)
    begin = time.perf_counter()
    found = net(x).float()
    if bench.cuda:
        torch.cuda.synchronize(bench.device)
    compile_s = time.perf_counter() - begin
    _, replay = capture_for(bench)(lambda: net(x))
    row = {
        "compile_s": compile_s,
        "graphed_ms": call_ms(bench, replay),
        "greatest_difference": float((found - wanted).abs().max()),
    }
    print(json.dumps(rounded(row)))


if __name__ == "__main__":
    main()
