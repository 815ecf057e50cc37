"""Straight lines of the flange: position on the line, orientation on the geodesic, in time within every limit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from sewcell.errors import MotionError
from sewcell.kinematics.arm import Arm
from sewcell.kinematics.arm_model import JointLimits
from sewcell.motion.limits import find_stretch
from sewcell.motion.profile import ScalarLimits, ScalarMotion, plan_profile
from sewcell.motion.trajectory import Trajectory, sample_times

Array = NDArray[np.float64]

TURN_RADIUS = 0.1
"""A turn by an angle counts as an arc of this radius [m] where it is longer than the line."""
LARGEST_STRETCH = 50.0
"""A line that must be slower than this passes a singularity."""


@dataclass(frozen=True, slots=True)
class Line:
    """A straight motion between two poses: p(s) = p0 + s (p1 - p0), R(s) = R0 exp(s log(R0^T R1)), s from 0 to 1."""

    T_start: Array
    T_goal: Array

    def poses_at(self, s: ArrayLike) -> Array:
        """Poses (N, 4, 4) at the fractions `s` (N,) of the way."""
        fraction = np.asarray(s, dtype=np.float64)[:, None]  # (N, 1)
        T = np.tile(np.eye(4), (len(fraction), 1, 1))
        T[:, :3, 3] = (1.0 - fraction) * self.T_start[:3, 3] + fraction * self.T_goal[:3, 3]
        turn = Rotation.from_matrix(self.T_start[:3, :3].T @ self.T_goal[:3, :3]).as_rotvec()
        T[:, :3, :3] = self.T_start[:3, :3] @ Rotation.from_rotvec(fraction * turn).as_matrix()
        return T

    @property
    def length(self) -> float:
        """Length of the way [m]; a turn counts as an arc of TURN_RADIUS where that is longer."""
        turn = Rotation.from_matrix(self.T_start[:3, :3].T @ self.T_goal[:3, :3]).magnitude()
        return max(float(np.linalg.norm(self.T_goal[:3, 3] - self.T_start[:3, 3])), TURN_RADIUS * float(turn))


def plan_line(
    arm: Arm,
    start: ArrayLike,
    T_base_flange_goal: Array,
    line_limits: ScalarLimits,
    limits: JointLimits,
    period: float,
    name: str,
) -> Trajectory:
    """Straight motion of the flange from the posture `start` (6,) [rad] to a pose, from rest to rest.

    `line_limits` [m/s, m/s2, m/s3] hold along the way; the whole motion is slowed where a joint limit would break.
    The duration is rounded up to a multiple of `period` [s].

    Raises: MotionError when the way leaves the arm's reach or passes a singularity.
    """
    line = Line(arm.forward(np.asarray(start, dtype=np.float64)), T_base_flange_goal)
    return follow_line(arm, start, line, plan_profile(line.length, line_limits), limits, period, name)


def follow_line(
    arm: Arm, start: ArrayLike, line: Line, motion: ScalarMotion, limits: JointLimits, period: float, name: str
) -> Trajectory:
    """Joint motion that takes the flange along `line` as `motion` goes from 0 to the line's length, slowed if need be.

    Raises: MotionError as plan_line.
    """
    q_start = np.asarray(start, dtype=np.float64)
    stretch_in_all = 1.0
    while stretch_in_all < LARGEST_STRETCH:
        times = sample_times(0.0, max(motion.duration, period), period)
        way = motion.positions_at(times) / motion.distance if motion.distance > 0.0 else np.ones_like(times)
        positions = track_poses(arm, line.poses_at(way), q_start, name)
        stretch = find_stretch(positions, limits)
        if stretch <= 1.0:
            return Trajectory(times, positions, name)
        stretch *= 1.0 + 1e-3
        stretch_in_all *= stretch
        motion = motion.stretched(stretch)
    raise MotionError(
        f"the line '{name}' would have to be {stretch_in_all:.0f} times slower to keep the joint limits, because it "
        "passes a singular posture: move its start or its goal, or use a joint move"
    )


def track_poses(arm: Arm, T_base_flange: Array, start: Array, name: str) -> Array:
    """Joint positions (N, 6) [rad] for flange poses (N, 4, 4) that begin at the posture `start` (6,).

    Raises: MotionError when there is no continuous motion or it does not begin at `start`.
    """
    positions: Array = arm.track(T_base_flange, start)
    if np.max(np.abs(positions[0] - start)) > 1e-6:
        raise MotionError(f"the motion '{name}' cannot begin at the present posture: choose another branch of the arm")
    return positions
