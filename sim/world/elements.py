"""Membrane triangles and bending hinges of a cloth mesh, with their compliances."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, vstack
from scipy.sparse.linalg import lsqr

from sewcell.geometry.poses import Array
from sim.world.cloth_mesh import ClothMesh, Indices
from sim.world.parameters import ClothMaterial

LANES = 16
FIT_FREEDOM = 0.5
"""How much a hinge may leave the rigidity of a perfect lattice, see `_fit_rigidity`."""


class Elements(NamedTuple):
    """Membrane triangles and hinges of a whole mesh, sorted by colour: of one colour no two share a vertex.

    `triangles` (T, 3); `a`, `b` (T, 3) gradients of the shape functions along warp and weft [1/m];
    `warp`, `weft`, `shear` (T,) compliances 1/(stiffness area) [1/(N m)]; `colours` (T,); `hinges` (H, 4): two
    vertices of the edge, then the two opposite; `weights` (H, 4); `bend` (H,) compliance [m/N].
    """

    triangles: Indices
    a: Array
    b: Array
    warp: Array
    weft: Array
    shear: Array
    colours: Indices
    hinges: Indices
    weights: Array
    bend: Array


class Sweep(NamedTuple):
    """The elements that can move, as the kernels sweep them: triangles of a colour padded to a multiple of LANES.

    `triangles` (P, 3); `constants` (9, P): a, b, compliances of warp, weft and shear; padding has a = b = 0.
    """

    triangles: Indices
    constants: Array
    hinges: Indices
    weights: Array
    bend: Array


def build_elements(mesh: ClothMesh, material: ClothMaterial, warp_direction: Array) -> Elements:
    """Elements of a mesh whose warp runs along `warp_direction` (2,) in pattern coordinates.

    A hinge is C = sum K_i x_i with the weights of Bergou et al. (2006), "A Quadratic Bending Model for Inextensible
    Surfaces", eq. 5; |C| = edge length x angle, and the compliance (A0 + A1)/B gives the energy of a bent cylinder.
    """
    warp = np.asarray(warp_direction, dtype=np.float64) / np.linalg.norm(warp_direction)
    local = mesh.points @ np.column_stack([warp, [-warp[1], warp[0]]])
    p = local[mesh.triangles]  # (T, 3, 2)
    area2 = (p[:, 1, 0] - p[:, 0, 0]) * (p[:, 2, 1] - p[:, 0, 1]) - (p[:, 2, 0] - p[:, 0, 0]) * (
        p[:, 1, 1] - p[:, 0, 1]
    )
    following, last = np.roll(p, -1, axis=1), np.roll(p, -2, axis=1)
    a = (following[:, :, 1] - last[:, :, 1]) / area2[:, None]
    b = (last[:, :, 0] - following[:, :, 0]) / area2[:, None]
    area = area2 / 2.0
    order, colours = _colour(mesh.triangles, len(local))
    hinges, weights, bend = _hinges(mesh.triangles, local, area, material)
    hinge_order, _ = _colour(hinges, len(local))
    return Elements(
        mesh.triangles[order],
        a[order],
        b[order],
        1.0 / (material.stretch_warp * area[order]),
        1.0 / (material.stretch_weft * area[order]),
        1.0 / (material.shear * area[order]),
        colours,
        hinges[hinge_order],
        weights[hinge_order],
        bend[hinge_order],
    )


def select_active(elements: Elements, fixed: NDArray[np.bool_]) -> Sweep:
    """The elements that touch a vertex which is not `fixed` (V,).

    Hinges whose edge is fixed and that have one free wing stand on a clamp line: half the compliance, since half of
    the bent strip is missing.
    """
    e = elements
    chosen = np.flatnonzero(~np.all(fixed[e.triangles], axis=1))
    groups = [chosen[e.colours[chosen] == c] for c in np.unique(e.colours[chosen])]
    padded = [np.append(g, np.full(-len(g) % LANES, -1, dtype=np.int64)) for g in groups]
    t = np.concatenate([np.empty(0, dtype=np.int64), *padded])
    real = t >= 0
    constants = np.vstack([e.a.T, e.b.T, e.warp, e.weft, e.shear])[:, t]
    constants[:6, ~real] = 0.0
    held = fixed[e.hinges]
    h = ~np.all(held, axis=1)
    clamp_line = held[:, 0] & held[:, 1] & (held[:, 2] ^ held[:, 3])
    bend = np.where(clamp_line, 0.5, 1.0) * e.bend
    return Sweep(
        np.where(real[:, None], e.triangles[t], 0), np.ascontiguousarray(constants), e.hinges[h], e.weights[h], bend[h]
    )


def join_sweeps(sweeps: Sequence[Sweep], starts: Sequence[int]) -> Sweep:
    """One sweep of several cloths whose vertices begin at `starts`."""
    return Sweep(
        np.concatenate([e.triangles + s for e, s in zip(sweeps, starts, strict=True)]),
        np.ascontiguousarray(np.concatenate([e.constants for e in sweeps], axis=1)),
        np.concatenate([e.hinges + s for e, s in zip(sweeps, starts, strict=True)]),
        np.concatenate([e.weights for e in sweeps]),
        np.concatenate([e.bend for e in sweeps]),
    )


def bending_rate(elements: Elements, w: Array) -> float:
    """How fast the stiffest hinges answer: 0.53 sum w K^2 / compliance [1/s2], of all but one in a hundred."""
    mobility = np.sum(w[elements.hinges] * elements.weights**2, axis=1)
    return float(np.percentile(0.53 * mobility / elements.bend, 99)) if len(mobility) else 0.0


def lumped_areas(mesh: ClothMesh) -> Array:
    """Third of the area of the triangles around each vertex, (V,) [m2]."""
    p = mesh.points[mesh.triangles]
    e, f = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
    area = (e[:, 0] * f[:, 1] - e[:, 1] * f[:, 0]) / 2.0
    return np.bincount(mesh.triangles.ravel(), np.repeat(area / 3.0, 3), len(mesh.points)).astype(np.float64)


def _hinges(triangles: Indices, points: Array, area: Array, material: ClothMaterial) -> tuple[Indices, Array, Array]:
    """Hinges, their weights and compliances.

    A hinge feels the curvature across its edge only, so that bending along the warp is shared by edges of all
    directions. With f = 1/2 + 3/4 cos 2p - 1/8 cos 6p of the warp's rigidity and 1 - f of the weft's, p the angle from
    the warp to the normal of the edge, the sum over a lattice of equilateral triangles is right for both directions,
    however it lies. Meshes are no such lattice, least of all at their rim: `_fit_rigidity` makes up for that.
    """
    wings: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for t, corners in enumerate(triangles.tolist()):
        for k in range(3):
            i, j = corners[k], corners[(k + 1) % 3]
            wings.setdefault((min(i, j), max(i, j)), []).append((corners[(k + 2) % 3], t))
    hinges, span = [], []
    for (i, j), sides in wings.items():
        if len(sides) == 2:
            hinges.append((i, j, sides[0][0], sides[1][0]))
            span.append(area[sides[0][1]] + area[sides[1][1]])
    index = np.array(hinges, dtype=np.int64).reshape(-1, 4)
    x0, x1, x2, x3 = (points[index[:, k]] for k in range(4))
    c01, c02 = _cotangent(x1 - x0, x2 - x0), _cotangent(x1 - x0, x3 - x0)
    c03, c04 = _cotangent(x0 - x1, x2 - x1), _cotangent(x0 - x1, x3 - x1)
    weights = np.column_stack([c03 + c04, c01 + c02, -c01 - c03, -c02 - c04])
    edge = x1 - x0
    k = 2.0 * edge[:, 1] ** 2 / np.sum(edge**2, axis=1) - 1.0
    along_warp = 0.5 + 1.125 * k - 0.5 * k**3
    rigidity = material.bending_warp * along_warp + material.bending_weft * (1.0 - along_warp)
    bent = np.einsum("hk,hkd->hd", weights, points[index] ** 2 / 2.0)
    density = bent**2 / np.array(span)[:, None]
    owned = np.bincount(triangles.ravel(), np.repeat(area / 3.0, 3), len(points)).astype(np.float64)
    return index, weights, np.array(span) / _fit_rigidity(index, rigidity, density, owned, material)


def _fit_rigidity(hinges: Indices, guess: Array, density: Array, owned: Array, material: ClothMaterial) -> Array:
    """Rigidity (H,) of each hinge [N m], near `guess`, that makes every vertex as stiff as the fabric.

    `density` (H, 2) is twice the energy of a hinge per rigidity when the cloth is bent to the curvature 1 along warp
    or weft; half of it belongs to either end of the edge. Around a vertex that owns the area `owned` (V,) the sum must
    be rigidity x area in both directions. Least squares: FIT_FREEDOM weighs leaving the guess against missing that.
    """
    count, ends = len(hinges), hinges[:, :2].ravel()
    rows, wanted = [], []
    middle = np.sqrt(material.bending_warp * material.bending_weft)
    for direction, rigidity in enumerate((material.bending_warp, material.bending_weft)):
        share = np.repeat(0.5 * middle * density[:, direction], 2) / (rigidity * owned[ends])
        rows.append(coo_array((share, (ends, np.repeat(np.arange(count), 2))), shape=(len(owned), count)))
        wanted.append(np.ones(len(owned)))
    A = vstack(rows).tocsr()
    missing = np.concatenate(wanted) - A @ (guess / middle)
    change = lsqr(A, missing, damp=FIT_FREEDOM, atol=1e-8, btol=1e-8, iter_lim=300)[0] * middle
    lower, upper = sorted((material.bending_warp, material.bending_weft))
    return np.clip(guess + change, 0.1 * lower, 3.0 * upper)  # type: ignore[no-any-return]


def _cotangent(u: Array, v: Array) -> Array:
    cross = np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
    return np.sum(u * v, axis=1) / cross  # type: ignore[no-any-return]


def _colour(groups: Indices, count: int) -> tuple[Indices, Indices]:
    """Greedy colouring of groups of vertices: (order that sorts by colour, colours in that order)."""
    used: list[set[int]] = [set() for _ in range(count)]
    colours = np.zeros(len(groups), dtype=np.int64)
    for g, members in enumerate(groups.tolist()):
        taken: set[int] = set().union(*(used[m] for m in members))
        colour = next(c for c in range(len(taken) + 1) if c not in taken)
        colours[g] = colour
        for m in members:
            used[m].add(colour)
    order = np.argsort(colours, kind="stable").astype(np.int64)
    return order, colours[order]
