"""Heights of cloth on the sewing bed: where it is longer than the way in plan, it rises in an arch."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sewcell.geometry.poses import Array
from sim.world.cloth_mesh import Indices
from sim.world.membrane import Membrane, resist

UNEVEN = 60e-6
"""Unevenness of lying cloth from which a buckle grows [m]."""
LIES = 20e-6
"""Height above the table below which cloth lies on it [m]."""
SWEEPS = 12
DAMPING = 0.7
"""Share of the vertical speed that is left after a step."""


class Hinges(NamedTuple):
    """`vertices`, `weights` (H, 4) and `compliance` (H,) [m/N] as in `Elements`."""

    vertices: Indices
    weights: Array
    compliance: Array


@njit(cache=True, error_model="numpy")
def relax_heights(
    x: Array,
    z: Array,
    vz: Array,
    w: Array,
    floor: Array,
    ceiling: Array,
    m: Membrane,
    e: Hinges,
    gravity: float,
    h: float,
) -> bool:
    """Advance the heights `z` (V,) and their speeds `vz` by one implicit step of `h` [s] with `x` (V, 2) given.

    Gauss-Seidel on the energy that `add_membrane` has too, plus bending, between `floor` and `ceiling` (V,); `w` (V,)
    inverse masses, 0 where given. Cloth that lies and is not shortened is left alone.

    Returns: whether any cloth is off the floor.
    """
    count = z.shape[0]
    raised = np.zeros(count, dtype=np.bool_)
    for i in range(count):
        raised[i] = w[i] > 0.0 and z[i] > floor[i] + LIES
    _find_buckled(x, z, m, w, floor, ceiling, raised)
    if not raised.any():
        for i in range(count):
            if w[i] > 0.0:
                z[i], vz[i] = floor[i], 0.0
        return False
    before = z.copy()
    for i in range(count):
        if w[i] == 0.0:
            continue
        if raised[i]:
            uneven = UNEVEN * (i * 7919 % 13) / 13.0
            z[i] = min(max(z[i] + h * (vz[i] + h * gravity), floor[i] + uneven), ceiling[i])
        else:
            z[i] = floor[i]
    triangles = np.flatnonzero(_touches(m.triangles, raised))
    hinges = np.flatnonzero(_touches(e.vertices, raised))
    multipliers = np.zeros((len(triangles), 2))
    for _ in range(SWEEPS):
        for n in range(len(triangles)):
            _shorten(x, z, w, m, triangles[n], h, multipliers[n])
        for hinge in hinges:
            _unbend(z, w, e, hinge, h)
        for i in range(count):
            if w[i] > 0.0:
                z[i] = min(max(z[i], floor[i]), ceiling[i])
    for i in range(count):
        vz[i] = DAMPING * (z[i] - before[i]) / h if w[i] > 0.0 else 0.0
    return True


@njit(cache=True, error_model="numpy")
def _find_buckled(
    x: Array, z: Array, m: Membrane, w: Array, floor: Array, ceiling: Array, raised: NDArray[np.bool_]
) -> None:
    """Mark the vertices of triangles that are shortened and may rise."""
    for t in range(m.triangles.shape[0]):
        uu = vv = 0.0
        for c in range(3):
            u = v = 0.0
            for n in range(3):
                i = m.triangles[t, n]
                value = x[i, c] if c < 2 else z[i]
                u += m.a[t, n] * value
                v += m.b[t, n] * value
            uu += u * u
            vv += v * v
        if 0.5 * (uu - 1.0) < m.buckles[t, 0] or 0.5 * (vv - 1.0) < m.buckles[t, 1]:
            for n in range(3):
                i = m.triangles[t, n]
                raised[i] = raised[i] or (w[i] > 0.0 and ceiling[i] > floor[i])


@njit(cache=True, error_model="numpy")
def _touches(groups: Indices, marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    found = np.zeros(groups.shape[0], dtype=np.bool_)
    for n in range(groups.shape[0]):
        for c in range(groups.shape[1]):
            found[n] = found[n] or marked[groups[n, c]]
    return found


@njit(cache=True, error_model="numpy")
def _shorten(x: Array, z: Array, w: Array, m: Membrane, t: int, h: float, multipliers: Array) -> None:
    """Compliant constraints (|Fu|^2 - 1)/2 and (|Fv|^2 - 1)/2 of one triangle, by the heights alone."""
    for direction in range(2):
        shape = m.a if direction == 0 else m.b
        fx = fy = fz = mobility = 0.0
        for n in range(3):
            i = m.triangles[t, n]
            fx += shape[t, n] * x[i, 0]
            fy += shape[t, n] * x[i, 1]
            fz += shape[t, n] * z[i]
            mobility += w[i] * shape[t, n] ** 2
        strain = 0.5 * (fx * fx + fy * fy + fz * fz - 1.0)
        stress, k, _ = resist(strain, m.stiffness[t, direction], m.buckles[t, direction])
        secant = stress / strain if strain != 0.0 else k
        alpha = 1.0 / (secant * h * h)
        step = -(strain + alpha * multipliers[direction]) / (fz * fz * mobility + alpha)
        multipliers[direction] += step
        for n in range(3):
            i = m.triangles[t, n]
            z[i] += w[i] * shape[t, n] * fz * step


@njit(cache=True, error_model="numpy")
def _unbend(z: Array, w: Array, e: Hinges, n: int, h: float) -> None:
    """One hinge; a single step without multiplier, the stiffer half of the force at least."""
    bent = mobility = 0.0
    for c in range(4):
        i = e.vertices[n, c]
        bent += e.weights[n, c] * z[i]
        mobility += w[i] * e.weights[n, c] ** 2
    if mobility > 0.0:
        step = -bent / (mobility + e.compliance[n] / (h * h) * SWEEPS)
        for c in range(4):
            i = e.vertices[n, c]
            z[i] += w[i] * e.weights[n, c] * step
