"""An arm to ask: where is the flange, which postures reach a pose, which of them follow a path."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import ArmModel
from sewcell.kinematics.forward import forward, forward_links
from sewcell.kinematics.jacobian import describe_singularity, singularity_distance
from sewcell.kinematics.limits import describe_excess, turn_into_limits
from sewcell.kinematics.opw import describe_reach, missing_reach, solve_branches
from sewcell.kinematics.track import LARGEST_STEP, follow_path
from sewcell.kinematics.validate import check_poses, check_posture


class IkStatus(Enum):
    """How the search for a posture ended."""

    OK = "ok"
    SINGULAR = "singular"
    """A posture was found, but there the flange cannot move in every direction; `reason` says why."""
    JOINT_LIMIT = "joint limit"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, eq=False)
class IkResult:
    """A posture `q` (6,) [rad] for statuses OK and SINGULAR; None, with the `reason` in words, for the others."""

    status: IkStatus
    q: Array | None
    reason: str


class Arm:
    """Kinematics of one arm. Holds no state but its model: may be used from several threads.

    q is what the arm's pendant shows [rad]; poses are T_base_flange. Every method raises ValueError for NaN, wrong
    shapes and matrices that are no rotation (R'R = I within 1e-6, det +1).
    """

    def __init__(self, model: ArmModel) -> None:
        self.model = model

    def forward(self, q: ArrayLike) -> Array:
        """T_base_flange. Args: q (..., 6) [rad]. Returns: (..., 4, 4)."""
        return forward(self.model, check_posture(q))

    def forward_links(self, q: ArrayLike) -> Array:
        """T_base_0 ... T_base_6, frames of docs/frames.md. Args: q (..., 6) [rad]. Returns: (..., 7, 4, 4)."""
        return forward_links(self.model, check_posture(q))

    def solve_batch(self, T: ArrayLike) -> tuple[Array, NDArray[np.bool_]]:
        """Every branch for many poses, before limits. Args: T (N, 4, 4). Returns: Q (N, 8, 6) [rad], valid (N, 8)."""
        return solve_branches(self.model, check_poses(T, 3))

    def solve_all(self, T: ArrayLike) -> Array:
        """Every posture that reaches the pose T (4, 4), before limits: (k, 6) [rad] with k from 0 to 8."""
        Q, valid = solve_branches(self.model, check_poses(T, 2)[None])
        found: Array = Q[0, valid[0]]
        return found

    def solve(self, T: ArrayLike, near: ArrayLike) -> IkResult:
        """The posture inside the joint limits that reaches T (4, 4) soonest from `near` (6,) [rad].

        Soonest: with the smallest max |q - near| / joint speed. Full turns of a joint are tried where the limits
        allow. In a singular posture the joint that is free stays where `near` has it.
        """
        pose, near = check_poses(T, 2)[None], check_posture(near, 1)
        limits = self.model.limits
        branches, valid = solve_branches(self.model, pose, near[0], near[3])
        if not valid.any():
            return IkResult(IkStatus.UNREACHABLE, None, describe_reach(missing_reach(self.model.opw, pose)[0]))
        Q, excess = turn_into_limits(limits, branches[0, valid[0]], near)
        worst = excess.max(axis=1)
        if worst.min() > 0.0:
            i = int(worst.argmin())
            return IkResult(IkStatus.JOINT_LIMIT, None, describe_excess(limits, Q[i], excess[i]))
        cost = np.where(worst > 0.0, np.inf, (np.abs(Q - near) / limits.velocity).max(axis=1))
        q = Q[int(cost.argmin())]
        singularity = describe_singularity(singularity_distance(self.model, q))
        return IkResult(IkStatus.SINGULAR if singularity else IkStatus.OK, q, singularity)

    def track(self, Ts: ArrayLike, start: ArrayLike, largest_step: float = LARGEST_STEP) -> Array:
        """Postures (N, 6) [rad] along the poses Ts (N, 4, 4): continuous, inside the limits, from near `start` (6,).

        The branch is chosen for the whole path: of all chains of postures without a step above `largest_step` [rad]
        and without leaving the limits, the one that takes the least time at joint speed, the way from `start` included.
        A `start` that reaches the first pose is itself the first posture.

        Raises: MotionError that says which joint or distance breaks at which point.
        """
        return follow_path(self.model, check_poses(Ts, 3), check_posture(start, 1), largest_step)
