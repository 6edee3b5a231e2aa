"""Peer of this project's network on OpenVINO, precision as its CPU plugin chooses it."""

from __future__ import annotations

import av
import torch

from vidsr.bench.peers.job import Opened, PeerJob, needed
from vidsr.bench.peers.onnx_file import Floats, onnx_file, shuffled
from vidsr.bench.peers.rgb_loop import open_rgb_loop


def open_peer(job: PeerJob) -> Opened[av.VideoFrame]:
    openvino = needed("openvino", "openvino")
    torch.set_num_threads(job.threads)
    data, facts = onnx_file(job)
    core = openvino.Core()
    model = core.read_model(model=data, weights=b"")
    model.reshape([1, facts.channels, job.height, job.width])
    hints = {"INFERENCE_NUM_THREADS": job.threads, "PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(model, "CPU", hints)
    precision = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    request = compiled.create_infer_request()

    def run(x: Floats) -> Floats:
        request.infer({0: x}, share_inputs=True)
        result: Floats = request.get_output_tensor(0).data
        return result

    note = f"the plugin chose {precision}"
    return open_rgb_loop(job, shuffled(run, facts), "openvino", note=note)
