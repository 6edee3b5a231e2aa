"""Each stage of a frame's way alone, on the same frames, beside the machine's ceilings: one round.

A stage is done for all frames before the next begins. Every round is a process of its own, and
rounds take turns with the whole command: what disturbs one disturbs the other.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import av
import torch
from torch import Tensor

from vidsr.bench.clip import bounce
from vidsr.bench.rounds.ceilings import ceilings, types_of
from vidsr.bench.rounds.engine_marks import now
from vidsr.bench.rounds.network_stage import network
from vidsr.bench.rounds.samples import Bench, Samples
from vidsr.bench.rounds.whole_command import about, first_frames, open_job
from vidsr.bench.worker_task import Task, serve
from vidsr.notes import Notes
from vidsr.picture.frame import to_image
from vidsr.video.close_codecs import writing
from vidsr.video.sink.output_plan import configure_encoder

CPU = torch.device("cpu")
NO_BUS = "frames are where the network runs"
DECODED_BYTES = 256 << 20  # of frames kept; a longer clip goes to and fro


def decode(task: Task) -> Samples:
    """Frames out of the file as the command gets them; opening the file is not counted."""
    samples, frames = Samples(), first_frames(task, task.frames)
    samples.work = next(frames).format.frame_bytes
    before = now(CPU)
    for _ in frames:
        after = now(CPU)
        samples.add(after - before)
        before = after
    return samples


def upload(bench: Bench) -> Samples:
    """Planes from page-locked memory to the device."""
    if bench.device.type != "cuda":
        return Samples(none=NO_BUS)
    samples = Samples(work=bench.frames[0].format.frame_bytes, ceiling="upload")
    host = [plane.pin_memory() for plane in bench.frames[0].planes]
    there = [torch.empty_like(plane, device=bench.device) for plane in host]
    return _copies(bench, samples, there, host)


def download(bench: Bench) -> Samples:
    """Planes of a large frame from the device to page-locked memory."""
    if bench.device.type != "cuda":
        return Samples(none=NO_BUS)
    samples = Samples(work=bench.large[0].format.frame_bytes, ceiling="download")
    host = [plane.pin_memory() for plane in bench.large[0].planes]
    there = [plane.to(bench.device) for plane in host]
    return _copies(bench, samples, host, there)


def _copies(
    bench: Bench, samples: Samples, targets: list[Tensor], sources: list[Tensor]
) -> Samples:
    for _ in range(bench.task.frames):
        begin = now(bench.device)
        for target, source in zip(targets, sources, strict=True):
            target.copy_(source, non_blocking=True)
        samples.add(now(bench.device) - begin)
    return samples


def copy(bench: Bench) -> Samples:
    """Planes of a large frame into the picture that the encoder takes."""
    samples = Samples(work=2 * bench.large[0].format.frame_bytes, ceiling="copy")
    for frame in bench.outputs():
        begin = now(CPU)
        to_image(frame)
        samples.add(now(CPU) - begin)
    return samples


def encode(bench: Bench) -> Samples:
    """Time the command's encoder and muxer on its pictures; emptying the encoder counts."""
    plan, samples = bench.job.output, Samples(work=bench.large[0].format.frame_bytes)
    images = [
        to_image(frame).reformat(format=plan.encoder_format, threads=1) for frame in bench.large
    ]
    step = round(1 / (plan.rate * plan.time_base)) or 1
    path = Path(bench.task.target)
    with writing(av.open(str(path), "w", format=plan.target.container)) as container:
        stream = configure_encoder(container, plan)
        order = bounce(bench.task.frames, len(images))
        for index, image in enumerate(images[i] for i in order):
            begin = now(CPU)
            image.pts, image.time_base = index * step, plan.time_base
            container.mux(stream.encode(image))
            samples.add(now(CPU) - begin)
        begin = now(CPU)
        container.mux(stream.encode(None))
        samples.add_rest(now(CPU) - begin)
    path.unlink()
    return samples


def measure(task: Task) -> dict[str, Any]:
    """One round: every stage, every ceiling."""
    notes = Notes()
    with open_job(task, notes) as job:
        kept = max(2, DECODED_BYTES // job.info.format.frame_bytes)
        bench = Bench(task, job, list(first_frames(task, min(task.frames, kept))))
        device = bench.device
        types = types_of(device, job.upscaler.engine.dtype)
        limits = ceilings(device, types)
        found = {"decode": decode(task), "upload": upload(bench), **network(bench)}
        found |= {"download": download(bench), "copy": copy(bench), "encode": encode(bench)}
        # What disturbed them before need not do so after: the most that was seen is the ceiling.
        again = ceilings(device, types)
        limits = {name: max(rate, again[name]) for name, rate in limits.items()}
        facts = about(task, job)
    return {
        "stages": {name: asdict(samples) for name, samples in found.items()},
        "ceilings": limits,
        **facts,
    }


if __name__ == "__main__":
    sys.exit(serve(measure))
