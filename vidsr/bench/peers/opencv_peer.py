"""OpenCV's own super-resolution loop with FSRCNN, the network most of its users take.

The network is a file of the user's: OpenCV publishes none, its documentation links to
https://github.com/Saafke/FSRCNN_Tensorflow/tree/master/models (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from vidsr.bench.peers.job import Absent, Opened, PeerJob, Watch, needed

PACKAGE = "opencv-contrib-python-headless"
PUBLISHED = "https://github.com/Saafke/FSRCNN_Tensorflow/tree/master/models"
Picture = NDArray[np.uint8]


def open_peer(job: PeerJob) -> Opened[Picture]:
    cv2 = needed("cv2", PACKAGE)
    if not hasattr(cv2, "dnn_superres"):
        raise Absent(f"this OpenCV has no dnn_superres: pip install {PACKAGE}")
    file = _network_file(job)
    cv2.setNumThreads(job.threads)
    network = cv2.dnn_superres.DnnSuperResImpl_create()
    network.readModel(str(file))
    network.setModel("fsrcnn", job.scale)
    watch = Watch()

    def upscale(picture: Picture) -> av.VideoFrame:
        with watch.run():
            large = network.upsample(picture)
        return av.VideoFrame.from_ndarray(large, format="bgr24")

    note = f"{file.name}, not this network: other pictures; times include its own colour"
    return Opened(partial(_read, cv2, job.source), upscale, watch, note, (PACKAGE, "av"))


def _network_file(job: PeerJob) -> Path:
    name = f"FSRCNN_x{job.scale}.pb"
    if job.models is None:
        raise Absent(f"no {name}: get it from {PUBLISHED}, name its folder in $VIDSR_BENCH_MODELS")
    if not (job.models / name).is_file():
        raise Absent(f"no {name} in {job.models}: get it from {PUBLISHED}")
    return job.models / name


def _read(cv2: Any, source: Path) -> Iterator[Picture]:
    capture = cv2.VideoCapture(str(source))
    try:
        while True:
            found, picture = capture.read()
            if not found:
                return
            yield picture
    finally:
        capture.release()
