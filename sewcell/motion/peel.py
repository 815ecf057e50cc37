"""Lifting a ply off the table: slow while the cloth lets go, faster above."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sewcell.kinematics.arm import Arm
from sewcell.kinematics.arm_model import JointLimits
from sewcell.motion.cartesian_path import Line, follow_line
from sewcell.motion.profile import ScalarLimits, plan_stages
from sewcell.motion.trajectory import Trajectory

Array = NDArray[np.float64]


def plan_pick_lift(
    arm: Arm,
    start: ArrayLike,
    height: float,
    slow_height: float,
    slow_speed: float,
    line_limits: ScalarLimits,
    limits: JointLimits,
    period: float,
    name: str,
) -> Trajectory:
    """Straight lift along +z of base by `height` [m] that passes its first part slowly and goes on without a stop.

    The first `slow_height` [m] are passed with at most `slow_speed` [m/s].
    `start` (6,) [rad] is the posture at the pick; otherwise as plan_line.
    """
    T_start: Array = arm.forward(np.asarray(start, dtype=np.float64))
    T_goal = T_start.copy()
    T_goal[2, 3] += height
    slow = ScalarLimits(min(slow_speed, line_limits.speed), line_limits.acceleration, line_limits.jerk)
    stages = [(slow_height, slow), (height - slow_height, line_limits)] if height > slow_height else [(height, slow)]
    motion = plan_stages(stages)
    return follow_line(arm, start, Line(T_start, T_goal), motion, limits, period, name)
