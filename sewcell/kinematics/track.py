"""The chain of postures along a path of poses: one branch for the whole path, not the nearest from point to point."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sewcell.errors import MotionError
from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import ArmModel
from sewcell.kinematics.limits import ROUND_OFF, describe_excess, turn_into_limits
from sewcell.kinematics.opw import describe_reach, missing_reach, solve_branches
from sewcell.units import DEG

LARGEST_STEP = 45.0 * DEG
"""Largest turn of a joint between neighbouring points of a path [rad]; more is taken for a jump to another branch."""
_STANDING = 1e-6
"""Within this [rad] of the first point's posture, `start` is that posture and has to be kept."""
_STRAIGHT = 1e-8
"""Below this angle [rad] joint 5 counts as straight, so that joint 4 is carried over from the point before."""


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


def follow_path(model: ArmModel, T: Array, start: Array, largest_step: float) -> Array:
    """Postures (N, 6) [rad] along the poses T (N, 4, 4); see `Arm.track`.

    Dynamic programming over the eight branches with the step's time at joint speed as cost, kept apart for each first
    branch; then whole turns are chosen that keep the unwrapped chain inside the limits. A `start` that already is a
    posture of the first point is kept.

    Raises: MotionError.
    """
    if len(T) == 0:
        raise MotionError("the path has no points: give at least one pose")
    Q, valid = _solve_path(model, T, start)
    reached = valid.any(axis=1)
    if not reached.all():
        i = int(reached.argmin())
        raise MotionError(f"{describe_reach(missing_reach(model.opw, T[i : i + 1])[0])} at point {i} of the path")
    nearest, excess = turn_into_limits(model.limits, Q, start)
    inside = valid & (excess.max(axis=2) == 0.0)
    if not inside.any(axis=1).all():
        i = int(inside.any(axis=1).argmin())
        raise MotionError(f"{_describe_limit(model, nearest[i], excess[i], valid[i])} at point {i} of the path")

    way_in = np.abs(nearest[0] - start)
    standing = inside[0] & (way_in.max(axis=1) < _STANDING)
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


def _solve_path(model: ArmModel, T: Array, start: Array) -> tuple[Array, NDArray[np.bool_]]:
    """All branches at every point, joint 4 carried over where a straight wrist leaves it free."""
    Q, valid = solve_branches(model, T, start[0], start[3])
    theta_5 = Q[..., 4] * model.opw.signs[4] - model.opw.offsets[4]
    straight = valid & (np.abs(np.sin(theta_5)) < _STRAIGHT)
    if not straight.any():
        return Q, valid
    free_4 = np.full(straight.shape, start[3])
    for branch in range(8):
        bent = np.flatnonzero(~straight[:, branch] & valid[:, branch])
        if len(bent):
            before = np.searchsorted(bent, np.arange(len(Q)), side="right") - 1
            free_4[:, branch] = Q[bent[np.maximum(before, 0)], branch, 3]
    return solve_branches(model, T, start[0], free_4)


def _chain(model: ArmModel, Q: Array, inside: NDArray[np.bool_], first_cost: Array, largest_step: float) -> _Chains:
    """Cheapest chains of steps up to `largest_step`, from first branches that cost `first_cost` (8,).

    Raises: MotionError where every chain breaks.
    """
    speed = model.limits.velocity
    cost = np.where(np.eye(8, dtype=bool), first_cost, np.inf)
    previous = np.zeros((len(Q), 8, 8), dtype=np.intp)
    steps = np.abs((Q[1:, None, :] - Q[:-1, :, None] + np.pi) % (2.0 * np.pi) - np.pi)  # (N-1, from 8, to 8, 6)
    times = np.where((steps.max(axis=3) <= largest_step) & inside[1:, None, :], (steps / speed).max(axis=3), np.inf)
    for i, time in enumerate(times):
        longer = cost[:, :, None] + time  # (first, from, to)
        previous[i + 1] = longer.argmin(axis=1)
        following = longer.min(axis=1)
        if not np.isfinite(following).any():
            raise MotionError(
                _describe_break(model, Q, i, np.asarray(np.isfinite(cost).any(axis=0)), steps[i], largest_step)
            )
        cost = following
    return _Chains(cost, previous)


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
