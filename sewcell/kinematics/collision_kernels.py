"""From postures to distances: where the capsules of an arm are, and how far every pair of bodies is apart."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sewcell.geometry.poses import Array
from sewcell.kinematics.distances import (
    BLOCK,
    FLAGS,
    segment_box,
    segment_segment,
)

_TWO_OVER_PI = 2.0 / np.pi
# pi / 2 in two parts; the first has 33 bits, so that its products with whole numbers below 2^20 are exact (fdlibm).
_HALF_PI_HIGH, _HALF_PI_LOW = 1.57079632673412561417e00, 6.07710050650619224932e-11


class Bodies(NamedTuple):
    """The bodies of a collision model as the kernels want them; lengths [m].

    `joints` (6, 4, 4): see `chain.Chain`. Capsules: `links` (C,), middle and half axis `axes` (C, 6) in the frame of
    joint `links`, `radii` (C,). Boxes: `poses` = T_base_box (B, 4, 4), `halves` (B, 3). Pairs: `capsule_box` (P, 2) of
    capsule and box, `capsule_capsule` (S, 2).
    """

    joints: Array
    links: NDArray[np.intp]
    axes: Array
    radii: Array
    poses: Array
    halves: Array
    capsule_box: NDArray[np.intp]
    capsule_capsule: NDArray[np.intp]


@njit(cache=True, error_model="numpy", fastmath=FLAGS)
def _turn(frame: Array, joint: Array, q: Array) -> None:
    """frame @ joint @ Rz(q) in the place of `frame` (12 * BLOCK,), row by row the upper part of T; q (BLOCK,) [rad].

    sin and cos: q = n pi/2 + r, then the polynomials of fdlibm (k_sin.c, k_cos.c) for |r| <= pi/4; within 2e-16 for
    |q| < 1e5.
    """
    a00, a01, a02, a03 = joint[0, 0], joint[0, 1], joint[0, 2], joint[0, 3]
    a10, a11, a12, a13 = joint[1, 0], joint[1, 1], joint[1, 2], joint[1, 3]
    a20, a21, a22, a23 = joint[2, 0], joint[2, 1], joint[2, 2], joint[2, 3]
    for j in range(BLOCK):
        n = np.floor(q[j] * _TWO_OVER_PI + 0.5)
        r = (q[j] - n * _HALF_PI_HIGH) - n * _HALF_PI_LOW
        n -= 4.0 * np.floor(0.25 * n)
        z = r * r
        sin = 2.75573137070700676789e-06 + z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)
        sin = 8.33333333332248946124e-03 + z * (-1.98412698298579493134e-04 + z * sin)
        sin = r + r * z * (-1.66666666666666324348e-01 + z * sin)
        cos = -2.75573143513906633035e-07 + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)
        cos = -1.38888888888741095749e-03 + z * (2.48015872894767294178e-05 + z * cos)
        cos = 1.0 - 0.5 * z + z * z * (4.16666666666666019037e-02 + z * cos)
        odd = (n == 1.0) | (n == 3.0)
        c, s = sin if odd else cos, cos if odd else sin
        c = -c if (n == 1.0) | (n == 2.0) else c
        s = -s if n >= 2.0 else s
        for row in range(3):
            k = 4 * row * BLOCK + j
            x, y, z, o = frame[k], frame[k + BLOCK], frame[k + 2 * BLOCK], frame[k + 3 * BLOCK]
            u, v = x * a00 + y * a10 + z * a20, x * a01 + y * a11 + z * a21
            frame[k + 3 * BLOCK] = x * a03 + y * a13 + z * a23 + o
            frame[k + 2 * BLOCK] = x * a02 + y * a12 + z * a22
            frame[k] = u * c + v * s
            frame[k + BLOCK] = v * c - u * s


@njit(cache=True, error_model="numpy", fastmath=FLAGS)
def _carry(frame: Array, axis: Array, segment: Array) -> None:
    """The `segment` (6 * BLOCK,) whose middle and half axis are `axis` (6,) in `frame` (12 * BLOCK,)."""
    m0, m1, m2, d0, d1, d2 = axis[0], axis[1], axis[2], axis[3], axis[4], axis[5]
    for j in range(BLOCK):
        for row in range(3):
            k = 4 * row * BLOCK + j
            x, y, z = frame[k], frame[k + BLOCK], frame[k + 2 * BLOCK]
            segment[row * BLOCK + j] = x * m0 + y * m1 + z * m2 + frame[k + 3 * BLOCK]
            segment[(3 + row) * BLOCK + j] = x * d0 + y * d1 + z * d2


@njit(cache=True)
def place_capsules(bodies: Bodies, Q: Array, first: int, segments: Array) -> None:
    """Fills `segments` (C, 6 * BLOCK) for the postures of Q (N, 6) from `first` on, the last one repeated."""
    frame, q = np.zeros(12 * BLOCK), np.empty(BLOCK)
    for row in range(3):
        frame[5 * row * BLOCK : (5 * row + 1) * BLOCK] = 1.0
    for link in range(7):
        if link > 0:
            for j in range(BLOCK):
                q[j] = Q[min(first + j, len(Q) - 1), link - 1]
            _turn(frame, bodies.joints[link - 1], q)
        for c in range(len(segments)):
            if bodies.links[c] == link:
                _carry(frame, bodies.axes[c], segments[c])


@njit(cache=True)
def pair_distances(bodies: Bodies, Q: Array) -> Array:
    """Signed distance of every pair at every posture Q (N, 6) [rad]: (P + S, N rounded up to whole blocks) [m]."""
    boxes, others = len(bodies.capsule_box), len(bodies.capsule_capsule)
    blocks = (len(Q) + BLOCK - 1) // BLOCK
    result = np.empty((boxes + others, blocks * BLOCK))
    segments, at = np.empty((len(bodies.links), 6 * BLOCK)), np.empty(2 * BLOCK)
    for block in range(blocks):
        first, last = block * BLOCK, (block + 1) * BLOCK
        place_capsules(bodies, Q, first, segments)
        for k in range(boxes):
            c, b = bodies.capsule_box[k]
            segment_box(segments[c], bodies.poses[b], bodies.halves[b], bodies.radii[c], result[k, first:last], at)
        for k in range(others):
            c, e = bodies.capsule_capsule[k]
            radius = bodies.radii[c] + bodies.radii[e]
            segment_segment(segments[c], segments[e], radius, result[boxes + k, first:last], at)
    return result
