"""Jerk-limited motion along one coordinate: the law s(t) that lines and joint moves follow."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import ruckig
from numpy.typing import ArrayLike, NDArray

from sewcell.errors import MotionError

Array = NDArray[np.float64]

OFF_BORDER = 1.0 - 1e-6


@dataclass(frozen=True, slots=True)
class ScalarLimits:
    """Largest speed, acceleration and jerk of a coordinate, in its unit per s, s2, s3."""

    speed: float
    acceleration: float
    jerk: float

    def __post_init__(self) -> None:
        if not min(self.speed, self.acceleration, self.jerk) > 0.0:
            raise MotionError(
                f"speed, acceleration and jerk of a motion must be positive; they are {self.speed:g}, "
                f"{self.acceleration:g} and {self.jerk:g}: correct the motion section of the cell file"
            )


@dataclass(frozen=True, slots=True)
class ScalarMotion:
    """Pieces of constant jerk: s(t) = s_k + v_k u + a_k u^2/2 + j_k u^3/6 with u = t - t_k.

    `starts`: (K,) t_k [s], the first is 0. `states`: (K, 4) rows s_k, v_k, a_k, j_k. Before 0 it stands at its start,
    after `duration` at `distance`.
    """

    starts: Array
    states: Array
    duration: float
    distance: float

    def positions_at(self, times: ArrayLike) -> Array:
        """Position at the `times` (N,) [s], (N,)."""
        t = np.clip(np.asarray(times, dtype=np.float64), 0.0, self.duration)
        piece = np.searchsorted(self.starts, t, side="right") - 1
        u = t - self.starts[piece]
        s, v, a, j = self.states[piece].T
        positions = s + u * (v + u * (a / 2.0 + u * j / 6.0))
        return np.where(t >= self.duration, self.distance, positions)

    def stretched(self, factor: float) -> "ScalarMotion":
        """The same path in `factor` times the time: speed falls by 1/factor, acceleration by 1/factor^2, jerk by ^3."""
        return ScalarMotion(
            self.starts * factor, self.states / factor ** np.arange(4.0), self.duration * factor, self.distance
        )


def plan_profile(distance: float, limits: ScalarLimits) -> ScalarMotion:
    """Fastest motion from rest at 0 to rest at `distance` within the limits."""
    return plan_stages([(distance, limits)])


def plan_stages(stages: list[tuple[float, ScalarLimits]]) -> ScalarMotion:
    """Motion from rest to rest through stages (length, limits), passed without a stop.

    The speed at a border is that of the slower stage; within each stage its own limits hold.

    Raises: MotionError when a stage is too short to change between the speeds of its ends.
    """
    speeds = [0.0, *(min(one.speed, two.speed) for (_, one), (_, two) in pairwise(stages)), 0.0]
    starts: list[float] = []
    states: list[tuple[float, float, float, float]] = []
    time = position = 0.0
    for (length, limits), speed_in, speed_out in zip(stages, speeds[:-1], speeds[1:], strict=True):
        if length < 0.0:
            raise ValueError(f"the length of a stage must not be negative; it is {length:g}")
        profile = _solve_stage(length, limits, speed_in, speed_out)
        if any(v < -1e-9 for v in profile.v):
            raise MotionError(
                f"a stage of {length:g} is too short to change speed from {speed_in:g} to {speed_out:g}: "
                "make it longer or slower"
            )
        for dt, p, v, a, j in zip(profile.t, profile.p, profile.v, profile.a, profile.j, strict=False):
            if dt > 0.0:
                starts.append(time)
                states.append((position + p, v, a, j))
                time += dt
        position += length
    if not starts:
        return ScalarMotion(np.zeros(1), np.zeros((1, 4)), 0.0, 0.0)
    return ScalarMotion(np.array(starts), np.array(states), time, position)


def _solve_stage(length: float, limits: ScalarLimits, speed_in: float, speed_out: float) -> "ruckig.Profile":
    """One state-to-state problem: Berscheid and Kroeger (2021), "Jerk-limited Real-time Trajectory Generation".

    Just on the border between two shapes of profile, ruckig may find none of both; then a hair less jerk is used.
    """
    complaint: object = ""
    for jerk in (limits.jerk, limits.jerk * OFF_BORDER):
        problem = ruckig.InputParameter(1)
        problem.current_position, problem.current_velocity = [0.0], [speed_in]
        problem.target_position, problem.target_velocity = [length], [speed_out]
        problem.max_velocity, problem.max_acceleration = [limits.speed], [limits.acceleration]
        problem.max_jerk = [jerk]
        solution = ruckig.Trajectory(1)
        try:
            complaint = ruckig.Ruckig(1).calculate(problem, solution)
        except ruckig.RuckigError as error:
            complaint = error
        if complaint in (ruckig.Result.Working, ruckig.Result.Finished):
            return solution.profiles[0][0]
    raise MotionError(f"no motion over {length:g} with {limits}: ruckig answers {complaint}")
