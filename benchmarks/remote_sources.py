"""Measure what reading a film from a store costs by the way of reading ahead, beside a file.

    python benchmarks/remote_sources.py FILM [--delay 0.03]

A simulated S3 answers each request after a delay. Opening with a hundredth of the film, three
seeks, and the whole film are each timed, and their requests and bytes counted.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import av

from tests.servers.s3 import configuration, s3_server
from vidsr.video.media.containers import BUFFER_BYTES

MIB = 1 << 20
WAYS: dict[str, dict[str, Any]] = {
    "no cache": {"cache_type": "none"},
    "read ahead 1 MiB": {"cache_type": "readahead", "block_size": MIB},
    "read ahead 5 MiB": {"cache_type": "readahead", "block_size": 5 * MIB},
    "read ahead 8 MiB": {"cache_type": "readahead", "block_size": 8 * MIB},
    "8 blocks of 1 MiB": {
        "cache_type": "blockcache",
        "block_size": MIB,
        "cache_options": {"maxblocks": 8},
    },
    "8 blocks of 4 MiB": {
        "cache_type": "blockcache",
        "block_size": 4 * MIB,
        "cache_options": {"maxblocks": 8},
    },
}


@dataclass
class Count:
    """Requests and bytes of one measurement."""

    requests: int = 0
    bytes: int = 0


@contextmanager
def counted(files: Any) -> Iterator[Count]:
    """Count what a file system of S3 fetches."""
    count, fetch = Count(), files._call_s3

    async def call(method: str, *words: Any, **options: Any) -> Any:
        answer = await fetch(method, *words, **options)
        if method == "get_object":
            count.requests += 1
            count.bytes += int(answer["ContentLength"])
        return answer

    files._call_s3 = call
    try:
        yield count
    finally:
        files._call_s3 = fetch


def read(file: Any, part: str) -> None:
    """Decode a part of a film: its ``begin``, three places by ``seeks``, or demux the ``whole``."""
    with av.open(file, buffer_size=BUFFER_BYTES) as container:
        video = container.streams.video[0]
        video.thread_type = "AUTO"
        if part == "whole":
            for _ in container.demux():
                pass
            return
        for place in (0.0,) if part == "begin" else (0.7, 0.2, 0.5):
            if place:
                container.seek(int(place * (container.duration or 0)))
            for number, _ in enumerate(container.decode(video)):
                if number == 24:
                    break


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("film", type=Path)
    parser.add_argument("--delay", type=float, default=0.03, help="seconds of a request")
    arguments = parser.parse_args()
    with s3_server(f"--delay={arguments.delay}") as endpoint:
        os.environ |= configuration(endpoint)
        import fsspec

        files = fsspec.filesystem("s3", use_listings_cache=False)
        files.put_file(str(arguments.film), "films/film")
        for part in ("begin", "seeks", "whole"):
            begin_s = time.perf_counter()
            read(str(arguments.film), part)
            print(f"{part:6} {'a file':18} {time.perf_counter() - begin_s:6.2f} s")
            for name, way in WAYS.items():
                with counted(files) as count:
                    begin_s = time.perf_counter()
                    with files.open("films/film", "rb", **way) as file:
                        read(file, part)
                    spent_s = time.perf_counter() - begin_s
                print(
                    f"{part:6} {name:18} {spent_s:6.2f} s, {count.requests:4} requests, "
                    f"{count.bytes / MIB:6.1f} MiB",
                    flush=True,
                )


if __name__ == "__main__":
    main()
