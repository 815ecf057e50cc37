"""Joint moves: jerk-limited, on the straight line between postures, from rest to rest."""

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sewcell.kinematics.arm_model import JointLimits
from sewcell.motion.profile import ScalarLimits, plan_profile
from sewcell.motion.trajectory import Trajectory, concatenate, sample_times

Array = NDArray[np.float64]


def plan_joint_move(start: ArrayLike, goal: ArrayLike, limits: JointLimits, period: float, name: str) -> Trajectory:
    """Fastest motion on the straight joint line from `start` to `goal` (6,) [rad].

    q(t) = start + s(t) (goal - start), s from 0 to 1 with speed min_i(v_i / |goal_i - start_i|), likewise for
    acceleration and jerk: every joint keeps its limits and all begin and end together.
    The duration is rounded up to a multiple of `period` [s]; the arm stands for the rest.
    """
    q0 = np.asarray(start, dtype=np.float64)
    q1 = np.asarray(goal, dtype=np.float64)
    change = np.abs(q1 - q0)
    moves = change > 1e-12
    if not moves.any():
        times = sample_times(0.0, period, period)
        return Trajectory(times, np.tile(q1, (len(times), 1)), name)
    motion = plan_profile(
        1.0,
        ScalarLimits(
            *(
                float(np.min(limit[moves] / change[moves]))
                for limit in (limits.velocity, limits.acceleration, limits.jerk)
            )
        ),
    )
    times = sample_times(0.0, motion.duration, period)
    s = motion.positions_at(times)[:, None]  # (N, 1)
    return Trajectory(times, np.where(s < 1.0, q0 + s * (q1 - q0), q1), name)


def plan_joint_path(waypoints: ArrayLike, limits: JointLimits, period: float, name: str) -> Trajectory:
    """Joint moves through the `waypoints` (K, 6) [rad], K >= 2, with a stop at each."""
    Q = np.asarray(waypoints, dtype=np.float64)
    return concatenate([plan_joint_move(a, b, limits, period, name) for a, b in pairwise(Q)], name)
