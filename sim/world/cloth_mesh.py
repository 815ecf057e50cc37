"""Triangle mesh of a cut piece, in the coordinates of its pattern."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from sewcell.errors import ConfigError
from sewcell.geometry.poses import Array

Indices = NDArray[np.int64]

RELAXATIONS = 6
COVERAGE_TOLERANCE = 2e-3


@dataclass(frozen=True, slots=True)
class ClothMesh:
    """`points` (V, 2) [m] pattern coordinates; `triangles` (T, 3) counter-clockwise; `boundary` (V,) bool."""

    points: Array
    triangles: Indices
    boundary: NDArray[np.bool_]


def mesh_outline(outline: Array, edge_length: float, holes: tuple[Array, ...] = ()) -> ClothMesh:
    """Mesh the inside of `outline` (N, 2) [m] without `holes`, with edges of about `edge_length` [m].

    Boundary points are the corners and equal parts between them; inner points start on a triangular lattice and are
    relaxed to the mean of their neighbours. Delaunay triangles whose centre lies outside are dropped.

    Raises: ConfigError when the outline crosses itself or cannot be covered.
    """
    polygon = shapely.Polygon(outline, holes)
    if not polygon.is_valid or polygon.area <= 0.0:
        raise ConfigError(
            f"the outline of the piece is not a simple polygon ({shapely.is_valid_reason(polygon)}): "
            "correct the pattern so that it does not cross itself"
        )
    spacing = edge_length
    for _ in range(4):
        mesh = _try_mesh(polygon, edge_length, spacing)
        if abs(_area(mesh) - polygon.area) < COVERAGE_TOLERANCE * polygon.area:
            return mesh
        spacing *= 0.6
    raise ConfigError(
        f"triangles of {edge_length * 1e3:.1f} mm cannot cover the outline of the piece: use a shorter edge length"
    )


def _area(mesh: ClothMesh) -> float:
    a, b, c = (mesh.points[mesh.triangles[:, k]] for k in range(3))
    return float(np.sum(_cross(b - a, c - a)) / 2.0)


def _try_mesh(polygon: shapely.Polygon, edge_length: float, spacing: float) -> ClothMesh:
    rim = np.concatenate([_resample(np.asarray(r.coords), spacing) for r in (polygon.exterior, *polygon.interiors)])
    inside = _lattice(polygon.buffer(-0.6 * edge_length), edge_length)
    points = np.concatenate([rim, inside])
    triangles = _triangulate(points, polygon)
    for _ in range(RELAXATIONS):
        points = _relax(points, triangles, len(rim))
        triangles = _triangulate(points, polygon)
    boundary = np.arange(len(points)) < len(rim)
    used = np.unique(triangles)
    renumber = np.full(len(points), -1, dtype=np.int64)
    renumber[used] = np.arange(len(used))
    return ClothMesh(points[used], renumber[triangles], boundary[used])


def _resample(ring: Array, spacing: float) -> Array:
    """Closed ring (N + 1, 2) -> points (M, 2). Corners (turn over 20 deg) stay, arcs between are cut evenly."""
    if np.allclose(ring[0], ring[-1]):
        ring = ring[:-1]
    ring = ring[np.linalg.norm(ring - np.roll(ring, 1, axis=0), axis=1) > 1e-7]
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    turn = np.abs(np.arctan2(_cross(before, after), np.sum(before * after, axis=1)))
    corners = np.flatnonzero(turn > np.deg2rad(20.0))
    if len(corners) == 0:
        corners = np.array([0])
    ring = np.roll(ring, -corners[0], axis=0)
    corners = np.append(corners - corners[0], len(ring))
    closed = np.vstack([ring, ring[:1]])
    parts = []
    for i, j in pairwise(corners):
        arc = closed[i : j + 1]
        s = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(arc, axis=0), axis=1))])
        n = max(1, round(s[-1] / spacing))
        at = np.linspace(0.0, s[-1], n + 1)[:-1]
        parts.append(np.column_stack([np.interp(at, s, arc[:, 0]), np.interp(at, s, arc[:, 1])]))
    return np.concatenate(parts)


def _lattice(region: shapely.Geometry, edge_length: float) -> Array:
    """Triangular lattice points inside `region`, (M, 2)."""
    if region.is_empty:
        return np.empty((0, 2))
    x0, y0, x1, y1 = region.bounds
    rows = np.arange(y0, y1, edge_length * np.sqrt(0.75))
    columns = np.arange(x0 - edge_length, x1 + edge_length, edge_length)
    x, y = np.meshgrid(columns, rows)
    x = x + np.where(np.arange(len(rows)) % 2, edge_length / 2, 0.0)[:, None]
    points = np.column_stack([x.ravel(), y.ravel()])
    inside: Array = points[shapely.contains_xy(region, points[:, 0], points[:, 1])]
    return inside


def _triangulate(points: Array, polygon: shapely.Polygon) -> Indices:
    triangles = Delaunay(points).simplices.astype(np.int64)
    a, b, c = (points[triangles[:, k]] for k in range(3))
    area = _cross(b - a, c - a) / 2.0
    triangles[area < 0.0] = triangles[area < 0.0][:, ::-1]
    longest = np.max([np.sum((b - a) ** 2, 1), np.sum((c - b) ** 2, 1), np.sum((a - c) ** 2, 1)], axis=0)
    centre = (a + b + c) / 3.0
    keep = (np.abs(area) > 1e-3 * longest) & shapely.contains_xy(polygon, centre[:, 0], centre[:, 1])
    kept: Indices = triangles[keep]
    return kept


def _relax(points: Array, triangles: Indices, fixed: int) -> Array:
    """Move the points after the first `fixed` half way to the mean of their neighbours."""
    total, count = np.zeros_like(points), np.zeros(len(points))
    for i, j in ((0, 1), (1, 2), (2, 0)):
        for p, q in ((i, j), (j, i)):
            np.add.at(total, triangles[:, p], points[triangles[:, q]])
            np.add.at(count, triangles[:, p], 1.0)
    moved = points.copy()
    free = (np.arange(len(points)) >= fixed) & (count > 0)
    moved[free] = 0.5 * points[free] + 0.5 * total[free] / count[free, None]
    return moved


def _cross(a: Array, b: Array) -> Array:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
