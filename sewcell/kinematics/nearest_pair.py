"""The nearest pair of bodies at every posture, with the points in which the two come closest."""

from math import sqrt

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sewcell.geometry.poses import Array
from sewcell.kinematics.collision_kernels import Bodies, place_capsules
from sewcell.kinematics.distances import (
    BLOCK,
    FLAGS,
    any_box_nearer,
    any_segment_nearer,
    find_way_out,
    segment_box,
    segment_segment,
)


@njit(cache=True, error_model="numpy", fastmath=FLAGS)
def _keep_nearer(
    distances: Array, at: Array, pair: int, nearest: Array, nearest_at: Array, which: NDArray[np.intp]
) -> None:
    for j in range(BLOCK):
        nearer = distances[j] < nearest[j]
        nearest[j] = distances[j] if nearer else nearest[j]
        nearest_at[j] = at[j] if nearer else nearest_at[j]
        nearest_at[BLOCK + j] = at[BLOCK + j] if nearer else nearest_at[BLOCK + j]
        which[j] = pair if nearer else which[j]


@njit(cache=True)
def nearest_pairs(bodies: Bodies, Q: Array) -> tuple[Array, NDArray[np.intp], Array]:
    """Smallest signed distance (N,) [m], the index of its pair (N,) and its closest points (N, 2, 3) [m], on the first
    and on the second body, at every posture Q (N, 6) [rad].

    A pair is left out of a block where a box around the capsule's axis shows that it is farther in every lane than
    what has been found, so nothing nearer is missed. The pair that was nearest in the block before goes first.
    """
    boxes, others = len(bodies.capsule_box), len(bodies.capsule_capsule)
    nearest, which, points = np.empty(len(Q)), np.empty(len(Q), dtype=np.intp), np.empty((len(Q), 2, 3))
    segments = np.empty((len(bodies.links), 6 * BLOCK))
    distances, at = np.empty(BLOCK), np.empty(2 * BLOCK)
    best, best_at, pairs = np.empty(BLOCK), np.empty(2 * BLOCK), np.zeros(BLOCK, dtype=np.intp)
    for first in range(0, len(Q), BLOCK):
        place_capsules(bodies, Q, first, segments)
        best[:] = np.inf
        guess = pairs[BLOCK - 1]
        for n in range(-1, boxes + others):
            k = guess if n < 0 else n
            if k < boxes:
                c, b = bodies.capsule_box[k]
                if any_box_nearer(segments[c], bodies.poses[b], bodies.halves[b], bodies.radii[c], best):
                    segment_box(segments[c], bodies.poses[b], bodies.halves[b], bodies.radii[c], distances, at)
                    _keep_nearer(distances, at, k, best, best_at, pairs)
            else:
                c, e = bodies.capsule_capsule[k - boxes]
                radius = bodies.radii[c] + bodies.radii[e]
                if any_segment_nearer(segments[c], segments[e], radius, best):
                    segment_segment(segments[c], segments[e], radius, distances, at)
                    _keep_nearer(distances, at, k, best, best_at, pairs)
        for j in range(min(BLOCK, len(Q) - first)):
            nearest[first + j], which[first + j] = best[j], pairs[j]
            k = pairs[j]
            if k < boxes:
                c, b = bodies.capsule_box[k]
                _box_points(
                    segments[c], j, best_at[j], bodies.poses[b], bodies.halves[b], bodies.radii[c],
                    best[j] <= -bodies.radii[c], points[first + j],
                )  # fmt: skip
            else:
                c, e = bodies.capsule_capsule[k - boxes]
                _capsule_points(
                    segments[c], segments[e], j, best_at[j], best_at[BLOCK + j], bodies.radii[c], bodies.radii[e],
                    points[first + j],
                )  # fmt: skip
    return nearest, which, points


@njit(cache=True, error_model="numpy")
def _box_points(
    segment: Array, lane: int, t: float, box: Array, half: Array, radius: float, meets: bool, points: Array
) -> None:
    """Closest points (2, 3) of a capsule and a box: first - second is the distance times the way out of the box.

    `meets`: the capsule's axis meets the box; the points are then the ends of the way out.
    """
    x, n = np.empty(3), np.empty(3)
    if meets:
        depth, n[0], n[1], n[2], _ = find_way_out(segment, lane, box, half)
    else:
        depth = 0.0
    square = 0.0
    for i in range(3):
        along = 0.0
        for j in range(3):
            along += box[j, i] * (segment[j * BLOCK + lane] + t * segment[(3 + j) * BLOCK + lane] - box[j, 3])
        if meets:
            x[i] = along + depth * n[i]
        else:
            x[i] = min(max(along, -half[i]), half[i])
            n[i] = along - x[i]
            square += n[i] * n[i]
    length = 1.0 if meets else sqrt(square)
    for i in range(3):
        out, on_box = 0.0, box[i, 3]
        for j in range(3):
            out += box[i, j] * n[j] / length
            on_box += box[i, j] * x[j]
        points[0, i] = segment[i * BLOCK + lane] + t * segment[(3 + i) * BLOCK + lane] - radius * out
        points[1, i] = on_box


@njit(cache=True, error_model="numpy")
def _capsule_points(
    first: Array, second: Array, lane: int, s: float, t: float, radius: float, other_radius: float, points: Array
) -> None:
    """Closest points (2, 3) of two capsules: first - second is the distance times the way from second to first."""
    n = np.empty(3)
    square = 0.0
    for i in range(3):
        points[0, i] = first[i * BLOCK + lane] + s * first[(3 + i) * BLOCK + lane]
        points[1, i] = second[i * BLOCK + lane] + t * second[(3 + i) * BLOCK + lane]
        n[i] = points[0, i] - points[1, i]
        square += n[i] * n[i]
    if square == 0.0:
        square = _find_across(first, second, lane, n)
    for i in range(3):
        points[0, i] -= radius * n[i] / sqrt(square)
        points[1, i] += other_radius * n[i] / sqrt(square)


@njit(cache=True, error_model="numpy")
def _find_across(first: Array, second: Array, lane: int, n: Array) -> float:
    """Fills `n` (3,) with a direction across both axes: it leads out where they cross. Returns: its square length."""
    u0, u1, u2 = first[3 * BLOCK + lane], first[4 * BLOCK + lane], first[5 * BLOCK + lane]
    v0, v1, v2 = second[3 * BLOCK + lane], second[4 * BLOCK + lane], second[5 * BLOCK + lane]
    n[0], n[1], n[2] = u1 * v2 - u2 * v1, u2 * v0 - u0 * v2, u0 * v1 - u1 * v0
    if n[0] == 0.0 and n[1] == 0.0 and n[2] == 0.0:  # along one line: any direction across it
        x, y, z = abs(u0) + abs(v0), abs(u1) + abs(v1), abs(u2) + abs(v2)
        w0, w1, w2 = (u0, u1, u2) if u0 * u0 + u1 * u1 + u2 * u2 > v0 * v0 + v1 * v1 + v2 * v2 else (v0, v1, v2)
        if x <= y and x <= z:
            n[0], n[1], n[2] = 0.0, w2, -w1
        elif y <= z:
            n[0], n[1], n[2] = -w2, 0.0, w0
        else:
            n[0], n[1], n[2] = w1, -w0, 0.0
    if n[0] == 0.0 and n[1] == 0.0 and n[2] == 0.0:  # two points
        n[2] = 1.0
    return float(n[0] * n[0] + n[1] * n[1] + n[2] * n[2])
