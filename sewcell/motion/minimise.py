"""Minimisation of the cost of joint paths by limited-memory BFGS."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sewcell.motion.via_cost import JOINTS, Problem, evaluate

Array = NDArray[np.float64]

MEMORY = 8
"""Steps that are remembered."""
TRIES = 12
"""Step lengths tried on one line."""


class Metric(NamedTuple):
    """First guess of the inverse Hessian.

    `time` times unity for the durations; small I + l0 l0' + l1 l1' for each of the B blocks of joints that follow, with
    `small` (B,) and l0, l1 in `large` (2, B, 6).
    """

    time: float
    small: Array
    large: Array


@njit(cache=True, error_model="numpy")
def minimise(
    z: Array, problem: Problem, doublings: int, weight: float, metric: Metric, steps: int, tolerance: float, work: Array
) -> None:
    """Improve the variables z in place by at most `steps` steps, fewer once three in turn gain less than `tolerance`.

    The other arguments are those of `evaluate`.

    Source: Nocedal and Wright, "Numerical Optimization", algorithms 7.4 (two loops) and 3.1 (backtracking).
    """
    size = len(z)
    steps_taken = np.zeros((MEMORY, size))
    bends = np.zeros((MEMORY, size))
    per_bend = np.zeros(MEMORY)
    alpha = np.zeros(MEMORY)
    gradient, new_gradient, new_z = np.empty(size), np.empty(size), np.empty(size)
    cost = evaluate(z, problem, doublings, weight, gradient, work)
    stored = 0
    quiet = 0
    for _ in range(steps):
        direction = -gradient
        kept = min(stored, MEMORY)
        scale = 1.0
        for b in range(kept):
            at = (stored - 1 - b) % MEMORY
            alpha[at] = per_bend[at] * np.dot(steps_taken[at], direction)
            _add_scaled(direction, -alpha[at], bends[at])
        if kept:
            at = (stored - 1) % MEMORY
            _apply_metric(metric, bends[at], new_z)
            scale = 1.0 / (per_bend[at] * np.dot(bends[at], new_z))
        _apply_metric(metric, direction, new_z)
        direction[:] = scale * new_z
        for b in range(kept):
            at = (stored - kept + b) % MEMORY
            _add_scaled(direction, alpha[at] - per_bend[at] * np.dot(bends[at], direction), steps_taken[at])
        slope = np.dot(gradient, direction)
        if slope >= 0.0:
            stored = 0
            _apply_metric(metric, -gradient, direction)
            slope = np.dot(gradient, direction)

        reach = 1.0 if stored else min(1.0, 0.1 / np.sqrt(1e-30 - slope))
        new_cost = np.inf
        for _ in range(TRIES):
            new_z[:] = z
            _add_scaled(new_z, reach, direction)
            new_cost = evaluate(new_z, problem, doublings, weight, new_gradient, work)
            if new_cost <= cost + 1e-4 * reach * slope:
                break
            vertex = -0.5 * slope * reach * reach / (new_cost - cost - slope * reach)  # 0 when the cost overflows
            reach = min(max(vertex, 0.1 * reach), 0.5 * reach)
        if not new_cost <= cost + 1e-4 * reach * slope:
            if stored == 0:
                break
            stored = 0
            continue

        at = stored % MEMORY
        steps_taken[at] = new_z - z
        bends[at] = new_gradient - gradient
        bend = np.dot(steps_taken[at], bends[at])
        if bend > 1e-14:
            per_bend[at] = 1.0 / bend
            stored += 1
        quiet = quiet + 1 if cost - new_cost < tolerance else 0
        z[:] = new_z
        gradient[:] = new_gradient
        cost = new_cost
        if quiet == 3:
            break


@njit(cache=True)
def _add_scaled(vector: Array, factor: float, other: Array) -> None:
    """vector += factor * other, without memory in between."""
    for i in range(len(vector)):
        vector[i] += factor * other[i]


@njit(cache=True, error_model="numpy")
def _apply_metric(metric: Metric, vector: Array, out: Array) -> None:
    """The first guess of the inverse Hessian times a vector of variables."""
    time, small, large = metric
    spans = len(vector) - JOINTS * len(small)
    for i in range(spans):
        out[i] = time * vector[i]
    for b in range(len(small)):
        at = spans + JOINTS * b
        first = second = 0.0
        for k in range(JOINTS):
            first += large[0, b, k] * vector[at + k]
            second += large[1, b, k] * vector[at + k]
        for k in range(JOINTS):
            out[at + k] = small[b] * vector[at + k] + first * large[0, b, k] + second * large[1, b, k]
