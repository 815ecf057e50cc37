"""Sub-pixel edges of cloth on a known background, measured along the normals of an outline in the raw picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sewcell.geometry.poses import Array
from sewcell.units import MM
from sewcell.vision.background import ORDINARY, SHADOW_SIGMA, is_table
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.edge_sampling import MARGIN, discriminate, find_spread, sample_lines, smooth_ring, sum_cover
from sewcell.vision.thinning import Pixels

_BAND_PX = 5.0
_RIM_PX = 2.5
_SMOOTHING_POINTS = 9
_WEAK_SEPARATION, _WEAK_SMOOTHING_POINTS = 60.0, 9
"""Where cloth and table hardly differ, neighbouring edges are averaged; by and by, so that twins are measured alike."""
_LEAST_FAINT = 0.02
_END_PX = 1.0
_ALIKE = 3.0
_INSIDE_COVER = 0.6
_OUTSIDE_COVER = 0.4


@dataclass(frozen=True, slots=True)
class Scene:
    """What the edges are measured in: the picture, the empty table (both (H, W, 3)), and how they compare.

    `gain` (3,) and `noise` (3,) as in `Comparison`; `height` [m] of the plane on which the outline lies; `pixel` [m]:
    what a pixel sees of the table.
    """

    pixels: Pixels
    empty: Pixels
    gain: Array
    noise: Array
    camera: CameraModel
    height: float
    pixel: float


@dataclass(frozen=True, slots=True)
class Edges:
    """`offset` (N,) [m] from each point along its normal to the edge; `valid` (N,) where there is one;
    `weight` (N,) up to 1, smaller where cloth and table look alike; `cover` (N,): share of the search range that cloth
    covers; `inner` and `outer` (N, 3): colours at the inner and at the outer end of the search; `under` (N, 3): that of
    the empty table at the inner end; `cloth` (N, 3): the colour inside, smoothed along the outline, `spread` (3, 3):
    covariance of noise and texture."""

    offset: Array
    valid: NDArray[np.bool_]
    weight: Array
    cover: Array
    inner: NDArray[np.float32]
    outer: NDArray[np.float32]
    under: NDArray[np.float32]
    cloth: NDArray[np.float32]
    spread: Array


def measure_edges(scene: Scene, points: Array, normals: Array, reach_px: float, step_px: float) -> Edges:
    """Look for the edge within `reach_px` of each point (N, 2) [m, table] along its outward unit normal (N, 2), in
    steps of `step_px`, 0.5 or 1.

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
    length = np.maximum(np.hypot(direction[:, 0], direction[:, 1]), 1e-9)
    px_per_m = length / probe

    count, band, rim, ends = (round(span / step_px) for span in (2.0 * reach_px, _BAND_PX, _RIM_PX, _END_PX))
    profiles = np.empty((len(points), band + MARGIN + count + rim, 6), np.float32)
    means = np.empty((len(points), 5, 3), np.float32)
    squares = np.zeros((3, 3))
    inside = sample_lines(
        scene.pixels,
        scene.empty,
        scene.gain.astype(np.float32),
        start_px.astype(np.float32),
        (direction / length[:, None]).astype(np.float32),
        (0.5 - 0.5 * count - MARGIN - band) * step_px,
        step_px,
        band,
        rim,
        profiles,
        means,
        squares,
    )
    smooth = smooth_ring(means.reshape(len(points), 15), _SMOOTHING_POINTS)
    cloth = smooth[:, :3]
    spread = find_spread(means, cloth, squares, scene.noise, band)
    light, axis, separation = discriminate(means, smooth, np.linalg.inv(spread).astype(np.float32), SHADOW_SIGMA)
    sums = sum_cover(profiles, band + MARGIN, count, ends, light, cloth, axis, separation)
    faint = 1.0 / (1.0 + (middle(separation) / _WEAK_SEPARATION) ** 4)
    if faint > _LEAST_FAINT:
        sums += np.float32(faint) * (smooth_ring(sums, _WEAK_SMOOTHING_POINTS) - sums)
    covered, begin, end = sums.T.astype(np.float64)
    valid = inside & (begin > _INSIDE_COVER) & (end < _OUTSIDE_COVER)
    offset_px = (covered - 0.5 * count) * step_px
    weight = np.asarray(separation / (separation + 10.0), np.float64)
    return Edges(
        offset_px / px_per_m, valid, weight, covered / count, means[:, 0], means[:, 1], means[:, 4], cloth, spread
    )


def middle(values: Array | NDArray[np.float32]) -> float:
    """The median of values (N,), the upper one of two; several times as fast as NumPy's."""
    return float(np.partition(values, len(values) // 2)[len(values) // 2])


def is_hidden(scene: Scene, edges: Edges, chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where the inner end of the search shows neither the piece's cloth nor the table, be it in shadow, nor a mixture
    of the two, at the edges number `chosen` (K,): something else lies there, (K,)."""
    table = edges.under[chosen]
    difference, contrast = edges.inner[chosen] - table, np.median(edges.cloth, axis=0) - table
    share = (difference * contrast).sum(axis=1) / np.maximum((contrast**2).sum(axis=1), 1.0)
    rest = difference - np.clip(share, 0.0, 1.0)[:, None] * contrast
    return ~is_table(rest, table, scene.noise, ORDINARY)


def shows_cloth(edges: Edges) -> NDArray[np.bool_]:
    """Where the picture shows the piece's cloth on both sides of the outline, so that nothing hides an edge, (N,)."""
    precision, cloth = np.linalg.inv(edges.spread), np.median(edges.cloth, axis=0)
    alike = np.ones(len(edges.offset), dtype=bool)
    for colours in (edges.inner, edges.outer):
        away = colours - cloth
        alike &= ((away @ precision) * away).sum(axis=1) < _ALIKE**2
    return alike
