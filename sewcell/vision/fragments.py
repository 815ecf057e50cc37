"""Which pieces, lying how, show a part of their outline in a contour: for pieces that touch, overlap or are hidden."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array
from sewcell.units import MM
from sewcell.vision.matching import Hypothesis
from sewcell.vision.outline import closed_length, resample_closed

_SPACING = 4.0 * MM
_SHARES = (0.5, 0.3, 0.18)
_SHORTEST = 14
_LONGEST_RMS = 3.0 * MM
_STRAIGHT = 3.0 * MM
_PER_LENGTH = 6
_CELL = 2.0 * MM
_NEAR = 3.5 * MM
_OUTSIDE = 4.0 * MM
_OUTSIDE_PENALTY = 1.5
_SETTLE_ROUNDS = 6
_MIN_SCORE = 0.25

Complex = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Field:
    """Distance [m] to the contour at cells of the table, negative within the region; `corner` (2,) [m] of the first
    cell; `nearest` (h, w): number of the nearest point of `points` (N, 2) [m]."""

    distance: Array
    corner: Array
    nearest: NDArray[np.int64]
    points: Array


def make_field(contour: Array, open_points: NDArray[np.bool_]) -> Field:
    """The field of a closed contour (N, 2) [m]; its points count as edges where `open_points` (N,)."""
    corner = contour.min(axis=0) - 0.05
    size = np.ceil((contour.max(axis=0) + 0.05 - corner) / _CELL).astype(int) + 1
    region = np.zeros((size[1], size[0]), np.uint8)
    cells = np.round((contour - corner) / _CELL).astype(np.int32)
    cv2.fillPoly(region, [cells.reshape(-1, 1, 2)], 1)
    points = contour[open_points]
    seeds = np.ones_like(region)
    column, row = np.round((points - corner) / _CELL).astype(int).T
    seeds[row, column] = 0
    distance, labels = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    owner = np.zeros(int(labels.max()) + 1, np.int64)
    owner[labels[row, column]] = np.arange(len(points))
    outer = cv2.distanceTransform(1 - region, cv2.DIST_L2, 5)
    signed = np.where(outer > 0.0, outer, -np.asarray(distance)) * _CELL
    return Field(np.asarray(signed, np.float64), corner, owner[labels], points)


def match_fragments(
    contour: Array, open_points: NDArray[np.bool_], outlines: Sequence[Array], mirrored: Sequence[bool], keep: int
) -> list[Hypothesis]:
    """The `keep` best ways in which one of `outlines` could show a part of itself in `contour`, best first.

    Every run of contour samples z is laid on every run of as many outline samples m: with sums over the run, the best
    rigid motion leaves sum|z|^2 + sum|m|^2 - 2 |sum z conj(m)|, all about the means; walking down the diagonals of the
    table of pairs, each sum follows from its neighbour. What fits is settled on the nearest contour points, and judged
    by the share of the outline near the contour, less what lies on the bare table.

    Args: contour (N, 2) [m], counter-clockwise, of which `open_points` (N,) may still be explained; outlines [m],
    counter-clockwise; mirrored: the faces to try.
    """
    count = max(32, int(closed_length(contour) / _SPACING))
    seen = _smooth(resample_closed(contour, count))
    field = make_field(contour, open_points)
    if not len(field.points):
        return []
    z = seen[:, 0] + 1j * seen[:, 1]
    found = []
    for index, outline in enumerate(outlines):
        length = closed_length(outline)
        samples = max(32, int(length / _SPACING))
        for flip in mirrored:
            drawn = resample_closed(outline[::-1] * (1.0, -1.0) if flip else outline, samples)
            smooth = _smooth(drawn)
            m = smooth[:, 0] + 1j * smooth[:, 1]
            found += [Hypothesis(index, pose, 1.0 - score) for pose, score in _fit_runs(z, m, drawn, flip, field)]
    found.sort(key=lambda hypothesis: hypothesis.residual)
    return found[:keep]


def _fit_runs(z: Complex, m: Complex, drawn: Array, flip: bool, field: Field) -> list[tuple[PlanarPose, float]]:
    """Poses of one outline, already mirrored, with their scores; best first."""
    answers: list[tuple[PlanarPose, float]] = []
    for share in _SHARES:
        run = int(share * len(m))
        if run < _SHORTEST or run > len(z):
            continue
        gap = _match_runs(z, m, run, _STRAIGHT)
        for _ in range(_PER_LENGTH):
            diagonal, i = np.unravel_index(int(np.argmin(gap)), gap.shape)
            if gap[diagonal, i] > run * _LONGEST_RMS**2:
                break
            _clear(gap, int(diagonal), int(i))
            j = diagonal + i
            seen, model = z[(i + np.arange(run)) % len(z)], m[(j + np.arange(run)) % len(m)]
            turn = float(np.angle(((seen - seen.mean()) * np.conj(model)).sum()))
            shift = seen.mean() - np.exp(1j * turn) * model.mean()
            x, y, theta, score = _settle(
                drawn,
                np.array([shift.real, shift.imag, turn]),
                field.distance,
                field.nearest,
                field.points,
                field.corner,
            )
            if score > _MIN_SCORE and all(_differ(x, y, theta, pose) for pose, _ in answers):
                answers.append((PlanarPose(x, y, theta, flip), score))
    return sorted(answers, key=lambda answer: -answer[1])


def _differ(x: float, y: float, theta: float, pose: PlanarPose) -> bool:
    turn = abs((theta - pose.theta + np.pi) % (2.0 * np.pi) - np.pi)
    return bool(np.hypot(x - pose.x, y - pose.y) > 5.0 * MM or turn > 0.03)


def _clear(gap: Array, diagonal: int, i: int) -> None:
    """Leave out the neighbours of a pair of runs, along its diagonal and beside it, which say the same."""
    rows, columns = np.arange(diagonal - 2, diagonal + 3), np.arange(i - 8, i + 9)
    gap[np.ix_(rows % gap.shape[0], columns % gap.shape[1])] = np.inf


def _smooth(points: Array) -> Array:
    """Points (N, 2) of a closed curve without the staircase of pixels: weights 1 2 1, twice."""
    for _ in range(2):
        points = 0.25 * np.roll(points, 1, axis=0) + 0.5 * points + 0.25 * np.roll(points, -1, axis=0)
    return points


@njit(cache=True, error_model="numpy")
def _match_runs(z: Complex, m: Complex, run: int, straight: float) -> Array:
    """Sum of squared distances [m2] of the run of `run` samples from z[i] on that from m[j], where j = d + i: at
    (d, i), (len(m), len(z)).

    Straight runs, which could slide along each other, have an infinite distance.
    """
    nz, nm = len(z), len(m)
    gap = np.full((nm, nz), np.inf)
    sum_m, square_m, bent = np.empty(nm, np.complex128), np.empty(nm), np.empty(nm, np.bool_)
    for j in range(nm):
        s, q, c = 0j, 0.0, 0j
        for k in range(run):
            value = m[(j + k) % nm]
            s += value
            q += value.real**2 + value.imag**2
            c += value * value
        sum_m[j], square_m[j] = s, q - (s.real**2 + s.imag**2) / run
        across = 0.5 * (square_m[j] - abs(c - s * s / run)) / run
        bent[j] = across > straight * straight
    sum_z, square_z = np.empty(nz, np.complex128), np.empty(nz)
    for i in range(nz):
        s, q = 0j, 0.0
        for k in range(run):
            value = z[(i + k) % nz]
            s += value
            q += value.real**2 + value.imag**2
        sum_z[i], square_z[i] = s, q - (s.real**2 + s.imag**2) / run
    for start in range(nm):
        cross = 0j
        for k in range(run):
            cross += z[k % nz] * np.conj(m[(start + k) % nm])
        j, i_end, j_end = start, run % nz, (start + run) % nm
        for i in range(nz):
            if bent[j]:
                both = cross - sum_z[i] * np.conj(sum_m[j]) / run
                gap[start, i] = square_z[i] + square_m[j] - 2.0 * np.sqrt(both.real**2 + both.imag**2)
            cross += z[i_end] * np.conj(m[j_end]) - z[i] * np.conj(m[j])
            j = j + 1 if j + 1 < nm else 0
            i_end = i_end + 1 if i_end + 1 < nz else 0
            j_end = j_end + 1 if j_end + 1 < nm else 0
    return gap


@njit(cache=True, error_model="numpy")
def _settle(
    drawn: Array, start: Array, distance: Array, nearest: NDArray[np.int64], points: Array, corner: Array
) -> tuple[float, float, float, float]:
    """Moves the outline (N, 2) onto the nearest points, and says x, y, angle and score."""
    x, y, theta = start[0], start[1], start[2]
    h, w = distance.shape
    n = len(drawn)
    score = 0.0
    for turn_number in range(_SETTLE_ROUNDS):
        c, s = np.cos(theta), np.sin(theta)
        near, outside = 0, 0
        pm, qm = np.zeros(2), np.zeros(2)
        reach = _NEAR * (2.0 if turn_number < 2 else 1.0)
        for last in range(2):
            dot, cross = 0.0, 0.0
            for i in range(n):
                px, py = c * drawn[i, 0] - s * drawn[i, 1] + x, s * drawn[i, 0] + c * drawn[i, 1] + y
                column, row = int((px - corner[0]) / _CELL + 0.5), int((py - corner[1]) / _CELL + 0.5)
                if column < 0 or row < 0 or column >= w or row >= h:
                    outside += 1 - last
                    continue
                q = points[nearest[row, column]]
                gap = np.sqrt((q[0] - px) ** 2 + (q[1] - py) ** 2)
                if gap < reach:
                    if last == 0:
                        near += 1
                        pm[0] += px
                        pm[1] += py
                        qm[0] += q[0]
                        qm[1] += q[1]
                    else:
                        ax, ay, bx, by = px - pm[0], py - pm[1], q[0] - qm[0], q[1] - qm[1]
                        dot += ax * bx + ay * by
                        cross += ax * by - ay * bx
                elif last == 0 and distance[row, column] > _OUTSIDE:
                    outside += 1
            if near < 8:
                return x, y, theta, 0.0
            if last == 0:
                pm /= near
                qm /= near
        score = (near - _OUTSIDE_PENALTY * outside) / n
        if turn_number == _SETTLE_ROUNDS - 1:
            break
        d = np.arctan2(cross, dot)
        cd, sd = np.cos(d), np.sin(d)
        x, y = cd * (x - pm[0]) - sd * (y - pm[1]) + qm[0], sd * (x - pm[0]) + cd * (y - pm[1]) + qm[1]
        theta += d
    return x, y, theta, score
