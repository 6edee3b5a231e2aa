"""Networks of others beside those that ship, on crops of real footage: ``CLIP ... --model ...``.

``python benchmarks/footage_models.py clips/*.mp4 --models lite-x4 srresnet-x4 FOLDER/x4plus.param``
cuts a few frames out of the middle of each clip, without loss, has ``vidsr-eval --codec`` shrink,
code, upscale and score them, and prints the means over all clips; ``--json`` keeps every score.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

import av

from vidsr.picture.size import Size

METRICS = ("psnr_db", "ssim", "niqe")


def crop(clip: Path, folder: Path, size: Size, skipped: int, frames: int) -> Path:
    """Write the middle of some frames without loss; returns the file."""
    target = folder / f"{clip.stem}.mkv"
    with av.open(str(clip)) as source, av.open(str(target), "w") as sink:
        stream = None
        for image in islice(source.decode(video=0), skipped, skipped + frames):
            rgb = image.to_ndarray(format="rgb24")
            width, height = (min(a, b) // 8 * 8 for a, b in zip(
                (size.width, size.height), (image.width, image.height), strict=True
            ))  # fmt: skip
            top, left = (rgb.shape[0] - height) // 2, (rgb.shape[1] - width) // 2
            part = rgb[top : top + height, left : left + width]
            if stream is None:
                stream = sink.add_stream("ffv1", rate=25)
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            made = av.VideoFrame.from_ndarray(part.copy(), format="rgb24")
            sink.mux(stream.encode(made.reformat(format="yuv420p", dst_colorspace="ITU709")))
        if stream is None:
            raise SystemExit(f"{clip}: fewer than {skipped} frames")
        sink.mux(stream.encode(None))
    return target


def evaluated(folder: Path, models: list[str], codings: list[str], frames: int) -> dict[str, Any]:
    """Return what ``vidsr-eval`` says of the clips in a folder."""
    command = [sys.executable, "-m", "vidsr.quality.cli", "--hr", str(folder), "--json", "-"]
    command += ["--frames", str(frames), "--metrics", "psnr,ssim,niqe", "--niqe-every", "1"]
    command += [part for name in models for part in ("--model", name)]
    command += [part for coding in codings for part in ("--codec", coding)]
    command += ["--threads", "1", "--baselines", "bicubic", "--device", "cpu"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--models", nargs="+", required=True)
    parser.add_argument("--codec", action="append", default=[])
    parser.add_argument("--crop", type=Size.parse, default=Size(480, 320))
    parser.add_argument("--skip", type=int, default=30)
    parser.add_argument("--frames", type=int, default=2)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for clip in args.clips:
            crop(clip, folder, args.crop, args.skip, args.frames)
        found = evaluated(folder, args.models, args.codec or ["h264:23"], args.frames)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found)[:2000])


if __name__ == "__main__":
    main()
