"""Full turns of the joints: which of them lie inside the limits, and by how much the others miss."""

import numpy as np
from numpy.typing import ArrayLike

from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import JointLimits
from sewcell.kinematics.blocks import ROUND_OFF
from sewcell.units import DEG

_TURNS = 2.0 * np.pi * np.arange(-2, 3)


def exceed_limits(limits: JointLimits, Q: ArrayLike) -> Array:
    """By how much each joint of Q (..., 6) exceeds its limits [rad], 0 when inside, (..., 6)."""
    q = np.asarray(Q, dtype=np.float64)
    over = np.maximum(q - limits.upper, limits.lower - q)
    return np.where(over > ROUND_OFF, over, 0.0)


def turn_into_limits(limits: JointLimits, Q: ArrayLike, near: ArrayLike) -> tuple[Array, Array]:
    """The same postures, each joint moved by full turns to inside its limits and as close to `near` as can be.

    Args: Q (..., 6) with joints in [-pi, pi), near (6,) or (..., 6) [rad].
    Returns: (..., 6), and by how much each joint still exceeds its limits (..., 6) [rad], 0 when inside.
    """
    options = np.asarray(Q, dtype=np.float64)[..., None, :] + _TURNS[:, None]  # (..., 5, 6)
    excess = exceed_limits(limits, options)
    distance = np.abs(options - np.asarray(near, dtype=np.float64)[..., None, :])
    best = np.where(excess > 0.0, 1e6 + excess, distance).argmin(axis=-2)[..., None, :]
    return np.take_along_axis(options, best, axis=-2)[..., 0, :], np.take_along_axis(excess, best, axis=-2)[..., 0, :]


def describe_excess(limits: JointLimits, q: Array, excess: Array) -> str:
    """One clause about the joint of `q` (6,) [rad] that exceeds its limits most."""
    i = int(excess.argmax())
    limit = limits.upper[i] if q[i] > limits.upper[i] else limits.lower[i]
    return f"joint {i + 1} would need {q[i] / DEG:.1f} deg, its limit is {limit / DEG:.5g} deg"
