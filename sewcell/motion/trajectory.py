"""Timed joint motion in fine samples, with the certificate of the limits that it keeps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sewcell.errors import MotionError
from sewcell.kinematics.singularity import SingularityDistance

Array = NDArray[np.float64]

FINE_STEP = 1e-3
"""Time between the samples in which motions are planned and checked [s]."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a check of a motion found.

    `velocity_ratio`, `acceleration_ratio`, `jerk_ratio`: (6,) largest value over limit, per joint.
    `clearance`: smallest distance [m] between the bodies of `nearest_pair`, at `nearest_time` [s].
    `singularity`: smallest distance from each singular set; None for an arm whose singular sets have no names.
    """

    velocity_ratio: Array
    acceleration_ratio: Array
    jerk_ratio: Array
    clearance: float
    nearest_pair: tuple[str, str]
    nearest_time: float
    singularity: SingularityDistance | None


@dataclass(frozen=True, slots=True)
class Trajectory:
    """Joint positions at times FINE_STEP apart; starts and ends at rest.

    `times`: (N,) [s]; time 0 is the motion's own zero (a seam begins a little before it). `positions`: (N, 6) [rad].
    """

    times: Array
    positions: Array
    name: str
    certificate: Certificate | None = None

    def __post_init__(self) -> None:
        if self.times.ndim != 1 or self.positions.shape != (len(self.times), 6) or not len(self.times):
            raise ValueError(
                f"a trajectory needs times (N,) and positions (N, 6), not {self.times.shape} and {self.positions.shape}"
            )
        if not np.allclose(np.diff(self.times), FINE_STEP, rtol=0.0, atol=1e-9):
            raise ValueError(f"the samples of trajectory '{self.name}' must be {FINE_STEP} s apart")

    @property
    def duration(self) -> float:
        """Time from the first to the last sample [s]."""
        return float(self.times[-1] - self.times[0])

    @property
    def start(self) -> Array:
        """First posture (6,) [rad]."""
        return np.asarray(self.positions[0])

    @property
    def goal(self) -> Array:
        """Last posture (6,) [rad]."""
        return np.asarray(self.positions[-1])

    def reverse(self, name: str) -> "Trajectory":
        """The way back, as long as the way there: through the same postures, with the same limits kept."""
        backwards = self.certificate and replace(
            self.certificate, nearest_time=float(self.times[0] + self.times[-1]) - self.certificate.nearest_time
        )
        return Trajectory(self.times, self.positions[::-1], name, backwards)

    def set_points(self, period: float) -> tuple[Array, Array]:
        """Every sample at a multiple of `period` [s] from the first: times (M,) [s] and positions (M, 6) [rad].

        Raises: ValueError when the period or the duration does not fit, so that the last set point is the goal.
        """
        stride = count_steps(period)
        if (len(self.times) - 1) % stride:
            raise ValueError(f"trajectory '{self.name}' of {self.duration:g} s is not a multiple of {period:g} s")
        return self.times[::stride], self.positions[::stride]


def count_steps(period: float) -> int:
    """Number of fine steps in a set-point `period` [s]; raises ValueError when it is not whole."""
    steps = round(period / FINE_STEP)
    if steps < 1 or abs(steps * FINE_STEP - period) > 1e-9:
        raise ValueError(f"the set-point period must be a multiple of {FINE_STEP} s; it is {period:g} s")
    return steps


def sample_times(start: float, end: float, period: float, anchor: float = 0.0) -> Array:
    """Times FINE_STEP apart that cover [start, end] [s], (N,), with a set point on the sample nearest to `anchor` [s].

    The set points, `period` apart, begin with the first and end with the last sample.
    """
    stride = count_steps(period)
    middle = round(anchor / FINE_STEP)
    first = middle + int(np.floor((start - middle * FINE_STEP) / period + 1e-9)) * stride
    last = middle + int(np.ceil((end - middle * FINE_STEP) / period - 1e-9)) * stride
    return np.arange(first, last + 1, dtype=np.float64) * FINE_STEP


def concatenate(trajectories: Sequence[Trajectory], name: str) -> Trajectory:
    """One motion after the other, each beginning where and when the one before ends, at rest.

    Raises: MotionError when a motion does not begin where the one before ends.
    """
    times, positions = [trajectories[0].times], [trajectories[0].positions]
    for before, after in pairwise(trajectories):
        gap = float(np.max(np.abs(after.start - before.goal)))
        if gap > 1e-9:
            raise MotionError(
                f"'{after.name}' begins {np.rad2deg(gap):.3g} deg away from the end of '{before.name}': "
                "plan each motion from the end of the one before"
            )
        times.append(after.times[1:] - after.times[0] + times[-1][-1])
        positions.append(after.positions[1:])
    return Trajectory(np.concatenate(times), np.concatenate(positions), name)
