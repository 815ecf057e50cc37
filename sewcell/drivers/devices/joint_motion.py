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


class MotionEncoder:
    """Turns set points, `period` [s] apart, into lines, each with the time [s] when it is done.

    Times count from the motion's start, which comes `lead` [s] after the first line is taken. A posture that is equal
    to the one before on the wire becomes part of a dwell: grbl drops moves of no length, with their time.
    """

    def __init__(self, start: Array, period: float, lead: float = 0.0) -> None:
        self._steps = _count_steps(start)
        self._period = period
        self._row = 0
        self._waiting = lead

    def add(self, point: Array) -> list[tuple[bytes, float]]:
        """Lines for the next set point (6,) [rad]: one, none where the arm stands, two at the end of a pause."""
        self._row += 1
        steps = _count_steps(point)
        if np.array_equal(steps, self._steps):
            self._waiting += self._period
            return []
        self._steps = steps
        move = grbl.encode_joint_move(point, self._period), self._row * self._period
        return [*self._end_pause((self._row - 1) * self._period), move]

    def finish(self) -> list[tuple[bytes, float]]:
        """The line for a pause at the end, if there is one."""
        return self._end_pause(self._row * self._period)

    def _end_pause(self, at: float) -> list[tuple[bytes, float]]:
        seconds, self._waiting = self._waiting, 0.0
        return [(grbl.encode_dwell(seconds), at)] if seconds > 0.0 else []


def _count_steps(point: Array) -> Array:
    steps: Array = np.rint(point / grbl.POSITION_STEP)
    return steps
