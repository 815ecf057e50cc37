"""Cloth clamped between foot and throat plate: held by friction, moved by the feed dog, slipping beyond mu N.

First version. A clamped vertex is kinematic: it stays with the machine (or with the dog) and slides only where the
true elastic force on it, from the strain of the triangles around it, exceeds its Coulomb limit. Forces come from
strains, not from the multipliers of a sweep, which are far too small.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sewcell.geometry.poses import Array
from sim.world.cloth_mesh import Indices
from sim.world.elements import Elements

RELAXATION = 0.5
LARGEST_SLIP = 4e-4


class Grip(NamedTuple):
    """What the presser needs of a cloth: all `elements`, the star of each vertex, lumped `area`, `stiffness` [N/m]."""

    elements: Elements
    star_start: Indices
    star: Indices
    area: Array
    stiffness: Array


def vertex_stiffness(elements: Elements, count: int) -> Array:
    """Trace-like bound of the membrane's stiffness at each vertex, (count,) [N/m]."""
    a2, b2 = elements.a**2, elements.b**2
    k = a2 / elements.warp[:, None] + b2 / elements.weft[:, None] + (a2 + b2) / elements.shear[:, None]
    return np.bincount(elements.triangles.ravel(), k.ravel(), count).astype(np.float64)


@njit(cache=True, error_model="numpy")
def elastic_force(x: Array, g: Grip, vertex: int) -> tuple[float, float]:
    """Membrane force on one vertex in the plane [N]: minus the gradient of the strain energy of its star."""
    e = g.elements
    fx = fy = 0.0
    for n in range(g.star_start[vertex], g.star_start[vertex + 1]):
        t, c = g.star[n] // 3, g.star[n] % 3
        i, j, k = e.triangles[t, 0], e.triangles[t, 1], e.triangles[t, 2]
        ux = e.a[t, 0] * x[i, 0] + e.a[t, 1] * x[j, 0] + e.a[t, 2] * x[k, 0]
        uy = e.a[t, 0] * x[i, 1] + e.a[t, 1] * x[j, 1] + e.a[t, 2] * x[k, 1]
        uz = e.a[t, 0] * x[i, 2] + e.a[t, 1] * x[j, 2] + e.a[t, 2] * x[k, 2]
        vx = e.b[t, 0] * x[i, 0] + e.b[t, 1] * x[j, 0] + e.b[t, 2] * x[k, 0]
        vy = e.b[t, 0] * x[i, 1] + e.b[t, 1] * x[j, 1] + e.b[t, 2] * x[k, 1]
        vz = e.b[t, 0] * x[i, 2] + e.b[t, 1] * x[j, 2] + e.b[t, 2] * x[k, 2]
        su = 0.5 * (ux * ux + uy * uy + uz * uz - 1.0) / e.warp[t]
        sv = 0.5 * (vx * vx + vy * vy + vz * vz - 1.0) / e.weft[t]
        ss = (ux * vx + uy * vy + uz * vz) / e.shear[t]
        a, b = e.a[t, c], e.b[t, c]
        fx -= su * a * ux + sv * b * vx + ss * (a * vx + b * ux)
        fy -= su * a * uy + sv * b * vy + ss * (a * vy + b * uy)
    return fx, fy


@njit(cache=True, error_model="numpy")
def update_clamped(
    x: Array, v: Array, w: Array, clamped: NDArray[np.bool_], g: Grip, R: Array, o: Array, half: Array, pressed: bool
) -> float:
    """Mark the vertices under the lowered sole; returns the area [m2] that carries the foot."""
    carried = 0.0
    for i in range(x.shape[0]):
        dx, dy = x[i, 0] - o[0], x[i, 1] - o[1]
        px, py = R[0, 0] * dx + R[1, 0] * dy, R[0, 1] * dx + R[1, 1] * dy
        under = pressed and w[i] > 0.0 and abs(px) <= half[0] and abs(py) <= half[1]
        if clamped[i] != under:
            v[i, 0], v[i, 1], v[i, 2] = 0.0, 0.0, 0.0
            clamped[i] = under
        if under:
            carried += g.area[i]
    return carried


@njit(cache=True, error_model="numpy")
def slip_clamped(
    x: Array, clamped: NDArray[np.bool_], g: Grip, pressure: float, dogged: Array, hold: float, drag: float
) -> None:
    """Slide clamped vertices whose elastic force exceeds friction.

    `dogged` (2,): direction in which the dog carries the cloth past the foot, zero while it is down; then the limit is
    `hold` x load. With the dog up the foot drags back with `drag` x load, and `hold` is the dog's friction.
    """
    for i in range(x.shape[0]):
        if not clamped[i]:
            continue
        fx, fy = elastic_force(x, g, i)
        load = pressure * g.area[i]
        fx -= dogged[0] * drag * load
        fy -= dogged[1] * drag * load
        size = np.sqrt(fx * fx + fy * fy)
        if size > hold * load:
            slip = min(RELAXATION * (size - hold * load) / g.stiffness[i], LARGEST_SLIP)
            x[i, 0] += slip * fx / size
            x[i, 1] += slip * fy / size
