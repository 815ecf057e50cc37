"""Every posture for one pose with what a person wants to know of it: limits, singularities, why it does not serve."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sewcell.geometry.poses import Array
from sewcell.kinematics.arm import Arm, IkStatus
from sewcell.kinematics.arm_model import ChainParameters
from sewcell.kinematics.limits import describe_excess, turn_into_limits
from sewcell.kinematics.singularity import SingularityDistance


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """One posture that reaches the pose.

    `q` (6,) [rad], each joint turned by full turns to inside its limits where that can be; `excess` (6,): by how much
    it still exceeds them [rad], 0 inside; `margin`: distance to the nearest limit [rad], negative outside.
    `manipulability`: |det J|. `distance`: from the singular sets, None for an arm without a closed form, whose sets
    have no names. `reason`: the joint limit that forbids the posture or the singular sets it lies on, else empty.
    """

    q: Array
    excess: Array
    margin: float
    manipulability: float
    distance: SingularityDistance | None
    reason: str

    @property
    def is_inside(self) -> bool:
        """Whether every joint keeps its limits."""
        return not self.excess.any()


@dataclass(frozen=True, slots=True, eq=False)
class BranchList:
    """All branches for one pose, those inside the limits first, each group by margin; `status` and `reason` of the
    whole: OK, SINGULAR (every branch inside the limits is), JOINT_LIMIT or UNREACHABLE."""

    status: IkStatus
    reason: str
    branches: tuple[Branch, ...]


def list_branches(arm: Arm, T_base_flange: ArrayLike) -> BranchList:
    """Every branch for the pose T_base_flange (4, 4).

    Raises: ValueError as `Arm.solve_all`.
    """
    limits = arm.model.limits
    centre = (limits.lower + limits.upper) / 2.0
    found = [_describe(arm, T_base_flange, q, centre) for q in arm.solve_all(T_base_flange)]
    branches = tuple(sorted(found, key=lambda branch: (not branch.is_inside, -branch.margin)))
    inside = [branch for branch in branches if branch.is_inside]
    if not inside:
        answer = arm.solve(T_base_flange, near=centre)
        return BranchList(answer.status, answer.reason, branches)
    if all(branch.reason for branch in inside):
        return BranchList(IkStatus.SINGULAR, inside[0].reason, branches)
    return BranchList(IkStatus.OK, "", branches)


def _describe(arm: Arm, T_base_flange: ArrayLike, posture: Array, centre: Array) -> Branch:
    limits = arm.model.limits
    q, excess = turn_into_limits(limits, posture, centre)
    reason = describe_excess(limits, q, excess) if excess.any() else arm.solve(T_base_flange, near=q).reason
    named = not isinstance(arm.model.geometry, ChainParameters)
    return Branch(
        q=q,
        excess=excess,
        margin=float(np.minimum(limits.upper - q, q - limits.lower).min()),
        manipulability=float(arm.manipulability(q)),
        distance=arm.singularity_distance(q) if named else None,
        reason=reason,
    )
