"""Energy, gradient and Hessian of the membrane in plan: orthotropic cloth whose wrinkles carry almost nothing."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sewcell.geometry.poses import Array
from sim.world.banded import SPARE
from sim.world.cloth_mesh import Indices

NONE, TANGENT, SECANT = 0, 1, 2
"""Which Hessian an evaluation makes."""
WRINKLED = 0.02
"""Share of the stiffness that is left in cloth that has buckled."""
WRINKLE_LENGTH = 10e-3
"""Cloth buckles at Euler's load of a clamped strip of this length, 4 pi^2 B/L^2: some 3 N/m [m]."""
YARN_STIFFNESS = 300.0
"""Of shear before the yarns slip on one another [N/m]."""
BARRIER_FROM = 0.4
BARRIER = 60.0
"""Below this ratio of areas in plan a triangle resists with an energy that grows without bound [N/m]."""


class Membrane(NamedTuple):
    """Triangles of all plies. `triangles` (T, 3) vertices; `a`, `b` (T, 3) gradients of the shape functions along warp
    and weft [1/m]; `stiffness` (T, 3): warp, weft, shear times area [N m]; `area` (T,) [m2]; `buckles` (T, 2): negative
    strain at which warp and weft buckle; `flat` (T,): the triangle lies flat and must never turn over; `slipped` (T,):
    shear up to which the yarns have slipped, and `yarn_limit` (T,): shear beyond it that their friction bears;
    `moving` (M,): triangles with a vertex whose position is not given: the energy of the others is left out.
    """

    triangles: Indices
    a: Array
    b: Array
    stiffness: Array
    area: Array
    buckles: Array
    flat: NDArray[np.bool_]
    slipped: Array
    yarn_limit: Array
    moving: Indices


@njit(cache=True, error_model="numpy", inline="always")
def add_block(band: Array, i: int, j: int, xx: float, xy: float, yx: float, yy: float) -> None:
    """Add the block of rows 2i, 2i+1 and columns 2j, 2j+1 to the lower band (see `factor_band`).

    Left out: the upper triangle, given vertices (negative), couplings beyond the band.
    """
    r, c = 2 * i, 2 * j
    if j < 0 or i < j or r + 1 - c >= band.shape[1] - SPARE:
        return
    band[c, r - c] += xx
    band[c, r + 1 - c] += yx
    band[c + 1, r - c] += yy
    if i > j:
        band[c + 1, r - c - 1] += xy


@njit(cache=True, error_model="numpy")
def add_membrane(x: Array, z: Array, m: Membrane, dof: Indices, full: int, gradient: Array, band: Array) -> float:
    """Add the membrane to `gradient` (V, 2) and, if `full`, to `band`; returns its energy [J], inf when turned over.

    W = sum of K A e^2/2 over the Green strains e = (|Fu|^2 - 1)/2, (|Fv|^2 - 1)/2, Fu . Fv with the heights `z` (V,)
    given: the elements of the cloth in space. Buckled cloth goes on with a small part of its stiffness (tension field:
    Pipkin 1986, "The relaxed energy density for isotropic elastic membranes"). Yarns rub on one another: the hysteresis
    of shear that KES-F reports as 2HG. The Hessian is made positive by leaving out the compressive part of the stress
    (Teran et al. 2005, "Robust quasistatic finite elements").
    """
    energy = 0.0
    g = np.empty((3, 2))
    for t in m.moving:
        i, j, k = m.triangles[t, 0], m.triangles[t, 1], m.triangles[t, 2]
        a0, a1, a2 = m.a[t, 0], m.a[t, 1], m.a[t, 2]
        b0, b1, b2 = m.b[t, 0], m.b[t, 1], m.b[t, 2]
        ux, uy = a0 * x[i, 0] + a1 * x[j, 0] + a2 * x[k, 0], a0 * x[i, 1] + a1 * x[j, 1] + a2 * x[k, 1]
        vx, vy = b0 * x[i, 0] + b1 * x[j, 0] + b2 * x[k, 0], b0 * x[i, 1] + b1 * x[j, 1] + b2 * x[k, 1]
        uz, vz = a0 * z[i] + a1 * z[j] + a2 * z[k], b0 * z[i] + b1 * z[j] + b2 * z[k]
        eu, ev = 0.5 * (ux * ux + uy * uy + uz * uz - 1.0), 0.5 * (vx * vx + vy * vy + vz * vz - 1.0)
        es = ux * vx + uy * vy + uz * vz
        su, ku, wu = resist(eu, m.stiffness[t, 0], m.buckles[t, 0])
        sv, kv, wv = resist(ev, m.stiffness[t, 1], m.buckles[t, 1])
        ks, ss, ws = m.stiffness[t, 2], m.stiffness[t, 2] * es, 0.5 * m.stiffness[t, 2] * es * es
        rubbed, yarn, most = es - m.slipped[t], YARN_STIFFNESS * m.area[t], m.yarn_limit[t]
        if abs(rubbed) <= most:
            ks, ss, ws = ks + yarn, ss + yarn * rubbed, ws + 0.5 * yarn * rubbed * rubbed
        else:
            ss += yarn * most * np.sign(rubbed)
            ws += yarn * most * (abs(rubbed) - 0.5 * most)
        energy += wu + wv + ws
        slope, curve = 0.0, 0.0
        ratio = ux * vy - uy * vx
        if m.flat[t] and ratio < BARRIER_FROM:
            if ratio <= 0.0:
                return np.inf
            # -c (J - J0)^2 ln(J/J0): smooth at J0, infinite at 0 (Li et al. 2020, "Incremental Potential Contact").
            c, d, log = BARRIER * m.area[t], ratio - BARRIER_FROM, np.log(ratio / BARRIER_FROM)
            energy -= c * d * d * log
            slope = -c * (2.0 * d * log + d * d / ratio)
            curve = -c * (2.0 * log + 4.0 * d / ratio - d * d / (ratio * ratio))
        for n in range(3):
            a, b = m.a[t, n], m.b[t, n]
            vertex = m.triangles[t, n]
            gradient[vertex, 0] += (su * a + ss * b) * ux + (sv * b + ss * a) * vx + slope * (a * vy - b * uy)
            gradient[vertex, 1] += (su * a + ss * b) * uy + (sv * b + ss * a) * vy + slope * (b * ux - a * vx)
            g[n, 0], g[n, 1] = a * vy - b * uy, b * ux - a * vx
        if full == NONE:
            continue
        if full == SECANT:
            ku = m.stiffness[t, 0] if eu == 0.0 else su / eu
            kv = m.stiffness[t, 1] if ev == 0.0 else sv / ev
            if abs(rubbed) > most:
                ks += yarn * most / abs(rubbed)
        mean, half = 0.5 * (su + sv), 0.5 * (su - sv)
        radius = np.sqrt(half * half + ss * ss)
        high, low = max(mean + radius, 0.0), max(mean - radius, 0.0)
        if radius > 0.0:
            spread = 0.5 * (high - low) / radius
            puu, pvv, puv = 0.5 * (high + low) + spread * half, 0.5 * (high + low) - spread * half, spread * ss
        else:
            puu, pvv, puv = high, high, 0.0
        for n in range(3):
            p = dof[m.triangles[t, n]]
            if p < 0:
                continue
            an, bn = m.a[t, n], m.b[t, n]
            sx, sy = an * vx + bn * ux, an * vy + bn * uy
            for o in range(3):
                q = dof[m.triangles[t, o]]
                if q < 0 or q > p:
                    continue
                ao, bo = m.a[t, o], m.b[t, o]
                tx, ty = ao * vx + bo * ux, ao * vy + bo * uy
                fu, fv = ku * an * ao, kv * bn * bo
                normal = puu * an * ao + pvv * bn * bo + puv * (an * bo + bn * ao)
                add_block(
                    band, p, q,
                    fu * ux * ux + fv * vx * vx + ks * sx * tx + normal + curve * g[n, 0] * g[o, 0],
                    fu * ux * uy + fv * vx * vy + ks * sx * ty + curve * g[n, 0] * g[o, 1],
                    fu * uy * ux + fv * vy * vx + ks * sy * tx + curve * g[n, 1] * g[o, 0],
                    fu * uy * uy + fv * vy * vy + ks * sy * ty + normal + curve * g[n, 1] * g[o, 1],
                )  # fmt: skip
    return energy


@njit(cache=True, error_model="numpy")
def smallest_area_ratio(x: Array, m: Membrane) -> float:
    """Least det F in plan at `x` (V, 2) of all triangles that lie flat, given vertices or not; inf when none does.

    At or below 0 a triangle has turned over. NaN counts as turned over: it is returned.
    """
    least = np.inf
    for t in range(m.triangles.shape[0]):
        if not m.flat[t]:
            continue
        ux = uy = vx = vy = 0.0
        for n in range(3):
            i = m.triangles[t, n]
            ux += m.a[t, n] * x[i, 0]
            uy += m.a[t, n] * x[i, 1]
            vx += m.b[t, n] * x[i, 0]
            vy += m.b[t, n] * x[i, 1]
        ratio = ux * vy - uy * vx
        if not ratio >= least:
            least = ratio
            if np.isnan(ratio):
                return least
    return least


@njit(cache=True, error_model="numpy", inline="always")
def resist(strain: float, stiffness: float, buckles: float) -> tuple[float, float, float]:
    """Stress, tangent stiffness and energy of threads that buckle at the strain `buckles`, each times the area."""
    if strain > buckles:
        return stiffness * strain, stiffness, 0.5 * stiffness * strain * strain
    soft, over = WRINKLED * stiffness, strain - buckles
    stress = stiffness * buckles
    return stress + soft * over, soft, 0.5 * stress * buckles + stress * over + 0.5 * soft * over * over


@njit(cache=True, error_model="numpy", inline="always")
def measure_strain(x: Array, z: Array, m: Membrane, t: int) -> tuple[float, float, float]:
    """Green strain of a triangle along warp and weft, and shear, from `x` (V, 2) and heights `z` (V,)."""
    uu = vv = uv = 0.0
    for c in range(3):
        u = v = 0.0
        for n in range(3):
            i = m.triangles[t, n]
            value = x[i, c] if c < 2 else z[i]
            u += m.a[t, n] * value
            v += m.b[t, n] * value
        uu += u * u
        vv += v * v
        uv += u * v
    return 0.5 * (uu - 1.0), 0.5 * (vv - 1.0), uv


@njit(cache=True, error_model="numpy")
def slip_yarns(x: Array, z: Array, m: Membrane) -> None:
    """At the end of a step: shear beyond the friction of the yarns has slipped."""
    for t in range(m.triangles.shape[0]):
        _, _, shear = measure_strain(x, z, m, t)
        rubbed = shear - m.slipped[t]
        if abs(rubbed) > m.yarn_limit[t]:
            m.slipped[t] = shear - np.sign(rubbed) * m.yarn_limit[t]
