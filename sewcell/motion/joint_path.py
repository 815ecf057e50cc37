"""Joint moves: jerk-limited, straight between two postures or through waypoints without a stop."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sewcell.kinematics.arm_model import JointLimits
from sewcell.motion.limits import scale_limits
from sewcell.motion.profile import ScalarLimits, plan_profile
from sewcell.motion.trajectory import Trajectory, concatenate, sample_times
from sewcell.motion.via_path import LegLimits, ViaPath, find_via_path, time_at_rest

Array = NDArray[np.float64]

SAME = 1e-9
"""Waypoints that differ by less in every joint are one [rad]."""


def plan_joint_move(start: ArrayLike, goal: ArrayLike, limits: JointLimits, period: float, name: str) -> Trajectory:
    """Fastest motion on the straight joint line from `start` to `goal` (6,) [rad].

    q(t) = start + s(t) (goal - start) / d with s from 0 to d, the turn of the joint that turns farthest, at the speed
    min_i(v_i d / |goal_i - start_i|), likewise for acceleration and jerk: every joint keeps its limits and all begin
    and end together.
    The duration is rounded up to a multiple of `period` [s]; the arm stands for the rest.
    """
    q0 = np.asarray(start, dtype=np.float64)
    q1 = np.asarray(goal, dtype=np.float64)
    change = np.abs(q1 - q0)
    farthest = float(change.max())
    moves = change > 1e-12
    if not moves.any():
        times = sample_times(0.0, period, period)
        return Trajectory(times, np.tile(q1, (len(times), 1)), name)
    part = change[moves] / farthest
    v, a, j = (float(np.min(limit[moves] / part)) for limit in (limits.velocity, limits.acceleration, limits.jerk))
    motion = plan_profile(farthest, ScalarLimits(v, a, j))
    times = sample_times(0.0, motion.duration, period)
    s = motion.positions_at(times)[:, None] / farthest  # (N, 1)
    return Trajectory(times, np.where(s < 1.0, q0 + s * (q1 - q0), q1), name)


def plan_joint_path(
    waypoints: ArrayLike,
    limits: JointLimits,
    period: float,
    name: str,
    corridor: ArrayLike,
    shares: ArrayLike = 1.0,
) -> Trajectory:
    """Near time-optimal motion through the `waypoints` (K, 6) [rad], from rest to rest, without a stop between.

    Every waypoint is passed exactly, and between two of them the posture stays within `corridor` [rad] (one value or
    (K - 1,)) of the straight joint line, in Euclidean distance of joint space. `shares`: what each leg may use of
    velocity, acceleration and jerk limits, one value or (K - 1, 3). Where no such motion is faster, or a corridor is 0,
    it stops at every waypoint. Its duration is a multiple of `period` [s].
    """
    Q = np.asarray(waypoints, dtype=np.float64)
    legs = len(Q) - 1
    width = np.broadcast_to(np.asarray(corridor, dtype=np.float64), legs)
    share = np.broadcast_to(np.asarray(shares, dtype=np.float64), (legs, 3))
    if np.isnan(Q).any() or Q.ndim != 2 or Q.shape[1] != 6 or legs < 1 or not (width >= 0.0).all():
        raise ValueError(f"a joint path needs waypoints (K >= 2, 6) and corridors >= 0, not {Q.shape} and {width}")
    moves = np.abs(np.diff(Q, axis=0)).max(axis=1) > SAME
    Q, width, share = np.vstack([Q[:1], Q[1:][moves]]), width[moves], share[moves]
    if len(Q) > 2 and width.min() > 0.0:
        leg_limits = LegLimits(
            limits.velocity * share[:, :1], limits.acceleration * share[:, 1:2], limits.jerk * share[:, 2:]
        )
        path = find_via_path(Q, leg_limits, width)
        stopping = time_at_rest(np.abs(np.diff(Q, axis=0)), leg_limits).sum()
        if path.duration < stopping and (path.find_deviation() <= width).all():
            return _sample(path, period, name)
    if len(Q) == 1:
        return plan_joint_move(Q[0], Q[0], limits, period, name)
    parts = [
        plan_joint_move(a, b, scale_limits(limits, *used), period, name)
        for a, b, used in zip(Q[:-1], Q[1:], share, strict=True)
    ]
    return concatenate(parts, name)


def _sample(path: ViaPath, period: float, name: str) -> Trajectory:
    """The path stretched to a multiple of `period`."""
    times = sample_times(0.0, path.duration, period)
    fitted = path.stretched(float(times[-1]) / path.duration)
    positions = fitted.positions_at(times)
    positions[-1] = path.states[-1, 0]
    return Trajectory(times, positions, name)
