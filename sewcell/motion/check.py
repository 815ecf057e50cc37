"""The check that every motion passes before it is sent, and the certificate of what it found."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sewcell.errors import MotionError
from sewcell.kinematics.arm_model import ArmModel, ChainParameters, JointLimits
from sewcell.kinematics.collision import CollisionModel, Pair
from sewcell.kinematics.singularity import SingularityDistance, singularity_distance
from sewcell.motion.limits import differentiate
from sewcell.motion.trajectory import Certificate, Trajectory
from sewcell.units import DEG, MM

Array = NDArray[np.float64]

ROUND_OFF = 1e-6
"""A ratio may exceed 1, and a joint its range [rad], by this."""


def certify(
    trajectory: Trajectory,
    model: ArmModel,
    limits: JointLimits,
    collision: CollisionModel,
    smallest: float,
    period: float,
    touching: Collection[Pair] = (),
) -> Trajectory:
    """The same trajectory with its certificate, once it has proven to keep every limit.

    Velocity, acceleration and jerk are the differences of the fine samples, rest before and after included. All bodies
    must stay `smallest` [m] apart on what the arm's controller does: straight joint moves between the set points, which
    are `period` [s] apart, proven also between these (`CollisionModel.check_path`). The pairs of names in `touching`
    may come as close as 0 and do not count in the certificate's clearance. The distances from the singular sets of
    `model` are measured, not limited.

    Raises: MotionError that names motion, joint and time, or the bodies that would come too close.
    """
    _check_range(trajectory, limits)
    ratios = _check_derivatives(trajectory, limits)
    clearance, pair, time = _check_clearance(trajectory, collision, smallest, period, touching)
    singularity = _measure_singularity(trajectory, model)
    return replace(trajectory, certificate=Certificate(*ratios, clearance, pair, time, singularity))


def _check_range(trajectory: Trajectory, limits: JointLimits) -> None:
    excess = np.maximum(limits.lower - trajectory.positions, trajectory.positions - limits.upper)
    sample, joint = np.unravel_index(int(excess.argmax()), excess.shape)
    if excess[sample, joint] > ROUND_OFF:
        raise MotionError(
            f"'{trajectory.name}' takes joint {joint + 1} to {trajectory.positions[sample, joint] / DEG:.1f} deg at "
            f"{trajectory.times[sample]:.2f} s, its limits are {limits.lower[joint] / DEG:.5g} to "
            f"{limits.upper[joint] / DEG:.5g} deg: move the piece or the machine, or start from another posture"
        )


def _check_derivatives(trajectory: Trajectory, limits: JointLimits) -> tuple[Array, Array, Array]:
    velocity, acceleration, jerk = differentiate(trajectory.positions)
    return (
        _check_ratio(trajectory, np.abs(velocity) / limits.velocity, "velocity"),
        _check_ratio(trajectory, np.abs(acceleration) / limits.acceleration, "acceleration"),
        _check_ratio(trajectory, np.abs(jerk) / limits.jerk, "jerk"),
    )


def _check_ratio(trajectory: Trajectory, ratio: Array, quantity: str) -> Array:
    """Largest ratio of every joint (6,), of the ratios (M, 6) whose samples surround those of the trajectory."""
    row, joint = np.unravel_index(int(ratio.argmax()), ratio.shape)
    if ratio[row, joint] > 1.0 + ROUND_OFF:
        before = (len(ratio) - len(trajectory.times)) // 2
        sample = int(np.clip(row - before, 0, len(trajectory.times) - 1))
        raise MotionError(
            f"'{trajectory.name}' takes joint {joint + 1} to {ratio[row, joint]:.2f} times its {quantity} limit at "
            f"{trajectory.times[sample]:.2f} s: plan it slower"
        )
    return np.asarray(ratio.max(axis=0))


def _check_clearance(
    trajectory: Trajectory, collision: CollisionModel, smallest: float, period: float, touching: Collection[Pair]
) -> tuple[float, Pair, float]:
    """Smallest distance [m] of the pairs that must not touch, the pair, and the time [s]."""
    times, postures = trajectory.set_points(period)
    found = collision.check_path(postures, smallest, touching)
    if not found.is_clear:
        worst = found.worst
        first, second = collision.pairs[worst.pair]
        deep = worst.distance < 0.0
        what = f"{-worst.distance / MM:.1f} mm deep into" if deep else f"within {worst.distance / MM:.1f} mm of"
        raise MotionError(
            f"'{trajectory.name}' brings {first} {what} {second} at {_time_at(times, worst.at):.2f} s, "
            f"{worst.wanted / MM:.1f} mm are wanted: choose another way or move what is in it"
        )
    if found.nearest is None:
        return float("inf"), ("", ""), float(trajectory.times[0])
    nearest = found.nearest
    return nearest.distance, collision.pairs[nearest.pair], _time_at(times, nearest.at)


def _measure_singularity(trajectory: Trajectory, model: ArmModel) -> SingularityDistance | None:
    """Smallest distance from each singular set that has a name."""
    if isinstance(model.geometry, ChainParameters):
        return None
    along = singularity_distance(model, trajectory.positions)
    return SingularityDistance(*(np.asarray(np.abs(each).min()) for each in (along.wrist, along.elbow, along.shoulder)))


def _time_at(times: Array, at: float) -> float:
    """Time [s] of a set point, counted with fractions."""
    return float(np.interp(at, np.arange(len(times)), times))
