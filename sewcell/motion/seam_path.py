"""The arm's motion during a seam: it guides the cloth with the mean feed of the machine."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sewcell.errors import MotionError
from sewcell.kinematics.arm import Arm
from sewcell.kinematics.arm_model import JointLimits
from sewcell.motion.cartesian_path import track_poses
from sewcell.motion.limits import find_stretch
from sewcell.motion.shaft import SeamProgram, ShaftMotion
from sewcell.motion.trajectory import FINE_STEP, Trajectory, sample_times
from sewcell.units import MM

Array = NDArray[np.float64]

SHORTEST_SMOOTHING = 0.03
"""Width of a moving average [s] that is tried first."""
LONGEST_SMOOTHING = 0.15
"""Width [s] beyond which the arm would no longer follow the feed."""


@dataclass(frozen=True, slots=True)
class SeamMotion:
    """A planned seam.

    `trajectory`: of the arm; time 0 is the instant at which the shaft starts. `shaft`: what the machine does meanwhile.
    `travel`: (N,) way of the tool along the feed [m] at the trajectory's times. `smoothing`: width of each moving
    average [s]. `largest_deviation`: of `travel` from the mean feed [m].
    """

    trajectory: Trajectory
    shaft: ShaftMotion
    travel: Array
    smoothing: float
    largest_deviation: float


def plan_seam(
    arm: Arm,
    start: ArrayLike,
    T_base_needle: Array,
    program: SeamProgram,
    limits: JointLimits,
    period: float,
    name: str,
) -> SeamMotion:
    """Motion that takes the tool from the posture `start` (6,) [rad] along +x of the needle frame with the mean feed.

    The orientation stays; the backtacks run forth and back. The kinks of the mean feed are rounded by two moving
    averages, symmetric in time, so that nothing lags; they are as short as the joint limits allow. The motion begins
    before time 0 by as much as they need. A set point, `period` [s] apart, falls on the first pierce, where the feed
    sets in: a straight line across it would move the cloth before.

    Raises: MotionError when the joint limits cannot be kept, or the way leaves the arm's reach.
    """
    q_start = np.asarray(start, dtype=np.float64)
    shaft = ShaftMotion(program)
    T_start: Array = arm.forward(q_start)
    width = SHORTEST_SMOOTHING
    while width <= LONGEST_SMOOTHING:
        half = round(width / FINE_STEP / 2.0)  # samples on each side of a moving average
        margin = 2 * half * FINE_STEP
        times = sample_times(-margin, shaft.duration + margin, period, anchor=next(iter(shaft.pierce_times), 0.0))
        feed = shaft.mean_feed(shaft.turns_at(times))
        travel = smooth(smooth(feed, half), half)
        T = np.tile(T_start, (len(times), 1, 1))
        T[:, :3, 3] += travel[:, None] * T_base_needle[:3, 0]
        positions = track_poses(arm, T, q_start, name)
        if find_stretch(positions, limits) <= 1.0:
            deviation = float(np.max(np.abs(travel - feed)))
            return SeamMotion(Trajectory(times, positions, name), shaft, travel, (2 * half + 1) * FINE_STEP, deviation)
        width *= 1.25
    raise MotionError(
        f"the arm cannot follow the feed of '{name}' at {program.stitch_length * program.speed / MM:.0f} mm/s within "
        "its joint limits: sew slower, lower the machine's acceleration, or move the needle nearer to the arm"
    )


def smooth(values: Array, half: int) -> Array:
    """Moving average of `values` (N,) over 2 half + 1 samples, symmetric; outside, the end values go on."""
    width = 2 * half + 1
    return np.convolve(np.pad(values, half, mode="edge"), np.full(width, 1.0 / width), mode="valid")
