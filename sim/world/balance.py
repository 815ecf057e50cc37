"""Implicit step of cloth in plan: Newton's method with line search to the balance of all forces."""

from typing import NamedTuple

import numpy as np
from numba import njit

from sewcell.geometry.poses import Array
from sim.world.banded import factor_band, solve_band
from sim.world.bristles import Links, add_links, add_table
from sim.world.cloth_mesh import Indices
from sim.world.membrane import NONE, SECANT, TANGENT, Membrane, add_membrane

TOLERANCE = 2e-7
"""Newton step below which the balance is found [m]."""
LARGEST_ITERATIONS = 40
SECANTS = 1
HALVINGS = 30
TABLE_PRESLIDING = 20e-6
CARRIED, UNMOVED = 20e-3, 80e-3
"""Distances from the needle up to which the first guess of a step has the cloth go with the dog, or part of it [m]."""


class Problem(NamedTuple):
    """What acts on the vertices during a step; `dof` (V,): place among the unknowns, -1 where the position is given.

    `inertia` (V,): mass/h^2 [N/m], pulling to `predicted` (V, 2); `anchor` (V, 2), `limit` (V,): bristles on the table.
    """

    membrane: Membrane
    links: Links
    dof: Indices
    inertia: Array
    predicted: Array
    anchor: Array
    limit: Array


@njit(cache=True, error_model="numpy")
def evaluate(x: Array, z: Array, s: Problem, full: int, gradient: Array, band: Array) -> float:
    """Incremental potential [J] at `x` (V, 2) with its `gradient` (V, 2) and, if `full`, Hessian; inf when turned over.

    Its minimum is the implicit Euler step (Martin et al. 2011, "Example-based elastic materials", eq. 3).
    """
    gradient[:] = 0.0
    if full != NONE:
        band[:] = 0.0
    energy = add_membrane(x, z, s.membrane, s.dof, full, gradient, band)
    if not np.isfinite(energy):
        return np.inf
    energy += add_links(x, s.membrane.triangles, s.links, s.dof, full, gradient, band)
    energy += add_table(x, s.anchor, s.limit, TABLE_PRESLIDING, s.dof, full, gradient, band)
    for i in range(x.shape[0]):
        if s.dof[i] < 0:
            continue
        for c in range(2):
            off = x[i, c] - s.predicted[i, c]
            energy += 0.5 * s.inertia[i] * off * off
            gradient[i, c] += s.inertia[i] * off
            if full != NONE:
                band[2 * s.dof[i] + c, 0] += s.inertia[i]
    return float(energy)


@njit(cache=True, error_model="numpy")
def choose_start(
    x: Array, z: Array, s: Problem, given: Array, needle: Array, way: Array, gradient: Array, band: Array
) -> Array:
    """Of two first guesses (V, 2) the one with less energy: as the vertices were going on from `x`, or carried near
    the `needle` (2,) along the `way` (2,) of the dog. What is not free stands at `given` (V, 2).
    """
    on, carried = given.copy(), given.copy()
    for i in range(x.shape[0]):
        if s.dof[i] < 0:
            continue
        distance = np.sqrt((x[i, 0] - needle[0]) ** 2 + (x[i, 1] - needle[1]) ** 2)
        far = min(max((distance - CARRIED) / (UNMOVED - CARRIED), 0.0), 1.0)
        for c in range(2):
            on[i, c] = s.predicted[i, c]
            carried[i, c] = x[i, c] + (1.0 - far) * way[c] + far * (s.predicted[i, c] - x[i, c])
    better = evaluate(carried, z, s, NONE, gradient, band) < evaluate(on, z, s, NONE, gradient, band)
    return carried if better else on


@njit(cache=True, error_model="numpy")
def find_balance(x: Array, z: Array, s: Problem, gradient: Array, band: Array) -> int:
    """Bring the free vertices of `x` (V, 2) to the minimum of the potential.

    Returns: iterations; 0 when a triangle is turned over at the start, -1 when no balance is found.
    """
    energy = evaluate(x, z, s, SECANT, gradient, band)
    if not np.isfinite(energy):
        return 0
    step = np.zeros(band.shape[0])
    trial = x.copy()
    for iteration in range(1, LARGEST_ITERATIONS + 1):
        for i in range(x.shape[0]):
            if s.dof[i] >= 0:
                step[2 * s.dof[i]], step[2 * s.dof[i] + 1] = -gradient[i, 0], -gradient[i, 1]
        if not factor_band(band):
            return -1
        solve_band(band, step)
        largest, slope = 0.0, 0.0
        for i in range(x.shape[0]):
            if s.dof[i] < 0:
                continue
            for c in range(2):
                largest = max(largest, abs(step[2 * s.dof[i] + c]))
                slope += gradient[i, c] * step[2 * s.dof[i] + c]
        _move(x, step, s.dof, 1.0, trial)
        if largest < TOLERANCE:
            x[:] = trial
            return iteration
        following = SECANT if iteration < SECANTS else TANGENT
        reached = evaluate(trial, z, s, following, gradient, band)
        part = 1.0
        while not reached <= energy + 1e-4 * part * slope + 1e-13 * abs(energy):
            part *= 0.5
            if part < 0.5**HALVINGS:
                return -1
            _move(x, step, s.dof, part, trial)
            reached = evaluate(trial, z, s, NONE, gradient, band)
        if part < 1.0:
            evaluate(trial, z, s, following, gradient, band)
        x[:] = trial
        energy = reached
    return -1


@njit(cache=True, error_model="numpy")
def _move(x: Array, step: Array, dof: Indices, part: float, moved: Array) -> None:
    for i in range(x.shape[0]):
        for c in range(2):
            moved[i, c] = x[i, c] + (part * step[2 * dof[i] + c] if dof[i] >= 0 else 0.0)
