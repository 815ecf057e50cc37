"""An arm to ask: where is the flange, which postures reach a pose, which of them follow a path."""

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import ArmModel, ChainParameters
from sewcell.kinematics.closed_form import ClosedForm
from sewcell.kinematics.forward import forward, forward_links
from sewcell.kinematics.ik_result import IkResult, IkStatus, Solve, SolveAll
from sewcell.kinematics.jacobian import jacobian, manipulability
from sewcell.kinematics.singularity import SingularityDistance, singularity_distance
from sewcell.kinematics.track import LARGEST_STEP
from sewcell.kinematics.validate import check_posture

__all__ = ["Arm", "IkResult", "IkStatus"]


class InverseKinematics(Protocol):
    """What the families of arms answer, each in its own way; see the methods of `Arm`."""

    @property
    def solve_all(self) -> SolveAll: ...

    @property
    def solve(self) -> Solve: ...

    def solve_batch(
        self, T: ArrayLike, out: tuple[Array, NDArray[np.bool_]] | None = None
    ) -> tuple[Array, NDArray[np.bool_]]: ...

    def track(self, T: ArrayLike, start: ArrayLike, largest_step: float) -> Array: ...


class Arm:
    """Kinematics of one arm. Holds no state but its model: may be used from several threads.

    q is what the arm's pendant shows [rad]; poses are T_base_flange. Every method raises ValueError for NaN, wrong
    shapes and matrices that are no rotation (R'R = I within 1e-6, det +1); what deviates less counts as the rotation
    next to it. An arm without a closed form is solved numerically: what is found is exact, but a search may miss
    postures that exist.
    """

    solve_all: SolveAll
    """solve_all(T): every posture that reaches the pose T (4, 4), before limits: (k, 6) [rad] with k from 0 to 8."""
    solve: Solve
    """solve(T, near): the posture inside the joint limits that reaches T (4, 4) soonest from `near` (6,) [rad].

    Soonest: with the smallest max |q - near| / joint speed. Full turns of a joint are tried where the limits allow. In
    a singular posture the joint that is free stays where `near` has it.
    """

    def __init__(self, model: ArmModel) -> None:
        self.model = model
        self._inverse = _choose_inverse(model)
        self.solve_all, self.solve = self._inverse.solve_all, self._inverse.solve  # a call less on the way

    def __reduce__(self) -> tuple[type["Arm"], tuple[ArmModel]]:
        """For another process: the model goes there, the solver is made there."""
        return Arm, (self.model,)

    def forward(self, q: ArrayLike) -> Array:
        """T_base_flange. Args: q (..., 6) [rad]. Returns: (..., 4, 4)."""
        return forward(self.model, check_posture(q))

    def forward_links(self, q: ArrayLike) -> Array:
        """T_base_0 ... T_base_6, frames of docs/frames.md. Args: q (..., 6) [rad]. Returns: (..., 7, 4, 4)."""
        return forward_links(self.model, check_posture(q))

    def jacobian(self, q: ArrayLike) -> Array:
        """(v, omega) = J dq/dt of the flange in base. Args: q (..., 6) [rad]. Returns: (..., 6, 6) [m/rad, 1]."""
        return jacobian(self.model, check_posture(q))

    def manipulability(self, q: ArrayLike) -> Array:
        """Yoshikawa's measure |det J|, 0 at a singularity. Args: q (..., 6) [rad]. Returns: (...)."""
        return manipulability(self.model, check_posture(q))

    def singularity_distance(self, q: ArrayLike) -> SingularityDistance:
        """Distances of q (..., 6) [rad] from each singular set; ValueError for an arm without a closed form."""
        return singularity_distance(self.model, check_posture(q))

    def solve_batch(
        self, T: ArrayLike, out: tuple[Array, NDArray[np.bool_]] | None = None
    ) -> tuple[Array, NDArray[np.bool_]]:
        """Every branch for many poses, before limits.

        A joint that is free in a singular posture stands at 0. Rows that are not valid hold no answer.

        Args: T (N, 4, 4); out: arrays (N, 8, 6) and bool (N, 8) to fill instead of new ones.
        Returns: Q (N, 8, 6) [rad] with joints in [-pi, pi), valid (N, 8).
        """
        return self._inverse.solve_batch(T, out)

    def track(self, Ts: ArrayLike, start: ArrayLike, largest_step: float = LARGEST_STEP) -> Array:
        """Postures (N, 6) [rad] along the poses Ts (N, 4, 4): continuous, inside the limits, from near `start` (6,).

        The branch is chosen for the whole path: of all chains of postures without a step above `largest_step` [rad]
        and without leaving the limits, the one that takes the least time at joint speed, the way from `start` included.
        A `start` that reaches the first pose is itself the first posture.

        Raises: MotionError that says which joint or distance breaks at which point.
        """
        return self._inverse.track(Ts, start, largest_step)


def _choose_inverse(model: ArmModel) -> InverseKinematics:
    if isinstance(model.geometry, ChainParameters):
        from sewcell.kinematics.numeric import NumericSearch  # roboticstoolbox takes seconds to import

        return NumericSearch(model, model.geometry)
    return ClosedForm(model, model.geometry)
