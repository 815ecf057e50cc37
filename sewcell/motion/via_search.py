"""The search for a joint path through waypoints: its duration as a smooth function of node states, and the descent.

Nodes are the waypoints and free postures between them; legs join waypoints, spans join nodes. A span has three pieces
of constant jerk and equal duration tau, which the states (p, v, a) at its ends fix: with
x = (p0, v0 tau, a0 tau^2, p1, v1 tau, a1 tau^2), every position, velocity tau, acceleration tau^2 and jerk tau^3 inside
the span is a constant row times x.

The variables z: ln tau of the N spans, v and a of the N - 1 inner nodes, offsets of the free nodes from their places on
the straight legs. Columns of all spans and joints lie side by side, so that the compiler vectorises the loops.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

JOINTS = 6
PIECES = 3
"""Pieces of constant jerk in a span."""
LOOKS = np.arange(0.5, PIECES + 0.5, 0.5)
"""Times in a span, in tau, at which the deviation from the straight leg counts."""


def _make_rows() -> Array:
    """Rows (7 + looks, 6) that map x to 3 jerks, then accelerations and velocities at 2 breaks, positions at looks."""

    def state(t: float, order: int) -> Array:
        """Derivative `order` at t from (p0, v0, a0, j1, j2, j3), tau = 1, as a row (6,)."""
        powers = [t ** (k - order) / np.prod(np.arange(1.0, k - order + 1)) if k >= order else 0.0 for k in range(3)]
        later = [max(t - k, 0.0) for k in range(PIECES)]  # j_k - j_(k-1) acts from t = k on
        steps = [u ** (3 - order) / np.prod(np.arange(1.0, 4 - order)) for u in later]
        return np.array([*powers, steps[0] - steps[1], steps[1] - steps[2], steps[2]])

    ends = np.stack([state(float(PIECES), order) for order in range(3)])  # (3, 6): p1, v1, a1
    jerks = np.linalg.solve(ends[:, 3:], np.hstack([-ends[:, :3], np.eye(3)]))  # (3, 6) from x
    from_x = np.vstack([np.eye(6)[:3], jerks])  # x to (p0, v0, a0, j1, j2, j3)
    rows = [state(1.0, 2), state(2.0, 2), state(1.0, 1), state(2.0, 1), *(state(t, 0) for t in LOOKS)]
    return np.vstack([jerks, np.stack(rows) @ from_x])


ROWS = _make_rows()
_FIRST_LOOK = 7

MEMORY = 8
"""Steps that are remembered."""
TRIES = 12
"""Step lengths tried on one line."""


def make_work(spans: int) -> Array:
    """Memory that `evaluate` calculates in."""
    return np.zeros((18 + 2 * len(ROWS), spans * JOINTS))


class Problem(NamedTuple):
    """The path that is sought, with N spans on n legs.

    `lines` (n, 6) unit directions, `lengths` (n,) and `corridor` (n,) [rad] of the legs; `leg_of_span` (N,); `free`
    (N + 1,): number of each node among the free ones, -1 for a waypoint; `anchors` (2, 6 N): places of both ends of
    each span relative to the middle of its leg, before a free node moves; `per_limit` (3, 6 N): 1 / limit of velocity,
    acceleration and jerk in each span.
    """

    lines: Array
    lengths: Array
    corridor: Array
    leg_of_span: Indices
    free: Indices
    anchors: Array
    per_limit: Array


class Metric(NamedTuple):
    """First guess of the inverse Hessian.

    `time` times unity for the durations; small I + l0 l0' + l1 l1' for each of the B blocks of joints that follow, with
    `small` (B,) and l0, l1 in `large` (2, B, 6).
    """

    time: float
    small: Array
    large: Array


@njit(cache=True, error_model="numpy")
def evaluate(z: Array, problem: Problem, doublings: int, weight: float, gradient: Array, work: Array) -> float:
    """Cost of the variables z, its gradient written into `gradient`; infinite when it overflows.

    cost = ln(duration) + ln(|s|_p) + weight sum(max(0, (e / corridor)^2 - 1)^2),  p = 12 * 2^doublings

    s are the factors by which each velocity, acceleration and jerk wants the path stretched: r, r^(1/2), r^(1/3) of the
    ratio r to its limit; so the first two terms together do not change when the path is stretched. e: distance of a
    look from the leg, a straight line between two postures. `work`: memory from `make_work`.
    """
    lines, lengths, corridor, leg_of_span, free, anchors, per_limit = problem
    spans = len(leg_of_span)
    columns = spans * JOINTS
    inner = columns - JOINTS
    at_v, at_a, at_p = spans, spans + inner, spans + 2 * inner
    rows = ROWS.shape[0]
    x, slope_x = work[0:6], work[6:12]
    tau, scale_v, scale_a, scale_j = work[12], work[13], work[14], work[15]
    powers, along = work[16], work[17]
    y, slope_y = work[18 : 18 + rows], work[18 + rows : 18 + 2 * rows]

    total = 0.0
    for i in range(spans):
        t = np.exp(z[i])
        total += t
        for k in range(JOINTS):
            tau[i * JOINTS + k] = t
    for m in range(columns):
        rate = 1.0 / tau[m]
        scale_v[m] = per_limit[0, m] * rate
        scale_a[m] = per_limit[1, m] * rate * rate
        scale_j[m] = per_limit[2, m] * rate * rate * rate
        along[m] = 0.0

    # Node states into x; the path rests at both ends.
    for k in range(JOINTS):
        x[1, k] = x[2, k] = 0.0
        x[4, inner + k] = x[5, inner + k] = 0.0
    for m in range(inner):
        before, after = tau[m], tau[m + JOINTS]
        x[4, m] = z[at_v + m] * before
        x[5, m] = z[at_a + m] * before * before
        x[1, m + JOINTS] = z[at_v + m] * after
        x[2, m + JOINTS] = z[at_a + m] * after * after
    x[0] = anchors[0]
    x[3] = anchors[1]
    for node in range(1, spans):
        if free[node] >= 0:
            for k in range(JOINTS):
                offset = z[at_p + free[node] * JOINTS + k]
                x[3, (node - 1) * JOINTS + k] += offset
                x[0, node * JOINTS + k] += offset
    for row in range(rows):
        for m in range(columns):
            y[row, m] = (
                ROWS[row, 0] * x[0, m]
                + ROWS[row, 1] * x[1, m]
                + ROWS[row, 2] * x[2, m]
                + ROWS[row, 3] * x[3, m]
                + ROWS[row, 4] * x[4, m]
                + ROWS[row, 5] * x[5, m]
            )

    # Powers s^p, summed in `along`, and their slopes: rows 0 to 6 inside the spans, 7 to 10 at their ends.
    p = 12.0 * 2.0**doublings
    for row in range(11):
        if row < 3:
            order, scale, values, slopes = 3, scale_j, y[row], slope_y[row]
        elif row < 5:
            order, scale, values, slopes = 2, scale_a, y[row], slope_y[row]
        elif row < 7:
            order, scale, values, slopes = 1, scale_v, y[row], slope_y[row]
        elif row < 9:
            order, scale, values, slopes = 1, scale_v, x[3 * row - 20], slope_x[3 * row - 20]
        else:
            order, scale, values, slopes = 2, scale_a, x[3 * row - 25], slope_x[3 * row - 25]
        for m in range(columns):
            square = (values[m] * scale[m]) ** 2
            power = square * square
            if order == 2:
                power = power * square
            elif order == 1:
                power = power * square * power * square
            powers[m] = power
        for _ in range(doublings):
            for m in range(columns):
                powers[m] = powers[m] * powers[m]
        for m in range(columns):
            along[m] += powers[m]
            slopes[m] = powers[m] * values[m] / (order * (values[m] * values[m] + 1e-100))
    power_sum = 0.0
    for m in range(columns):
        power_sum += along[m]
    if not np.isfinite(power_sum) or power_sum <= 0.0:
        return np.inf
    share = 1.0 / power_sum
    for m in range(columns):
        slope_x[0, m] = slope_x[3, m] = 0.0
        for row in range(_FIRST_LOOK):
            slope_y[row, m] *= share
        for row in range(1, 6):
            slope_x[row, m] *= share

    penalty = 0.0
    for i in range(spans):
        s = leg_of_span[i]
        half = 0.5 * lengths[s]
        narrow = 1.0 / (corridor[s] * corridor[s])
        for row in range(_FIRST_LOOK, rows):
            way = 0.0
            for k in range(JOINTS):
                way += y[row, i * JOINTS + k] * lines[s, k]
            way = min(max(way, -half), half)
            square = 0.0
            for k in range(JOINTS):
                slope_y[row, i * JOINTS + k] = y[row, i * JOINTS + k] - way * lines[s, k]
                square += slope_y[row, i * JOINTS + k] ** 2
            over = max(square * narrow - 1.0, 0.0)
            penalty += over * over
            for k in range(JOINTS):
                slope_y[row, i * JOINTS + k] *= 4.0 * weight * over * narrow

    # Back through the rows and through x to z.
    for column in range(6):
        for row in range(rows):
            factor = ROWS[row, column]
            for m in range(columns):
                slope_x[column, m] += factor * slope_y[row, m]
    for i in range(spans):
        slope = tau[i * JOINTS] / total
        for m in range(i * JOINTS, (i + 1) * JOINTS):
            slope += slope_x[1, m] * x[1, m] + slope_x[4, m] * x[4, m] - share * along[m]
            slope += 2.0 * (slope_x[2, m] * x[2, m] + slope_x[5, m] * x[5, m])
        gradient[i] = slope
    for m in range(inner):
        before, after = tau[m], tau[m + JOINTS]
        gradient[at_v + m] = slope_x[4, m] * before + slope_x[1, m + JOINTS] * after
        gradient[at_a + m] = slope_x[5, m] * before * before + slope_x[2, m + JOINTS] * after * after
    for node in range(1, spans):
        if free[node] >= 0:
            for k in range(JOINTS):
                slope = slope_x[3, (node - 1) * JOINTS + k] + slope_x[0, node * JOINTS + k]
                gradient[at_p + free[node] * JOINTS + k] = slope
    cost: float = np.log(total) + np.log(power_sum) / p + weight * penalty
    return cost


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
