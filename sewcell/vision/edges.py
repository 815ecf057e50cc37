"""Sub-pixel edges of cloth on a known background, measured along the normals of an outline in the raw picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sewcell.geometry.poses import Array
from sewcell.units import MM
from sewcell.vision.background import SHADOW_SIGMA, Pixels
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.edge_sampling import MARGIN, Floats, sample_lines, smooth_ring, sum_cover

_STEP_PX = 0.5
_BAND_PX = 5.0
_RIM_PX = 2.5
_RIM_LIGHT = (0.4, 1.15)
_SMOOTHING_POINTS = 9
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

    count, band, rim = (round(length / _STEP_PX) for length in (2.0 * reach_px, _BAND_PX, _RIM_PX))
    profiles = np.empty((len(points), band + MARGIN + count + rim, 6), np.float32)
    first = (0.5 - 0.5 * count - MARGIN - band) * _STEP_PX
    means = np.empty((len(points), 4, 3), np.float32)
    squares = np.zeros((3, 3))
    inside = sample_lines(
        scene.pixels,
        scene.empty,
        scene.gain.astype(np.float32),
        start_px.astype(np.float32),
        direction.astype(np.float32),
        first,
        _STEP_PX,
        band,
        rim,
        profiles,
        means,
        squares,
    )
    inner = means[:, 0]
    smooth = smooth_ring(means.reshape(len(points), 12), _SMOOTHING_POINTS)
    cloth, rim_seen, bare = (smooth[:, k : k + 3] for k in (0, 3, 6))
    mixed = inner.T @ cloth
    scatter = squares - band * (mixed + mixed.T - cloth.T @ cloth)
    spread = np.diag(scene.noise**2) + 0.5 * scatter / (band * len(points))
    light = _dot(rim_seen, bare) / np.maximum(_dot(bare, bare), 1.0)
    light = np.clip(light, *_RIM_LIGHT).astype(np.float32)
    local = means[:, 3] * light[:, None]  # (N, 3)
    axis = _discriminant(cloth - local, local, spread)
    separation = _dot(cloth - local, axis)  # squared signal to noise
    sums = sum_cover(profiles, band + MARGIN, count, _END_SAMPLES, light, cloth, axis, separation)
    if np.median(separation) < _WEAK_SEPARATION:
        sums = smooth_ring(sums, _WEAK_SMOOTHING_POINTS)
    covered, begin, end = sums.T.astype(np.float64)
    valid = inside & (begin > _INSIDE_COVER) & (end < _OUTSIDE_COVER)
    offset_px = (covered - 0.5 * count) * _STEP_PX
    weight = np.asarray(separation / (separation + 10.0), np.float64)
    return Edges(offset_px / px_per_m, valid, weight, covered / count, inner, means[:, 1], cloth, spread)


def shows_cloth(edges: Edges) -> NDArray[np.bool_]:
    """Where the picture shows the piece's cloth on both sides of the outline, so that nothing hides an edge, (N,)."""
    precision, cloth = np.linalg.inv(edges.spread), np.median(edges.cloth, axis=0)
    alike = np.ones(len(edges.offset), dtype=bool)
    for colours in (edges.inner, edges.outer):
        away = colours - cloth
        alike &= ((away @ precision) * away).sum(axis=1) < _ALIKE**2
    return alike


def _dot(a: Floats, b: Floats) -> Floats:
    """Products of the rows of two arrays (N, 3), (N,)."""
    return np.asarray(np.einsum("ij,ij->i", a, b))


def _discriminant(contrast: Floats, table: Floats, spread: Array) -> Floats:
    """(spread + SHADOW_SIGMA^2 B B')^-1 contrast for each row (N, 3), by Sherman and Morrison."""
    inverse = np.linalg.inv(spread).astype(np.float32)
    plain, shadow = contrast @ inverse, table @ inverse
    share = _dot(table, plain) / (np.float32(SHADOW_SIGMA**-2) + _dot(table, shadow))
    return np.asarray(plain - share[:, None] * shadow)
