"""Compiled part of the coarse grid: what one sweep of the fine mesh leaves of a pull, it carries."""

from typing import NamedTuple

import numpy as np
from numba import njit

from sewcell.geometry.poses import Array
from sim.world.banded import SPARE, factor_band, solve_band
from sim.world.cloth_kernels import sweep_bending, sweep_membrane
from sim.world.coarse_grid import CoarseGrid
from sim.world.elements import LANES, Sweep

PULL_INTERVAL = 2
"""The grid acts once in so many substeps."""
LARGEST_ASIDE = 0.5
"""A cell that has turned since the factor was made pulls past the stiffness of the factor; by at most so much of it."""
LARGEST_STRAIN = 0.15
"""A cell with a triangle strained by more along a thread, or sheared by twice that, is crumpled: its mean tells nothing
of any triangle."""


class GridFactor(NamedTuple):
    """What `factor_grid` has made of a grid of M cells: `band` (3 N, 3 w + SPARE) is the factor.

    `facing` (M + 1, 6): mean stretch along warp and weft of each cell; `grip` (M + 1,): its stiffness over the inertia
    of its nodes in PULL_INTERVAL substeps.
    """

    band: Array
    facing: Array
    grip: Array


@njit(cache=True, error_model="numpy")
def make_factor(x: Array, e: Sweep, grid: CoarseGrid, h: float) -> GridFactor:
    """A factor of `grid` by `factor_grid`, which can be made anew in its place."""
    count, width = grid.mass.shape
    cells = grid.stiffness.shape[0]
    factor = GridFactor(np.empty((3 * count, 3 * width + SPARE)), np.empty((cells, 6)), np.empty(cells))
    factor_grid(x, e, grid, factor, h)
    return factor


@njit(cache=True, error_model="numpy")
def factor_grid(x: Array, e: Sweep, grid: CoarseGrid, factor: GridFactor, h: float) -> None:
    """Factor M / H^2 + K in the nodes' displacements, for cloth as it hangs in `x` (V, 3).

    K = sum over cells of stiffness x g g^T, g the gradient of the cell's mean strain (Gauss-Newton); H is
    PULL_INTERVAL substeps of `h` [s].
    """
    count, width = grid.mass.shape
    cells = grid.corners.shape[0]
    g = np.zeros((cells + 1, 3, 9, 3))
    factor.facing[:] = 0.0
    u, v = np.empty(3), np.empty(3)
    for t in range(e.triangles.shape[0]):
        k = grid.cell[t]
        for c in range(3):
            u[c] = v[c] = 0.0
            for n in range(3):
                i = e.triangles[t, n]
                u[c] += e.constants[n, t] * x[i, c]
                v[c] += e.constants[3 + n, t] * x[i, c]
        share = grid.share[t]
        for c in range(3):
            factor.facing[k, c] += share * u[c]
            factor.facing[k, 3 + c] += share * v[c]
        for n in range(9):
            a, b = share * grid.along[t, n], share * grid.across[t, n]
            if a == 0.0 and b == 0.0:
                continue
            for c in range(3):
                g[k, 0, n, c] += a * u[c]
                g[k, 1, n, c] += b * v[c]
                g[k, 2, n, c] += a * v[c] + b * u[c]
    band = factor.band
    band[:] = 0.0
    for j in range(count):
        for k in range(width):
            for c in range(3):
                band[3 * j + c, 3 * k] = grid.mass[j, k] / (PULL_INTERVAL * h) ** 2
    for k in range(cells):
        factor.grip[k] = 0.0
        for s in range(3):
            grip = 0.0
            for p in range(9):
                i = grid.corners[k, p]
                size = g[k, s, p, 0] ** 2 + g[k, s, p, 1] ** 2 + g[k, s, p, 2] ** 2
                grip += grid.stiffness[k, s] * size * (PULL_INTERVAL * h) ** 2 / grid.mass[i, 0]
                gx = grid.stiffness[k, s] * g[k, s, p, 0]
                gy = grid.stiffness[k, s] * g[k, s, p, 1]
                gz = grid.stiffness[k, s] * g[k, s, p, 2]
                if gx == 0.0 and gy == 0.0 and gz == 0.0:
                    continue
                for q in range(p + 1):
                    j, other = grid.corners[k, q], g[k, s, q]
                    column, place = band[3 * j : 3 * j + 3], 3 * (i - j)
                    column[0, place] += gx * other[0]
                    column[0, place + 1] += gy * other[0]
                    column[0, place + 2] += gz * other[0]
                    column[1, place] += gy * other[1]
                    column[1, place + 1] += gz * other[1]
                    column[2, place] += gz * other[2]
                    if i > j:
                        column[1, place - 1] += gx * other[1]
                        column[2, place - 1] += gy * other[2]
                        column[2, place - 2] += gx * other[2]
            factor.grip[k] = max(factor.grip[k], grip)
    if not factor_band(band):
        # Whoever moves by it is no longer finite, which the end of the step finds and tells.
        band[:] = np.nan


@njit(cache=True, error_model="numpy")
def pull_grid(
    x: Array, fallen: Array, e: Sweep, multipliers: Array, grid: CoarseGrid, factor: GridFactor, h: float
) -> None:
    """Speed the nodes up so that each cell's mean stresses become those of its mean strains at `fallen` (V, 3).

    After the sweeps of PULL_INTERVAL substeps of `h` [s] a triangle has had the mean force multipliers / h^2, and
    strain / compliance is due. What is missing, averaged over each cell, acts on the smooth displacements of the grid
    for that long, implicitly: (M / H^2 + K) q = force, H = PULL_INTERVAL h. This substep goes q / PULL_INTERVAL of it
    and the speed q / H that is in this carries on. Cells that are shortened along warp or weft carry nothing there:
    cloth wrinkles; those that are crumpled carry nothing at all.
    """
    count = grid.mass.shape[0]
    triangles = e.triangles.shape[0]
    per_h2 = 1.0 / (PULL_INTERVAL * h * h)
    cells = np.zeros((grid.stiffness.shape[0], 6))
    facing = np.zeros((grid.stiffness.shape[0], 6))
    crumpled = np.zeros(grid.stiffness.shape[0], dtype=np.bool_)
    stretch = np.empty((6, triangles))
    q = np.empty((33, LANES))
    for start in range(0, triangles, LANES):
        for m in range(LANES):
            t = start + m
            for c in range(3):
                i = e.triangles[t, c]
                q[c, m] = fallen[i, 0]
                q[3 + c, m] = fallen[i, 1]
                q[6 + c, m] = fallen[i, 2]
        for c in range(6):
            for m in range(LANES):
                q[12 + c, m] = e.constants[c, start + m]
        for m in range(LANES):
            ai, aj, ak = q[12, m], q[13, m], q[14, m]
            bi, bj, bk = q[15, m], q[16, m], q[17, m]
            ux = ai * q[0, m] + aj * q[1, m] + ak * q[2, m]
            uy = ai * q[3, m] + aj * q[4, m] + ak * q[5, m]
            uz = ai * q[6, m] + aj * q[7, m] + ak * q[8, m]
            vx = bi * q[0, m] + bj * q[1, m] + bk * q[2, m]
            vy = bi * q[3, m] + bj * q[4, m] + bk * q[5, m]
            vz = bi * q[6, m] + bj * q[7, m] + bk * q[8, m]
            share = grid.share[start + m]
            q[24, m] = 0.5 * (ux * ux + uy * uy + uz * uz - 1.0) * share
            q[25, m] = 0.5 * (vx * vx + vy * vy + vz * vz - 1.0) * share
            q[26, m] = (ux * vx + uy * vy + uz * vz) * share
            q[27, m], q[28, m], q[29, m], q[30, m], q[31, m], q[32, m] = ux, uy, uz, vx, vy, vz
        for c in range(6):
            for m in range(LANES):
                stretch[c, start + m] = q[27 + c, m]
        for m in range(LANES):
            k, largest = grid.cell[start + m], LARGEST_STRAIN * grid.share[start + m]
            for s in range(3):
                cells[k, s] += q[24 + s, m]
                cells[k, 3 + s] += multipliers[s, start + m]
                facing[k, s] += grid.share[start + m] * q[27 + s, m]
                facing[k, 3 + s] += grid.share[start + m] * q[30 + s, m]
            if max(abs(q[24, m]), abs(q[25, m]), 0.5 * abs(q[26, m])) > largest:
                crumpled[k] = True
    for k in range(cells.shape[0]):
        for s in range(3):
            carries = not crumpled[k] and (s == 2 or cells[k, s] > 0.0)
            cells[k, s] = grid.stiffness[k, s] * cells[k, s] + per_h2 * cells[k, 3 + s] if carries else 0.0
    force = np.zeros_like(x)
    for start in range(0, triangles, LANES):
        for c in range(6):
            for m in range(LANES):
                q[c, m] = stretch[c, start + m]
        for c in range(6):
            for m in range(LANES):
                q[12 + c, m] = e.constants[c, start + m]
        for m in range(LANES):
            k, share = grid.cell[start + m], grid.share[start + m]
            q[21, m], q[22, m], q[23, m] = share * cells[k, 0], share * cells[k, 1], share * cells[k, 2]
        for m in range(LANES):
            ai, aj, ak = q[12, m], q[13, m], q[14, m]
            bi, bj, bk = q[15, m], q[16, m], q[17, m]
            ux, uy, uz, vx, vy, vz = q[0, m], q[1, m], q[2, m], q[3, m], q[4, m], q[5, m]
            su, sv, ss = q[21, m], q[22, m], q[23, m]
            gx, gy, gz = su * ux + ss * vx, su * uy + ss * vy, su * uz + ss * vz
            hx, hy, hz = sv * vx + ss * ux, sv * vy + ss * uy, sv * vz + ss * uz
            q[24, m], q[27, m], q[30, m] = ai * gx + bi * hx, ai * gy + bi * hy, ai * gz + bi * hz
            q[25, m], q[28, m], q[31, m] = aj * gx + bj * hx, aj * gy + bj * hy, aj * gz + bj * hz
            q[26, m], q[29, m], q[32, m] = ak * gx + bk * hx, ak * gy + bk * hy, ak * gz + bk * hz
        for m in range(LANES):
            for c in range(3):
                i = e.triangles[start + m, c]
                force[i, 0] -= q[24 + c, m]
                force[i, 1] -= q[27 + c, m]
                force[i, 2] -= q[30 + c, m]
    moved = np.zeros(3 * count)
    for n in range(grid.vertices.shape[0]):
        i = grid.vertices[n]
        for k in range(4):
            share, j = grid.weights[n, k], 3 * grid.nodes[n, k]
            moved[j] += share * force[i, 0]
            moved[j + 1] += share * force[i, 1]
            moved[j + 2] += share * force[i, 2]
    if has_turned(facing, factor):
        factor_grid(x, e, grid, factor, h)
    solve_band(factor.band, moved)
    for n in range(grid.vertices.shape[0]):
        i = grid.vertices[n]
        for k in range(4):
            share, j = grid.weights[n, k] / PULL_INTERVAL, 3 * grid.nodes[n, k]
            x[i, 0] += share * moved[j]
            x[i, 1] += share * moved[j + 1]
            x[i, 2] += share * moved[j + 2]


@njit(cache=True, error_model="numpy")
def has_turned(facing: Array, factor: GridFactor) -> bool:
    """Some cell has turned so far since the factor was made that its pull passes by the stiffness that was to bear it.

    Turned by `a`, a pull has a part aside that only inertia bears: it goes a^2 x grip of the way that was to be gone.
    """
    for k in range(facing.shape[0] - 1):
        aside = 0.0
        for c in range(6):
            aside += (facing[k, c] - factor.facing[k, c]) ** 2
        if aside * factor.grip[k] > LARGEST_ASIDE:
            return True
    return False


@njit(cache=True, error_model="numpy")
def sweep_elements(
    x: Array, w: Array, e: Sweep, grid: CoarseGrid, factor: GridFactor, multipliers: Array, gravity: Array,
    h: float, n: int, interval: int, substeps: int,
) -> None:  # fmt: skip
    """Forces within the cloth in substep `n` of `h` [s]: membrane, hinges once in `interval` substeps, coarse grid.

    Cloth that turns loses spin by the age of the factor: it is made anew in the middle of a step of `substeps`.
    `multipliers` (2, 3, P): of this substep, and those of all since the grid has acted.
    """
    multipliers[0] = 0.0
    sweep_membrane(x, w, e, multipliers[0], h)
    multipliers[1] += multipliers[0]
    if n % interval == 0:
        sweep_bending(x, w, e, h, interval)
    if n % PULL_INTERVAL == PULL_INTERVAL - 1:
        if n // PULL_INTERVAL == substeps // (2 * PULL_INTERVAL):
            factor_grid(x, e, grid, factor, h)
        pull_grid(x, fall_on(x, w, gravity, h), e, multipliers[1], grid, factor, h)
        multipliers[1] = 0.0


@njit(cache=True, error_model="numpy")
def fall_on(x: Array, w: Array, gravity: Array, h: float) -> Array:
    """Where `x` (V, 3) is lower by what is free to fall: then the end of this substep is in balance, not that of H.

    Held still, n substeps of fall g n h of speed are taken back by q = -g (n h)^2, of which this substep goes q / n.
    """
    fallen = x.copy()
    for i in range(x.shape[0]):
        if w[i] > 0.0:
            for c in range(3):
                fallen[i, c] += PULL_INTERVAL * (PULL_INTERVAL - 1) * gravity[c] * h * h
    return fallen
