"""Sub-pixel edges of cloth on a known background, measured along the normals of an outline in the raw picture."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from sewcell.geometry.poses import Array
from sewcell.units import MM
from sewcell.vision.background import SHADOW_SIGMA, Pixels
from sewcell.vision.camera_model import CameraModel

_STEP_PX = 0.5
_BAND_PX = 5.0
_RIM_PX = 2.5
_RIM_LIGHT = (0.4, 1.15)
_SMOOTHING_POINTS = 15
_WEAK_SEPARATION, _WEAK_SMOOTHING_POINTS = 60.0, 9
"""Where cloth and table hardly differ, neighbouring edges are averaged."""
_END_SAMPLES = 2
_ALIKE = 3.0
_INSIDE_COVER = 0.6
_OUTSIDE_COVER = 0.4


@dataclass(frozen=True, slots=True)
class Scene:
    """What the edges are measured in: the picture, the empty table (both (H, W, 3)), and how they compare.

    `gain` (3,) and `noise` (3,) as in `Comparison`; `height` [m] of the plane on which the outline lies.
    """

    pixels: Pixels
    empty: Pixels
    gain: Array
    noise: Array
    camera: CameraModel
    height: float


@dataclass(frozen=True, slots=True)
class Edges:
    """`offset` (N,) [m] from each point along its normal to the edge; `valid` (N,) where there is one;
    `weight` (N,) up to 1, smaller where cloth and table look alike; `cover` (N,): share of the search range that cloth
    covers; `inner` and `outer` (N, 3): colours at the inner and at the outer end of the search; `cloth` (N, 3): the
    colour inside, smoothed along the outline, `spread` (3, 3): covariance of noise and texture."""

    offset: Array
    valid: NDArray[np.bool_]
    weight: Array
    cover: Array
    inner: NDArray[np.float32]
    outer: NDArray[np.float32]
    cloth: NDArray[np.float32]
    spread: Array


def measure_edges(scene: Scene, points: Array, normals: Array, reach_px: float) -> Edges:
    """Look for the edge within `reach_px` of each point (N, 2) [m, table] along its outward unit normal (N, 2).

    Each sample is a mixture I = a F + (1 - a) B of the cloth's colour F, taken further inside and smoothed along the
    outline, and the empty table's B at that very pixel, dimmed as the table is just outside, where the cloth's own
    shadow falls. The cover a follows from Fisher's discriminant w = S^-1 (F - B), a = w'(I - B) / w'(F - B), where S
    holds the noise, the cloth's texture and soft shadow (SHADOW_SIGMA^2 B B'). The edge lies where the covered length,
    the sum of a, ends: the blur of the lens is symmetric and cancels (Tabatabai and Mitchell 1984, "Edge Location to
    Subpixel Values in Digital Imagery").
    """
    probe = 1.0 * MM
    both = scene.camera.project_plane(np.vstack((points, points + probe * normals)), scene.height)
    start_px = both[: len(points)]
    direction = both[len(points) :] - start_px
    px_per_m = np.linalg.norm(direction, axis=1) / probe
    direction /= np.maximum(px_per_m * probe, 1e-12)[:, None]

    half = round(reach_px / _STEP_PX)
    band, rim = round(_BAND_PX / _STEP_PX), round(_RIM_PX / _STEP_PX)
    profiles = np.empty((len(points), 2 * half + band + rim + 2, 6), np.float32)
    first = (-half - band - 2 + 0.5) * _STEP_PX
    means = np.zeros((len(points), 4, 3), np.float32)
    squares = np.zeros((3, 3))
    inside = _sample(
        scene.pixels, scene.empty, scene.gain, start_px, direction, first, band, rim, profiles, means, squares
    )
    inner, outside, bare, between = (means[:, k] for k in range(4))
    cloth = _smooth(inner)  # (N, 3)
    mixed = inner.T @ cloth
    scatter = squares - band * (mixed + mixed.T - cloth.T @ cloth)
    spread = np.diag(scene.noise**2) + 0.5 * scatter / (band * len(points))
    rim_seen, bare = _smooth(outside), _smooth(bare)
    light = (rim_seen * bare).sum(axis=1) / np.maximum((bare * bare).sum(axis=1), 1.0)
    light = np.clip(light, *_RIM_LIGHT).astype(np.float32)
    local = between * light[:, None]  # (N, 3)
    axis = _discriminant(cloth - local, local, spread)
    separation = ((cloth - local) * axis).sum(axis=1)  # squared signal to noise
    sums = _sum_cover(profiles, profiles.shape[1] - rim - 2 * half, 2 * half, light, cloth, axis, separation)
    if np.median(separation) < _WEAK_SEPARATION:
        sums = uniform_filter1d(sums, min(_WEAK_SMOOTHING_POINTS, len(sums)), axis=0, mode="wrap")
    covered, begin, end = sums.T
    valid = inside & (begin > _INSIDE_COVER) & (end < _OUTSIDE_COVER)
    weight = separation / (separation + 10.0)
    offset_px = covered * _STEP_PX - half * _STEP_PX
    return Edges(
        offset_px / px_per_m, valid, np.asarray(weight, np.float64), covered / (2 * half), inner, outside, cloth, spread
    )


def shows_cloth(edges: Edges) -> NDArray[np.bool_]:
    """Where the picture shows the piece's cloth on both sides of the outline, so that nothing hides an edge, (N,)."""
    precision, cloth = np.linalg.inv(edges.spread), np.median(edges.cloth, axis=0)
    alike = np.ones(len(edges.offset), dtype=bool)
    for colours in (edges.inner, edges.outer):
        away = colours - cloth
        alike &= ((away @ precision) * away).sum(axis=1) < _ALIKE**2
    return alike


@njit(cache=True, error_model="numpy")
def _sample(
    pixels: Pixels,
    empty: Pixels,
    gain: Array,
    start: Array,
    direction: Array,
    first: float,
    band: int,
    rim: int,
    profiles: NDArray[np.float32],
    means: NDArray[np.float32],
    squares: Array,
) -> NDArray[np.bool_]:
    """Fills `profiles` (N, M, 6) with the picture's colour and that of the table, interpolated.

    `means` (N, 4, 3): the picture in the inner band and in the outer rim, the table in the rim and in between;
    `squares` (3, 3): sum of the products of the colours in all inner bands. Returns which profiles lie in the picture
    from end to end.
    """
    h, w, _ = pixels.shape
    n, m, _ = profiles.shape
    inside = np.empty(n, np.bool_)
    factor = gain.astype(np.float32)
    for i in range(n):
        whole = True
        for j in range(m):
            u = start[i, 0] + (first + _STEP_PX * j) * direction[i, 0]
            v = start[i, 1] + (first + _STEP_PX * j) * direction[i, 1]
            if u < 0.0 or v < 0.0 or u > w - 1.0 or v > h - 1.0:
                whole = False
                u, v = min(max(u, 0.0), w - 1.0), min(max(v, 0.0), h - 1.0)
            x, y = min(int(u), w - 2), min(int(v), h - 2)
            fx, fy = np.float32(u - x), np.float32(v - y)
            a, b = (1 - fx) * (1 - fy), fx * (1 - fy)
            c, d = (1 - fx) * fy, fx * fy
            for k in range(3):
                profiles[i, j, k] = (
                    a * pixels[y, x, k]
                    + b * pixels[y, x + 1, k]
                    + c * pixels[y + 1, x, k]
                    + d * pixels[y + 1, x + 1, k]
                )
                profiles[i, j, 3 + k] = factor[k] * (
                    a * empty[y, x, k] + b * empty[y, x + 1, k] + c * empty[y + 1, x, k] + d * empty[y + 1, x + 1, k]
                )
            if j < band:
                for k in range(3):
                    means[i, 0, k] += profiles[i, j, k] / band
                    for other in range(k + 1):
                        squares[k, other] += profiles[i, j, k] * profiles[i, j, other]
            elif j >= m - rim:
                for k in range(3):
                    means[i, 1, k] += profiles[i, j, k] / rim
                    means[i, 2, k] += profiles[i, j, 3 + k] / rim
            elif j >= band + 2:
                for k in range(3):
                    means[i, 3, k] += profiles[i, j, 3 + k] / (m - rim - band - 2)
        inside[i] = whole
    for k in range(3):
        for other in range(k):
            squares[other, k] = squares[k, other]
    return inside


@njit(cache=True, error_model="numpy")
def _sum_cover(
    profiles: NDArray[np.float32],
    first: int,
    count: int,
    light: NDArray[np.float32],
    cloth: NDArray[np.float32],
    axis: Array,
    separation: Array,
) -> Array:
    """Sum of the cover over the search range, and its mean over the first and last samples, (N, 3)."""
    n = len(profiles)
    sums = np.zeros((n, 3))
    for i in range(n):
        floor = 0.1 * abs(separation[i]) + 1e-6
        for j in range(count):
            signal, contrast = 0.0, 0.0
            for k in range(3):
                bare = profiles[i, first + j, 3 + k] * light[i]
                signal += (profiles[i, first + j, k] - bare) * axis[i, k]
                contrast += (cloth[i, k] - bare) * axis[i, k]
            cover = min(1.3, max(-0.3, signal * contrast / (contrast * contrast + floor * floor)))
            sums[i, 0] += cover
            if j < _END_SAMPLES:
                sums[i, 1] += cover / _END_SAMPLES
            if j >= count - _END_SAMPLES:
                sums[i, 2] += cover / _END_SAMPLES
    return sums


def _smooth(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Moving average of rows (N, 3) along the closed outline."""
    return np.asarray(uniform_filter1d(rows, min(_SMOOTHING_POINTS, len(rows)), axis=0, mode="wrap"))


def _discriminant(contrast: Array, table: Array, spread: Array) -> Array:
    """(spread + SHADOW_SIGMA^2 B B')^-1 contrast for each row (N, 3), by Sherman and Morrison."""
    inverse = np.linalg.inv(spread)
    plain, shadow = contrast @ inverse, table @ inverse
    share = (table * plain).sum(axis=1) / (SHADOW_SIGMA**-2 + (table * shadow).sum(axis=1))
    return np.asarray(plain - share[:, None] * shadow)
