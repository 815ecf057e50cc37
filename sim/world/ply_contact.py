"""One step of plies that may touch each other or themselves: all of them together, substep by substep."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sewcell.geometry.poses import Array
from sim.world.cloth_kernels import (
    AIR_DENSITY,
    LARGEST_PUSH,
    predict,
    push_from_foot,
    push_from_plate,
)
from sim.world.cloth_mesh import Indices
from sim.world.cloth_step import Surroundings
from sim.world.coarse_grid import CoarseGrid
from sim.world.coarse_kernels import make_factor, sweep_elements
from sim.world.elements import Sweep
from sim.world.lockstitch import Seam, pull_seam
from sim.world.ply_pairs import RIM, UPRIGHT, Pairs

LEAST_GIVE = 0.05
"""Mobility of a contact, as a share of that of its freest vertex, below which the gripper holds both of its sides."""
CLING_SLACK = 20e-6
CLING_REACH = 0.5e-3
"""Fibres of cut edges take hold when edges part by the slack and let go beyond the reach [m]."""


class PlyGroup(NamedTuple):
    """Plies from below, their vertices and triangles one after another. `w` (N,) inverse masses, 0 of what is held or
    asleep; `start` (P + 1,): where the vertices of a ply begin; `ply` (N,), `tri_ply` (T,); `rim` (T,): see RIM;
    `held` (K,) with `held0`, `held1` (K, 3) at start and end; of each ply (P,): `areal_mass`, `thickness`, `on_table`
    and `on_ply` (friction). `borne` (P, 4): force on each sleeping ply, along x, y, z and the normal load [N].
    """

    x: Array
    v: Array
    previous: Array
    w: Array
    start: Indices
    ply: Indices
    triangles: Indices
    tri_ply: Indices
    rim: NDArray[np.bool_]
    held: Indices
    held0: Array
    held1: Array
    areal_mass: Array
    thickness: Array
    on_table: Array
    on_ply: Array
    borne: Array


class Bonds(NamedTuple):
    """Fibres between cut edges: `vertex` (B,) to a point of a triangle, `corners`, `share` (B, 3); `force` (B,) [N]."""

    vertex: Indices
    corners: Indices
    share: Array
    force: Array
    broken: NDArray[np.bool_]


class Contact(NamedTuple):
    """Scratch of a substep for `pairs`: `share` (N, 3), `normal` (N, 3), `impulse` (N,) [kg m], `touching` (N,);
    `give` (N, 2): mobility of vertex and triangle along the normal [1/kg].

    Of each vertex: `firm`: table, gripper or a firm ply carries it; `floor`: impulse of the table; `load`: from above.
    """

    share: Array
    normal: Array
    impulse: Array
    touching: NDArray[np.bool_]
    give: Array
    firm: NDArray[np.bool_]
    floor: Array
    load: Array


@njit(cache=True, error_model="numpy")
def advance_plies(
    g: PlyGroup, e: Sweep, grid: CoarseGrid, pairs: Pairs, bonds: Bonds, seam: Seam, env: Surroundings, h: float,
    substeps: int, interval: int,
) -> None:  # fmt: skip
    """Advance all plies by `substeps` of `h` [s]; hinges are swept every `interval` substeps."""
    x, v, w, previous = g.x, g.v, g.w, g.previous
    plies = g.thickness.shape[0]
    count, pair_count = x.shape[0], pairs.vertex.shape[0]
    multipliers = np.zeros((2, 3, e.triangles.shape[0]))
    factor = make_factor(x, e, grid, h)
    c = Contact(
        np.empty((pair_count, 3)), np.empty((pair_count, 3)), np.empty(pair_count),
        np.empty(pair_count, dtype=np.bool_), np.empty((pair_count, 2)), np.empty(count, dtype=np.bool_),
        np.empty(count), np.empty(count),
    )  # fmt: skip
    g.borne[:] = 0.0
    for n in range(substeps):
        t1 = (n + 1) / substeps
        for p in range(plies):
            a, b = g.start[p], g.start[p + 1]
            drag = 0.5 * AIR_DENSITY * env.drag_coefficient / g.areal_mass[p]
            predict(x[a:b], previous[a:b], v[a:b], w[a:b], env.gravity, drag, h)
        for k in range(g.held.shape[0]):
            for d in range(3):
                x[g.held[k], d] = g.held0[k, d] + t1 * (g.held1[k, d] - g.held0[k, d])
        sweep_elements(x, w, e, grid, factor, multipliers, env.gravity, h, n, interval, substeps)
        pull_bonds(g, bonds, h)
        pull_seam(x, w, seam, h)
        R = env.plate_axes0 + t1 * (env.plate_axes1 - env.plate_axes0)
        o = env.plate_at0 + t1 * (env.plate_at1 - env.plate_at0)
        sole = env.sole0 + t1 * (env.sole1 - env.sole0)
        for p in range(plies):
            a, b = g.start[p], g.start[p + 1]
            if env.plate_near:
                push_from_plate(x[a:b], w[a:b], R, o, env.plate_half, env.plate_depth, g.thickness[p])
            push_from_foot(
                x[a:b], previous[a:b], w[a:b], env.needle_axes, env.needle_at, env.foot_half, sole, g.thickness[p]
            )
        stand_on_table(g, c)
        part_plies(g, pairs, c)
        rub_plies(g, pairs, c, h)
        rub_table(g, c)
        for i in range(count):
            for d in range(3):
                v[i, d] = (x[i, d] - previous[i, d]) / h
        stop_bouncing(g, pairs, c)
    g.borne[:] /= substeps


@njit(cache=True, error_model="numpy")
def pull_bonds(g: PlyGroup, bonds: Bonds, h: float) -> None:
    """Each bond draws its two points together with at most its force, until they are CLING_REACH apart."""
    x, w = g.x, g.w
    r = np.empty(3)
    for n in range(bonds.vertex.shape[0]):
        if bonds.broken[n]:
            continue
        v = bonds.vertex[n]
        total = w[v]
        for d in range(3):
            r[d] = x[v, d]
        for k in range(3):
            i, s = bonds.corners[n, k], bonds.share[n, k]
            total += s * s * w[i]
            for d in range(3):
                r[d] -= s * x[i, d]
        length = np.sqrt(r[0] ** 2 + r[1] ** 2 + r[2] ** 2)
        lower = g.ply[bonds.corners[n, 0]]
        apart = length - 0.5 * (g.thickness[g.ply[v]] + g.thickness[lower])
        if apart > CLING_REACH:
            bonds.broken[n] = True
        if apart <= CLING_SLACK or apart > CLING_REACH or total == 0.0:
            continue
        pull = min((apart - CLING_SLACK) / total, bonds.force[n] * h * h)
        for d in range(3):
            along = pull * r[d] / length
            x[v, d] -= w[v] * along
            g.borne[lower, d] += along / (h * h)
            for k in range(3):
                i = bonds.corners[n, k]
                x[i, d] += bonds.share[n, k] * w[i] * along


@njit(cache=True, error_model="numpy")
def stand_on_table(g: PlyGroup, c: Contact) -> None:
    """Lift what sank into the table; `c.floor` gets the impulse, `c.firm` what cannot give way downwards."""
    for i in range(g.x.shape[0]):
        c.firm[i] = g.w[i] == 0.0
        c.load[i] = c.floor[i] = 0.0
        depth = 0.5 * g.thickness[g.ply[i]] - g.x[i, 2]
        if g.w[i] > 0.0 and depth >= 0.0:
            g.x[i, 2] += depth
            c.floor[i] = depth / g.w[i]
            c.firm[i] = True


@njit(cache=True, error_model="numpy")
def part_plies(g: PlyGroup, pairs: Pairs, c: Contact) -> None:
    """Move vertices and triangles apart to half the sum of their thicknesses, from the lowest ply upwards.

    What is firm stays: the cloth above it gives way alone (Guendelman, Bridson and Fedkiw 2003, "Nonconvex Rigid Bodies
    with Stacking", shock propagation), and becomes firm.
    """
    x, w = g.x, g.w
    s, m = np.empty(3), np.empty(3)
    for n in range(pairs.vertex.shape[0]):
        c.touching[n] = False
        v, t = pairs.vertex[n], pairs.triangle[n]
        i, j, k = g.triangles[t, 0], g.triangles[t, 1], g.triangles[t, 2]
        ax, ay, az = x[j, 0] - x[i, 0], x[j, 1] - x[i, 1], x[j, 2] - x[i, 2]
        bx, by, bz = x[k, 0] - x[i, 0], x[k, 1] - x[i, 1], x[k, 2] - x[i, 2]
        px, py, pz = x[v, 0] - x[i, 0], x[v, 1] - x[i, 1], x[v, 2] - x[i, 2]
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        square = nx * nx + ny * ny + nz * nz
        if square == 0.0:
            continue
        size = pairs.side[n] / np.sqrt(square)
        gap = 0.5 * (g.thickness[g.ply[v]] + g.thickness[g.tri_ply[t]])
        depth = gap - (px * nx + py * ny + pz * nz) * size
        if depth <= 0.0:
            continue
        # shares by the areas of the sub-triangles of the projection
        s[1] = ((py * bz - pz * by) * nx + (pz * bx - px * bz) * ny + (px * by - py * bx) * nz) / square
        s[2] = ((ay * pz - az * py) * nx + (az * px - ax * pz) * ny + (ax * py - ay * px) * nz) / square
        s[0] = 1.0 - s[1] - s[2]
        if min(s[0], s[1], s[2]) < (-RIM if g.rim[t] else -1e-3):
            continue
        within = 0.0
        for q in range(3):
            s[q] = max(s[q], 0.0)
            within += s[q]
        for q in range(3):
            s[q] /= within
        m[0], m[1], m[2] = nx * size, ny * size, nz * size
        give_v = w[v]
        give_t = s[0] * s[0] * w[i] + s[1] * s[1] * w[j] + s[2] * s[2] * w[k]
        if m[2] > UPRIGHT and c.firm[i] and c.firm[j] and c.firm[k]:
            give_t = 0.0
            c.firm[v] = True
        elif m[2] < -UPRIGHT and c.firm[v]:
            give_v = 0.0
        total = give_v + give_t
        if total <= LEAST_GIVE * max(w[v], w[i], w[j], w[k]):
            continue
        push = min(depth, LARGEST_PUSH) / total
        if give_v > 0.0:
            for d in range(3):
                x[v, d] += w[v] * push * m[d]
        if give_t > 0.0:
            for q in range(3):
                u = g.triangles[t, q]
                for d in range(3):
                    x[u, d] -= s[q] * w[u] * push * m[d]
        c.touching[n] = True
        c.impulse[n] = push
        c.give[n, 0], c.give[n, 1] = give_v, give_t
        for d in range(3):
            c.share[n, d], c.normal[n, d] = s[d], m[d]


@njit(cache=True, error_model="numpy")
def rub_plies(g: PlyGroup, pairs: Pairs, c: Contact, h: float) -> None:
    """Coulomb friction between cloth and cloth, from the highest ply downwards, so that each ply knows what lies on it.

    Sliding over each other is cut back by at most friction x (impulse of the contact + load from above).
    """
    x, w, previous = g.x, g.w, g.previous
    slid = np.empty(3)
    for n in range(pairs.vertex.shape[0] - 1, -1, -1):
        if not c.touching[n]:
            continue
        v, t = pairs.vertex[n], pairs.triangle[n]
        s, m = c.share[n], c.normal[n]
        lower = g.tri_ply[t]
        borne = c.impulse[n]
        if m[2] > UPRIGHT:
            borne += c.load[v]
            c.load[v] = 0.0
            g.borne[lower, 3] += borne / (h * h)
            for q in range(3):
                u = g.triangles[t, q]
                if c.firm[u]:
                    c.load[u] += s[q] * borne
        elif c.firm[v]:
            c.load[v] += borne
            g.borne[g.ply[v], 3] += borne / (h * h)
        total = w[v]
        for q in range(3):
            total += s[q] * s[q] * w[g.triangles[t, q]]
        if total == 0.0 or borne <= 0.0:
            continue
        along = 0.0
        for d in range(3):
            slid[d] = x[v, d] - previous[v, d]
            for q in range(3):
                u = g.triangles[t, q]
                slid[d] -= s[q] * (x[u, d] - previous[u, d])
            along += slid[d] * m[d]
        size = 0.0
        for d in range(3):
            slid[d] -= along * m[d]
            size += slid[d] * slid[d]
        if size == 0.0:
            continue
        size = np.sqrt(size)
        rub = min(1.0 / total, 0.5 * (g.on_ply[g.ply[v]] + g.on_ply[lower]) * borne / size)
        for d in range(3):
            x[v, d] -= w[v] * rub * slid[d]
            force = rub * slid[d] / (h * h)
            g.borne[lower, d] += force
            g.borne[g.ply[v], d] -= force
            for q in range(3):
                u = g.triangles[t, q]
                x[u, d] += s[q] * w[u] * rub * slid[d]


@njit(cache=True, error_model="numpy")
def rub_table(g: PlyGroup, c: Contact) -> None:
    """Coulomb friction on the table, which carries the vertex and what lies on it."""
    x, previous = g.x, g.previous
    for i in range(x.shape[0]):
        if g.w[i] == 0.0 or c.floor[i] <= 0.0:
            continue
        dx, dy = x[i, 0] - previous[i, 0], x[i, 1] - previous[i, 1]
        slid = np.sqrt(dx * dx + dy * dy)
        limit = g.on_table[g.ply[i]] * max(c.floor[i] + c.load[i], 0.0) * g.w[i]
        back = 1.0 if slid <= limit else limit / slid
        x[i, 0] -= back * dx
        x[i, 1] -= back * dy


@njit(cache=True, error_model="numpy")
def stop_bouncing(g: PlyGroup, pairs: Pairs, c: Contact) -> None:
    """Parting cloth that went into cloth, or into the table, leaves no speed: contacts do not bounce."""
    v, w = g.v, g.w
    for i in range(v.shape[0]):
        if c.floor[i] > 0.0:
            v[i, 2] = min(v[i, 2], 0.0)
    for n in range(pairs.vertex.shape[0]):
        if not c.touching[n]:
            continue
        a, t = pairs.vertex[n], pairs.triangle[n]
        s, m = c.share[n], c.normal[n]
        parting = 0.0
        for d in range(3):
            parting += v[a, d] * m[d]
            for q in range(3):
                parting -= s[q] * v[g.triangles[t, q], d] * m[d]
        if parting <= 0.0:
            continue
        change = parting / (c.give[n, 0] + c.give[n, 1])
        for d in range(3):
            if c.give[n, 0] > 0.0:
                v[a, d] -= w[a] * change * m[d]
            if c.give[n, 1] > 0.0:
                for q in range(3):
                    u = g.triangles[t, q]
                    v[u, d] += s[q] * w[u] * change * m[d]
