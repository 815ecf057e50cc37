"""Full turns of the joints: which of them lie inside the limits, and by how much the others miss."""

import numpy as np
from numpy.typing import ArrayLike

from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import JointLimits
from sewcell.units import DEG

_TURNS = 2.0 * np.pi * np.arange(-2, 3)
ROUND_OFF = 1e-9
"""A joint may exceed its limit by this [rad] and still count as inside."""


def turn_into_limits(limits: JointLimits, Q: ArrayLike, near: ArrayLike) -> tuple[Array, Array]:
    """The same postures, each joint moved by full turns to inside its limits and as close to `near` as can be.

    Args: Q (..., 6) with joints in [-pi, pi), near (6,) or (..., 6) [rad].
    Returns: (..., 6), and by how much each joint still exceeds its limits (..., 6) [rad], 0 when inside.
    """
    options = np.asarray(Q, dtype=np.float64)[..., None] + _TURNS  # (..., 6, 5)
    over = np.maximum(options - limits.upper[:, None], limits.lower[:, None] - options)
    excess = np.where(over > ROUND_OFF, over, 0.0)
    distance = np.abs(options - np.asarray(near, dtype=np.float64)[..., None])
    best = np.where(excess > 0.0, 1e6 + excess, distance).argmin(axis=-1)[..., None]
    return np.take_along_axis(options, best, axis=-1)[..., 0], np.take_along_axis(excess, best, axis=-1)[..., 0]


def describe_excess(limits: JointLimits, q: Array, excess: Array) -> str:
    """One clause about the joint of `q` (6,) [rad] that exceeds its limits most."""
    i = int(excess.argmax())
    limit = limits.upper[i] if q[i] > limits.upper[i] else limits.lower[i]
    return f"joint {i + 1} would need {q[i] / DEG:.1f} deg, its limit is {limit / DEG:.5g} deg"
