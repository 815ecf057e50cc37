"""How far a sampled motion is from the velocity, acceleration and jerk limits of the joints."""

import numpy as np
from numpy.typing import NDArray

from sewcell.kinematics.arm_model import JointLimits
from sewcell.motion.trajectory import FINE_STEP

Array = NDArray[np.float64]


def scale_limits(limits: JointLimits, velocity: float, acceleration: float, jerk: float) -> JointLimits:
    """The same joint range with the given fractions (0 to 1] of velocity, acceleration and jerk."""
    return JointLimits(
        limits.lower,
        limits.upper,
        limits.velocity * velocity,
        limits.acceleration * acceleration,
        limits.jerk * jerk,
    )


def differentiate(positions: Array) -> tuple[Array, Array, Array]:
    """Velocity, acceleration and jerk of fine samples (N, 6) that begin and end at rest: three arrays (N + 3, 6).

    The k-th difference over h^k is the mean of the k-th derivative over k steps, weighted with a B-spline: it never
    exceeds the derivative's largest value, and misses a peak only when it is shorter than k steps of FINE_STEP.

    Source: de Boor, "A Practical Guide to Splines", ch. IX (Peano kernel of divided differences).
    """
    rest = np.pad(positions, ((3, 3), (0, 0)), mode="edge")
    velocity = np.diff(rest, axis=0) / FINE_STEP
    acceleration = np.diff(velocity, axis=0) / FINE_STEP
    jerk = np.diff(acceleration, axis=0) / FINE_STEP
    return velocity[1:-1], acceleration[:-1], jerk


def find_stretch(positions: Array, limits: JointLimits) -> float:
    """Factor by which a motion (N, 6) must be stretched in time to keep its limits; at most 1 when it keeps them.

    Stretching by k divides velocity, acceleration and jerk by k, k^2, k^3.
    """
    velocity, acceleration, jerk = differentiate(positions)
    return float(
        max(
            np.max(np.abs(velocity) / limits.velocity),
            np.max(np.abs(acceleration) / limits.acceleration) ** (1 / 2),
            np.max(np.abs(jerk) / limits.jerk) ** (1 / 3),
        )
    )
