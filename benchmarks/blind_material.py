"""Pictures whose coding error is known, to teach the estimator that looks at luma alone.

    python benchmarks/blind_material.py --photos photos --clips a.mp4 b.mp4 --out material.npz

Photographs become short moving clips, and videos are cut and shrunk, which leaves little of what
their codec did. Each is given a look (soft, noisy, dark, upscaled, drawn on, ...), is kept as it
is, and is coded once and twice, now and then with another size in between. Of each, three pictures
are kept: their luma, and how far it is from the luma before the first codec.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import torch
from coding_error import Options, encode, luma
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from vidsr.degradation.clips import pan_clip
from vidsr.picture.size import Size

SIZE = Size(320, 192)
PICTURES, KEPT = 10, (0, 4, 8)
SIZE_PX = (SIZE.width, SIZE.height)
KERNELS = (Image.Resampling.BICUBIC, Image.Resampling.BOX, Image.Resampling.LANCZOS)
QUIET = {"x265-params": "log-level=none:pools=none"}
Clip = list[av.VideoFrame]
Look = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True)
class Sample:
    """One picture: the clip it is of, what was done to it, its true error, and its luma."""

    clip: str
    kind: str
    levels: float
    luma: NDArray[np.uint8]


def photo_clip(path: Path, rng: random.Random) -> list[Image.Image]:
    """Return a short clip of a window that drifts over a photograph shrunk up to seven times.

    Half of them are what a camera made of it, shrunk to half of that.
    """
    with Image.open(path) as file:
        photo = file.convert("RGB")
    by = rng.choice((1, 2)) if min(photo.width / 660, photo.height / 404) >= 1 else 1
    window = Size(SIZE.width * by, SIZE.height * by)
    least = max((window.width + 20) / photo.width, (window.height + 20) / photo.height)
    share = min(max(least, rng.choice((rng.uniform(0.14, 0.4), rng.uniform(0.4, 1)))), 1.0)
    size = (round(photo.width * share), round(photo.height * share))
    small = np.array(photo.resize(size, rng.choice(KERNELS)))
    top = rng.randint(0, size[1] - window.height - 20)
    left = rng.randint(0, size[0] - window.width - 20)
    part = small[top : top + window.height + 20, left : left + window.width + 20]
    whole = torch.from_numpy(part.transpose(2, 0, 1).copy())
    clip = pan_clip(whole, PICTURES, window, rng).mul(255).round().byte()
    pictures = [Image.fromarray(each.permute(1, 2, 0).numpy()) for each in clip]
    return pictures if by == 1 else list(recorded(pictures, rng))


def recorded(pictures: Sequence[Image.Image], rng: random.Random) -> Iterator[Image.Image]:
    """Yield what a camera makes of pictures, denoised, sharpened and coded, in half their size."""
    state, sigma = np.random.default_rng(rng.randrange(1 << 30)), rng.uniform(0.5, 6)
    low, radius = sigma * rng.uniform(0.5, 2), rng.uniform(1, 2)
    amount, quality = rng.randint(0, 150), rng.randint(50, 95)
    kernel = rng.choice(KERNELS)
    for picture in pictures:
        noisy = np.array(picture, np.float32)
        noisy += state.normal(0, sigma, (*noisy.shape[:2], 1)).astype(np.float32)
        clear = cored(Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)), radius, low)
        crisp = clear.filter(ImageFilter.UnsharpMask(1.2, amount, 0))
        file = io.BytesIO()
        crisp.save(file, "JPEG", quality=quality)
        with Image.open(file) as coded:
            yield coded.convert("RGB").resize(SIZE_PX, kernel)


def cored(image: Image.Image, radius: float, low: float) -> Image.Image:
    """Keep details that stand out and lose the others, as a camera does to noise."""
    smooth = np.array(image.filter(ImageFilter.GaussianBlur(radius)), np.float32)
    detail = np.array(image, np.float32) - smooth
    kept = detail * detail**2 / (detail**2 + low**2)
    return Image.fromarray(np.clip(smooth + kept, 0, 255).round().astype(np.uint8))


def video_clips(
    path: Path, share: float, count: int, rng: random.Random
) -> Iterator[list[Image.Image]]:
    """Yield cuts of the first ``share`` of a video, shrunk 1.7 to 5 times."""
    with av.open(str(path)) as container:
        total = sum(1 for _ in container.decode(video=0))
    starts = sorted(rng.randrange(max(1, int(total * share) - PICTURES)) for _ in range(count))
    with av.open(str(path)) as container:
        pictures: list[Image.Image] = []
        wanted = iter(starts)
        start = next(wanted)
        for number, image in enumerate(container.decode(video=0)):
            if number >= start:
                pictures.append(image.to_image())  # type: ignore[no-untyped-call]
            if len(pictures) == PICTURES:
                yield shrunk(pictures, rng)
                pictures = []
                later = (each for each in wanted if each > number)
                if (start := next(later, -1)) < 0:
                    return


def shrunk(pictures: Sequence[Image.Image], rng: random.Random) -> list[Image.Image]:
    """Return a window of shrunk pictures."""
    width, height = pictures[0].size
    most = min(width / SIZE.width, height / SIZE.height, 5.0)
    by = rng.uniform(min(1.7, most), most)
    size = (int(width / by), int(height / by))
    left = rng.randint(0, size[0] - SIZE.width)
    top = rng.randint(0, size[1] - SIZE.height)
    box = (left, top, left + SIZE.width, top + SIZE.height)
    kind = rng.choice(KERNELS)
    return [each.resize(size, kind).crop(box) for each in pictures]


def looks(rng: random.Random) -> list[tuple[str, Look]]:
    """Return what is done to the pictures of a clip before any codec."""
    noise_seed, sigma = rng.randrange(1 << 30), rng.uniform(0.7, 6)
    radius, gain = rng.uniform(0.3, 1.8), rng.uniform(0.2, 0.9)
    amount, up = rng.randint(40, 200), rng.uniform(1.2, 4)
    kind = rng.choice(
        (Image.Resampling.BICUBIC, Image.Resampling.BILINEAR, Image.Resampling.LANCZOS)
    )
    state = np.random.default_rng(noise_seed)

    def noisy(image: Image.Image) -> Image.Image:
        grain = state.normal(0, sigma, (*image.size[::-1], 1 if sigma < 3 else 3))
        return Image.fromarray(np.clip(np.array(image) + grain, 0, 255).round().astype(np.uint8))

    def dark(image: Image.Image) -> Image.Image:
        return image.point([round(gain * i) for i in range(256)] * 3)

    def flat(image: Image.Image) -> Image.Image:
        return image.point([round(96 * (1 - gain) + gain * i) for i in range(256)] * 3)

    def upscaled(image: Image.Image) -> Image.Image:
        small = image.resize((int(image.width / up), int(image.height / up)), Image.Resampling.BOX)
        return small.resize(image.size, kind)

    def soft(image: Image.Image) -> Image.Image:
        return image.filter(ImageFilter.GaussianBlur(radius))

    def sharp(image: Image.Image) -> Image.Image:
        return image.filter(ImageFilter.UnsharpMask(1.2, amount, 0))

    def denoised(image: Image.Image) -> Image.Image:
        return image.filter(ImageFilter.MedianFilter(3))

    page, larger, low = rng.randrange(1 << 30), rng.choice((1, 1.5, 2, 3, 4)), rng.uniform(1, 6)

    def drawn(image: Image.Image) -> Image.Image:
        if larger == 1:
            return draw(image.copy(), random.Random(page))
        size = (int(image.width * larger), int(image.height * larger))
        return draw(image.resize(size), random.Random(page)).resize(image.size, kind)

    def denoised_softly(image: Image.Image) -> Image.Image:
        return cored(image, 1 + gain, low)

    def cartoon(image: Image.Image) -> Image.Image:
        few = image.quantize(12, dither=Image.Dither.NONE).convert("RGB")
        return few.filter(ImageFilter.ModeFilter(5))

    def smooth_cartoon(image: Image.Image) -> Image.Image:
        return cartoon(image).filter(ImageFilter.GaussianBlur(0.5))

    named: list[tuple[str, Look, float]] = [
        ("upscaled", upscaled, 0.12), ("soft", soft, 0.2), ("denoised", denoised, 0.06),
        ("cored", denoised_softly, 0.12),
        ("cartoon", cartoon, 0.03), ("smooth_cartoon", smooth_cartoon, 0.05),
        ("drawn", drawn, 0.16), ("sharp", sharp, 0.12), ("dark", dark, 0.12), ("flat", flat, 0.12),
        ("noisy", noisy, 0.25),
    ]  # fmt: skip
    return [(name, look) for name, look, probability in named if rng.random() < probability]


def draw(image: Image.Image, rng: random.Random) -> Image.Image:
    """Return a picture with boxes, bars and text on it, or a page of them."""
    pen = ImageDraw.Draw(image)
    width, height = image.size
    loud = rng.random() < 0.5
    values = (0, 255) if loud else range(256)

    def shade() -> tuple[int, ...]:
        return tuple(rng.choice(values) for _ in range(3))

    if rng.random() < 0.6:
        pen.rectangle((0, 0, width, height), fill=shade())
    if rng.random() < 0.3:
        bars = rng.randint(3, 12)
        for i in range(bars):
            pen.rectangle((width * i // bars, 0, width * (i + 1) // bars, height), fill=shade())
    if rng.random() < 0.3:
        ends, top = (shade(), shade()), rng.randrange(height)
        for x in range(width):
            mixed = tuple(a + (b - a) * x // width for a, b in zip(*ends, strict=True))
            pen.line((x, top, x, top + height // 4), fill=mixed)
    for _ in range(rng.randint(0, 14)):
        x, y = rng.randrange(width), rng.randrange(height)
        box = (x, y, x + rng.randint(4, width // 2), y + rng.randint(4, height // 2))
        rng.choice((pen.rectangle, pen.ellipse))(box, fill=shade())
    for _ in range(rng.randint(0, 20)):
        place = rng.randrange(width), rng.randrange(height)
        words = "".join(rng.choice("abcdefghij klmno PQRSTU 0123456789") for _ in range(30))
        pen.text(place, words, fill=shade(), font_size=rng.randint(7, height // 7))
    return image


def as_video(pictures: Sequence[Image.Image]) -> Clip:
    """Return pictures as a camera's or a program's 4:2:0."""
    made = [av.VideoFrame.from_ndarray(np.array(each), format="rgb24") for each in pictures]
    return [each.reformat(format="yuv420p", dst_colorspace="ITU709") for each in made]


def coder(rng: random.Random, low: float, high: float) -> tuple[str, Options, float]:
    """Return an encoder, its options, and their place on a scale from 0, fine, to 1, coarse."""
    place = rng.uniform(low, high)

    def between(a: float, b: float) -> float:
        return a + place * (b - a)

    name = rng.choices(
        ("libx264", "libx265", "libvpx-vp9", "libsvtav1", "mpeg2video", "mpeg4", "mjpeg"),
        (8, 3, 2, 1, 1.5, 1, 3),
    )[0]
    if name in ("mpeg2video", "mpeg4", "mjpeg"):
        q = str(round(2 * 2 ** between(0, 3.6)))
        frames = {"g": "12"}
        if name == "mjpeg":  # of limited range as its encoder hardly likes it, or of full range
            frames = rng.choice(({}, {"strict": "unofficial"}))
        return name, {"qmin": q, "qmax": q} | frames, place
    preset = rng.choice(("veryfast", "medium"))
    options: dict[str, Options] = {
        "libx264": {"crf": f"{between(12, 38):.1f}", "preset": preset},
        "libx265": {"crf": f"{between(12, 38):.1f}", "preset": preset} | QUIET,
        "libvpx-vp9": {"crf": str(round(between(10, 60))), "b": "0", "cpu-used": "5"},
        "libsvtav1": {"crf": str(round(between(12, 60))), "preset": "10"},
    }  # fmt: skip
    if name in ("libx264", "libx265") and rng.random() < 0.3:
        options[name]["g"] = rng.choice(("1", "5", "12"))
    return name, options[name], place


def coded(clip: Clip, codec: str, options: Options) -> Clip:
    """Return pictures as they come back from a codec, 4:2:0 of limited range."""
    kind = "yuvj420p" if codec == "mjpeg" and not options.get("strict") else "yuv420p"
    file = encode([each.reformat(format=kind) for each in clip], codec, options)
    with av.open(file, "r") as container:
        return [each.reformat(format="yuv420p") for each in container.decode(video=0)]


def resized(clip: Clip, rng: random.Random) -> Callable[[Clip], Clip]:
    """Return what brings pictures to another size, between two codecs."""
    by, kind = (
        rng.choice((0.5, 0.667, 0.75, 0.8, 1.25, 1.333, 1.5)),
        rng.choice(("BICUBIC", "BILINEAR")),
    )
    width, height = (round(side * by / 2) * 2 for side in (clip[0].width, clip[0].height))
    return lambda old: [each.reformat(width, height, interpolation=kind) for each in old]


def kept(name: str, kind: str, clip: Clip, clean: Clip) -> Iterator[Sample]:
    """Yield some of a clip's pictures, with how far they are from clean ones."""
    for number in KEPT:
        if number < len(clip):
            samples = luma(clip[number])
            off = samples.astype(np.float32) - luma(clean[number])
            yield Sample(name, kind, float(np.sqrt(np.square(off).mean())), samples.copy())


def generations(name: str, clean: Clip, rng: random.Random) -> Iterator[Sample]:
    """Yield a clip as it is, coded once, and coded twice."""
    yield from kept(name, "clean", clean, clean)
    codec, options, place = coder(rng, 0, 1)
    once = coded(clean, codec, options)
    yield from kept(name, f"once {codec}", once, clean)
    codec, options, place = coder(rng, 0.3, 1)
    once = coded(clean, codec, options)
    if rng.random() < 0.25:
        change = resized(clean, rng)
        once, clean = change(once), change(clean)
        yield from kept(name, "clean resized", clean, clean)
        yield from kept(name, f"resized {codec}", once, clean)
    second, options, _ = coder(rng, 0, max(0.05, place - 0.2))
    yield from kept(name, f"twice {codec} {second}", coded(once, second, options), clean)
    if rng.random() < 0.5:
        second, options, _ = coder(rng, 0, max(0.05, place - 0.2))
        yield from kept(name, f"twice {codec} {second}", coded(once, second, options), clean)


def material(
    photos: Sequence[Path], clips: Sequence[tuple[Path, float]], times: int, seed: int
) -> Iterator[Sample]:
    """Yield samples of all photographs and clips."""
    for turn in range(times):
        for path in photos:
            rng = random.Random(f"{seed} {turn} {path.name}")
            yield from of_pictures(path.stem, photo_clip(path, rng), rng)
        for path, share in clips:
            rng = random.Random(f"{seed} {turn} {path.name}")
            for pictures in video_clips(path, share, 12, rng):
                yield from of_pictures(path.stem, pictures, rng)


def of_pictures(name: str, pictures: list[Image.Image], rng: random.Random) -> Iterator[Sample]:
    """Yield the samples of one clip under some look, and clean ones under four others."""
    for _ in range(4):
        chosen, still = looks(rng), pictures[:1]
        for _, look in chosen:
            still = [look(each) for each in still]
        words = "+".join(each for each, _ in chosen) or "plain"
        yield from kept(f"{name} {words}", "clean", as_video(still), as_video(still))
    chosen = looks(rng)
    for _, look in chosen:
        pictures = [look(each) for each in pictures]
    words = "+".join(each for each, _ in chosen) or "plain"
    try:
        yield from generations(f"{name} {words}", as_video(pictures), rng)
    except av.error.FFmpegError as error:
        print(name, error, file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--clips", nargs="*", type=Path, default=[])
    parser.add_argument(
        "--first-half", nargs="*", type=Path, default=[], help="clips, half of each"
    )
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    av.logging.set_level(av.logging.PANIC)
    torch.set_num_threads(1)
    photos = sorted(arguments.photos.iterdir()) if arguments.photos else []
    clips = [(each, 1.0) for each in arguments.clips]
    clips += [(each, 0.5) for each in arguments.first_half]
    samples = list(material(photos, clips, arguments.times, arguments.seed))
    pictures = np.empty(len(samples), object)
    pictures[:] = [each.luma for each in samples]
    np.savez(
        arguments.out,
        clip=[each.clip for each in samples],
        kind=[each.kind for each in samples],
        levels=[each.levels for each in samples],
        luma=pictures,
    )
    print(len(samples), "pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
