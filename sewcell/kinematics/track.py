"""The chain of postures along a path of poses: one branch for the whole path, not the nearest from point to point."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sewcell.errors import MotionError
from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import ArmModel
from sewcell.kinematics.blocks import ROUND_OFF, STANDING
from sewcell.kinematics.lanes import SINGULAR_AXIS, kernel
from sewcell.kinematics.limits import describe_excess, turn_into_limits
from sewcell.kinematics.singularity import singularity_distance
from sewcell.units import DEG

LARGEST_STEP = 45.0 * DEG
"""Largest turn of a joint between neighbouring points of a path [rad]; more is taken for a jump to another branch."""


class Branches(Protocol):
    """What finds the eight branches of an arm, see `ClosedForm`."""

    model: ArmModel

    @property
    def wrist_flip(self) -> int: ...

    def solve_batch(self, T: Array) -> tuple[Array, NDArray[np.bool_]]: ...

    def solve_free(self, T: Array, near: Array) -> tuple[Array, NDArray[np.bool_]]: ...

    def describe_miss(self, T: Array, near: Array) -> str: ...


@dataclass(frozen=True, slots=True, eq=False)
class _Chains:
    """Cheapest chains through the branches: `cost` (8, 8) from first to last branch, `previous` (N, 8, 8)."""

    cost: Array
    previous: NDArray[np.intp]

    def path(self, first: int, last: int) -> NDArray[np.intp]:
        """The branch at every point, (N,)."""
        branches = np.empty(len(self.previous), dtype=np.intp)
        branches[-1] = last
        for i in range(len(self.previous) - 1, 0, -1):
            branches[i - 1] = self.previous[i, first, branches[i]]
        return branches


def follow_chains(branches: Branches, T: Array, start: Array, largest_step: float) -> Array:
    """Postures (N, 6) [rad] along the poses T (N, 4, 4); see `Arm.track`.

    Dynamic programming over the eight branches with the step's time at joint speed as cost, kept apart for each first
    branch; a chain leaves its branch only where that one breaks off. Then whole turns are chosen that keep the
    unwrapped chain inside the limits. A `start` that already is a posture of the first point is kept.

    Raises: MotionError.
    """
    model = branches.model
    if len(T) == 0:
        raise MotionError("the path has no points: give at least one pose")
    Q, valid = _solve_path(branches, T, start)
    reached = valid.any(axis=1)
    if not reached.all():
        i = int(reached.argmin())
        raise MotionError(f"{branches.describe_miss(T[i], start)} at point {i} of the path")
    nearest, excess = turn_into_limits(model.limits, Q, start)
    inside = valid & (excess.max(axis=2) == 0.0)
    if not inside.any(axis=1).all():
        i = int(inside.any(axis=1).argmin())
        raise MotionError(f"{_describe_limit(model, nearest[i], excess[i], valid[i])} at point {i} of the path")

    way_in = np.abs(nearest[0] - start)
    standing = inside[0] & (way_in.max(axis=1) < STANDING)
    held = bool(standing.any())
    cost = np.where(standing if held else inside[0], (way_in / model.limits.velocity).max(axis=1), np.inf)
    chains = _chain(model, Q, inside, cost, largest_step)
    choices = [(chains.cost[f, e], f, e) for f, e in np.ndindex(8, 8) if np.isfinite(chains.cost[f, e])]
    complaint = ""
    for _, first, last in sorted(choices):
        chain = np.unwrap(Q[np.arange(len(Q)), chains.path(first, last)], axis=0)
        chain += 2.0 * np.pi * np.round((start - chain[0]) / (2.0 * np.pi))
        turned, joint = _turn_chain(model, chain, 0 if held else 2)
        if joint is None:
            return turned
        low, high = chain[:, joint].min() / DEG, chain[:, joint].max() / DEG
        limits = model.limits.lower[joint] / DEG, model.limits.upper[joint] / DEG
        complaint = complaint or (
            f"joint {joint + 1} would have to turn without a break from {low:.1f} to {high:.1f} deg along the path, "
            f"its limits are {limits[0]:.5g} to {limits[1]:.5g} deg"
        )
    raise MotionError(complaint)


def _solve_path(branches: Branches, T: Array, start: Array) -> tuple[Array, NDArray[np.bool_]]:
    """All branches at every point; joints that a singular point leaves free stay where the point before has them."""
    Q, valid = branches.solve_batch(T)
    distance = singularity_distance(branches.model, Q)
    straight = distance.wrist < 2.0 * SINGULAR_AXIS
    free = valid & (straight | (np.abs(distance.shoulder) < 2.0 * SINGULAR_AXIS))
    for branch in np.flatnonzero(free.any(axis=0)):
        held = np.flatnonzero(~free[:, branch] & valid[:, branch])
        carried = Q[held[0], branch] if len(held) else start
        if free[0, branch] and _reaches(branches, T[0], start):
            carried = start
        for i in range(len(T)):
            if free[i, branch]:
                solved, reached = branches.solve_free(T[i], carried)
                source = branch & ~branches.wrist_flip if straight[i, branch] else branch
                Q[i, branch], valid[i, branch] = solved[source], reached[source]
            if valid[i, branch]:
                carried = Q[i, branch].copy()
    return Q, valid


def _reaches(branches: Branches, T: Array, q: Array) -> bool:
    """Whether the posture q (6,) is one of the pose T (4, 4)."""
    Q, valid = branches.solve_free(T, q)
    away = np.abs((Q - q + np.pi) % (2.0 * np.pi) - np.pi).max(axis=1)
    return bool((valid & (away < STANDING)).any())


def _chain(model: ArmModel, Q: Array, inside: NDArray[np.bool_], first_cost: Array, largest_step: float) -> _Chains:
    """Cheapest chains of steps up to `largest_step`, from first branches that cost `first_cost` (8,).

    Raises: MotionError where every chain breaks.
    """
    cost = np.where(np.eye(8, dtype=bool), first_cost, np.inf)
    previous = np.zeros((len(Q), 8, 8), dtype=np.intp)
    i = _extend_chains(Q, inside, 1.0 / model.limits.velocity, largest_step, cost, previous)
    if i >= 0:
        steps = np.abs((Q[i + 1, None, :] - Q[i, :, None] + np.pi) % (2.0 * np.pi) - np.pi)  # (from 8, to 8, 6)
        raise MotionError(_describe_break(model, Q, i, np.asarray(np.isfinite(cost).any(axis=0)), steps, largest_step))
    return _Chains(cost, previous)


@kernel
def _extend_chains(Q: Any, inside: Any, slowness: Any, largest_step: float, cost: Any, previous: Any) -> int:
    """Fills previous (N, first, to) and moves cost (first, last) from the first to the last point of Q (N, 8, 6).

    Args: inside (N, 8); slowness (6,) [s/rad]. Returns: -1, or the point behind which every chain breaks.
    """
    two_pi = 2.0 * np.pi
    time = np.empty((8, 8))
    for i in range(Q.shape[0] - 1):
        for before in range(8):
            for after in range(8):
                widest, longest = 0.0, 0.0
                for j in range(6):
                    step = Q[i + 1, after, j] - Q[i, before, j]
                    step = abs(step - two_pi * np.floor(step / two_pi + 0.5))
                    widest, longest = max(widest, step), max(longest, step * slowness[j])
                time[before, after] = longest if inside[i + 1, after] and widest <= largest_step else np.inf
            if time[before, before] < np.inf:
                for after in range(8):
                    if after != before:
                        time[before, after] = np.inf
        following = np.empty((8, 8))
        alive = False
        for first in range(8):
            for after in range(8):
                least, best = np.inf, 0
                for before in range(8):
                    longer = cost[first, before] + time[before, after]
                    if longer < least:
                        least, best = longer, before
                following[first, after] = least
                previous[i + 1, first, after] = best
                alive = alive or least < np.inf
        if not alive:
            return i
        cost[:] = following
    return -1


def _describe_break(
    model: ArmModel, Q: Array, i: int, alive: NDArray[np.bool_], steps: Array, largest_step: float
) -> str:
    """Why no chain leads from point i to point i + 1: a joint limit on the way, or a jump."""
    largest = np.where(alive[:, None], steps.max(axis=2), np.inf)  # (from, to)
    before, after = np.unravel_index(int(largest.argmin()), largest.shape)
    if largest[before, after] <= largest_step:
        q = Q[i + 1, after]
        q, excess = turn_into_limits(model.limits, q, q)
        return f"{describe_excess(model.limits, q, excess)} at point {i + 1} of the path"
    joint = int(steps[before, after].argmax())
    return (
        f"joint {joint + 1} would have to jump by {steps[before, after, joint] / DEG:.1f} deg between points {i} and "
        f"{i + 1} of the path"
    )


def _describe_limit(model: ArmModel, Q: Array, excess: Array, valid: NDArray[np.bool_]) -> str:
    """The joint that misses its limits in the valid branch of Q (8, 6) which misses them least."""
    branch = int(np.where(valid, excess.max(axis=1), np.inf).argmin())
    return describe_excess(model.limits, Q[branch], excess[branch])


def _turn_chain(model: ArmModel, chain: Array, most_turns: int) -> tuple[Array, int | None]:
    """The chain (N, 6) moved by as few full turns as bring it inside the limits, up to `most_turns`; else the joint
    that does not fit."""
    low, high = chain.min(axis=0), chain.max(axis=0)
    turned = chain.copy()
    for joint in range(6):
        turns = 2.0 * np.pi * np.array(sorted(range(-most_turns, most_turns + 1), key=abs))
        fits = (low[joint] + turns >= model.limits.lower[joint] - ROUND_OFF) & (
            high[joint] + turns <= model.limits.upper[joint] + ROUND_OFF
        )
        if not fits.any():
            return turned, joint
        turned[:, joint] += turns[int(fits.argmax())]
    return turned, None
