"""Where a tool can work: the share of its directions that the arm reaches at each of many places."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sewcell.geometry.poses import Array, invert_pose, make_pose
from sewcell.kinematics.arm import Arm
from sewcell.kinematics.arm_model import JointLimits
from sewcell.kinematics.blocks import ROUND_OFF

BLOCK = 20_000
"""Poses that are solved at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class ReachMap:
    """Shares [0, 1] of the tool's yaws that are reached at each place, (rows of y, columns of x).

    `x` (X,), `y` (Y,) [m] in base. `reached`: some posture inside the joint limits; `clear`: some such posture that
    passes the check given, None without a check. `poses`: how many were looked at.
    """

    x: Array
    y: Array
    reached: Array
    clear: Array | None
    poses: int


def map_reach(
    arm: Arm,
    T_flange_tool: Array,
    x: ArrayLike,
    y: ArrayLike,
    z: float,
    yaws: ArrayLike,
    is_clear: Callable[[Array], NDArray[np.bool_]] | None = None,
) -> ReachMap:
    """Reach of a tool that points down, at every place of a horizontal grid and at every yaw.

    The pose T_base_tool is a half turn about x, then a turn by the yaw about z, at (x, y, z).

    Args: x (X,), y (Y,), z [m] in base; yaws (W,) [rad]; is_clear: postures (K, 6) [rad] to verdicts (K,).
    """
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    turns = np.stack([make_pose((0.0, 0.0, z), (np.pi, 0.0, yaw)) for yaw in np.atleast_1d(np.asarray(yaws))])
    turns = turns @ invert_pose(T_flange_tool)  # (W, 4, 4): T_base_flange for the tool over the origin
    places = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    reached, clear = np.zeros(len(places)), np.zeros(len(places))
    step = max(1, BLOCK // len(turns))
    for first in range(0, len(places), step):
        here = places[first : first + step]
        T = np.tile(turns, (len(here), 1, 1, 1))
        T[..., :2, 3] += here[:, None]
        Q, valid = arm.solve_batch(T.reshape(-1, 4, 4))
        inside = valid & fit_limits(arm.model.limits, Q)
        reached[first : first + step] = inside.any(axis=1).reshape(len(here), -1).mean(axis=1)
        if is_clear is not None:
            if inside.any():
                inside[inside] = is_clear(Q[inside])
            clear[first : first + step] = inside.any(axis=1).reshape(len(here), -1).mean(axis=1)
    shape = len(ys), len(xs)
    return ReachMap(
        xs, ys, reached.reshape(shape), None if is_clear is None else clear.reshape(shape), len(places) * len(turns)
    )


def fit_limits(limits: JointLimits, Q: Array) -> NDArray[np.bool_]:
    """Whether some full turns bring every joint of Q (..., 6) [rad] inside its limits, (...)."""
    width = limits.upper - limits.lower + ROUND_OFF
    fits = np.ones(Q.shape[:-1], dtype=np.bool_)
    for joint in range(6):
        over = (Q[..., joint] - (limits.lower[joint] - ROUND_OFF)) * (1.0 / (2.0 * np.pi))
        fits &= (over - np.floor(over)) * (2.0 * np.pi) <= width[joint] + ROUND_OFF
    return fits
