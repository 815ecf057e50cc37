"""Following a tool path at a given speed: kept where the joints can, slowed where they cannot, with the reason."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import maximum_filter1d

from sewcell.errors import MotionError
from sewcell.kinematics.arm import Arm
from sewcell.kinematics.arm_model import JointLimits
from sewcell.motion.cartesian_path import track_poses
from sewcell.motion.limits import differentiate
from sewcell.motion.profile import ScalarLimits
from sewcell.motion.seam_path import smooth
from sewcell.motion.tool_path import ToolPath
from sewcell.motion.trajectory import FINE_STEP, Trajectory, sample_times
from sewcell.units import MM

Array = NDArray[np.float64]

STEP = 0.5 * MM
"""Distance between the places of the path at which its speed is decided."""
ROUNDING = 0.03
"""Width of the two moving averages that round jumps of the path's curvature [s]."""
ROUNDS = 40
EASE = 1.01
"""A place that breaks a limit is slowed by this more than the limit asks for."""
AT_SPEED = 0.95
"""A place passed with at least this share of its speed is stretched by lowering the speed, others by pushing less."""
LARGEST_SLOWING = 50.0
"""A path that must be slower by this passes a singularity."""
SLOWED = 0.99
"""A place counts as slowed below this share of the speed that the path would have without joint limits."""
QUANTITIES = ("velocity", "acceleration", "jerk")


@dataclass(frozen=True, slots=True)
class Slowdown:
    """A stretch of the path on which a limit of `joint` (1 to 6) does not allow the wanted speed.

    `start`, `end`: distances from the path's start [m]; `speed`: the smallest there [m/s]; `quantity`: "velocity",
    "acceleration" or "jerk", the one that asks for most.
    """

    start: float
    end: float
    speed: float
    joint: int
    quantity: str


@dataclass(frozen=True, slots=True)
class FollowedPath:
    """A planned motion along a tool path.

    `travel` (N,): distance from the start [m] at the trajectory's times. `largest_deviation`: of the flange from the
    path [m].
    """

    trajectory: Trajectory
    travel: Array
    slowdowns: tuple[Slowdown, ...]
    largest_deviation: float


@dataclass(slots=True)
class _Law:
    """How fast each of the `places` (K,) [m] may be passed: `speed` and `push` (K,), the acceleration along the path.

    `needed` (K,): factor by which each place has been stretched in time; `cause` (K,): 3 joint + quantity.
    """

    places: Array
    speed: Array
    push: Array
    needed: Array
    cause: NDArray[np.intp]

    def passing_speeds(self) -> Array:
        """Speed (K,) at every place, from rest to rest: v^2 grows and falls by at most 2 push over the path."""
        square = self.speed**2
        square[[0, -1]] = 0.0
        gain = (self.push[:-1] + self.push[1:]) * np.diff(self.places)
        for i in range(len(gain)):
            square[i + 1] = min(square[i + 1], square[i] + gain[i])
        for i in range(len(gain) - 1, -1, -1):
            square[i] = min(square[i], square[i + 1] + gain[i])
        return np.asarray(np.sqrt(square))

    def travel(self, margin: float, period: float) -> Array:
        """Distance (N,) [m] at times FINE_STEP apart, with rest for `margin` [s] at both ends."""
        v = self.passing_speeds()
        steps = 2.0 * np.diff(self.places) / (v[:-1] + v[1:])
        starts = np.concatenate([[0.0], np.cumsum(steps)])
        times = np.clip(sample_times(0.0, starts[-1] + 2.0 * margin, period) - margin, 0.0, starts[-1])
        k = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, len(steps) - 1)
        u = times - starts[k]
        return np.asarray(self.places[k] + u * (v[k] + u * (v[k + 1] - v[k]) / steps[k] / 2.0))

    def stretch(self, travel: Array, needed: Array, cause: NDArray[np.intp], reach: int) -> None:
        """Stretch in time, around every sample (N,) of `travel` that needs it, by what it needs; `reach` in samples."""
        asking = np.flatnonzero(needed > 1.0)
        spread = maximum_filter1d(needed, 2 * reach + 1)
        factor = np.interp(self.places, travel, np.where(spread > 1.0, spread * EASE, 1.0))
        here = np.flatnonzero(factor > 1.0)
        at_speed = self.passing_speeds()[here] > AT_SPEED * self.speed[here]
        self.speed[here] /= np.where(at_speed, factor[here], 1.0)
        self.push[here] /= np.where(at_speed, 1.0, factor[here] ** 2)
        self.needed[here] *= factor[here]
        next_asking = np.searchsorted(asking, np.searchsorted(travel, self.places[here]))
        self.cause[here] = cause[asking[np.minimum(next_asking, len(asking) - 1)]]


def follow_tool_path(
    arm: Arm,
    start: ArrayLike,
    path: ToolPath,
    line_limits: ScalarLimits,
    limits: JointLimits,
    period: float,
    name: str,
) -> FollowedPath:
    """Motion of the flange along `path` from the posture `start` (6,) [rad], from rest to rest.

    The speed is that of `line_limits` wherever the joints keep their `limits`. It is reached and left with the
    acceleration of `line_limits`; a moving average over a/j rounds s(t), two short ones round the joints where the
    path's curvature jumps. Around every place that breaks a limit by r the motion is stretched in time by r, r^(1/2) or
    r^(1/3) for velocity, acceleration or jerk, until all hold. The duration is a multiple of `period` [s].

    Raises: MotionError when the path leaves the arm's reach or passes a singularity.
    """
    q_start = np.asarray(start, dtype=np.float64)
    places = np.linspace(0.0, path.length, max(int(np.ceil(path.length / STEP)), 8) + 1)
    count = len(places)
    law = _Law(
        places,
        np.full(count, line_limits.speed, dtype=np.float64),
        np.full(count, line_limits.acceleration, dtype=np.float64),
        np.ones(count),
        np.zeros(count, dtype=np.intp),
    )
    wanted = law.passing_speeds()
    half = max(round(line_limits.acceleration / line_limits.jerk / FINE_STEP / 2.0), 1)
    rounding = max(round(ROUNDING / FINE_STEP / 2.0), 1)
    for _ in range(ROUNDS):
        travel = smooth(law.travel((half + 2 * rounding) * FINE_STEP, period), half)
        tracked = track_poses(arm, path.poses_at(travel), q_start, name)
        positions: Array = np.column_stack([smooth(smooth(joint, rounding), rounding) for joint in tracked.T])
        needed, cause = _find_needed(positions, limits)
        if needed.max() <= 1.0:
            times = np.arange(len(travel), dtype=np.float64) * FINE_STEP
            deviation = _measure_deviation(arm, path, travel, positions)
            return FollowedPath(Trajectory(times, positions, name), travel, _list_slowdowns(law, wanted), deviation)
        law.stretch(travel, needed, cause, 2 * rounding + half)
        if law.needed.max() > LARGEST_SLOWING:
            break
    at = int(law.needed.argmax())
    joint, quantity = divmod(int(law.cause[at]), len(QUANTITIES))
    raise MotionError(
        f"the path '{name}' would have to be {law.needed[at]:.0f} times slower at {places[at] / MM:.0f} mm to keep the "
        f"{QUANTITIES[quantity]} limit of joint {joint + 1}: lead it away from singular postures, or plan it slower"
    )


def _find_needed(positions: Array, limits: JointLimits) -> tuple[Array, NDArray[np.intp]]:
    """Factor (N,) by which the time around each sample must be stretched, and 3 joint + quantity that asks for it."""
    ratios = [
        (np.abs(each) / limit) ** (1.0 / order)
        for order, each, limit in zip(
            (1, 2, 3), differentiate(positions), (limits.velocity, limits.acceleration, limits.jerk), strict=True
        )
    ]
    asked = np.stack(ratios, axis=2)[1 : len(positions) + 1].reshape(len(positions), -1)  # (N, 18)
    return asked.max(axis=1), asked.argmax(axis=1)


def _measure_deviation(arm: Arm, path: ToolPath, travel: Array, positions: Array) -> float:
    """Largest distance [m] of the flange from the path, across its direction."""
    planned = path.poses_at(travel)[:, :3, 3]
    step = 0.1 * MM
    ahead = path.poses_at(travel + step)[:, :3, 3] - path.poses_at(travel - step)[:, :3, 3]
    tangent = ahead / np.maximum(np.linalg.norm(ahead, axis=1), 1e-12)[:, None]
    offset = arm.forward(positions)[:, :3, 3] - planned
    across = offset - np.einsum("nk,nk->n", offset, tangent)[:, None] * tangent
    return float(np.linalg.norm(across, axis=1).max())


def _list_slowdowns(law: _Law, wanted: Array) -> tuple[Slowdown, ...]:
    """Stretches of places that are passed more slowly than `wanted` (K,)."""
    speeds = law.passing_speeds()
    slow = (speeds < SLOWED * wanted) & (wanted > 0.0)
    edges = np.flatnonzero(np.diff(slow, prepend=False, append=False))
    found = []
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        worst = first + int(law.needed[first:end].argmax())
        joint, quantity = divmod(int(law.cause[worst]), len(QUANTITIES))
        lowest = float(speeds[first:end].min())
        found.append(
            Slowdown(float(law.places[first]), float(law.places[end - 1]), lowest, joint + 1, QUANTITIES[quantity])
        )
    return tuple(found)
