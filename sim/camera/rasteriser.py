"""Which triangle is seen where: a z-buffer that keeps 32 samples in the pixels that an edge crosses."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.camera.textures import hash_unit
from sim.camera.triangles import Triangles

Array = NDArray[np.float64]

SAMPLES = 32
ALL = (1 << SAMPLES) - 1
"""Bits of all samples of a pixel."""
BASE = -1
"""Stands for what lay there before: the layer below, or the background."""


def _make_patterns() -> Array:
    """Places of the samples within a pixel, (64, SAMPLES, 2) [px]: Hammersley's points, shifted around in each pattern.

    The shifts fill the pixel evenly (M. Roberts' R2 sequence), so that over many pixels an edge at any angle lies
    where it belongs, as no fixed pattern can do (Cranley and Patterson 1976).
    """
    bits = SAMPLES.bit_length() - 1
    index = np.arange(SAMPLES)
    mirrored = sum(((index >> b) & 1) << (bits - 1 - b) for b in range(bits))
    points = (np.column_stack([index, mirrored]) + 0.5) / SAMPLES
    shifts = np.outer(np.arange(64), [0.7548776662466927, 0.5698402909980532])
    return np.asarray((points[None] + shifts[:, None]) % 1.0 - 0.5)


PATTERNS = _make_patterns()


@njit(cache=True, error_model="numpy")
def pattern_of_pixel(x: int, y: int) -> int:
    """Which of PATTERNS pixel (x, y) uses."""
    return int(64.0 * hash_unit(x, y))


@dataclass(frozen=True, slots=True)
class Region:
    """Pixels x0 <= x < x1, y0 <= y < y1 of a picture."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def shape(self) -> tuple[int, int]:
        return max(0, self.y1 - self.y0), max(0, self.x1 - self.x0)

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the region in the arrays of the whole picture."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def cut(self, low: Array, high: Array) -> "Region":
        """The part of the region from `low` to `high` (2,) [px]; may be empty."""
        x0, y0 = np.clip(np.floor(low), [self.x0, self.y0], [self.x1, self.y1]).astype(int)
        x1, y1 = np.clip(np.ceil(high) + 1, [x0, y0], [self.x1, self.y1]).astype(int)
        return Region(int(x0), int(y0), int(x1), int(y1))


@dataclass(frozen=True, slots=True)
class Visibility:
    """What is seen in the pixels of `region`.

    `triangle` (h, w): index, or BASE. `slot` (h, w): row in `sample_triangle` (S, 32) of a pixel with several
    triangles, or -1. `nearness` (h, w) 1 / depth [1/m] at the pixel's centre; `sample_nearness` (S, 32).
    """

    region: Region
    triangle: NDArray[np.int32]
    nearness: NDArray[np.float32]
    slot: NDArray[np.int32]
    sample_triangle: NDArray[np.int32]
    sample_nearness: NDArray[np.float32]


def rasterise(triangles: Triangles, region: Region, nearness: NDArray[np.float32] | None = None) -> Visibility:
    """Draw `triangles` into `region` over what lies at `nearness` (h, w); None: nothing."""
    h, w = region.shape
    nearest = np.zeros((h, w), dtype=np.float32) if nearness is None else nearness.copy()
    triangle = np.full((h, w), BASE, dtype=np.int32)
    slot = np.full((h, w), -1, dtype=np.int32)
    # Room for every pixel: the pages that are not needed are never touched.
    sample_triangle = np.empty((h * w, SAMPLES), dtype=np.int32)
    sample_nearness = np.empty((h * w, SAMPLES), dtype=np.float32)
    used = _draw(
        triangles.screen,
        triangles.nearness,
        region.x0,
        region.y0,
        PATTERNS,
        triangle,
        nearest,
        slot,
        sample_triangle,
        sample_nearness,
    )
    return Visibility(region, triangle, nearest, slot, sample_triangle[:used], sample_nearness[:used])


@njit(cache=True, error_model="numpy")
def _draw(
    screen: Array,
    nearness: Array,
    x0: int,
    y0: int,
    patterns: Array,
    triangle: NDArray[np.int32],
    nearest: NDArray[np.float32],
    slot: NDArray[np.int32],
    sample_triangle: NDArray[np.int32],
    sample_nearness: NDArray[np.float32],
) -> int:
    h, w = triangle.shape
    used = 0
    n = len(screen)
    slope = np.zeros((n, 3))  # nearness = slope[0] * x + slope[1] * y + slope[2], x and y in the region
    edge = np.empty((3, 3))
    margin = np.empty(3)
    for t in range(n):
        ax, ay = screen[t, 0, 0] - x0, screen[t, 0, 1] - y0
        bx, by = screen[t, 1, 0] - x0, screen[t, 1, 1] - y0
        cx, cy = screen[t, 2, 0] - x0, screen[t, 2, 1] - y0
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0:
            continue
        edge[0, 0], edge[0, 1], edge[0, 2] = (by - cy) / area, (cx - bx) / area, (bx * cy - by * cx) / area
        edge[1, 0], edge[1, 1], edge[1, 2] = (cy - ay) / area, (ax - cx) / area, (cx * ay - cy * ax) / area
        edge[2, 0], edge[2, 1], edge[2, 2] = (ay - by) / area, (bx - ax) / area, (ax * by - ay * bx) / area
        for k in range(3):
            margin[k] = 0.5 * (abs(edge[k, 0]) + abs(edge[k, 1]))
            slope[t, k] = nearness[t, 0] * edge[0, k] + nearness[t, 1] * edge[1, k] + nearness[t, 2] * edge[2, k]
        spread = 0.5 * (abs(slope[t, 0]) + abs(slope[t, 1]))
        top = max(0, int(np.ceil(min(ay, by, cy) - 0.5)))
        bottom = min(h - 1, int(np.floor(max(ay, by, cy) + 0.5)))
        left = max(0, int(np.ceil(min(ax, bx, cx) - 0.5)))
        right = min(w - 1, int(np.floor(max(ax, bx, cx) + 0.5)))
        for y in range(top, bottom + 1):
            first, last = float(left), float(right)
            for k in range(3):
                rest = edge[k, 1] * y + edge[k, 2] + margin[k]
                if edge[k, 0] > 0.0:
                    first = max(first, -rest / edge[k, 0])
                elif edge[k, 0] < 0.0:
                    last = min(last, -rest / edge[k, 0])
            for x in range(int(np.ceil(first - 1e-9)), int(np.floor(last + 1e-9)) + 1):
                whole = True
                for k in range(3):
                    if edge[k, 0] * x + edge[k, 1] * y + edge[k, 2] < margin[k]:
                        whole = False
                z = np.float32(slope[t, 0] * x + slope[t, 1] * y + slope[t, 2])
                s = slot[y, x]
                if whole and s < 0:
                    if z > nearest[y, x]:
                        nearest[y, x] = z
                        triangle[y, x] = t
                    continue
                below = triangle[y, x]
                if s < 0 and below == BASE and z + spread < nearest[y, x]:
                    continue
                pattern = patterns[pattern_of_pixel(x + x0, y + y0)]
                for i in range(SAMPLES):
                    sx, sy = x + pattern[i, 0], y + pattern[i, 1]
                    if not whole and (
                        edge[0, 0] * sx + edge[0, 1] * sy + edge[0, 2] < 0.0
                        or edge[1, 0] * sx + edge[1, 1] * sy + edge[1, 2] < 0.0
                        or edge[2, 0] * sx + edge[2, 1] * sy + edge[2, 2] < 0.0
                    ):
                        continue
                    if s < 0:
                        s = used
                        used += 1
                        slot[y, x] = s
                        for j in range(SAMPLES):
                            sample_triangle[s, j] = below
                            sample_nearness[s, j] = nearest[y, x]
                            if below != BASE:
                                px, py = x + pattern[j, 0], y + pattern[j, 1]
                                sample_nearness[s, j] = slope[below, 0] * px + slope[below, 1] * py + slope[below, 2]
                    zs = np.float32(slope[t, 0] * sx + slope[t, 1] * sy + slope[t, 2])
                    if zs > sample_nearness[s, i]:
                        sample_nearness[s, i] = zs
                        sample_triangle[s, i] = t
    return used


@njit(cache=True, error_model="numpy")
def cover_bits(
    triangle: NDArray[np.int32], slot: NDArray[np.int32], sample_triangle: NDArray[np.int32]
) -> NDArray[np.uint32]:
    """Which samples of each pixel any triangle covers: bit i for sample i, (h, w)."""
    h, w = triangle.shape
    bits = np.zeros((h, w), dtype=np.uint32)
    for y in range(h):
        for x in range(w):
            s = slot[y, x]
            if s < 0:
                bits[y, x] = ALL if triangle[y, x] != BASE else 0
            else:
                value = 0
                for i in range(SAMPLES):
                    if sample_triangle[s, i] != BASE:
                        value |= 1 << i
                bits[y, x] = value
    return bits
