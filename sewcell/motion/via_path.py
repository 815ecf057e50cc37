"""A joint path through waypoints without a stop: found by optimisation, then scaled exactly to its limits."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sewcell.motion.via_search import PIECES, ROWS, Indices, Metric, Problem, make_work, minimise

Array = NDArray[np.float64]

SCHEDULE = ((0, 50), (1, 60), (2, 70), (3, 90))
"""Doublings of the norm's exponent and steps of each round of the optimisation."""
SPAN_TIME = 0.3
"""A leg has one span for every such part of the time that it takes at rest [s]."""
MOST_SPANS = 4
REPAIRS = 4
"""How often the corridor is narrowed where the path left it."""
REPAIR_STEPS = 40
TOLERANCE = 1e-6
"""Gain of a step, as a part of the duration, that no longer counts."""
STRICTNESS = 1.0
"""Weight of leaving the corridor in the cost."""
MARGIN = 0.97
"""Share of the corridor that is asked of the optimisation, whose penalty is soft."""
LOOKS_IN_PIECE = 16
"""Places in a piece at which the corridor is checked."""
BETWEEN_LOOKS = 1.01
"""The distance between two looks may be larger than at the looks by this factor."""
# First guess of the inverse Hessian: steps that are natural for the variables.
TIME_STEP = 0.2
STATE_STEP = 0.3
"""Of velocity and acceleration along the path, as a share of the limit."""
ASIDE_STEPS = (4.0, 30.0)
"""Across the path: velocity and acceleration that leave a corridor of 1 in a leg of 1 s."""


class LegLimits(NamedTuple):
    """Largest velocity, acceleration and jerk of every joint on every leg, each (n, 6) [rad/s, rad/s2, rad/s3]."""

    velocity: Array
    acceleration: Array
    jerk: Array


@dataclass(frozen=True, slots=True, eq=False)
class ViaPath:
    """Spans between nodes, each of three pieces of constant jerk and equal duration.

    `durations` (N,) of the spans [s]; `states` (N + 1, 3, 6): position, velocity, acceleration at the nodes;
    `leg_of_span` (N,): which two waypoints a span lies between.
    """

    durations: Array
    states: Array
    leg_of_span: Indices

    @property
    def duration(self) -> float:
        """Time from the first to the last waypoint [s]."""
        return float(self.durations.sum())

    def stretched(self, factor: float) -> "ViaPath":
        """The same path in `factor` times the time."""
        return ViaPath(self.durations * factor, self.states / factor ** np.arange(3.0)[:, None], self.leg_of_span)

    def pieces(self) -> tuple[Array, Array]:
        """Durations (3 N,) [s], and position, velocity, acceleration, jerk where each piece starts (3 N, 4, 6)."""
        tau = (self.durations / PIECES)[:, None, None]  # (N, 1, 1)
        powers = tau ** np.arange(3.0)[:, None]
        x = np.concatenate([self.states[:-1] * powers, self.states[1:] * powers], axis=1)  # (N, 6, 6)
        jerks = np.einsum("rc,nck->nrk", ROWS[:PIECES], x) / tau**3
        states = np.empty((len(tau), PIECES, 4, x.shape[2]))
        states[:, :, 3] = jerks
        p, v, a = np.moveaxis(self.states[:-1], 1, 0)
        t = tau[:, 0]
        for piece in range(PIECES):
            j = jerks[:, piece]
            states[:, piece, 0], states[:, piece, 1], states[:, piece, 2] = p, v, a
            p, v, a = p + t * (v + t * (a / 2.0 + t * j / 6.0)), v + t * (a + t * j / 2.0), a + t * j
        return np.repeat(tau[:, 0, 0], PIECES), states.reshape(-1, 4, x.shape[2])

    def positions_at(self, times: Array) -> Array:
        """Positions (N, 6) at the `times` (N,) [s] within the duration."""
        durations, states = self.pieces()
        starts = np.concatenate([[0.0], np.cumsum(durations)[:-1]])
        piece = np.searchsorted(starts, times, side="right") - 1
        u = (times - starts[piece])[:, None]
        p, v, a, j = np.moveaxis(states[piece], 1, 0)
        positions: Array = p + u * (v + u * (a / 2.0 + u * j / 6.0))
        return positions

    def find_deviation(self) -> Array:
        """Largest distance of the path from the straight line of every leg, never too small, (n,) [rad]."""
        durations, states = self.pieces()
        u = (np.arange(1.0, LOOKS_IN_PIECE + 1) / LOOKS_IN_PIECE)[:, None, None] * durations[:, None]  # (looks, 3 N, 1)
        p, v, a, j = np.moveaxis(states, 1, 0)
        first = np.flatnonzero(np.diff(self.leg_of_span, prepend=-1))  # span and node at which each leg begins
        waypoints = self.states[[*first, -1], 0]
        leg = np.repeat(self.leg_of_span, PIECES)
        change = np.diff(waypoints, axis=0)[leg]  # (3 N, 6)
        offset = p + u * (v + u * (a / 2.0 + u * j / 6.0)) - waypoints[leg]
        part = np.einsum("lpk,pk->lp", offset, change) / (change**2).sum(axis=1)
        aside = np.linalg.norm(offset - np.clip(part, 0.0, 1.0)[..., None] * change, axis=2).max(axis=0)
        deviation: Array = BETWEEN_LOOKS * np.maximum.reduceat(aside, PIECES * first)
        return deviation

    def find_stretch(self, limits: LegLimits) -> float:
        """The factor by which the path must be stretched so that it just keeps every limit."""
        durations, states = self.pieces()
        t = durations[:, None]
        _, v, a, j = np.moveaxis(states, 1, 0)
        leg = np.repeat(self.leg_of_span, PIECES)
        turning = np.divide(-a, j, out=np.zeros_like(a), where=j != 0.0)  # where a velocity is largest in a piece
        u = np.clip(turning, 0.0, t)
        velocity = np.maximum(np.maximum(np.abs(v), np.abs(v + t * (a + t * j / 2))), np.abs(v + u * (a + u * j / 2)))
        acceleration = np.maximum(np.abs(a), np.abs(a + t * j))
        return float(
            max(
                np.max(velocity / limits.velocity[leg]),
                np.max(acceleration / limits.acceleration[leg]) ** (1 / 2),
                np.max(np.abs(j) / limits.jerk[leg]) ** (1 / 3),
            )
        )


def find_via_path(waypoints: Array, limits: LegLimits, corridor: Array) -> ViaPath:
    """Near time-optimal path through the `waypoints` (n + 1, 6) [rad], no two neighbours equal, from rest to rest.

    ln(duration) plus the logarithm of a p-norm of the ratios to the limits is minimised with growing p over durations,
    via velocities, via accelerations and one free posture in each leg; leaving the `corridor` (n,) [rad] around the
    straight legs is punished, more narrowly where it was left. At last the path is scaled exactly to the limits.
    """
    change = np.diff(waypoints, axis=0)
    lengths = np.linalg.norm(change, axis=1)
    lines = change / lengths[:, None]
    times = time_at_rest(np.abs(change), limits)
    nodes = _place_nodes(waypoints, times)
    spans = len(nodes.leg_of_span)
    per_limit = np.stack([(1.0 / limit)[nodes.leg_of_span].ravel() for limit in limits])
    middles = ((waypoints[:-1] + waypoints[1:]) / 2.0)[nodes.leg_of_span]
    anchors = np.stack([(nodes.places[:-1] - middles).ravel(), (nodes.places[1:] - middles).ravel()])
    z = np.zeros(spans + 12 * (spans - 1) + 6 * int((nodes.free >= 0).sum()))
    z[:spans] = np.log((times / np.bincount(nodes.leg_of_span) / PIECES)[nodes.leg_of_span])
    problem = Problem(lines, lengths, MARGIN * corridor, nodes.leg_of_span, nodes.free, anchors, per_limit)
    metric = _make_metric(nodes, lines, lengths, times, limits, corridor)
    work = make_work(spans)
    for doublings, steps in SCHEDULE:
        minimise(z, problem, doublings, STRICTNESS, metric, steps, TOLERANCE, work)
    path = _read_variables(z, nodes)
    for _ in range(REPAIRS):
        excess = path.find_deviation() / corridor
        if excess.max() <= 1.0:
            break
        problem = problem._replace(corridor=problem.corridor * np.where(excess > 1.0, MARGIN / excess, 1.0))
        minimise(z, problem, SCHEDULE[-1][0], STRICTNESS, metric, REPAIR_STEPS, TOLERANCE, work)
        path = _read_variables(z, nodes)
    return path.stretched(path.find_stretch(limits))


@dataclass(frozen=True, slots=True, eq=False)
class _Nodes:
    """`leg_of_span` (N,); `places` (N + 1, 6) of the nodes on the straight legs; `free` (N + 1,): number of each node
    among the free ones, -1 for a waypoint."""

    leg_of_span: Indices
    places: Array
    free: Indices


def _place_nodes(waypoints: Array, times: Array) -> _Nodes:
    """As many spans in each leg as its time (n,) [s] asks for, of equal length."""
    counts = np.clip(np.ceil(times / SPAN_TIME), 1, MOST_SPANS).astype(np.intp)
    leg_of_span = np.repeat(np.arange(len(times)), counts)
    in_leg = np.arange(len(leg_of_span)) - np.repeat(np.cumsum(counts) - counts, counts)
    part = (in_leg / counts[leg_of_span])[:, None]
    places = (1.0 - part) * waypoints[leg_of_span] + part * waypoints[leg_of_span + 1]
    is_free = np.append(in_leg > 0, False)
    free = np.where(is_free, np.cumsum(is_free) - 1, -1)
    return _Nodes(leg_of_span, np.vstack([places, waypoints[-1:]]), free)


def _read_variables(z: Array, nodes: _Nodes) -> ViaPath:
    """The path that the variables of the cost stand for."""
    spans = len(nodes.leg_of_span)
    inner = spans - 1
    states = np.zeros((spans + 1, 3, 6))
    states[1:-1, 1:] = np.swapaxes(z[spans : spans + 12 * inner].reshape(2, inner, 6), 0, 1)
    states[:, 0] = nodes.places
    states[nodes.free >= 0, 0] += z[spans + 12 * inner :].reshape(-1, 6)
    return ViaPath(PIECES * np.exp(z[:spans]), states, nodes.leg_of_span)


def time_at_rest(change: Array, limits: LegLimits) -> Array:
    """Least time [s] of every leg with a stop at both ends, all joints in step on its straight line; change (n, 6) > 0.

    Source: the four cases of the symmetric jerk-limited profile, e.g. Biagiotti and Melchiorri (2008), "Trajectory
    Planning for Automatic Machines and Robots", section 3.4.
    """
    least = np.maximum(change, 1e-12)
    v = np.min(limits.velocity / least, axis=1)
    a = np.min(limits.acceleration / least, axis=1)
    j = np.min(limits.jerk / least, axis=1)
    a = np.minimum(a, np.sqrt(v * j))  # beyond it the speed is reached before the acceleration
    cruising = 1.0 / v + v / a + a / j
    pushing = a / j + np.sqrt((a / j) ** 2 + 4.0 / a)
    swinging = np.cbrt(32.0 / j)
    times: Array = np.select([v * (v / a + a / j) <= 1.0, 2 * a**3 / j**2 <= 1.0], [cruising, pushing], swinging)
    return times


def _make_metric(
    nodes: _Nodes, lines: Array, lengths: Array, times: Array, limits: LegLimits, corridor: Array
) -> Metric:
    """How far a first step may go, squared: for durations; for blocks of node states across and along the path."""
    before, after = nodes.leg_of_span[:-1], nodes.leg_of_span[1:]  # legs at each inner node
    along = (lines[before] + lines[after]) / 2.0
    back = (lines[before] - lines[after]) / 2.0  # along it a path accelerates that turns back

    def least(values: Array) -> Array:
        return np.minimum(values[before], values[after])

    width, time = least(corridor), least(times)
    speed = STATE_STEP * least(np.sqrt((limits.velocity**2).mean(axis=1)))
    push = STATE_STEP * least(np.sqrt((limits.acceleration**2).mean(axis=1)))
    free = before[nodes.free[1:-1] >= 0]
    aside = [np.minimum(speed, ASIDE_STEPS[0] * width / time), np.minimum(push, ASIDE_STEPS[1] * width / time**2)]
    small = np.concatenate([*aside, corridor[free]]) ** 2
    large = np.zeros((2, len(small), 6))
    inner = len(before)
    large[0, :inner] = speed[:, None] * along
    large[0, inner : 2 * inner] = push[:, None] * along
    large[1, inner : 2 * inner] = push[:, None] * back
    large[0, 2 * inner :] = TIME_STEP * (lengths[:, None] * lines)[free]
    return Metric(TIME_STEP**2, small, large)
