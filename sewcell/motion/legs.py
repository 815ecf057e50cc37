"""Straight lines of the tool as legs of a joint path, so that what comes before and after is joined without a stop."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sewcell.errors import MotionError
from sewcell.kinematics.arm import Arm
from sewcell.kinematics.arm_model import JointLimits
from sewcell.motion.cartesian_path import Line, track_poses
from sewcell.motion.profile import ScalarLimits

Array = NDArray[np.float64]

LOOKS = 65
"""Poses of a line at which its joint motion is looked at."""
MOST_LEGS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Legs:
    """Part of a joint path.

    `waypoints` (k + 1, 6) [rad]; for each leg between two the `corridor` (k,) [rad] and the `shares` (k, 3) of the
    joints' velocity, acceleration and jerk limits that it may use.
    """

    waypoints: Array
    corridor: Array
    shares: Array

    def then(self, other: "Legs") -> "Legs":
        """Both parts; the second begins where the first ends."""
        return Legs(
            np.vstack([self.waypoints, other.waypoints[1:]]),
            np.concatenate([self.corridor, other.corridor]),
            np.vstack([self.shares, other.shares]),
        )


def make_standing(posture: ArrayLike) -> Legs:
    """No leg at all: stand at the `posture` (6,) [rad]."""
    return Legs(np.asarray(posture, dtype=np.float64)[None], np.empty(0), np.empty((0, 3)))


def make_joint_legs(waypoints: ArrayLike, corridor: float) -> Legs:
    """Legs that are straight in joint space, through the `waypoints` (k + 1, 6) [rad], at full joint limits."""
    Q = np.asarray(waypoints, dtype=np.float64)
    return Legs(Q, np.full(len(Q) - 1, corridor), np.ones((len(Q) - 1, 3)))


def make_line_legs(
    arm: Arm,
    start: ArrayLike,
    T_base_flange_goal: Array,
    line_limits: ScalarLimits,
    limits: JointLimits,
    tolerance: float,
    name: str,
) -> Legs:
    """Legs along the straight line of the flange from the posture `start` (6,) [rad] to a pose.

    As many legs as keep the straight joint lines within half the `tolerance` [m] of the straight line; the corridor
    gives the other half away: a posture within c of another has its flange within c |J_v|_2, J_v (3, 6) the Jacobian
    of its position. Every leg keeps `line_limits`: a joint that turns by d over the length l may use
    |d| speed / (l v) of its limit v, the joint that needs most decides for all; likewise acceleration and jerk.

    Raises: MotionError when the line leaves the arm's reach or cannot be made of MOST_LEGS legs.
    """
    q_start = np.asarray(start, dtype=np.float64)
    line = Line(arm.forward(q_start), T_base_flange_goal)
    fractions = np.linspace(0.0, 1.0, LOOKS)
    poses = line.poses_at(fractions)
    Q = track_poses(arm, poses, q_start, name)
    legs = 1
    while legs <= MOST_LEGS:
        nodes = np.linspace(0.0, 1.0, legs + 1)
        waypoints = np.column_stack([np.interp(nodes, fractions, joint) for joint in Q.T])
        chords = np.column_stack([np.interp(fractions, nodes, joint) for joint in waypoints.T])
        deviation = np.linalg.norm(arm.forward(chords)[:, :3, 3] - poses[:, :3, 3], axis=1).max()
        if deviation <= tolerance / 2.0:
            break
        legs *= 2
    else:
        raise MotionError(
            f"the line '{name}' bends too much in joint space to be held within {tolerance * 1e3:g} mm, because it "
            "passes near a singular posture: move its start or its goal"
        )
    levers = np.linalg.norm(arm.jacobian(Q)[:, :3], ord=2, axis=(1, 2))
    step = np.abs(np.diff(waypoints, axis=0)) * legs / line.length  # joint turn per metre
    shares = np.column_stack(
        [
            np.max(step * allowed / limit, axis=1)
            for allowed, limit in (
                (line_limits.speed, limits.velocity),
                (line_limits.acceleration, limits.acceleration),
                (line_limits.jerk, limits.jerk),
            )
        ]
    )
    return Legs(waypoints, np.full(legs, tolerance / 2.0 / levers.max()), np.minimum(shares, 1.0))
