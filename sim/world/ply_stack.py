"""Plies that lie on one another at the needle, as one set of vertices, triangles and unknowns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import reverse_cuthill_mckee
from scipy.spatial import cKDTree

from sewcell.geometry.poses import Array
from sim.world.banded import SPARE
from sim.world.cloth import Cloth
from sim.world.cloth_mesh import Indices
from sim.world.heights import Hinges
from sim.world.membrane import WRINKLE_LENGTH, YARN_STIFFNESS, Membrane

FLAT_FROM = 0.5
"""Ratio of areas in plan above which a triangle lies flat."""
YARN_FRICTION = 0.5
"""Half the hysteresis of shear [N/m]: 2HG of 1 gf/cm, of the size that KES-F shows for shirtings (Kawabata 1980)."""
JOINS_WITHIN = 2.0
"""Edges between vertices of two plies that links may couple."""


@dataclass(frozen=True, slots=True)
class PlyStack:
    """`cloths` from below. `vertices`, `triangles` (Q + 1,): where those of each ply begin. `dof` (V,): number of a
    free vertex among the unknowns or -1; `width`: of the band of their matrix; `floor` (V,): height at rest [m].
    `friction`: throat plate, dog, foot and between the plies.
    """

    cloths: tuple[Cloth, ...]
    vertices: Indices
    triangles: Indices
    membrane: Membrane
    hinges: Hinges
    mass: Array
    dof: Indices
    width: int
    floor: Array
    friction: Array
    thickness: float


def stack_plies(cloths: tuple[Cloth, ...]) -> PlyStack:
    """Plies from below, where they are now; vertices that the gripper holds are given, the others unknown."""
    vertices = np.cumsum([0, *(len(c.x) for c in cloths)])
    triangles = np.cumsum([0, *(len(c.triangles) for c in cloths)])
    free = np.ones(vertices[-1], dtype=np.bool_)
    levels, below = [], 0.0
    for start, cloth in zip(vertices, cloths, strict=False):
        free[start + cloth.held] = False
        half = cloth.material.thickness / 2.0
        levels.append(np.clip(cloth.x[:, 2], half, below + half))
        below += 2.0 * half
    membrane = _join_membranes(cloths, vertices, triangles, free)
    dof, width = _number_unknowns(cloths, vertices, membrane.triangles, free)
    first, last = cloths[0].material, cloths[-1].material
    between = [c.material.friction_ply for c in cloths[:-1]]
    return PlyStack(
        cloths,
        vertices,
        triangles,
        membrane,
        _join_hinges(cloths, vertices),
        np.concatenate([c.mass for c in cloths]),
        dof,
        width,
        np.concatenate(levels),
        np.array([first.friction_foot, first.friction_feed_dog, last.friction_foot, *between]),
        below,
    )


def _join_membranes(
    cloths: tuple[Cloth, ...], vertices: Indices, triangles: Indices, free: NDArray[np.bool_]
) -> Membrane:
    starts = zip(cloths, vertices, triangles, strict=False)
    parts = [_make_membrane(cloth, int(start), int(first), free) for cloth, start, first in starts]
    return Membrane(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))


def _make_membrane(cloth: Cloth, start: int, first: int, free: NDArray[np.bool_]) -> Membrane:
    """Of one ply whose vertices are numbered from `start`, its triangles from `first`."""
    e, material = cloth.elements, cloth.material
    p = cloth.x[e.triangles]
    u, v = np.einsum("tc,tcd->td", e.a, p), np.einsum("tc,tcd->td", e.b, p)
    count = len(e.triangles)
    buckles = [
        -4.0 * np.pi**2 * material.bending_warp / WRINKLE_LENGTH**2 / material.stretch_warp,
        -4.0 * np.pi**2 * material.bending_weft / WRINKLE_LENGTH**2 / material.stretch_weft,
    ]
    return Membrane(
        e.triangles + start,
        e.a,
        e.b,
        np.column_stack([1.0 / e.warp, 1.0 / e.weft, 1.0 / e.shear]),
        0.5 / np.abs(e.a[:, 0] * e.b[:, 1] - e.a[:, 1] * e.b[:, 0]),  # |grad N0 x grad N1| = 1/(2 A)
        np.tile(buckles, (count, 1)),
        u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0] > FLAT_FROM,
        np.einsum("td,td->t", u, v),
        np.full(count, YARN_FRICTION / YARN_STIFFNESS),
        first + np.flatnonzero(free[e.triangles + start].any(axis=1)),
    )


def _join_hinges(cloths: tuple[Cloth, ...], vertices: Indices) -> Hinges:
    elements = [c.elements for c in cloths]
    return Hinges(
        np.concatenate([e.hinges + start for e, start in zip(elements, vertices, strict=False)]),
        np.concatenate([e.weights for e in elements]),
        np.concatenate([e.bend for e in elements]),
    )


def _number_unknowns(
    cloths: tuple[Cloth, ...], vertices: Indices, triangles: Indices, free: NDArray[np.bool_]
) -> tuple[Indices, int]:
    """Number the free vertices so that neighbours are close (reverse Cuthill-McKee); (dof (V,), width of the band)."""
    pairs = [triangles[:, [i, j]] for i, j in ((0, 1), (1, 2), (2, 0))]
    pairs += _pairs_between(cloths, vertices, triangles)
    edges = np.concatenate(pairs)
    edges = edges[free[edges].all(axis=1)]
    chosen = np.flatnonzero(free)
    place = np.full(len(free), -1, dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    i, j = place[edges].T
    graph = coo_array((np.ones(len(i), dtype=np.int8), (i, j)), shape=(len(chosen), len(chosen))).tocsr()
    dof = np.full(len(free), -1, dtype=np.int64)
    if len(chosen):
        order = reverse_cuthill_mckee((graph + graph.T).tocsr(), symmetric_mode=True)
        dof[chosen[order]] = np.arange(len(chosen))
    span = int(np.abs(np.diff(dof[edges], axis=1)).max(initial=0))
    return dof, 2 * (span + 1) + SPARE


def _pairs_between(cloths: tuple[Cloth, ...], vertices: Indices, triangles: Indices) -> list[Indices]:
    """Vertices of neighbouring plies that are near enough to be coupled by friction, stitch or needle."""
    pairs = []
    for q in range(len(cloths) - 1):
        lower, upper = cloths[q].x[:, :2], cloths[q + 1].x[:, :2]
        corners = cloths[q].x[cloths[q].triangles[:, :2]]
        edge = float(np.linalg.norm(corners[:, 0] - corners[:, 1], axis=1).mean())
        near = cKDTree(lower).query_ball_tree(cKDTree(upper), JOINS_WITHIN * edge)
        found = [(vertices[q] + i, vertices[q + 1] + j) for i, others in enumerate(near) for j in others]
        pairs.append(np.array(found, dtype=np.int64).reshape(-1, 2))
    return pairs
