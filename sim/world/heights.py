"""Heights of cloth on the sewing bed: where it is longer than the way in plan, it rises in an arch."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sewcell.geometry.poses import Array
from sim.world.cloth_kernels import TOE_RAMP, TOE_SLOPE
from sim.world.cloth_mesh import Indices
from sim.world.membrane import Membrane, measure_strain, resist

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
    triangles = _touching(m.triangles, m.moving, raised)
    planar, mobility = np.empty((len(triangles), 2)), np.empty((len(triangles), 2))
    _measure_planar(x, w, m, triangles, planar, mobility)
    hinges = _touching(e.vertices, np.arange(e.vertices.shape[0]), raised)
    resistance = _resistance(w, e, hinges, h)
    multipliers = np.zeros((len(triangles), 2))
    for _ in range(SWEEPS):
        for n in range(len(triangles)):
            _shorten(z, w, m, triangles[n], h, planar[n], mobility[n], multipliers[n])
        for n in range(len(hinges)):
            if resistance[n] > 0.0:
                _unbend(z, w, e, hinges[n], resistance[n])
        for i in range(count):
            if w[i] > 0.0:
                z[i] = min(max(z[i], floor[i]), ceiling[i])
    for i in range(count):
        vz[i] = DAMPING * (z[i] - before[i]) / h if w[i] > 0.0 else 0.0
    return True


@njit(cache=True, error_model="numpy")
def find_ceiling(
    x: Array, z: Array, floor: Array, T_needle: Array, foot_half: Array, lifted: float, T_plate: Array,
    plate_half: Array, below_plate: float,
) -> Array:  # fmt: skip
    """Height (V,) that the sole with its toe, `lifted` [m] above the stack, and the gripper plate `T_plate` leave to
    the middle surface, which lies `below_plate` [m] at the highest under the plate; inf beside both.
    """
    ceiling = np.full(x.shape[0], np.inf)
    for i in range(x.shape[0]):
        dx, dy = x[i, 0] - T_needle[0, 3], x[i, 1] - T_needle[1, 3]
        u, v = T_needle[0, 0] * dx + T_needle[1, 0] * dy, T_needle[0, 1] * dx + T_needle[1, 1] * dy
        out = max(abs(u) - foot_half[0], abs(v) - foot_half[1])
        if out < TOE_RAMP:
            ceiling[i] = floor[i] + lifted + TOE_SLOPE * max(out, 0.0)
        dx, dy, dz = x[i, 0] - T_plate[0, 3], x[i, 1] - T_plate[1, 3], z[i] - T_plate[2, 3]
        u = T_plate[0, 0] * dx + T_plate[1, 0] * dy + T_plate[2, 0] * dz
        v = T_plate[0, 1] * dx + T_plate[1, 1] * dy + T_plate[2, 1] * dz
        if abs(u) <= plate_half[0] and abs(v) <= plate_half[1]:
            ceiling[i] = min(ceiling[i], max(floor[i], below_plate))
    return ceiling


@njit(cache=True, error_model="numpy")
def _find_buckled(
    x: Array, z: Array, m: Membrane, w: Array, floor: Array, ceiling: Array, raised: NDArray[np.bool_]
) -> None:
    """Mark the vertices of triangles that are shortened and may rise."""
    for t in m.moving:
        along, across, _ = measure_strain(x, z, m, t)
        if along < m.buckles[t, 0] or across < m.buckles[t, 1]:
            for n in range(3):
                i = m.triangles[t, n]
                raised[i] = raised[i] or (w[i] > 0.0 and ceiling[i] > floor[i])


@njit(cache=True, error_model="numpy")
def _touching(groups: Indices, among: Indices, marked: NDArray[np.bool_]) -> Indices:
    """Those `among` the groups that have a marked vertex."""
    found = np.empty(among.shape[0], dtype=np.int64)
    count = 0
    for n in among:
        for c in range(groups.shape[1]):
            if marked[groups[n, c]]:
                found[count] = n
                count += 1
                break
    return found[:count]


@njit(cache=True, error_model="numpy")
def _measure_planar(x: Array, w: Array, m: Membrane, triangles: Indices, planar: Array, mobility: Array) -> None:
    """What does not change with the heights, along warp and weft (N, 2): square of the stretch in plan, mobility."""
    for place in range(len(triangles)):
        t = triangles[place]
        for direction in range(2):
            shape = m.a if direction == 0 else m.b
            fx = fy = gives = 0.0
            for n in range(3):
                i = m.triangles[t, n]
                fx += shape[t, n] * x[i, 0]
                fy += shape[t, n] * x[i, 1]
                gives += w[i] * shape[t, n] ** 2
            planar[place, direction], mobility[place, direction] = fx * fx + fy * fy, gives


@njit(cache=True, error_model="numpy")
def _shorten(
    z: Array, w: Array, m: Membrane, t: int, h: float, planar: Array, mobility: Array, multipliers: Array
) -> None:
    """Compliant constraints (|Fu|^2 - 1)/2 and (|Fv|^2 - 1)/2 of one triangle, by the heights alone."""
    i, j, k = m.triangles[t, 0], m.triangles[t, 1], m.triangles[t, 2]
    for direction in range(2):
        shape = m.a if direction == 0 else m.b
        si, sj, sk = shape[t, 0], shape[t, 1], shape[t, 2]
        fz = si * z[i] + sj * z[j] + sk * z[k]
        strain = 0.5 * (planar[direction] + fz * fz - 1.0)
        stress, tangent, _ = resist(strain, m.stiffness[t, direction], m.buckles[t, direction])
        secant = stress / strain if strain != 0.0 else tangent
        alpha = 1.0 / (secant * h * h)
        step = -(strain + alpha * multipliers[direction]) / (fz * fz * mobility[direction] + alpha)
        multipliers[direction] += step
        z[i] += w[i] * si * fz * step
        z[j] += w[j] * sj * fz * step
        z[k] += w[k] * sk * fz * step


@njit(cache=True, error_model="numpy")
def _resistance(w: Array, e: Hinges, hinges: Indices, h: float) -> Array:
    """Mobility plus compliance of a sweep of each hinge, 0 of those that cannot move."""
    found = np.zeros(len(hinges))
    for place in range(len(hinges)):
        n = hinges[place]
        mobility = 0.0
        for c in range(4):
            mobility += w[e.vertices[n, c]] * e.weights[n, c] ** 2
        if mobility > 0.0:
            found[place] = mobility + e.compliance[n] / (h * h) * SWEEPS
    return found


@njit(cache=True, error_model="numpy")
def _unbend(z: Array, w: Array, e: Hinges, n: int, resistance: float) -> None:
    """One hinge; a single step without multiplier, the stiffer half of the force at least."""
    bent = 0.0
    for c in range(4):
        bent += e.weights[n, c] * z[e.vertices[n, c]]
    step = -bent / resistance
    for c in range(4):
        i = e.vertices[n, c]
        z[i] += w[i] * e.weights[n, c] * step
