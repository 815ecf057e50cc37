"""Signed distances of segments to boxes and to each other, exact, without iteration, for a block of lanes at a time.

A lane is one posture of the arm. A block holds BLOCK lanes of each coordinate side by side, so that the compiler turns
every loop over them into vector instructions: segments are rows x y z of the middle and x y z of the half axis,
(6 * BLOCK,) [m]; the segment is middle + t half axis, t in [-1, 1].
"""

from math import inf, sqrt

import numpy as np
from numba import njit

from sewcell.geometry.poses import Array

BLOCK = 32
"""Lanes of a block."""
FLAGS = {"contract", "nsz"}
"""Freedom of the compiler: fused products, and no care for the sign of zero."""
_TINY = 1e-300


@njit(cache=True, error_model="numpy", fastmath=FLAGS, forceinline=True)
def _outside(x: float, h: float) -> float:
    """How far x lies beyond [-h, h], with its sign."""
    y = -h if x < -h else x
    y = h if y > h else y
    return x - y


@njit(cache=True, error_model="numpy", fastmath=FLAGS, forceinline=True)
def _beyond(x: float, h: float) -> float:
    """How far |x| lies beyond h, 0 inside."""
    y = abs(x) - h
    return y if y > 0.0 else 0.0


@njit(cache=True, error_model="numpy", fastmath=FLAGS)
def segment_box(segment: Array, box: Array, half: Array, radius: float, result: Array, at: Array) -> None:
    """Signed distance of capsules to a box, `result` (BLOCK,) [m], and the t of the closest point, the first of `at`.

    f(t), the squared distance of a point of the segment to the box |x_i| <= half_i, is convex, and its slope is linear
    between the six values of t at which the segment crosses a face's plane. The largest of these with a slope < 0 and
    the smallest with a slope >= 0 bracket the minimum; between them the set of coordinates outside the box stays the
    same, and the minimum is t = -sum d_i (p_i -+ half_i) / sum d_i^2 over that set. Where the segment meets the box the
    distance is minus the way out of `find_way_out`, minus the radius.

    Args: segment (6 * BLOCK,) in base; box = T_base_box (4, 4); half (3,); radius of the capsules; at (2 * BLOCK,).
    """
    h0, h1, h2 = half[0], half[1], half[2]
    r00, r01, r02, o0 = box[0, 0], box[0, 1], box[0, 2], box[0, 3]
    r10, r11, r12, o1 = box[1, 0], box[1, 1], box[1, 2], box[1, 3]
    r20, r21, r22, o2 = box[2, 0], box[2, 1], box[2, 2], box[2, 3]
    meeting = 0
    for j in range(BLOCK):
        x, y, z = segment[j] - o0, segment[BLOCK + j] - o1, segment[2 * BLOCK + j] - o2
        u, v, w = segment[3 * BLOCK + j], segment[4 * BLOCK + j], segment[5 * BLOCK + j]
        p0, p1, p2 = r00 * x + r10 * y + r20 * z, r01 * x + r11 * y + r21 * z, r02 * x + r12 * y + r22 * z
        d0, d1, d2 = r00 * u + r10 * v + r20 * w, r01 * u + r11 * v + r21 * w, r02 * u + r12 * v + r22 * w
        # The box is its own mirror image: let the segment rise along every axis. _TINY keeps the crossings finite.
        p0, p1, p2 = -p0 if d0 < 0.0 else p0, -p1 if d1 < 0.0 else p1, -p2 if d2 < 0.0 else p2
        d0, d1, d2 = abs(d0) + _TINY, abs(d1) + _TINY, abs(d2) + _TINY
        i0, i1, i2 = 1.0 / d0, 1.0 / d1, 1.0 / d2
        low, high = -1.0, 1.0
        enter0, leave0 = (-h0 - p0) * i0, (h0 - p0) * i0
        for t in (enter0, leave0):
            slope = d1 * _outside(p1 + t * d1, h1) + d2 * _outside(p2 + t * d2, h2)
            below, above = t if slope < 0.0 else -1.0, 1.0 if slope < 0.0 else t
            low, high = below if below > low else low, above if above < high else high
        enter1, leave1 = (-h1 - p1) * i1, (h1 - p1) * i1
        for t in (enter1, leave1):
            slope = d0 * _outside(p0 + t * d0, h0) + d2 * _outside(p2 + t * d2, h2)
            below, above = t if slope < 0.0 else -1.0, 1.0 if slope < 0.0 else t
            low, high = below if below > low else low, above if above < high else high
        enter2, leave2 = (-h2 - p2) * i2, (h2 - p2) * i2
        for t in (enter2, leave2):
            slope = d0 * _outside(p0 + t * d0, h0) + d1 * _outside(p1 + t * d1, h1)
            below, above = t if slope < 0.0 else -1.0, 1.0 if slope < 0.0 else t
            low, high = below if below > low else low, above if above < high else high
        low, high = low if low < 1.0 else 1.0, high if high > -1.0 else -1.0
        middle = 0.5 * (low + high)
        e0, e1, e2 = _outside(p0 + middle * d0, h0), _outside(p1 + middle * d1, h1), _outside(p2 + middle * d2, h2)
        f0, f1, f2 = d0 if e0 != 0.0 else 0.0, d1 if e1 != 0.0 else 0.0, d2 if e2 != 0.0 else 0.0
        t = middle - (f0 * e0 + f1 * e1 + f2 * e2) / (f0 * f0 + f1 * f1 + f2 * f2 + _TINY)
        t = low if t < low else t
        t = high if t > high else t
        e0, e1, e2 = _outside(p0 + t * d0, h0), _outside(p1 + t * d1, h1), _outside(p2 + t * d2, h2)
        distance = sqrt(e0 * e0 + e1 * e1 + e2 * e2)
        enter0, leave0 = enter0 if enter0 > enter1 else enter1, leave0 if leave0 < leave1 else leave1
        enter0, leave0 = enter0 if enter0 > enter2 else enter2, leave0 if leave0 < leave2 else leave2
        meets = (enter0 <= leave0) & (enter0 <= 1.0) & (leave0 >= -1.0)
        meeting += meets
        result[j], at[j] = -inf if meets else distance - radius, t
    if meeting:
        for j in range(BLOCK):
            if result[j] == -inf:
                depth, _, _, _, at[j] = find_way_out(segment, j, box, half)
                result[j] = -depth - radius


@njit(cache=True, error_model="numpy")
def find_way_out(segment: Array, lane: int, box: Array, half: Array) -> tuple[float, float, float, float, float]:
    """The shortest motion that takes a segment out of a box that it meets: its length [m], its direction x, y, z in the
    frame of the box, and the t of the point that leaves the box last.

    Along a direction n the two overlap by |d.n| + sum half_i |n_i| - p.n. The shortest way out is the smallest of these
    over the normals of the faces of the difference of both bodies: +-e_i and +-(d x e_i).
    """
    p, d, n = np.zeros(3), np.zeros(3), np.zeros(3)
    for i in range(3):
        for j in range(3):
            p[i] += box[j, i] * (segment[j * BLOCK + lane] - box[j, 3])
            d[i] += box[j, i] * segment[(3 + j) * BLOCK + lane]
    depth, t = inf, 0.0
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        overlap = half[i] + abs(d[i]) - abs(p[i])
        if overlap < depth:
            depth = overlap
            n[i], n[j], n[k] = -1.0 if p[i] < 0.0 else 1.0, 0.0, 0.0
            t = _last_in_face(p, d, half, i, n[i])
        across = sqrt(d[j] * d[j] + d[k] * d[k])
        if across > 0.0:
            u, v = d[k] / across, -d[j] / across
            if p[j] * u + p[k] * v < 0.0:
                u, v = -u, -v
            overlap = half[j] * abs(u) + half[k] * abs(v) - p[j] * u - p[k] * v
            if overlap < depth:
                depth = overlap
                n[i], n[j], n[k] = 0.0, u, v
                e = j if abs(d[j]) > abs(d[k]) else k
                t = ((half[e] if n[e] > 0.0 else -half[e]) - depth * n[e] - p[e]) / d[e]
    t = -1.0 if t < -1.0 else t
    return depth if depth > 0.0 else 0.0, n[0], n[1], n[2], 1.0 if t > 1.0 else t


@njit(cache=True, error_model="numpy")
def _last_in_face(p: Array, d: Array, half: Array, i: int, side: float) -> float:
    """The t of the point of a segment that lies deepest under the face `side` e_i of a box; of several, the middle of
    those beneath the face."""
    if d[i] != 0.0:
        return -1.0 if side * d[i] > 0.0 else 1.0
    low, high = -1.0, 1.0
    for j in range(3):
        if j != i and d[j] != 0.0:
            one, other = (-half[j] - p[j]) / d[j], (half[j] - p[j]) / d[j]
            low, high = max(low, min(one, other)), min(high, max(one, other))
    return 0.5 * (low + high)


@njit(cache=True, error_model="numpy", fastmath=FLAGS)
def segment_segment(first: Array, second: Array, radius: float, result: Array, at: Array) -> None:
    """Signed distance of capsules to capsules, `result` (BLOCK,) [m], and the parameters s of the first and t of the
    second of the closest points, `at` (2 * BLOCK,). `radius` is the sum of both radii.

    The closest points of the two lines, the one on the first kept on its segment; then the point of the second segment
    closest to it, then the point of the first closest to that. Exact, but within 2e-8 of their length for segments
    that cross at some 1e-8 rad. Segments have no inside, so an overlap of capsules is the shortest way out.
    """
    for j in range(BLOCK):
        u0, u1, u2 = first[3 * BLOCK + j], first[4 * BLOCK + j], first[5 * BLOCK + j]
        v0, v1, v2 = second[3 * BLOCK + j], second[4 * BLOCK + j], second[5 * BLOCK + j]
        w0, w1, w2 = (
            first[j] - second[j],
            first[BLOCK + j] - second[BLOCK + j],
            first[2 * BLOCK + j] - second[2 * BLOCK + j],
        )
        uu, vv = u0 * u0 + u1 * u1 + u2 * u2 + _TINY, v0 * v0 + v1 * v1 + v2 * v2 + _TINY
        uv = u0 * v0 + u1 * v1 + u2 * v2
        uw, vw = u0 * w0 + u1 * w1 + u2 * w2, v0 * w0 + v1 * w1 + v2 * w2
        determinant = uu * vv - uv * uv
        s = (uv * vw - vv * uw) / (determinant if determinant > _TINY else 1.0)
        s = -1.0 if s < -1.0 else s
        s = 1.0 if s > 1.0 else s
        t = (uv * s + vw) / vv
        t = -1.0 if t < -1.0 else t
        t = 1.0 if t > 1.0 else t
        s = (uv * t - uw) / uu
        s = -1.0 if s < -1.0 else s
        s = 1.0 if s > 1.0 else s
        w0, w1, w2 = w0 + s * u0 - t * v0, w1 + s * u1 - t * v1, w2 + s * u2 - t * v2
        result[j] = sqrt(w0 * w0 + w1 * w1 + w2 * w2) - radius
        at[j], at[BLOCK + j] = s, t


@njit(cache=True, error_model="numpy", fastmath=FLAGS)
def any_box_nearer(segment: Array, box: Array, half: Array, radius: float, nearest: Array) -> bool:
    """Whether a box may be nearer than `nearest` (BLOCK,) [m] to the capsule of any lane.

    The capsule's axis lies in a box |x_i - p_i| <= |d_i| of the same directions, and is no nearer than that.
    """
    h0, h1, h2 = half[0], half[1], half[2]
    r00, r01, r02, o0 = box[0, 0], box[0, 1], box[0, 2], box[0, 3]
    r10, r11, r12, o1 = box[1, 0], box[1, 1], box[1, 2], box[1, 3]
    r20, r21, r22, o2 = box[2, 0], box[2, 1], box[2, 2], box[2, 3]
    nearer = 0
    for j in range(BLOCK):
        x, y, z = segment[j] - o0, segment[BLOCK + j] - o1, segment[2 * BLOCK + j] - o2
        u, v, w = segment[3 * BLOCK + j], segment[4 * BLOCK + j], segment[5 * BLOCK + j]
        e0 = _beyond(r00 * x + r10 * y + r20 * z, abs(r00 * u + r10 * v + r20 * w) + h0)
        e1 = _beyond(r01 * x + r11 * y + r21 * z, abs(r01 * u + r11 * v + r21 * w) + h1)
        e2 = _beyond(r02 * x + r12 * y + r22 * z, abs(r02 * u + r12 * v + r22 * w) + h2)
        room = nearest[j] + radius
        nearer += e0 * e0 + e1 * e1 + e2 * e2 <= room * room
    return nearer > 0


@njit(cache=True, error_model="numpy", fastmath=FLAGS)
def any_segment_nearer(first: Array, second: Array, radius: float, nearest: Array) -> bool:
    """Whether two capsules may be nearer than `nearest` (BLOCK,) [m] in any lane, from the boxes around their axes;
    `radius` is the sum of both radii."""
    nearer = 0
    for j in range(BLOCK):
        x, y, z = (
            first[j] - second[j],
            first[BLOCK + j] - second[BLOCK + j],
            first[2 * BLOCK + j] - second[2 * BLOCK + j],
        )
        e0 = _beyond(x, abs(first[3 * BLOCK + j]) + abs(second[3 * BLOCK + j]))
        e1 = _beyond(y, abs(first[4 * BLOCK + j]) + abs(second[4 * BLOCK + j]))
        e2 = _beyond(z, abs(first[5 * BLOCK + j]) + abs(second[5 * BLOCK + j]))
        room = nearest[j] + radius
        nearer += e0 * e0 + e1 * e1 + e2 * e2 <= room * room
    return nearer > 0
