"""Compiled sweeps of the cloth: prediction, membrane, bending, contact with table, plate and foot."""

import numpy as np
from numba import njit

from sewcell.geometry.poses import Array
from sim.world.cloth_mesh import Indices
from sim.world.elements import LANES, Sweep

LARGEST_SPEED = 20.0
AIR_DENSITY = 1.2
DRAG_FLOOR = 0.3
TOE_RAMP = 6e-3
TOE_SLOPE = 0.5
SIDE_REACH = 4e-3
FOOT_HEIGHT = 30e-3
LARGEST_PUSH = 0.2e-3
"""How far a substep parts cloth from what it went into [m]."""


@njit(cache=True, error_model="numpy")
def predict(x: Array, previous: Array, v: Array, free: Array, gravity: Array, drag: float, h: float) -> None:
    """Explicit step of the free vertices. Air takes `drag` [1/m] x speed x (speed + DRAG_FLOOR)."""
    for i in range(x.shape[0]):
        for k in range(3):
            previous[i, k] = x[i, k]
        if free[i] == 0.0:
            continue
        speed = np.sqrt(v[i, 0] ** 2 + v[i, 1] ** 2 + v[i, 2] ** 2)
        keep = 1.0 / (1.0 + drag * (speed + DRAG_FLOOR) * h)
        if speed > LARGEST_SPEED:
            keep *= LARGEST_SPEED / speed
        for k in range(3):
            v[i, k] = v[i, k] * keep + gravity[k] * h
            x[i, k] += v[i, k] * h


@njit(cache=True, error_model="numpy")
def sweep_membrane(x: Array, w: Array, e: Sweep, multipliers: Array, h: float) -> None:
    """One Gauss-Seidel sweep of orthotropic Green strain: (|Fu|^2 - 1)/2, (|Fv|^2 - 1)/2, Fu . Fv, each compliant.

    `multipliers` (3, P) are those of the substep (Macklin et al. 2016, "XPBD", eq. 18). Within a triangle the three
    corrections follow one another on the updated deformation gradient. LANES triangles at a time are gathered into
    scratch rows (positions 0-8, inverse masses 9-11, constants 12-20, multipliers 21-23, corrections 24-32), so that
    the arithmetic compiles to vector instructions.
    """
    per_h2 = 1.0 / (h * h)
    q = np.empty((33, LANES))
    for start in range(0, e.triangles.shape[0], LANES):
        for m in range(LANES):
            t = start + m
            for c in range(3):
                i = e.triangles[t, c]
                q[c, m] = x[i, 0]
                q[3 + c, m] = x[i, 1]
                q[6 + c, m] = x[i, 2]
                q[9 + c, m] = w[i]
        for c in range(9):
            for m in range(LANES):
                q[12 + c, m] = e.constants[c, start + m]
        for c in range(3):
            for m in range(LANES):
                q[21 + c, m] = multipliers[c, start + m]
        for m in range(LANES):
            ai, aj, ak = q[12, m], q[13, m], q[14, m]
            bi, bj, bk = q[15, m], q[16, m], q[17, m]
            wi, wj, wk = q[9, m], q[10, m], q[11, m]
            saa = wi * ai * ai + wj * aj * aj + wk * ak * ak
            sbb = wi * bi * bi + wj * bj * bj + wk * bk * bk
            sab = wi * ai * bi + wj * aj * bj + wk * ak * bk
            ux = ai * q[0, m] + aj * q[1, m] + ak * q[2, m]
            uy = ai * q[3, m] + aj * q[4, m] + ak * q[5, m]
            uz = ai * q[6, m] + aj * q[7, m] + ak * q[8, m]
            vx = bi * q[0, m] + bj * q[1, m] + bk * q[2, m]
            vy = bi * q[3, m] + bj * q[4, m] + bk * q[5, m]
            vz = bi * q[6, m] + bj * q[7, m] + bk * q[8, m]
            uu = ux * ux + uy * uy + uz * uz
            alpha = q[18, m] * per_h2
            dl = -(0.5 * (uu - 1.0) + alpha * q[21, m]) / (uu * saa + alpha)
            q[21, m] += dl
            gx, gy, gz = ux * dl, uy * dl, uz * dl
            ux, uy, uz = ux + saa * gx, uy + saa * gy, uz + saa * gz
            vx, vy, vz = vx + sab * gx, vy + sab * gy, vz + sab * gz
            vv = vx * vx + vy * vy + vz * vz
            alpha = q[19, m] * per_h2
            dl = -(0.5 * (vv - 1.0) + alpha * q[22, m]) / (vv * sbb + alpha)
            q[22, m] += dl
            qx, qy, qz = vx * dl, vy * dl, vz * dl
            vx, vy, vz = vx + sbb * qx, vy + sbb * qy, vz + sbb * qz
            ux, uy, uz = ux + sab * qx, uy + sab * qy, uz + sab * qz
            uu = ux * ux + uy * uy + uz * uz
            vv = vx * vx + vy * vy + vz * vz
            uv = ux * vx + uy * vy + uz * vz
            alpha = q[20, m] * per_h2
            dl = -(uv + alpha * q[23, m]) / (vv * saa + 2.0 * uv * sab + uu * sbb + alpha)
            q[23, m] += dl
            gx, gy, gz = gx + vx * dl, gy + vy * dl, gz + vz * dl
            qx, qy, qz = qx + ux * dl, qy + uy * dl, qz + uz * dl
            q[24, m] = wi * (ai * gx + bi * qx)
            q[27, m] = wi * (ai * gy + bi * qy)
            q[30, m] = wi * (ai * gz + bi * qz)
            q[25, m] = wj * (aj * gx + bj * qx)
            q[28, m] = wj * (aj * gy + bj * qy)
            q[31, m] = wj * (aj * gz + bj * qz)
            q[26, m] = wk * (ak * gx + bk * qx)
            q[29, m] = wk * (ak * gy + bk * qy)
            q[32, m] = wk * (ak * gz + bk * qz)
        for c in range(3):
            for m in range(LANES):
                multipliers[c, start + m] = q[21 + c, m]
        for m in range(LANES):
            t = start + m
            for c in range(3):
                i = e.triangles[t, c]
                x[i, 0] += q[24 + c, m]
                x[i, 1] += q[27 + c, m]
                x[i, 2] += q[30 + c, m]


@njit(cache=True, error_model="numpy")
def sweep_bending(x: Array, w: Array, e: Sweep, h: float, interval: int) -> None:
    """One sweep of the hinges for `interval` substeps at once.

    The compliance is lowered by 0.53 sum w K^2, which makes up for the softness of a single sweep.
    """
    scale = 1.0 / (h * h * interval)
    for n in range(e.hinges.shape[0]):
        i, j, k, m = e.hinges[n, 0], e.hinges[n, 1], e.hinges[n, 2], e.hinges[n, 3]
        ki, kj, kk, km = e.weights[n, 0], e.weights[n, 1], e.weights[n, 2], e.weights[n, 3]
        wi, wj, wk, wm = w[i] * ki, w[j] * kj, w[k] * kk, w[m] * km
        mobility = wi * ki + wj * kj + wk * kk + wm * km
        if mobility == 0.0:
            continue
        alpha = max(e.bend[n] * scale - 0.53 * mobility, 0.0)
        inverse = -1.0 / (mobility + alpha)
        for c in range(3):
            d = (ki * x[i, c] + kj * x[j, c] + kk * x[k, c] + km * x[m, c]) * inverse
            x[i, c] += wi * d
            x[j, c] += wj * d
            x[k, c] += wk * d
            x[m, c] += wm * d


@njit(cache=True, error_model="numpy")
def push_from_plate(x: Array, w: Array, R: Array, o: Array, half: Array, depth: float, thickness: float) -> None:
    """Vertices within the plate are moved out through its face. `R`, `o`: T_base_tool; `half` (2,) [m]."""
    for i in range(x.shape[0]):
        if w[i] == 0.0:
            continue
        dx, dy, dz = x[i, 0] - o[0], x[i, 1] - o[1], x[i, 2] - o[2]
        pz = R[0, 2] * dx + R[1, 2] * dy + R[2, 2] * dz
        short = 0.5 * thickness - pz
        if short <= 0.0 or pz < -depth:
            continue
        px = R[0, 0] * dx + R[1, 0] * dy + R[2, 0] * dz
        py = R[0, 1] * dx + R[1, 1] * dy + R[2, 1] * dz
        if abs(px) <= half[0] and abs(py) <= half[1]:
            for k in range(3):
                x[i, k] += short * R[k, 2]


@njit(cache=True, error_model="numpy")
def push_from_foot(
    x: Array, previous: Array, w: Array, R: Array, o: Array, half: Array, sole: float, thickness: float
) -> None:
    """Vertices below the foot stay below its sole, whose rim rises like a toe; those beside it slide along its sides.

    `R` (2, 2), `o` (2,): needle frame in base; `half` (2,) of the sole [m]; `sole`: its height [m].
    """
    for i in range(x.shape[0]):
        if w[i] == 0.0 or x[i, 2] < sole - 0.5 * thickness or x[i, 2] > sole + FOOT_HEIGHT:
            continue
        dx, dy = x[i, 0] - o[0], x[i, 1] - o[1]
        px, py = R[0, 0] * dx + R[1, 0] * dy, R[0, 1] * dx + R[1, 1] * dy
        out = max(abs(px) - half[0], abs(py) - half[1])
        if out > TOE_RAMP:
            continue
        top = sole + TOE_SLOPE * max(out, 0.0) - 0.5 * thickness
        if previous[i, 2] <= top + SIDE_REACH:
            x[i, 2] -= min(max(x[i, 2] - top, 0.0), LARGEST_PUSH)
            continue
        push = min(TOE_RAMP - out, LARGEST_PUSH)
        k = 0 if abs(px) - half[0] > abs(py) - half[1] else 1
        away = -push if (px if k == 0 else py) < 0.0 else push
        x[i, 0] += away * R[0, k]
        x[i, 1] += away * R[1, k]


@njit(cache=True, error_model="numpy")
def is_near_foot(x: Array, R: Array, o: Array, half: Array, reach: float) -> bool:
    """Some vertex can come under or beside the foot when it moves by `reach` [m]; others as in `push_from_foot`."""
    for i in range(x.shape[0]):
        dx, dy = x[i, 0] - o[0], x[i, 1] - o[1]
        px, py = R[0, 0] * dx + R[1, 0] * dy, R[0, 1] * dx + R[1, 1] * dy
        if max(abs(px) - half[0], abs(py) - half[1]) <= TOE_RAMP + reach:
            return True
    return False


@njit(cache=True, error_model="numpy")
def rest_on_table(x: Array, previous: Array, w: Array, level: float, friction: float) -> None:
    """Plane z = `level` with Coulomb friction: sliding of a substep is cut back by at most friction x depth."""
    for i in range(x.shape[0]):
        depth = level - x[i, 2]
        if w[i] == 0.0 or depth < 0.0:
            continue
        x[i, 2] = level
        dx, dy = x[i, 0] - previous[i, 0], x[i, 1] - previous[i, 1]
        slid = np.sqrt(dx * dx + dy * dy)
        back = 1.0 if slid <= friction * depth else friction * depth / slid
        x[i, 0] -= back * dx
        x[i, 1] -= back * dy


@njit(cache=True, error_model="numpy")
def find_bounds(x: Array) -> Array:
    """Lowest and highest coordinates (2, 3) of the vertices (V, 3)."""
    bounds = np.empty((2, 3))
    bounds[0], bounds[1] = x[0], x[0]
    for i in range(1, x.shape[0]):
        for c in range(3):
            bounds[0, c] = min(bounds[0, c], x[i, c])
            bounds[1, c] = max(bounds[1, c], x[i, c])
    return bounds


@njit(cache=True, error_model="numpy")
def largest_square(a: Array, b: Array) -> float:
    """Square of the largest distance between the rows of `a` and `b` (V, 3); NaN when a coordinate is not finite."""
    largest = total = 0.0
    for i in range(a.shape[0]):
        square = (a[i, 0] - b[i, 0]) ** 2 + (a[i, 1] - b[i, 1]) ** 2 + (a[i, 2] - b[i, 2]) ** 2
        total += square
        largest = max(largest, square)
    return largest if np.isfinite(total) else np.nan


@njit(cache=True, error_model="numpy")
def find_triangle(x: Array, triangles: Indices, px: float, py: float, share: Array) -> int:
    """Index of the triangle whose plan view holds (px, py), or -1; `share` (3,) gets the barycentric coordinates."""
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay = x[i, 0] - px, x[i, 1] - py
        bx, by = x[j, 0] - px, x[j, 1] - py
        cx, cy = x[k, 0] - px, x[k, 1] - py
        p, q, r = bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx
        total = p + q + r
        if total != 0.0 and min(p, q, r) * np.sign(total) >= 0.0 and max(p, q, r) * np.sign(total) >= 0.0:
            share[0], share[1], share[2] = p / total, q / total, r / total
            return t
    return -1
