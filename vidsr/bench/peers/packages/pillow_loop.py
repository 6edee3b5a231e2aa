"""Loop of programs that upscale pictures of Pillow by networks in their packages."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import av

from vidsr.bench.peers.job import Absent, Opened, PeerJob, Watch, needed
from vidsr.bench.peers.loop import read_images
from vidsr.bench.peers.rgb_loop import NOTE

CPU = -1  # their number of a GPU


def packaged(module: str, package: str, name: str, job: PeerJob) -> Any:
    """Import the class ``name`` of a package. Raises Absent with what to install.

    Its threads are OpenMP's: they are set before it is loaded.
    """
    os.environ["OMP_NUM_THREADS"] = str(job.threads)
    needed("PIL", "pillow")
    try:
        return getattr(needed(module, package), name)
    except ImportError as error:  # what it links against
        raise Absent(f"{package} does not load: {error}") from error


def open_pillow_loop(
    job: PeerJob, process: Callable[[Any], Any], note: str, *packages: str
) -> Opened[av.VideoFrame]:
    """Open a peer around ``process``, from one picture of Pillow to a larger one."""
    watch = Watch()

    frames: Any = av.VideoFrame  # whose methods for Pillow have no types

    def upscale(given: Any) -> av.VideoFrame:
        picture = given.to_image()
        with watch.run():
            large = process(picture)
        result: av.VideoFrame = frames.from_image(large)
        return result

    read = partial(read_images, job.source)
    return Opened(read, upscale, watch, f"{note}; {NOTE}", ("av", *packages))
