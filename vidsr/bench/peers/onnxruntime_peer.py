"""Peer of this project's network on ONNX Runtime's CPU provider."""

from __future__ import annotations

import av
import torch

from vidsr.bench.peers.job import Opened, PeerJob, needed
from vidsr.bench.peers.onnx_file import Floats, onnx_file, shuffled
from vidsr.bench.peers.rgb_loop import open_rgb_loop


def open_peer(job: PeerJob) -> Opened[av.VideoFrame]:
    runtime = needed("onnxruntime", "onnxruntime")
    torch.set_num_threads(job.threads)
    data, facts = onnx_file(job)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = job.threads
    session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def run(x: Floats) -> Floats:
        result: Floats = session.run(None, {"x": x})[0]
        return result

    return open_rgb_loop(job, shuffled(run, facts), "onnxruntime")
