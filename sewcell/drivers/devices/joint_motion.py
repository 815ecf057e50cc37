"""A joint motion as lines for the arm controller, checked against the joint limits."""

import numpy as np
from numpy.typing import NDArray

from sewcell.drivers.protocols import grbl
from sewcell.errors import MotionError
from sewcell.kinematics.arm_model import JointLimits
from sewcell.units import DEG, MS

Array = NDArray[np.float64]

AXES = 6


def check_motion(points: Array, period: float, limits: JointLimits) -> None:
    """Raise MotionError when a posture of `points` (N, 6) [rad], `period` [s] apart, or a speed is beyond `limits`."""
    if points.ndim != 2 or points.shape[1] != AXES or len(points) < 2 or period < MS:
        raise MotionError(
            f"a motion needs at least two set points of {AXES} joints, 1 ms or more apart; it has the shape "
            f"{points.shape} and a period of {period / MS:g} ms"
        )
    # Written so that NaN fails too.
    beyond = ~((points >= limits.lower - 1e-9) & (points <= limits.upper + 1e-9))
    if beyond.any():
        row, joint = (int(index) for index in np.argwhere(beyond)[0])
        raise MotionError(
            f"joint {joint + 1} would go to {points[row, joint] / DEG:.2f} deg at {row * period:.2f} s; its range is "
            f"{limits.lower[joint] / DEG:.0f} to {limits.upper[joint] / DEG:.0f} deg"
        )
    speeds = np.abs(np.diff(points, axis=0)) / period
    fast = speeds > 1.001 * limits.velocity
    if fast.any():
        row, joint = (int(index) for index in np.argwhere(fast)[0])
        raise MotionError(
            f"joint {joint + 1} would turn at {speeds[row, joint] / DEG:.0f} deg/s at {row * period:.2f} s; its limit "
            f"is {limits.velocity[joint] / DEG:.0f} deg/s"
        )


def encode_motion(points: Array, period: float, lead: float = 0.0) -> list[tuple[bytes, float]]:
    """The lines of a motion through `points` (N, 6) [rad], `period` [s] apart, with the time [s] when each is done.

    Times count from the motion's start, which comes `lead` [s] after the first line is taken. A posture that is equal
    to the one before on the wire becomes part of a dwell: grbl drops moves of no length, with their time.
    """
    steps = np.rint(points / grbl.POSITION_STEP)
    lines: list[tuple[bytes, float]] = []
    waiting = lead
    for row in range(1, len(points)):
        if np.array_equal(steps[row], steps[row - 1]):
            waiting += period
            continue
        if waiting > 0.0:
            lines.append((grbl.encode_dwell(waiting), (row - 1) * period))
            waiting = 0.0
        lines.append((grbl.encode_joint_move(points[row], period), row * period))
    if waiting > 0.0:
        lines.append((grbl.encode_dwell(waiting), (len(points) - 1) * period))
    return lines
