"""A way around: motions that keep clear of the machine, directly or over one posture between, without a stop."""

from collections.abc import Callable, Collection, Iterator
from itertools import pairwise, product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sewcell.errors import MotionError
from sewcell.kinematics.arm_model import ArmModel, JointLimits
from sewcell.kinematics.collision import CollisionModel, Pair
from sewcell.motion.check import certify
from sewcell.motion.joint_path import plan_joint_path
from sewcell.motion.legs import Legs, make_joint_legs, make_standing
from sewcell.motion.trajectory import Trajectory
from sewcell.units import DEG

Array = NDArray[np.float64]

DETOURS = np.arange(-80.0, 81.0, 20.0) * DEG
"""Turns of joints 2 and 3 away from the straight joint line that are tried."""
CORRIDORS = (0.2, 0.05, 0.01)
"""Distances from the straight joint lines [rad] that are tried, the widest and fastest first."""
MOST_EASINGS = 12
"""How often a motion may be planned anew because it is too fast for what it carries."""
GLANCES = 25
"""Postures of each part of a detour that are looked at before the whole is planned and certified."""


def plan_clear_move(
    start: ArrayLike,
    goal: ArrayLike,
    model: ArmModel,
    limits: JointLimits,
    period: float,
    name: str,
    collision: CollisionModel,
    smallest: float,
    touching: Collection[Pair] = (),
) -> Trajectory:
    """A certified joint move from `start` to `goal` (6,) [rad]; see `plan_clear_chain`."""
    return plan_clear_chain(
        make_standing(start), make_standing(goal), model, limits, period, name, collision, smallest, touching
    )


def plan_clear_chain(
    before: Legs,
    after: Legs,
    model: ArmModel,
    limits: JointLimits,
    period: float,
    name: str,
    collision: CollisionModel,
    smallest: float,
    touching: Collection[Pair] = (),
    ease: Callable[[Legs, Trajectory], Legs | None] | None = None,
) -> Trajectory:
    """A certified motion along `before`, then by a joint move to where `after` begins, then along `after`.

    It stops nowhere between. The joint move is straight when that is clear, else over a detour: at its posture joint 1
    has made all, half or none of its turn, and joints 2 and 3 differ from the straight line by DETOURS, while joint 5
    takes this back so that a tool that hangs down goes on hanging down. The detours are tried in the order of their
    time at joint speed, each in every one of CORRIDORS. `ease` may answer a planned motion with slower legs to
    plan anew, or with None when it is content.

    Raises: MotionError of the direct way in the narrowest corridor when no detour is clear; see `certify`.
    """
    q0, q1 = before.waypoints[-1], after.waypoints[0]

    def try_way(way: Array) -> Trajectory | MotionError:
        refusal = MotionError(f"'{name}' has no corridor to be tried in")
        for corridor in CORRIDORS:
            legs = before.then(make_joint_legs(way, corridor)).then(after)
            try:
                motion = _plan_eased(legs, limits, period, name, ease)
                return certify(motion, model, limits, collision, smallest, period, touching)
            except MotionError as error:
                refusal = error
            if len(legs.corridor) == 1:  # one straight leg uses no corridor
                break
        return refusal

    found = try_way(np.stack([q0, q1]))
    if isinstance(found, Trajectory):
        return found
    detours = sorted(_list_detours(q0, q1, limits), key=lambda via: _estimate_time(q0, via, q1, limits))
    for via in detours:
        glances = np.vstack([np.linspace(q0, via, GLANCES), np.linspace(via, q1, GLANCES)])
        try:
            collision.check(glances, smallest, touching)
        except MotionError:
            continue
        detour = try_way(np.stack([q0, via, q1]))
        if isinstance(detour, Trajectory):
            return detour
    raise MotionError(f"{found}; none of {len(detours)} detours is clear either")


def _plan_eased(
    legs: Legs,
    limits: JointLimits,
    period: float,
    name: str,
    ease: Callable[[Legs, Trajectory], Legs | None] | None,
) -> Trajectory:
    """The motion along `legs`, or along the slower ones that `ease` asks for."""
    for _ in range(MOST_EASINGS):
        motion = plan_joint_path(legs.waypoints, limits, period, name, legs.corridor, legs.shares)
        slower = ease(legs, motion) if ease else None
        if slower is None:
            return motion
        legs = slower
    raise MotionError(f"'{name}' stays too fast for what it carries after {MOST_EASINGS} corrections: plan it slower")


def _list_detours(q0: Array, q1: Array, limits: JointLimits) -> Iterator[Array]:
    """Postures (6,) [rad] inside the joint range through which a detour may lead."""
    for turned, rest in product((0.0, 0.5, 1.0), repeat=2):
        for lift, bend in product(DETOURS, repeat=2):
            if turned == rest and lift == bend == 0.0:  # on the straight line
                continue
            via = (1.0 - rest) * q0 + rest * q1
            via[0] = (1.0 - turned) * q0[0] + turned * q1[0]
            via[1:3] += lift, bend
            via[4] -= lift + bend
            if np.all((via > limits.lower) & (via < limits.upper)):
                yield via


def _estimate_time(q0: Array, via: Array, q1: Array, limits: JointLimits) -> float:
    """Time [s] of both parts at joint speed, v/a + a/j for starting and stopping left out."""
    return sum(float(np.max(np.abs(b - a) / limits.velocity)) for a, b in pairwise((q0, via, q1)))
