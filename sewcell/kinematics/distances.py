"""Exact distances of capsule axes to boxes and to each other, without iteration."""

import numpy as np
from numba import njit

from sewcell.geometry.poses import Array


@njit(cache=True)
def _half_slope(t: float, p: Array, d: Array, half: Array) -> float:
    """Half the derivative of f(t) = sum_i max(|p_i + t d_i| - half_i, 0)^2: it never falls with t."""
    slope = 0.0
    for i in range(3):
        x = p[i] + t * d[i]
        if x > half[i]:
            slope += d[i] * (x - half[i])
        elif x < -half[i]:
            slope += d[i] * (x + half[i])
    return slope


@njit(cache=True)
def segment_box_distance(p: Array, d: Array, half: Array) -> float:
    """Distance [m] of the segment p + t d, t in [0, 1], to the box |x_i| <= half_i; 0 where they meet.

    f(t), the squared distance, is convex; its slope is linear between the six values of t at which the segment crosses
    a face's plane. The largest of these with a slope <= 0 and the smallest with a slope >= 0 bracket the minimum.

    Args: p, d, half (3,) [m] in the frame of the box.
    """
    low, high = 0.0, 1.0
    slope_low, slope_high = _half_slope(0.0, p, d, half), _half_slope(1.0, p, d, half)
    if slope_low >= 0.0:
        t = 0.0
    elif slope_high <= 0.0:
        t = 1.0
    else:
        for i in range(3):
            if d[i] == 0.0:
                continue
            for side in (-1.0, 1.0):
                crossing = (side * half[i] - p[i]) / d[i]
                if low < crossing < high:
                    slope = _half_slope(crossing, p, d, half)
                    if slope < 0.0:
                        low, slope_low = crossing, slope
                    else:
                        high, slope_high = crossing, slope
        t = low + (high - low) * (-slope_low / (slope_high - slope_low))
    square = 0.0
    for i in range(3):
        outside = abs(p[i] + t * d[i]) - half[i]
        if outside > 0.0:
            square += outside * outside
    return float(np.sqrt(square))


@njit(cache=True)
def _point_segment_square(p: Array, a: Array, d: Array) -> float:
    """Squared distance of the point p to the segment a + t d, t in [0, 1]."""
    along, length = 0.0, 0.0
    for i in range(3):
        along += (p[i] - a[i]) * d[i]
        length += d[i] * d[i]
    t = min(max(along / length, 0.0), 1.0) if length > 0.0 else 0.0
    square = 0.0
    for i in range(3):
        square += (p[i] - a[i] - t * d[i]) ** 2
    return square


@njit(cache=True)
def segment_segment_distance(a: Array, u: Array, b: Array, v: Array) -> float:
    """Distance [m] of the segments a + s u and b + t v, s and t in [0, 1], all (3,) [m].

    The closest pair holds an end of a segment, or lies inside both, where the connection is normal to both.
    """
    square = min(
        _point_segment_square(a, b, v),
        _point_segment_square(a + u, b, v),
        _point_segment_square(b, a, u),
        _point_segment_square(b + v, a, u),
    )
    uu, uv, vv, uw, vw = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(3):
        w = a[i] - b[i]
        uu += u[i] * u[i]
        uv += u[i] * v[i]
        vv += v[i] * v[i]
        uw += u[i] * w
        vw += v[i] * w
    determinant = uu * vv - uv * uv
    if determinant > 0.0:
        s = (uv * vw - vv * uw) / determinant
        t = (uu * vw - uv * uw) / determinant
        if 0.0 < s < 1.0 and 0.0 < t < 1.0:
            inner = 0.0
            for i in range(3):
                inner += (a[i] + s * u[i] - b[i] - t * v[i]) ** 2
            square = min(square, inner)
    return float(np.sqrt(square))


@njit(cache=True)
def pair_distances(
    starts: Array,
    ends: Array,
    radii: Array,
    box_poses: Array,
    box_halves: Array,
    capsule_box: Array,
    capsule_capsule: Array,
) -> Array:
    """Distances of pairs of bodies for many samples; negative: the bodies overlap.

    Args: axes of the capsules `starts`, `ends` (N, C, 3) and `radii` (C,) [m]; `box_poses` (B, 4, 4) in the same frame,
    `box_halves` (B, 3); pairs `capsule_box` (P, 2) and `capsule_capsule` (S, 2) of indices.
    Returns: (N, P + S) [m].
    """
    n, boxes, others = len(starts), len(capsule_box), len(capsule_capsule)
    result = np.empty((n, boxes + others))
    p, d = np.empty(3), np.empty(3)
    for sample in range(n):
        for k in range(boxes):
            c, b = capsule_box[k]
            T = box_poses[b]
            for i in range(3):
                p[i], d[i] = 0.0, 0.0
                for j in range(3):
                    p[i] += T[j, i] * (starts[sample, c, j] - T[j, 3])
                    d[i] += T[j, i] * (ends[sample, c, j] - starts[sample, c, j])
            result[sample, k] = segment_box_distance(p, d, box_halves[b]) - radii[c]
        for k in range(others):
            c, e = capsule_capsule[k]
            a, b_start = starts[sample, c], starts[sample, e]
            result[sample, boxes + k] = (
                segment_segment_distance(a, ends[sample, c] - a, b_start, ends[sample, e] - b_start)
                - radii[c]
                - radii[e]
            )
    return result
