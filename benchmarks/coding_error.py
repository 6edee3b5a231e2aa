"""How well the expected error of a picture is known: clips with little loss, encoded and compared.

    python benchmarks/coding_error.py CLIP... --json result.json
    python benchmarks/coding_error.py CLIP... --fit

Each clip is shrunk four times, which leaves little of what its own codec did, and is encoded at
five qualities by every codec. For every picture the expected error stands against the true one.
``--fit`` prints the coefficients of ``vidsr/video/coding/expected_error.py`` anew, and how far off
they are on clips that were left out of the fit.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a checkout of which nothing is installed

from vidsr.video.coding.activity import activity, differences  # noqa: E402
from vidsr.video.coding.codecs import export_quantisers  # noqa: E402
from vidsr.video.coding.coding_errors import CodingErrors  # noqa: E402
from vidsr.video.coding.expected_error import Evidence  # noqa: E402
from vidsr.video.coding.spent_bytes import levels_of_bytes  # noqa: E402

PICTURES, SKIPPED, SHRINK = 40, 8, 4
MEASURED = 16  # the rest is there for encoders to look ahead, which makes the last ones unusual
VISIBLE = 0.25  # levels; smaller errors all count as this one
Options = dict[str, str]


@dataclass(frozen=True)
class Sample:
    """One decoded picture: its codec, clip and quality, what is known of it, and its true error."""

    codec: str
    clip: str
    quality: str
    evidence: Evidence
    bits: float
    told: float
    true: float


def qualities(codec: str) -> Iterator[tuple[str, Options]]:
    """Yield names and options of a codec's qualities."""
    if codec in ("mpeg2video", "mpeg4", "mjpeg"):
        for q in (2, 4, 8, 16, 28):
            b_frames = {} if codec == "mjpeg" else {"bf": "2"}
            yield f"q{q}", {"qmin": str(q), "qmax": str(q)} | b_frames
        return
    scales = {
        "libx264": (12, 18, 23, 28, 33),
        "libx265": (14, 20, 25, 30, 36),
        "libsvtav1": (12, 24, 35, 45, 58),
        "libvpx-vp9": (10, 24, 36, 46, 56),
        "libvpx": (8, 20, 32, 45, 60),
    }
    fixed: dict[str, Options] = {
        "libx265": {"x265-params": "log-level=none"},
        "libsvtav1": {"preset": "8"},
        "libvpx-vp9": {"b": "0", "cpu-used": "4"},
        "libvpx": {"b": "4000000", "cpu-used": "4"},
    }
    for crf in scales[codec]:
        held = {"qmin": str(crf), "qmax": str(crf)} if codec == "libvpx" else {}
        yield f"crf{crf}", fixed.get(codec, {}) | {"crf": str(crf)} | held


CODECS = ("libx264", "libx265", "libvpx-vp9", "libsvtav1", "libvpx", "mpeg2video", "mpeg4", "mjpeg")


def shrunk(path: Path) -> list[av.VideoFrame]:
    """Return pictures of a clip, a quarter as wide and high where it is 600 pixels wide or more."""
    pictures = []
    with av.open(str(path)) as container:
        for number, image in enumerate(container.decode(video=0)):
            by = SHRINK if image.width >= 600 else 1
            size = {"width": image.width // by // 2 * 2, "height": image.height // by // 2 * 2}
            if number >= SKIPPED:
                pictures.append(image.reformat(**size, format="yuv420p", interpolation="AREA"))
            if len(pictures) == PICTURES:
                break
    return pictures


def luma(image: av.VideoFrame) -> NDArray[np.uint8]:
    """Return the first plane, ``[h, w]``."""
    plane = image.planes[0]
    whole = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return whole[:, : image.width]


def encode(pictures: Sequence[av.VideoFrame], codec: str, options: Options) -> io.BytesIO:
    """Return a Matroska file of the pictures."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.width, stream.height = pictures[0].width, pictures[0].height
        stream.pix_fmt = pictures[0].format.name
        stream.codec_context.thread_count = 1
        if "qmin" in options and codec != "libvpx":
            stream.codec_context.flags |= av.codec.context.Flags.qscale
        stream.codec_context.options = options
        for number, image in enumerate(pictures):
            image.pts, image.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(image))
        container.mux(stream.encode(None))
    file.seek(0)
    return file


def decode(file: io.BytesIO) -> Iterator[tuple[Evidence, float, float, NDArray[np.uint8]]]:
    """Yield what is known of every picture, bits a pixel, the expected error, and its luma."""
    with av.open(file, "r") as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        export_quantisers(context)
        errors = CodingErrors(context.name, context.extradata, exported=True, ahead=True)
        packets = list(container.demux(stream))
        for packet in packets:
            if errors.reads_ahead and packet.size:
                errors.see(packet)
        for packet in packets:
            errors.packet(packet)
            for image in packet.decode():
                errors.picture(image)
                samples = luma(image)
                evidence = errors.evidence(activity(differences(samples), 8))
                told = errors.of(samples, 8)
                assert evidence is not None
                assert told is not None
                yield evidence, errors.bits_per_pixel or 0.0, told.levels, samples


def measure(paths: Sequence[Path], codecs: Sequence[str]) -> Iterator[Sample]:
    """Yield every picture of every encode."""
    for path in paths:
        pictures = shrunk(path)
        for codec in codecs:
            kind = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            given = [image.reformat(format=kind) for image in pictures]
            for quality, options in qualities(codec):
                decoded = decode(encode(given, codec, options))
                for image, (evidence, bits, told, samples) in islice(
                    zip(given, decoded, strict=True), MEASURED
                ):
                    true = np.sqrt(np.square(samples.astype(float) - luma(image)).mean())
                    yield Sample(codec, path.stem, quality, evidence, bits, told, float(true))


def misses(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Return how far expected errors are off, as shares of the true ones and in levels."""
    told, true = (np.maximum(column, VISIBLE) for column in np.array(pairs).T)
    octaves = np.abs(np.log2(told / true))
    return {
        "median_share": round(float(2 ** np.median(octaves)) - 1, 3),
        "p90_share": round(float(2 ** np.quantile(octaves, 0.9)) - 1, 3),
        "mean_levels": round(float(np.abs(told - true).mean()), 3),
    }


def summary(samples: Sequence[Sample]) -> dict[str, Any]:
    """Return how far off expected errors are by picture and encode, and of bytes alone."""
    encodes: dict[tuple[str, str], list[Sample]] = {}
    for each in samples:
        encodes.setdefault((each.clip, each.quality), []).append(each)
    means = [
        (float(np.mean([s.told for s in many])), float(np.mean([s.true for s in many])))
        for many in encodes.values()
    ]
    bytes_only = [
        (levels_of_bytes(s.evidence.family, s.bits, s.evidence.activity), s.true) for s in samples
    ]
    return {
        "encodes": len(encodes),
        "pictures": len(samples),
        "by_picture": misses([(s.told, s.true) for s in samples]),
        "by_encode": misses(means),
        "by_bytes_alone": misses(bytes_only),
    }


def columns(samples: Sequence[Sample]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the terms of the formula for each picture, and the logarithm of its error."""
    rows = []
    for each in samples:
        e = each.evidence
        step, recent = np.log2(max(e.step, 0.25)), np.log2(max(e.recent, 0.25))
        busy = np.log2(min(max(e.activity, 0.25), 32))
        rows.append([1, step, step**2, busy, recent - step, float(e.key), float(e.bidirectional)])
    return np.array(rows), np.log2([max(s.true, 0.05) for s in samples])


def solve(terms: NDArray[np.float64], logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return coefficients by least squares, those that the samples say nothing of near 0."""
    ridge = np.diag([0.0] + [0.7] * (terms.shape[1] - 1))
    padded = np.concatenate([logs, np.zeros(len(ridge))])
    found: NDArray[np.float64] = np.linalg.lstsq(np.vstack([terms, ridge]), padded, rcond=None)[0]
    return found


def fit(samples: Sequence[Sample]) -> dict[str, Any]:
    """Return the coefficients for a family, and how far off they are on clips left out."""
    terms, logs = columns(samples)
    clips = np.array([each.clip for each in samples])
    told = np.zeros(len(logs))
    for clip in set(clips):
        told[clips == clip] = terms[clips == clip] @ solve(
            terms[clips != clip], logs[clips != clip]
        )
    curve = [round(float(each), 3) for each in solve(terms, logs)]
    return {"curve": curve, "left_out": misses(list(zip(2**told, 2**logs, strict=True)))}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--codec", action="append", choices=CODECS, help="may be repeated")
    parser.add_argument("--fit", action="store_true", help="print coefficients")
    parser.add_argument("--json", type=Path, help="file for the result")
    arguments = parser.parse_args()
    av.logging.set_level(av.logging.PANIC)
    samples = list(measure(arguments.clips, arguments.codec or CODECS))
    result: dict[str, Any] = {}
    for codec in arguments.codec or CODECS:
        result[codec] = summary([s for s in samples if s.codec == codec])
        print(codec, json.dumps(result[codec]))
    for family in dict.fromkeys(s.evidence.family for s in samples):
        found = fit([s for s in samples if s.evidence.family == family])
        result.setdefault("left_out", {})[family] = found["left_out"]
        if arguments.fit:
            print(family, json.dumps(found))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
