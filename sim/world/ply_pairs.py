"""Which vertices of cloth may meet which triangles during a step: of another ply, or of the same ply where it folds."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sewcell.geometry.poses import Array
from sim.world.cloth_mesh import Indices

UPRIGHT = 0.2
"""Vertical part of a triangle's normal below which "above" has no meaning: the side that a vertex is on counts then."""
RIM = 0.25
"""Cloth carries this share of a triangle beyond its cut edge: edges that lie on one another do not fall off."""
FOLD_RINGS = 2.5
"""Vertices nearer than this to a triangle of their own ply, in edges along the cloth, cannot meet it in a fold."""


class Pairs(NamedTuple):
    """`vertex` (N,), `triangle` (N,) of all plies; `side` (N,): 1 keeps the vertex on the side of the normal, else -1.

    `rank` (N,): number of the upper ply of the pair, by which pairs are sorted from below.
    """

    vertex: Indices
    triangle: Indices
    side: Array
    rank: Indices


def no_pairs() -> Pairs:
    """Nothing can meet."""
    empty = np.empty(0, dtype=np.int64)
    return Pairs(empty, empty, np.empty(0), empty)


@njit(cache=True, error_model="numpy")
def is_folded(x: Array, triangles: Indices) -> bool:
    """Some triangles show their face in plan and some their back: only then can a ply touch itself."""
    face = back = False
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay = x[j, 0] - x[i, 0], x[j, 1] - x[i, 1]
        bx, by = x[k, 0] - x[i, 0], x[k, 1] - x[i, 1]
        turn = ax * by - ay * bx
        face = face or turn > 0.0
        back = back or turn < 0.0
        if face and back:
            return True
    return False


@njit(cache=True, error_model="numpy")
def find_pairs(
    x: Array,
    rest: Array,
    vertices: Indices,
    triangles: Indices,
    rim: NDArray[np.bool_],
    first: int,
    last: int,
    layer: int,
    reach: float,
    aside: float,
    edge: float,
    known: Indices,
    known_side: Array,
) -> tuple[Indices, Indices, Array]:
    """Pairs of `vertices` with the triangles `first` to `last` that come within `reach` [m] of each other, and `aside`
    [m] along the triangle. Those of the `rim` (T,) carry cloth beyond their edge, see RIM.

    `layer` 1: the vertices belong to the upper ply, -1: to the lower, 0: to the same (`rest` (V, 2) tells neighbours).
    Plies keep their order: a vertex of the upper one belongs above the triangle, wherever it is now; where the triangle
    stands upright, it belongs where it is. Within a ply it belongs where the same pair was in the last step (`known`,
    sorted: vertex x triangles + triangle, with `known_side`), or else where it is. Triangles are found by a grid over
    their plan view.
    """
    x0 = y0 = np.inf
    x1 = y1 = -np.inf
    for t in range(first, last):
        for c in range(3):
            p = x[triangles[t, c]]
            x0, x1 = min(x0, p[0]), max(x1, p[0])
            y0, y1 = min(y0, p[1]), max(y1, p[1])
    beyond = RIM * edge
    margin = reach + beyond
    x0, y0, x1, y1 = x0 - margin, y0 - margin, x1 + margin, y1 + margin
    cell = max(edge, np.sqrt((x1 - x0) * (y1 - y0) / 40000.0))
    columns, rows = int((x1 - x0) / cell) + 1, int((y1 - y0) / cell) + 1
    head = np.full(columns * rows, -1, dtype=np.int64)
    following = np.full(vertices.shape[0], -1, dtype=np.int64)
    z0, z1 = np.inf, -np.inf
    for t in range(first, last):
        for c in range(3):
            z0, z1 = min(z0, x[triangles[t, c], 2]), max(z1, x[triangles[t, c], 2])
    for m in range(vertices.shape[0]):
        p = x[vertices[m]]
        if p[0] < x0 or p[0] > x1 or p[1] < y0 or p[1] > y1 or p[2] < z0 - reach or p[2] > z1 + reach:
            continue
        place = int((p[0] - x0) / cell) * rows + int((p[1] - y0) / cell)
        following[m] = head[place]
        head[place] = m
    capacity = 4 * vertices.shape[0] + 64
    found_v = np.empty(capacity, dtype=np.int64)
    found_t = np.empty(capacity, dtype=np.int64)
    side = np.empty(capacity)
    count = 0
    apart = (FOLD_RINGS * edge) ** 2
    for t in range(first, last):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        a, b, c3 = x[i], x[j], x[k]
        wide = margin if rim[t] else reach
        lx, hx = min(a[0], b[0], c3[0]) - wide, max(a[0], b[0], c3[0]) + wide
        ly, hy = min(a[1], b[1], c3[1]) - wide, max(a[1], b[1], c3[1]) + wide
        lz, hz = min(a[2], b[2], c3[2]) - reach, max(a[2], b[2], c3[2]) + reach
        ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        wx, wy, wz = c3[0] - a[0], c3[1] - a[1], c3[2] - a[2]
        nx, ny, nz = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
        size = np.sqrt(nx * nx + ny * ny + nz * nz)
        nx, ny, nz = nx / size, ny / size, nz / size
        for cx in range(max(0, int((lx - x0) / cell)), min(columns - 1, int((hx - x0) / cell)) + 1):
            for cy in range(max(0, int((ly - y0) / cell)), min(rows - 1, int((hy - y0) / cell)) + 1):
                m = head[cx * rows + cy]
                while m >= 0:
                    v = vertices[m]
                    m = following[m]
                    p = x[v]
                    if p[0] < lx or p[0] > hx or p[1] < ly or p[1] > hy or p[2] < lz or p[2] > hz:
                        continue
                    rx, ry, rz = p[0] - a[0], p[1] - a[1], p[2] - a[2]
                    distance = rx * nx + ry * ny + rz * nz
                    if abs(distance) > reach:
                        continue
                    s1 = ((ry * wz - rz * wy) * nx + (rz * wx - rx * wz) * ny + (rx * wy - ry * wx) * nz) / size
                    s2 = ((uy * rz - uz * ry) * nx + (uz * rx - ux * rz) * ny + (ux * ry - uy * rx) * nz) / size
                    if min(s1, s2, 1.0 - s1 - s2) < -(aside / edge + (RIM if rim[t] else 0.01)):
                        continue
                    if layer == 0:
                        near = False
                        for n in (i, j, k):
                            near = near or (rest[v, 0] - rest[n, 0]) ** 2 + (rest[v, 1] - rest[n, 1]) ** 2 < apart
                        if near:
                            continue
                    belongs = 1.0 if distance >= 0.0 else -1.0
                    if layer != 0 and abs(nz) > UPRIGHT:
                        belongs = layer * np.sign(nz)
                    elif layer == 0:
                        key = v * triangles.shape[0] + t
                        at = np.searchsorted(known, key)
                        if at < known.shape[0] and known[at] == key:
                            belongs = known_side[at]
                    if count == capacity:
                        capacity *= 2
                        found_v = np.concatenate((found_v, np.empty(count, dtype=np.int64)))
                        found_t = np.concatenate((found_t, np.empty(count, dtype=np.int64)))
                        side = np.concatenate((side, np.empty(count)))
                    found_v[count], found_t[count], side[count] = v, t, belongs
                    count += 1
    return found_v[:count], found_t[:count], side[:count]


def sort_by_rank(parts: list[tuple[Indices, Indices, Array, int]]) -> Pairs:
    """Pairs of all plies, those of the lowest ply first. Each part: vertices, triangles, sides, rank."""
    if not parts:
        return no_pairs()
    ordered = sorted(parts, key=lambda part: part[3])
    return Pairs(
        np.concatenate([p[0] for p in ordered]),
        np.concatenate([p[1] for p in ordered]),
        np.concatenate([p[2] for p in ordered]),
        np.concatenate([np.full(len(p[0]), p[3], dtype=np.int64) for p in ordered]),
    )


def rim_triangles(triangles: Indices) -> NDArray[np.bool_]:
    """Triangles (T,) with an edge that no other triangle shares: there cloth ends."""
    edges = np.sort(np.concatenate([triangles[:, (0, 1)], triangles[:, (1, 2)], triangles[:, (2, 0)]]), axis=1)
    _, inverse, counts = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
    alone: NDArray[np.bool_] = (counts[inverse.ravel()] == 1).reshape(3, -1).any(axis=0)
    return alone


def rim_lengths(pattern: Array, triangles: Indices) -> Array:
    """Half the length of the cut edges that end at each vertex of `pattern` (V, 2), (V,) [m]."""
    edges = np.sort(np.concatenate([triangles[:, (0, 1)], triangles[:, (1, 2)], triangles[:, (2, 0)]]), axis=1)
    ends, counts = np.unique(edges, axis=0, return_counts=True)
    rim = ends[counts == 1]
    length = np.linalg.norm(pattern[rim[:, 0]] - pattern[rim[:, 1]], axis=1)
    return np.bincount(rim.ravel(), np.repeat(length / 2.0, 2), len(pattern)).astype(np.float64)


def find_shares(p: Array, corners: Array) -> Array:
    """Barycentric coordinates (3,) of the projection of `p` (3,) on the plane of `corners` (3, 3)."""
    a, b, c = corners
    n = np.cross(b - a, c - a)
    s1 = np.cross(p - a, c - a) @ n / (n @ n)
    s2 = np.cross(b - a, p - a) @ n / (n @ n)
    return np.array([1.0 - s1 - s2, s1, s2])
