"""Pictures of a sewn seam near the edge of cloth on a table, as a camera straight above takes them."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from sim.camera.fabric_patterns import draw_fabric
from sim.camera.sensor import Sensor

FINE = 0.05e-3
"""Width of the points from which a pixel is averaged [m]."""

Array = NDArray[np.float64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SeamScene:
    """What the picture shows; colours are red-green-blue from 0 to 1, coordinates of the table x right, y up [m].

    `holes` (N, 2): penetrations in their order; each number i of `floats` is a stitch that was skipped: the thread
    passes over hole i + 1 without a dip. `edge` (M, 2): the edge of the cloth, which lies on its right-hand side.
    `pixel` [m]; `size_px`: width, height; `origin` (2,) [m]: the table's point at the centre of the lower left pixel.
    """

    holes: Array
    edge: Array
    pixel: float
    size_px: tuple[int, int]
    origin: tuple[float, float]
    floats: tuple[int, ...] = ()
    thread: tuple[float, float, float] = (0.9, 0.88, 0.85)
    thread_width: float = 0.4e-3
    fabric: str = "plain"
    colours: tuple[tuple[float, float, float], ...] = ((0.20, 0.30, 0.55),)
    stripe: tuple[float, float] = (4e-3, 0.7)
    table: tuple[float, float, float] = (0.72, 0.60, 0.45)
    hole_depth: float = 0.5
    blur_px: float = 0.6
    noise: float = 2.0
    light: float = 1.0


def draw_seam_view(scene: SeamScene, seed: int) -> NDArray[np.uint8]:
    """The picture (height, width, 3), blue-green-red."""
    rng = np.random.default_rng(seed)
    factor = round(scene.pixel / FINE)
    columns, rows = scene.size_px[0] * factor, scene.size_px[1] * factor
    fine = scene.pixel / factor
    x: Array = scene.origin[0] - scene.pixel / 2.0 + (np.arange(columns, dtype=np.float64) + 0.5) * fine
    y: Array = scene.origin[1] - scene.pixel / 2.0 + (rows - 0.5 - np.arange(rows, dtype=np.float64)) * fine
    u, v = np.meshgrid(x, y)
    grain = cv2.GaussianBlur(rng.standard_normal((rows, columns), dtype=np.float32), (0, 0), 30.0, sigmaY=3.0) * 0.5
    light = (1.0 + grain)[..., None] * np.array(scene.table, dtype=np.float32)

    rim = np.vstack((scene.edge, scene.edge[-1] - (0.0, 1.0), scene.edge[0] - (0.0, 1.0)))
    cover = _fill(rim, x, y, fine)
    shade = 1.0 - 0.2 * cv2.GaussianBlur(np.roll(cover, (6, 6), axis=(0, 1)), (0, 0), 6.0)
    cloth = draw_fabric(u, v, scene.fabric, scene.colours, scene.stripe, rng)
    light = cover[..., None] * cloth + (1.0 - cover[..., None]) * shade[..., None] * light
    _sew(light, scene, x, y, fine)
    light = cv2.resize(light, scene.size_px, interpolation=cv2.INTER_AREA)
    sensor = Sensor(noise=scene.noise, blur_px=scene.blur_px, exposure=scene.light)
    return sensor.expose(np.ascontiguousarray(light), rng)


def _fill(polygon: Array, x: Array, y: Array, fine: float) -> Floats:
    """Share (rows, columns) of each fine pixel that the polygon covers, one or none."""
    pixels = np.column_stack(((polygon[:, 0] - x[0]) / fine, (y[0] - polygon[:, 1]) / fine))
    mask = np.zeros((len(y), len(x)), dtype=np.uint8)
    cv2.fillPoly(mask, [np.round(pixels * 16).astype(np.int32).reshape(-1, 1, 2)], 1, cv2.LINE_8, 4)
    return mask.astype(np.float32)


def _sew(light: Floats, scene: SeamScene, x: Array, y: Array, fine: float) -> None:
    """Draw holes, then thread from hole to hole, rounded in section, dipping into the cloth at its ends."""
    reach = 1.2 * scene.thread_width
    colour = np.array(scene.thread, dtype=np.float32)
    skipped = {index + 1 for index in scene.floats}
    for number, (hx, hy) in enumerate(scene.holes):
        if number not in skipped:
            part, du, dv = _around(light, x, y, fine, (hx - 5e-4, hy - 5e-4), (hx + 5e-4, hy + 5e-4))
            depth = np.exp(-0.5 * ((du - hx) ** 2 + (dv - hy) ** 2) / 0.2e-3**2)
            part *= (1.0 - scene.hole_depth * depth)[..., None].astype(np.float32)
    kept = [hole for number, hole in enumerate(scene.holes) if number not in skipped]
    for a, b in pairwise(kept):
        part, pu, pv = _around(light, x, y, fine, np.minimum(a, b) - reach, np.maximum(a, b) + reach)
        along, length = (b - a) / np.linalg.norm(b - a), float(np.linalg.norm(b - a))
        s = (pu - a[0]) * along[0] + (pv - a[1]) * along[1]
        t = (pv - a[1]) * along[0] - (pu - a[0]) * along[1]
        ends = np.clip((np.minimum(s, length - s) - 0.10e-3) / 0.35e-3, 0.0, 1.0)
        half = 0.5 * scene.thread_width * np.sqrt(ends)
        section = np.sqrt(np.clip(1.0 - (t / np.maximum(half, 1e-9)) ** 2, 0.0, 1.0))
        inside = np.abs(t) < half
        dark = 1.0 - 0.25 * np.exp(-0.5 * ((np.abs(t) - half) / 0.12e-3) ** 2) * (ends > 0.0)
        part *= np.where(inside, 1.0, dark)[..., None].astype(np.float32)
        bright = (0.65 + 0.35 * section) * (0.6 + 0.4 * ends) * (1.0 + 0.08 * np.cos(2.0 * np.pi * (s + t) / 0.45e-3))
        part[inside] = (bright[..., None] * colour)[inside]


def _around(
    light: Floats, x: Array, y: Array, fine: float, low: Array | tuple[float, float], high: Array | tuple[float, float]
) -> tuple[Floats, Array, Array]:
    """The part of the fine picture between two points, and its coordinates."""
    i0, i1 = (min(max(round((value - x[0]) / fine), 0), len(x)) for value in (low[0], high[0]))
    j0, j1 = (min(max(round((y[0] - value) / fine), 0), len(y)) for value in (high[1], low[1]))
    u, v = np.meshgrid(x[i0:i1], y[j0:j1])
    return light[j0:j1, i0:i1], u, v
