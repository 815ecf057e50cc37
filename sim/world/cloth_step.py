"""One step of the world for one cloth: substeps of all its forces and contacts, in one compiled call."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sewcell.geometry.poses import Array
from sim.world.cloth_kernels import (
    AIR_DENSITY,
    LARGEST_SPEED,
    find_triangle,
    is_near_foot,
    predict,
    push_from_foot,
    push_from_plate,
    rest_on_table,
)
from sim.world.coarse_grid import CoarseGrid
from sim.world.coarse_kernels import make_factor, sweep_elements
from sim.world.elements import Elements, Sweep
from sim.world.feed import needle_is_down, passages


class Surroundings(NamedTuple):
    """What touches the cloth during a step, at its start (0) and end (1). Frames: plate = tool in base, needle in base.

    `plate_near`: the plate can touch this cloth. `sole*` [m] above the throat plate; `shaft*` in turns; `friction` on
    the table. Cloth on which the foot stands is moved by `SewingBed` instead.
    """

    gravity: Array
    drag_coefficient: float
    friction: float
    plate_near: bool
    plate_axes0: Array
    plate_axes1: Array
    plate_at0: Array
    plate_at1: Array
    plate_half: Array
    plate_depth: float
    needle_axes: Array
    needle_at: Array
    foot_half: Array
    sole0: float
    sole1: float
    shaft0: float
    shaft1: float


class Sheet(NamedTuple):
    """State and constants of a cloth. `x`, `v`, `previous` (V, 3); `w` (V,) inverse masses, 0 where the gripper holds.

    `held` (K,) with targets `held0`, `held1` (K, 3) at start and end; `pin` (1,) triangle on the needle or -1 and its
    barycentric `share` (3,). `pierced` (1, 6): turn, fraction of the step, triangle or -1, barycentric coordinates.
    """

    x: Array
    v: Array
    previous: Array
    w: Array
    held: NDArray[np.int64]
    held0: Array
    held1: Array
    pin: NDArray[np.int64]
    share: Array
    areal_mass: float
    thickness: float


@njit(cache=True, error_model="numpy")
def advance(
    s: Sheet, e: Sweep, grid: CoarseGrid, elements: Elements, env: Surroundings, h: float, substeps: int, interval: int
) -> Array:
    """Advance a cloth by `substeps` of `h` [s], its hinges every `interval` of them.

    Returns: passages of the needle (P, 6): turn, time within the step [s], triangle or -1, barycentric coordinates.
    """
    x, v, w, previous = s.x, s.v, s.w, s.previous
    found = np.zeros((substeps, 6))
    count = 0
    drag = 0.5 * AIR_DENSITY * env.drag_coefficient / s.areal_mass
    multipliers = np.zeros((2, 3, e.triangles.shape[0]))
    factor = make_factor(x, e, grid, h)
    rate, reach = 1.0 / h, LARGEST_SPEED * h * substeps
    foot_near = is_near_foot(x, env.needle_axes, env.needle_at, env.foot_half, reach)
    for n in range(substeps):
        t0, t1 = n / substeps, (n + 1) / substeps
        turns0 = env.shaft0 + t0 * (env.shaft1 - env.shaft0)
        turns1 = env.shaft0 + t1 * (env.shaft1 - env.shaft0)
        sole = env.sole0 + t1 * (env.sole1 - env.sole0)

        predict(x, previous, v, w, env.gravity, drag, h)
        for k in range(s.held.shape[0]):
            for c in range(3):
                x[s.held[k], c] = s.held0[k, c] + t1 * (s.held1[k, c] - s.held0[k, c])
        sweep_elements(x, w, e, grid, factor, multipliers, env.gravity, h, n, interval, substeps)

        if needle_is_down(turns1):
            if s.pin[0] >= 0:
                _pin_to_needle(x, w, elements, s.pin[0], s.share, env.needle_at)
        else:
            s.pin[0] = -1
        if env.plate_near:
            R = env.plate_axes0 + t1 * (env.plate_axes1 - env.plate_axes0)
            o = env.plate_at0 + t1 * (env.plate_at1 - env.plate_at0)
            push_from_plate(x, w, R, o, env.plate_half, env.plate_depth, s.thickness)
        if foot_near:
            push_from_foot(x, previous, w, env.needle_axes, env.needle_at, env.foot_half, sole, s.thickness)
        rest_on_table(x, previous, w, 0.5 * s.thickness, env.friction)

        for i in range(x.shape[0]):
            for c in range(3):
                v[i, c] = (x[i, c] - previous[i, c]) * rate
        turn = passages(turns1)
        if turn > passages(turns0):
            f = (turn + 75.0 / 360.0 - turns0) / (turns1 - turns0)
            triangle = _find_at_passage(x, previous, elements, env.needle_at, f, s.share)
            s.pin[0] = triangle
            found[count, 0], found[count, 1], found[count, 2] = turn, (n + f) * h, triangle
            found[count, 3:] = s.share
            count += 1
    return found[:count]


@njit(cache=True, error_model="numpy")
def _find_at_passage(x: Array, previous: Array, e: Elements, o: Array, f: float, share: Array) -> int:
    """Material point at the needle a fraction `f` of the substep after `previous`, found on the mesh at its end."""
    triangle = find_triangle(x, e.triangles, o[0], o[1], share)
    if triangle < 0:
        return -1
    qx, qy = o[0], o[1]
    for c in range(3):
        i = e.triangles[triangle, c]
        qx += (1.0 - f) * share[c] * (x[i, 0] - previous[i, 0])
        qy += (1.0 - f) * share[c] * (x[i, 1] - previous[i, 1])
    return find_triangle(x, e.triangles, qx, qy, share)  # type: ignore[no-any-return]


@njit(cache=True, error_model="numpy")
def _pin_to_needle(x: Array, w: Array, e: Elements, triangle: int, share: Array, o: Array) -> None:
    """Bring the material point on the needle back to it, all corners moving in proportion to their share."""
    dx, dy, total = o[0], o[1], 0.0
    for c in range(3):
        i = e.triangles[triangle, c]
        dx -= share[c] * x[i, 0]
        dy -= share[c] * x[i, 1]
        if w[i] > 0.0:
            total += share[c] * share[c]
    if total == 0.0:
        return
    for c in range(3):
        i = e.triangles[triangle, c]
        if w[i] > 0.0:
            x[i, 0] += share[c] * dx / total
            x[i, 1] += share[c] * dy / total
