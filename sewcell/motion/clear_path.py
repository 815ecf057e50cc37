"""A way around: joint moves that keep clear of the machine, directly or over one posture between."""

from collections.abc import Collection, Iterator
from itertools import pairwise, product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sewcell.errors import MotionError
from sewcell.kinematics.arm_model import JointLimits
from sewcell.kinematics.collision import CollisionModel, Pair
from sewcell.motion.check import certify
from sewcell.motion.joint_path import plan_joint_path
from sewcell.motion.trajectory import Trajectory
from sewcell.units import DEG

Array = NDArray[np.float64]

DETOURS = np.arange(-80.0, 81.0, 20.0) * DEG
"""Turns of joints 2 and 3 away from the straight joint line that are tried."""
GLANCES = 25
"""Postures of each part of a detour that are looked at before the whole is planned and certified."""


def plan_clear_move(
    start: ArrayLike,
    goal: ArrayLike,
    limits: JointLimits,
    period: float,
    name: str,
    collision: CollisionModel,
    smallest: float,
    touching: Collection[Pair] = (),
) -> Trajectory:
    """A certified joint move from `start` to `goal` (6,) [rad]: straight when that is clear, else over a detour.

    A detour stops at one posture: there joint 1 has made all, half or none of its turn, and joints 2 and 3 differ from
    the straight line by DETOURS, while joint 5 takes this back so that a tool that hangs down goes on hanging down.
    The detours are tried in the order of their time at joint speed.

    Raises: MotionError of the direct move when no detour is clear; see `certify`.
    """
    q0 = np.asarray(start, dtype=np.float64)
    q1 = np.asarray(goal, dtype=np.float64)
    direct = plan_joint_path(np.stack([q0, q1]), limits, period, name)
    try:
        return certify(direct, limits, collision, smallest, touching)
    except MotionError as error:
        refusal = error
    detours = sorted(_list_detours(q0, q1, limits), key=lambda via: _estimate_time(q0, via, q1, limits))
    for via in detours:
        try:
            collision.check(
                np.vstack([np.linspace(q0, via, GLANCES), np.linspace(via, q1, GLANCES)]), smallest, touching
            )
            detour = plan_joint_path(np.stack([q0, via, q1]), limits, period, name)
            return certify(detour, limits, collision, smallest, touching)
        except MotionError:
            continue
    raise MotionError(f"{refusal}; none of {len(detours)} detours is clear either")


def _list_detours(q0: Array, q1: Array, limits: JointLimits) -> Iterator[Array]:
    """Postures (6,) [rad] inside the joint range through which a detour may lead."""
    for turned, rest in product((0.0, 0.5, 1.0), repeat=2):
        for lift, bend in product(DETOURS, repeat=2):
            via = (1.0 - rest) * q0 + rest * q1
            via[0] = (1.0 - turned) * q0[0] + turned * q1[0]
            via[1:3] += lift, bend
            via[4] -= lift + bend
            if np.all((via > limits.lower) & (via < limits.upper)):
                yield via


def _estimate_time(q0: Array, via: Array, q1: Array, limits: JointLimits) -> float:
    """Time [s] of both parts at joint speed, v/a + a/j for starting and stopping left out."""
    return sum(float(np.max(np.abs(b - a) / limits.velocity)) for a, b in pairwise((q0, via, q1)))
