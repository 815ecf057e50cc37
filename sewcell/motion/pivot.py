"""Turning the cloth about the needle: how a seam goes around a corner."""

import numpy as np
from numpy.typing import ArrayLike

from sewcell.kinematics.arm import Arm
from sewcell.kinematics.arm_model import JointLimits
from sewcell.motion.follow_path import Array, FollowedPath, follow_tool_path
from sewcell.motion.profile import ScalarLimits
from sewcell.motion.tool_path import Arc, ToolPath


def plan_pivot(
    arm: Arm,
    start: ArrayLike,
    T_base_needle: Array,
    angle: float,
    line_limits: ScalarLimits,
    limits: JointLimits,
    period: float,
    name: str,
) -> FollowedPath:
    """Turn of tool and cloth by `angle` [rad] about the needle, right-handed about its z (up), from rest to rest.

    The needle must be down, so that it holds the cloth at the turning point, and the foot up. `start` (6,) [rad];
    `line_limits` hold for the flange on its arc.

    Raises: MotionError as follow_tool_path.
    """
    T_start: Array = arm.forward(np.asarray(start, dtype=np.float64))
    arc = Arc(T_start, T_base_needle[:3, 3], T_base_needle[:3, 2], angle)
    return follow_tool_path(arm, start, ToolPath((arc,)), line_limits, limits, period, name)
