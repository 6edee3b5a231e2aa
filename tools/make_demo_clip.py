"""Drawing of the demo clip: a street wall, a bicycle rolling by, a camera that pans and tilts.

    python tools/make_demo_clip.py                             # examples/demo.mp4, 320x180
    python tools/make_demo_clip.py --scale 4 -o demo_hr.mp4    # what 4x ought to look like

Everything is computed, with NumPy for the picture and PyAV for the file; every run draws the same
pictures. The scene is made of what upscaling finds hard: text, thin spokes, rings up to the
sampling limit, hatching, slats, leaves, tiles, and smooth light across them. It is drawn at four
times the size of the clip (twice for ``--scale 4``) and reduced by an antialiased bicubic filter.
Lengths are pixels of the small clip; colours are R'G'B' in [0, 1].
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import cos, pi, sin, tau
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from stroke_font import text_distance, text_width

Array = NDArray[np.float64]
Color = tuple[float, float, float]

WIDTH, HEIGHT, FPS, SECONDS = 320, 180, 24, 4
WORLD_WIDTH, WORLD_HEIGHT = 420, 205
SAMPLE_RATE = 48000
CREAM, INK, NAVY = (0.95, 0.91, 0.80), (0.13, 0.12, 0.15), (0.10, 0.18, 0.36)


class Noise:
    """Smooth value noise in [0, 1] on a unit lattice, repeating every 256 cells."""

    def __init__(self, seed: int) -> None:
        self.table = np.random.default_rng(seed).random((256, 256))

    def __call__(self, x: Array, y: Array) -> Array:
        x, y = np.broadcast_arrays(x, y)
        ix, iy = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
        fx, fy = smoothstep(x - ix), smoothstep(y - iy)
        x0, x1, y0, y1 = ix & 255, (ix + 1) & 255, iy & 255, (iy + 1) & 255
        top = self.table[y0, x0] * (1 - fx) + self.table[y0, x1] * fx
        bottom = self.table[y1, x0] * (1 - fx) + self.table[y1, x1] * fx
        return np.asarray(top * (1 - fy) + bottom * fy)

    def layers(self, x: Array, y: Array, count: int) -> Array:
        """Sum octaves, each half as high and twice as fine, to [0, 1]."""
        total = sum(0.5**i * self(x * 2**i + 37 * i, y * 2**i + 17 * i) for i in range(count))
        return np.asarray(total) / (2 - 0.5 ** (count - 1))


def smoothstep(x: Array) -> Array:
    x = np.clip(x, 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))


def box_distance(x: Array, y: Array, half: tuple[float, float], radius: float) -> Array:
    """Return the signed distance to a rounded rectangle about the origin; negative inside."""
    qx, qy = np.abs(x) - half[0] + radius, np.abs(y) - half[1] + radius
    outside = np.hypot(np.maximum(qx, 0), np.maximum(qy, 0))
    return np.asarray(outside + np.minimum(np.maximum(qx, qy), 0) - radius)


def line_distance(x: Array, y: Array, ends: tuple[float, float, float, float]) -> Array:
    ax, ay, bx, by = ends
    dx, dy = bx - ax, by - ay
    along = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0, 1)
    return np.asarray(np.hypot(x - ax - along * dx, y - ay - along * dy))


@dataclass
class Canvas:
    """Canvas of samples ``rgb [h, w, 3]`` and their places, ``density`` samples to a pixel."""

    rgb: Array
    x: Array
    y: Array
    density: float

    @classmethod
    def world(cls, density: int) -> Canvas:
        x = (np.arange(WORLD_WIDTH * density)[None, :] + 0.5) / density
        y = (np.arange(WORLD_HEIGHT * density)[:, None] + 0.5) / density
        return cls(np.zeros((y.size, x.size, 3)), x, y, density)

    def part(self, left: float, top: float, right: float, bottom: float) -> Canvas:
        """Return the samples of a world rectangle, shared with this canvas."""
        d = self.density
        columns = slice(max(0, int(left * d)), max(0, int(right * d)))
        rows = slice(max(0, int(top * d)), max(0, int(bottom * d)))
        return Canvas(self.rgb[rows, columns], self.x[:, columns], self.y[rows], d)

    def cover(self, distance: Array) -> Array:
        """Return coverage in [0, 1] of the inside of a shape, its edge one sample wide."""
        return np.asarray(np.clip(0.5 - distance * self.density, 0, 1))

    def paint(self, mask: Array, color: Color | Array) -> None:
        self.rgb += (np.asarray(color) - self.rgb) * mask[..., None]

    def shade(self, mask: Array, factor: float) -> None:
        self.rgb *= 1 + (factor - 1) * mask[..., None]


def draw_wall(c: Canvas) -> None:
    """Draw bricks 22 x 9 with rough edges, each of its own tint, and grain."""
    noise, tints = Noise(1), np.random.default_rng(2).random((64, 64))
    rough = 0.7 * (noise.layers(c.x / 2.5, c.y / 2.5, 3) - 0.5)
    row = np.floor(c.y / 9).astype(np.int64)
    x = c.x + np.where(row % 2, 11.0, 0.0)
    column = np.floor(x / 22).astype(np.int64)
    u, v = x - column * 22 - 11, c.y - row * 9 - 4.5
    distance = box_distance(u, np.broadcast_to(v, u.shape), (10.4, 3.9), 0.9) + rough
    tint = tints[np.broadcast_to(row, u.shape), column][..., None]
    grain = noise.layers(c.x / 1.3, c.y / 1.3, 4)[..., None] - 0.5
    brick = np.array([0.63, 0.33, 0.25]) * (0.78 + 0.42 * tint) + np.array([0.04, 0.05, 0.07]) * (
        tints[column, np.broadcast_to(row, u.shape)][..., None] - 0.3
    )
    c.rgb[:] = np.array([0.70, 0.66, 0.59]) * (0.95 + 0.35 * grain)
    c.paint(c.cover(distance), brick * (1 + 0.55 * grain))
    c.shade(c.cover(distance) * smoothstep((v - 2.2) / 1.6), 0.78)
    c.shade(c.cover(distance) * smoothstep((-v - 2.4) / 1.4), 1.16)


def draw_pavement(c: Canvas) -> None:
    """Draw a kerb, and chequered tiles that grow towards the viewer."""
    c = c.part(0, 166, WORLD_WIDTH, WORLD_HEIGHT)
    depth = c.y - 150
    u, v = (c.x - 210) * 24 / depth / 12, 420 / depth / 2.1
    width = np.broadcast_to(24 / depth / 12 / c.density, u.shape)  # of a sample, in tiles
    wave = np.sin(pi * u) * np.sin(pi * v)
    check = np.clip(0.5 + wave / (pi * width * 1.5), 0, 1)
    grain = Noise(3).layers(c.x / 1.7, c.y / 1.1, 4)[..., None]
    light, dark = np.array([0.80, 0.77, 0.72]), np.array([0.36, 0.38, 0.43])
    tiles = dark + (light - dark) * check[..., None]
    c.rgb[:] = tiles * (0.85 + 0.3 * grain)
    c.paint(c.cover(np.broadcast_to(c.y - 171, u.shape)), np.array([0.62, 0.60, 0.58]))
    c.shade(c.cover(np.abs(c.y - 171.3) - 0.5 + 0 * c.x), 0.55)
    c.shade(c.cover(np.abs(c.y - 166.2) - 0.4 + 0 * c.x), 0.7)


def drop_shadow(c: Canvas, distance: Array, reach: float = 4.0) -> None:
    c.shade(1 - smoothstep(distance / reach + 0.5), 0.55)


def draw_window(c: Canvas) -> None:
    """Draw glass with a sky in it, thin bars, and slatted shutters."""
    c = c.part(4, 12, 112, 132)
    x, y = c.x - 57, c.y - 66
    drop_shadow(c, box_distance(x - 2, y - 3, (46, 45), 2))
    c.paint(c.cover(box_distance(x, y, (25, 45), 1.5)), CREAM)
    sky = smoothstep((y + 42) / 84)[..., None]
    clouds = smoothstep((Noise(4).layers(c.x / 22, c.y / 12, 5) - 0.45) * 3)[..., None]
    glass = np.array([0.36, 0.56, 0.80]) * (1 - sky) + np.array([0.93, 0.80, 0.66]) * sky
    pane = box_distance(x, y, (22, 42), 0.5)
    c.paint(c.cover(pane), glass + (0.97 - glass) * 0.75 * clouds)
    bars = np.minimum(np.abs(x) + 0 * y, np.minimum(np.abs(y - 14), np.abs(y + 14)) + 0 * x)
    c.paint(c.cover(np.maximum(bars - 0.7, pane)), CREAM)
    for side in (-1, 1):
        _draw_shutter(c, x - side * 36, y)


def _draw_shutter(c: Canvas, x: Array, y: Array) -> None:
    green = np.array([0.20, 0.42, 0.36])
    c.paint(c.cover(box_distance(x, y, (10, 45), 0.8)), green)
    slat = (y / 3) % 1  # three pixels from slat to slat
    tone = green * (0.55 + 0.85 * smoothstep(slat * 1.15))[..., None]
    halves = np.abs(np.abs(y) - 21.5) - 19.5
    inner = np.maximum(np.abs(x) - 7.5 + 0 * y, halves + 0 * x)
    c.paint(c.cover(inner), np.broadcast_to(tone, c.rgb.shape))


def draw_sign(c: Canvas) -> None:
    """Draw the enamel sign with the name on it, in letters from large to tiny."""
    c = c.part(112, 14, 236, 112)
    x, y = c.x - 174, c.y - 60
    drop_shadow(c, box_distance(x - 2, y - 3, (54, 36), 5))
    edge = box_distance(x, y, (54, 36), 5)
    glaze = smoothstep((y + x * 0.5 + 50) / 100)[..., None]
    c.paint(c.cover(edge), NAVY + 0.10 * (1 - glaze))
    c.paint(c.cover(np.abs(edge + 3) - 0.6), CREAM)
    for text, size, top, color in (
        ("vidsr", 4.2, -2.5, CREAM),
        ("four times the pixels", 0.78, 9.5, (0.98, 0.78, 0.33)),
        ("320 x 180 to 1280 x 720", 0.55, 18.0, CREAM),
        ("every frame in its place - 0123456789", 0.4, 25.5, CREAM),
    ):
        u = x / size + text_width(text) / 2
        away = text_distance(u, (top - y) / size, text) - (0.42 if size > 2 else 0.38)
        c.paint(c.cover(away * size), color)


def draw_engraving(c: Canvas) -> None:
    """Draw a print of a ball: hatching whose lines swell with the shade."""
    c = c.part(236, 22, 296, 112)
    x, y = c.x - 264, c.y - 66
    drop_shadow(c, box_distance(x - 1, y - 2, (22, 33), 0.5), 3)
    c.paint(c.cover(box_distance(x, y, (22, 33), 0.5)), (0.93, 0.90, 0.83))
    radius = np.hypot(x, y + 4)
    height = np.sqrt(np.maximum(0, 1 - (radius / 17) ** 2))
    light = np.clip((-0.5 * x - 0.6 * (y + 4)) / 17 * 0.9 + 0.62 * height, 0, 1)
    for angle, start, pitch in ((0.6, 0.05, 2.2), (-0.9, 0.45, 2.6)):
        along = x * cos(angle) + y * sin(angle) + 2.2 * height
        stripe = np.abs((along / pitch) % 1 - 0.5) * pitch
        swell = np.clip(1 - light - start, 0, 1) * pitch * 0.42
        c.paint(c.cover(np.maximum(stripe - swell, radius - 17)), INK)
    c.paint(c.cover(np.abs(radius - 17) - 0.35), INK)
    u = x / 0.62 + text_width("still life") / 2
    c.paint(c.cover((text_distance(u, (24 - y) / 0.62, "still life") - 0.38) * 0.62), INK)


def draw_rings(c: Canvas) -> None:
    """Draw a round plate of rings, the outermost 2.4 pixels apart."""
    c = c.part(296, 26, 366, 106)
    x, y = c.x - 330, c.y - 66
    radius = np.hypot(x, y)
    drop_shadow(c, np.hypot(x - 2, y - 3) - 30)
    rings = 0.5 + 0.5 * np.cos(pi * radius**2 / (2.4 * 27))
    tone = np.array(CREAM) * rings[..., None] + np.array([0.66, 0.16, 0.14]) * (
        1 - rings[..., None]
    )
    c.paint(c.cover(radius - 30), CREAM)
    c.paint(c.cover(radius - 27), tone)
    c.paint(c.cover(np.abs(radius - 28.5) - 0.4), INK)


def draw_leaf(c: Canvas, x: float, y: float, size: float, turn: float, tint: float) -> None:
    """Draw one pointed leaf with its veins and a soft shadow."""
    reach = size * 1.3 + 2
    if not (reach < x < WORLD_WIDTH and reach < y < WORLD_HEIGHT):
        return
    c = c.part(x - reach, y - reach, x + reach, y + reach)
    u = ((c.x - x) * cos(turn) + (c.y - y) * sin(turn)) / size
    v = ((c.y - y) * cos(turn) - (c.x - x) * sin(turn)) / size
    shape = np.abs(v) - 0.68 * np.sqrt(np.clip(1 - u * u, 0, 1)) * (0.62 - 0.38 * u)
    shape = np.maximum(shape, np.abs(u) - 1) * size * 0.85
    c.shade(0.45 * (1 - smoothstep((shape - 1.0) / 2.0 + 0.5)), 0.45)
    green = np.array([0.16 + 0.34 * tint, 0.36 + 0.30 * tint, 0.10 + 0.10 * tint])
    c.paint(c.cover(shape), green * (1.12 - 0.35 * np.abs(v) + 0.25 * v)[..., None])
    veins = np.abs(((u + np.abs(v) * 0.9) * 3.2) % 1 - 0.5) / 3.2 * size
    c.paint(0.5 * c.cover(np.maximum(veins - 0.12, shape + 0.3)), green * 1.5)
    c.paint(0.9 * c.cover(np.maximum(np.abs(v) * size - 0.2, shape)), green * 1.75)


def draw_ivy(c: Canvas) -> None:
    """Draw leaves over the right of the wall, and a box of them under the window."""
    rng = np.random.default_rng(5)
    for _ in range(520):
        x = WORLD_WIDTH - 4 - 62 * rng.random() ** 1.6 - 6 * rng.random()
        y = 4 + 164 * rng.random()
        if x < 366 - 16 * sin(y / 19) and rng.random() < 0.6:
            continue
        turn = rng.normal(pi / 2, 0.8)
        draw_leaf(c, x, y, rng.uniform(3.5, 8), turn, rng.random())
    box = c.part(8, 118, 106, 146)
    distance = box_distance(box.x - 57, box.y - 134, (44, 8), 1)
    drop_shadow(box, distance)
    planks = 0.85 + 0.3 * Noise(6).layers(box.x / 14, box.y / 0.9, 3)
    box.paint(box.cover(distance), np.array([0.45, 0.30, 0.19]) * planks[..., None])
    for _ in range(150):
        x, y = rng.uniform(14, 100), rng.normal(121, 4)
        draw_leaf(c, x, y, rng.uniform(2.5, 5), rng.normal(-pi / 2, 0.9), rng.random())
    for _ in range(26):
        _draw_flower(
            c, rng.uniform(16, 98), rng.normal(117, 4), rng.uniform(1.8, 2.8), rng.random()
        )


def _draw_flower(c: Canvas, x: float, y: float, size: float, tint: float) -> None:
    c = c.part(x - 4, y - 4, x + 4, y + 4)
    angle, radius = np.arctan2(c.y - y, c.x - x), np.hypot(c.y - y, c.x - x)
    petals = radius - size * (0.72 + 0.28 * np.cos(5 * angle + tau * tint))
    c.paint(c.cover(petals), (0.95, 0.55 + 0.4 * tint, 0.68))
    c.paint(c.cover(radius - size * 0.3), (0.99, 0.85, 0.25))


def draw_light(c: Canvas) -> None:
    """Draw afternoon light: a slow slope across the wall and the soft shade of a tree."""
    slope = 1.14 - 0.34 * smoothstep((c.x + 0.8 * c.y) / 560)
    u, v = 0.8 * c.x + 0.6 * c.y, 0.8 * c.y - 0.6 * c.x  # askew, to hide the lattice of the noise
    shade = 0.8 * smoothstep((Noise(7).layers(u / 40 + 3, v / 28 + 40, 4) - 0.42) * 3.5)
    warm = (
        np.array([1.0, 0.97, 0.90]) * (1 - shade[..., None])
        + np.array([0.70, 0.74, 0.84]) * shade[..., None]
    )
    c.rgb *= slope[..., None] * warm


def draw_world(density: int) -> Canvas:
    canvas = Canvas.world(density)
    for draw in (
        draw_wall,
        draw_window,
        draw_sign,
        draw_engraving,
        draw_rings,
        draw_pavement,
        draw_ivy,
        draw_light,
    ):
        draw(canvas)
    np.clip(canvas.rgb, 0, 1, out=canvas.rgb)
    return canvas


def view(world: Canvas, time: float, width: int, height: int) -> Canvas:
    """Return the world through the camera at ``time`` in [0, 1]: pan, tilt, slight approach."""
    samples = width / WIDTH
    travel = float(smoothstep(np.asarray(time * 0.94 + 0.03)))
    turn, zoom = 0.014 * sin(tau * time), 1 + 0.05 * travel
    u = ((np.arange(width) + 0.5) / samples - WIDTH / 2)[None, :] / zoom
    v = ((np.arange(height) + 0.5) / samples - HEIGHT / 2)[:, None] / zoom
    x = 165 + 88 * travel + u * cos(turn) - v * sin(turn)
    y = 98 + 3 * sin(pi * time) + u * sin(turn) + v * cos(turn)
    return Canvas(_sample(world, x, y), x, y, samples * zoom)


def _sample(world: Canvas, x: Array, y: Array) -> Array:
    """Return bilinear samples of the drawn world."""
    u, v = x * world.density - 0.5, y * world.density - 0.5
    ix, iy = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
    fx, fy = (u - ix)[..., None], (v - iy)[..., None]
    flat, row = world.rgb.reshape(-1, 3), world.rgb.shape[1]
    at = iy * row + ix
    top = flat[at] * (1 - fx) + flat[at + 1] * fx
    return np.asarray(top * (1 - fy) + (flat[at + row] * (1 - fx) + flat[at + row + 1] * fx) * fy)


def draw_bicycle(c: Canvas, time: float) -> None:
    """Draw a bicycle that rolls without slipping; its spokes are two thirds of a pixel thick."""
    x0, y0, radius = 108 + 205 * time, 159.0, 20.0
    rows = np.flatnonzero(np.abs(c.y[:, c.y.shape[1] // 2] - 150) < 50)
    columns = np.flatnonzero(np.abs(c.x[c.x.shape[0] // 2] - x0 - 25) < 60)
    if not columns.size:
        return
    area = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    c = Canvas(c.rgb[area], c.x[area], c.y[area], c.density)
    x, y = c.x - x0, c.y - y0
    c.shade(1 - smoothstep(np.hypot((x - 25) / 52, (y - 21) / 4.5) * 1.6 - 0.6), 0.5)
    for hub in (0.0, 50.0):
        _draw_wheel(c, x - hub, y, radius, 205 * time / radius)
    _draw_frame(c, x, y, 205 * time / radius / 2)


def _draw_wheel(c: Canvas, x: Array, y: Array, radius: float, turn: float) -> None:
    distance, angle = np.hypot(x, y), np.arctan2(y, x) - turn
    count = 16
    spoke = np.abs((angle * count / tau) % 1 - 0.5) * tau / count * distance
    c.paint(0.9 * c.cover(np.maximum(spoke - 0.33, distance - radius)), (0.88, 0.89, 0.91))
    c.paint(c.cover(np.abs(distance - radius + 1.8) - 0.5), (0.80, 0.81, 0.84))
    c.paint(c.cover(np.abs(distance - radius + 0.3) - 1.1), INK)
    c.paint(c.cover(distance - 1.6), (0.75, 0.76, 0.80))


def _draw_frame(c: Canvas, x: Array, y: Array, turn: float) -> None:
    red, steel = (0.85, 0.14, 0.12), (0.78, 0.80, 0.83)
    crank = (20.0, 1.0)
    pedal = (crank[0] + 6 * cos(turn), crank[1] + 6 * sin(turn))
    tubes: list[tuple[tuple[float, float, float, float], float, Color]] = [
        ((0, 0, 14, -20), 0.7, red),
        ((0, 0, *crank), 0.7, red),
        ((*crank, 13, -23), 1.0, red),
        ((*crank, 41, -19), 1.1, red),
        ((14, -20, 40, -22), 1.0, red),
        ((50, 0, 39.5, -26), 0.9, red),
        ((13, -23, 12.3, -26), 0.6, steel),
        ((7, -27, 17, -26.5), 1.4, INK),
        ((39.5, -26, 38.8, -29), 0.6, steel),
        ((38.8, -29, 46, -30), 0.7, steel),
        ((46, -30, 46.5, -26), 0.8, INK),
        ((*crank, *pedal), 0.6, steel),
        ((pedal[0] - 2, pedal[1], pedal[0] + 2, pedal[1]), 0.7, INK),
    ]
    for ends, half, color in tubes:
        c.paint(c.cover(line_distance(x, y, ends) - half), color)
    c.paint(c.cover(np.abs(np.hypot(x - crank[0], y - crank[1]) - 3) - 0.4), steel)


def reduce(picture: Array, factor: int) -> Array:
    """Shrink ``[h, w, 3]`` by a whole factor: Keys' cubic (a = -1/2), widened against aliasing."""
    taps = np.abs((np.arange(4 * factor) + 0.5) / factor - 2)
    inner = 1.5 * taps**3 - 2.5 * taps**2 + 1
    outer = -0.5 * taps**3 + 2.5 * taps**2 - 4 * taps + 2
    weights = np.where(taps < 1, inner, outer)
    weights /= weights.sum()
    for axis in (0, 1):
        margin = [(0, 0)] * 3
        margin[axis] = (2 * factor - factor // 2, 2 * factor)
        size = picture.shape[axis] // factor
        padded = np.moveaxis(np.pad(picture, margin, mode="edge"), axis, 0)
        parts = (w * padded[i : i + size * factor : factor] for i, w in enumerate(weights))
        picture = np.moveaxis(np.asarray(sum(parts)), 0, axis)
    return picture


def to_yuv420(rgb: Array) -> NDArray[np.uint8]:
    """Turn R'G'B' into packed BT.709 limited 4:2:0, ``[1.5 h, w]``.

    Chroma is co-sited across and centred down.
    """
    kr, kg, kb = 0.2126, 0.7152, 0.0722
    luma = kr * rgb[..., 0] + kg * rgb[..., 1] + kb * rgb[..., 2]
    planes = [16 + 219 * luma]
    for index, k in ((2, kb), (0, kr)):
        chroma = (rgb[..., index] - luma) / (2 * (1 - k))
        chroma = (chroma[0::2] + chroma[1::2]) / 2
        wide = np.pad(chroma, ((0, 0), (1, 1)), mode="edge")
        chroma = (wide[:, :-2:2] + 2 * wide[:, 1:-1:2] + wide[:, 2::2]) / 4
        planes.append((128 + 224 * chroma).reshape(-1, rgb.shape[1]))
    out: NDArray[np.uint8] = np.clip(np.rint(np.concatenate(planes)), 0, 255).astype(np.uint8)
    return out


def pictures(scale: int, count: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the first ``count`` frames as packed 4:2:0, ``scale`` times 320x180."""
    factor = 2 if scale > 1 else 4
    world = draw_world(max(5, 2 * scale))
    size = (WIDTH * scale * factor, HEIGHT * scale * factor)
    for index in range(count):
        time = index / (FPS * SECONDS)
        canvas = view(world, time, *size)
        draw_bicycle(canvas, time)
        yield to_yuv420(np.clip(reduce(canvas.rgb, factor), 0, 1))


def tone(seconds: float) -> NDArray[np.float32]:
    """Return two quiet notes, a fifth apart, each struck twice: ``[1, samples]``."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sound = np.zeros_like(time)
    for start, pitch in ((0.1, 440.0), (1.1, 659.26), (2.1, 440.0), (3.1, 659.26)):
        age = np.maximum(time - start, 0)
        body = np.sin(tau * pitch * age) + 0.25 * np.sin(2 * tau * pitch * age)
        sound += body * np.exp(-3.5 * age) * np.minimum(age / 0.02, 1)
    return (0.12 * sound)[None].astype(np.float32)


def _add_video(target: av.container.OutputContainer, scale: int) -> av.VideoStream:
    options = {"crf": "17" if scale == 1 else "14", "preset": "slow", "threads": "1"}
    stream = target.add_stream("libx264", rate=FPS, options=options)
    stream.width, stream.height, stream.pix_fmt = WIDTH * scale, HEIGHT * scale, "yuv420p"
    context = stream.codec_context
    context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709
    context.color_range = 1  # limited
    return stream


def _encode_sound(
    target: av.container.OutputContainer, stream: av.AudioStream, seconds: float
) -> None:
    sound = tone(seconds)
    for start in range(0, sound.shape[1], 1024):
        block = np.ascontiguousarray(sound[:, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, start
        frame.time_base = Fraction(1, SAMPLE_RATE)
        target.mux(stream.encode(frame))
    target.mux(stream.encode(None))


def write_clip(path: Path, scale: int, count: int) -> None:
    """Encode ``count`` frames and the tone that goes with them."""
    with av.open(str(path), "w") as target:
        video = _add_video(target, scale)
        audio = target.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        audio.bit_rate = 48000
        for index, packed in enumerate(pictures(scale, count)):
            frame = av.VideoFrame.from_ndarray(packed, format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            frame.colorspace = frame.color_primaries = frame.color_trc = frame.color_range = 1
            target.mux(video.encode(frame))
        target.mux(video.encode(None))
        _encode_sound(target, audio, count / FPS)


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the demo clip.")
    default = Path(__file__).resolve().parents[1] / "examples" / "demo.mp4"
    parser.add_argument("-o", "--output", type=Path, default=default)
    parser.add_argument("--scale", type=int, choices=(1, 2, 4), default=1, help="1: 320x180")
    parser.add_argument("--frames", type=int, default=FPS * SECONDS, help="stop early")
    args = parser.parse_args()
    write_clip(args.output, args.scale, args.frames)


if __name__ == "__main__":
    main()
