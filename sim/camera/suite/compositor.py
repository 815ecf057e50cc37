"""Lays cloth into a picture: outline through the lens, shadow of its thickness, fray, weave, then the sensor."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.camera.lens import UNDISTORT_STEPS, View, ray_of_pixel
from sim.camera.suite.coverage import cover
from sim.camera.suite.tables import HEIGHT, light_field
from sim.camera.suite.tiles import TEXELS, TILE, make_tile

Array = NDArray[np.float64]
Picture = NDArray[np.float32]

GRID = 16
"""Cloth coordinates are worked out exactly every so many pixels and interpolated between."""
_NOISE = np.random.default_rng(7).standard_normal(1 << 20).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Cloth:
    """`colour` blue-green-red [levels]; `pattern` and `seed` of its tile; `thickness` [m]; `back`: factor on the
    colour of its other side."""

    colour: tuple[float, float, float]
    pattern: str = "plain"
    seed: int = 1
    thickness: float = 0.4e-3
    back: float = 0.88


@dataclass(frozen=True, slots=True)
class Lamp:
    """`run` (2,): metres that a shadow runs per metre of height, in the table; `depth`: share of light it takes;
    `penumbra` [m]: its softness."""

    run: tuple[float, float] = (1.6, -0.9)
    depth: float = 0.35
    penumbra: float = 0.4e-3


@dataclass(frozen=True, slots=True)
class Layer:
    """A flat thing on the table: `outline` (N, 2) [m, table]; `A` (2, 2), `b` (2,): table = A @ cloth + b, of the
    weave; `level` [m]: height of its upper side; `threads` (K, 2, 2): ends of loose threads; `back`: its back is up."""

    outline: Array
    cloth: Cloth
    A: Array
    b: Array
    level: float
    threads: Array
    back: bool = False


class Studio:
    """Paints layers over an empty table as one camera sees them."""

    def __init__(self, view: View, table: Picture, lamp: Lamp, blur_px: float):
        self._view, self._lamp, self._blur = view, lamp, blur_px
        self._scale = view.lens[0] / HEIGHT
        self.light = table.copy()

    def lay(self, layer: Layer) -> None:
        """Paint one layer over all that lies there."""
        run, thick = np.array(self._lamp.run), layer.cloth.thickness
        outlines = [layer.outline + run * thick * share for share in (0.0, 0.35, 0.7, 1.0)]
        pixels = [self._project(outlines[0], layer.level)]
        pixels += [self._project(outline, layer.level - thick) for outline in outlines[1:]]
        everything = np.vstack([*pixels, self._project(layer.threads.reshape(-1, 2), layer.level)])
        low = np.floor(everything.min(axis=0)).astype(int) - 6
        high = np.ceil(everything.max(axis=0)).astype(int) + 7
        shape, corner = (int(high[1] - low[1]), int(high[0] - low[0])), (int(low[0]), int(low[1]))
        body = cover(pixels[0], shape, corner)
        for thread in layer.threads:
            self._add_thread(body, thread, layer.level, low)
        shade = np.max([cover(outline, shape, corner) for outline in pixels[1:]], axis=0)
        shade = cv2.GaussianBlur(shade, (0, 0), max(0.3, self._lamp.penumbra * self._scale))
        width, height = self._view.image_size_px
        inside = (
            slice(max(0, -low[1]), min(shape[0], height - low[1])),
            slice(max(0, -low[0]), min(shape[1], width - low[0])),
        )
        window = (slice(max(0, low[1]), min(high[1], height)), slice(max(0, low[0]), min(high[0], width)))
        if inside[0].stop <= inside[0].start or inside[1].stop <= inside[1].start:
            return
        body, shade = body[inside], shade[inside]
        woven = self._weave(layer, window) * body[..., None]
        rest = (1.0 - body) * (1.0 - np.float32(self._lamp.depth) * np.clip(shade, 0.0, 1.0))
        woven = cv2.GaussianBlur(woven, (0, 0), self._blur)
        rest = cv2.GaussianBlur(rest, (0, 0), self._blur)
        self.light[window] = self.light[window] * rest[..., None] + woven

    def darken(self, polygon: Array, factor: Sequence[float], softness: float) -> None:
        """A hard shadow over everything within `polygon` (N, 2) [m, table], its rim `softness` [m] wide."""
        width, height = self._view.image_size_px
        pixels = np.clip(self._project(polygon, 0.0), -50.0, (width + 50.0, height + 50.0))
        share = cover(pixels, (height + 120, width + 120), (-60, -60))[60:-60, 60:-60]
        share = cv2.GaussianBlur(share, (0, 0), max(0.4, softness * self._scale))
        for channel, value in enumerate(factor):
            self.light[..., channel] *= 1.0 - np.float32(1.0 - value) * share

    def floor_rim(self) -> Array:
        """Rim of the table in view (4, 2) [m], with a margin."""
        width, height = self._view.image_size_px
        R, t = self._view.T_camera_base[:3, :3], self._view.T_camera_base[:3, 3]
        corners = []
        for u, v in ((-60, -60), (width + 60, -60), (width + 60, height + 60), (-60, height + 60)):
            x, y = ray_of_pixel(float(u), float(v), self._view.lens, UNDISTORT_STEPS)
            ray, eye = np.array([x, y, 1.0]) @ R, -t @ R
            corners.append((eye - ray * eye[2] / ray[2])[:2])
        return np.array(corners)

    def expose(self, rng: np.random.Generator, noise: float, gain: float) -> NDArray[np.uint8]:
        """The picture: shot and read noise of size `noise` [levels] at mid grey, whole levels."""
        rows = rng.integers(0, len(_NOISE), self.light.shape[0])
        pixels = np.empty(self.light.shape, np.uint8)
        _expose(self.light, _NOISE, rows, np.float32(gain), np.float32(noise), pixels)
        return pixels

    def _project(self, points: Array, level: float) -> Array:
        return self._view.project(np.column_stack((points, np.full(len(points), level))))

    def _add_thread(self, body: Picture, thread: Array, level: float, low: NDArray[np.int64]) -> None:
        """A loose thread, 0.2 mm wide."""
        along = thread[1] - thread[0]
        side = np.array([-along[1], along[0]]) / np.hypot(*along) * 0.1e-3
        quad = self._project(np.array([thread[0] - side, thread[1] - side, thread[1] + side, thread[0] + side]), level)
        a, z = np.floor(quad.min(axis=0)).astype(int) - 1, np.ceil(quad.max(axis=0)).astype(int) + 2
        part = body[a[1] - low[1] : z[1] - low[1], a[0] - low[0] : z[0] - low[0]]
        np.maximum(part, cover(quad, part.shape, (int(a[0]), int(a[1]))), out=part)

    def _weave(self, layer: Layer, window: tuple[slice, slice]) -> Picture:
        """Light from the cloth at every pixel of the window."""
        rows, columns = window[0].stop - window[0].start, window[1].stop - window[1].start
        v, u = np.arange(rows // GRID + 2) * GRID + window[0].start, np.arange(columns // GRID + 2) * GRID
        nodes = _cloth_nodes(
            v.astype(np.float64),
            (u + window[1].start).astype(np.float64),
            self._view.lens,
            self._view.T_camera_base,
            layer.level,
            np.linalg.inv(layer.A),
            layer.b,
        )
        cloth = layer.cloth
        tile = make_tile(cloth.pattern, cloth.seed, 0.5 / self._scale)
        woven = np.empty((rows, columns, 3), np.float32)
        colour = np.array(cloth.colour, np.float32) * np.float32(cloth.back if layer.back else 1.0)
        _sample_tile(nodes * (TEXELS / TILE), tile, colour, woven)
        full = np.meshgrid(u + window[1].start, v)
        light = light_field(full[0].astype(np.float32), full[1].astype(np.float32), self._view.image_size_px)
        _apply_light(light, woven)
        return woven


@njit(cache=True, error_model="numpy")
def _cloth_nodes(v: Array, u: Array, lens: Array, T: Array, level: float, inverse: Array, b: Array) -> Picture:
    """Cloth coordinates (h, w, 2) [m] of the grid's pixels on the plane z = level."""
    nodes = np.empty((len(v), len(u), 2), np.float32)
    R, t = T[:3, :3], T[:3, 3]
    eye = np.empty(3)
    for k in range(3):
        eye[k] = -(R[0, k] * t[0] + R[1, k] * t[1] + R[2, k] * t[2])
    for i in range(len(v)):
        for j in range(len(u)):
            x, y = ray_of_pixel(u[j], v[i], lens, UNDISTORT_STEPS)
            ray = np.empty(3)
            for k in range(3):
                ray[k] = R[0, k] * x + R[1, k] * y + R[2, k]
            s = (level - eye[2]) / ray[2]
            px, py = eye[0] + s * ray[0] - b[0], eye[1] + s * ray[1] - b[1]
            nodes[i, j, 0] = inverse[0, 0] * px + inverse[0, 1] * py
            nodes[i, j, 1] = inverse[1, 0] * px + inverse[1, 1] * py
    return nodes


@njit(cache=True, error_model="numpy")
def _sample_tile(nodes: Picture, tile: Picture, colour: Picture, woven: Picture) -> None:
    h, w, _ = woven.shape
    mask = tile.shape[0] - 1
    for y in range(h):
        i, fy = y // GRID, np.float32((y % GRID) / GRID)
        for x in range(w):
            j, fx = x // GRID, np.float32((x % GRID) / GRID)
            a, b = (1 - fx) * (1 - fy), fx * (1 - fy)
            c, d = (1 - fx) * fy, fx * fy
            p = a * nodes[i, j, 0] + b * nodes[i, j + 1, 0] + c * nodes[i + 1, j, 0] + d * nodes[i + 1, j + 1, 0]
            q = a * nodes[i, j, 1] + b * nodes[i, j + 1, 1] + c * nodes[i + 1, j, 1] + d * nodes[i + 1, j + 1, 1]
            s, t = int(np.floor(p)), int(np.floor(q))
            e, f = p - s, q - t
            for k in range(3):
                value = (1 - f) * ((1 - e) * tile[t & mask, s & mask, k] + e * tile[t & mask, (s + 1) & mask, k])
                value += f * ((1 - e) * tile[(t + 1) & mask, s & mask, k] + e * tile[(t + 1) & mask, (s + 1) & mask, k])
                woven[y, x, k] = value * colour[k]


@njit(cache=True, error_model="numpy")
def _apply_light(light: Picture, woven: Picture) -> None:
    h, w, _ = woven.shape
    for y in range(h):
        i, fy = y // GRID, (y % GRID) / GRID
        for x in range(w):
            j, fx = x // GRID, (x % GRID) / GRID
            value = (1 - fy) * ((1 - fx) * light[i, j] + fx * light[i, j + 1])
            value += fy * ((1 - fx) * light[i + 1, j] + fx * light[i + 1, j + 1])
            for k in range(3):
                woven[y, x, k] *= value


@njit(cache=True, error_model="numpy")
def _expose(
    light: Picture, noise: Picture, rows: NDArray[np.int64], gain: float, size: float, pixels: NDArray[np.uint8]
) -> None:
    h, w, _ = light.shape
    mask = len(noise) - 1
    read, shot = size * size * np.float32(0.25), size * size * np.float32(0.75 / 128.0)
    for y in range(h):
        n = rows[y]
        for x in range(w):
            for k in range(3):
                level = light[y, x, k] * gain
                level += np.sqrt(read + shot * level) * noise[n & mask] + np.float32(0.5)
                n += 1
                pixels[y, x, k] = np.uint8(min(np.float32(255.0), max(np.float32(0.0), level)))
