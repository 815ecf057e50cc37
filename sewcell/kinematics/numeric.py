"""Inverse kinematics of an arm without a closed form: the search of roboticstoolbox, every answer verified."""

import numpy as np
import roboticstoolbox as rtb
from numpy.typing import ArrayLike, NDArray

from sewcell.errors import MotionError
from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import ArmModel, ChainParameters
from sewcell.kinematics.forward import forward
from sewcell.kinematics.ik_result import IkResult, IkStatus
from sewcell.kinematics.jacobian import jacobian
from sewcell.kinematics.limits import describe_excess, turn_into_limits
from sewcell.kinematics.refine import refine_posture
from sewcell.kinematics.validate import check_poses, check_posture
from sewcell.units import DEG, MM

_STARTS = 64
"""Postures from which a search begins, beside the one that it is asked to stay near."""
_TOLERANCE = 1e-12
"""Of ik_LM; its own default, 1e-6, allows 1.4 mm."""
_SAME = 1e-5
"""Within this [rad] two answers are one."""
_SINGULAR = 1e-7
"""Below this smallest singular value of the Jacobian a posture counts as singular."""


class NumericSearch:
    """Inverse kinematics of one arm, for `Arm`. Holds nothing that changes: may be used from several threads.

    Levenberg-Marquardt from fixed starts, without the restarts that ik_LM makes by itself, since these answer silently
    with another branch; then `refine_posture`, and only what passes `forward` within 1e-9 is an answer.
    """

    def __init__(self, model: ArmModel, chain: ChainParameters) -> None:
        self.model = model
        parts = [(rtb.ET.SE3(a), rtb.ET.Rz(), rtb.ET.SE3(b)) for a, b in zip(chain.before, chain.after, strict=True)]
        self._ets = rtb.ETS([part for three in parts for part in three])
        self._starts = np.random.default_rng(1).uniform(-np.pi, np.pi, (_STARTS, 6))

    def solve_all(self, T: ArrayLike) -> Array:
        """The different postures, joints in [-pi, pi), that the searches from all starts find: (k, 6)."""
        return self._find_all(check_poses(T, 2), self._starts)[0]

    def solve_batch(
        self, T: ArrayLike, out: tuple[Array, NDArray[np.bool_]] | None = None
    ) -> tuple[Array, NDArray[np.bool_]]:
        """Up to eight postures of each pose; see `Arm.solve_batch`."""
        poses = check_poses(T, 3)
        Q, valid = out if out is not None else (np.empty((len(poses), 8, 6)), np.empty((len(poses), 8), dtype=np.bool_))
        Q[:], valid[:] = 0.0, False
        for i, pose in enumerate(poses):
            found = self._find_all(pose, self._starts)[0][:8]
            Q[i, : len(found)], valid[i, : len(found)] = found, True
        return Q, valid

    def solve(self, T: ArrayLike, near: ArrayLike) -> IkResult:
        """See `Arm.solve`; a posture that the search from `near` finds inside the limits is taken for the nearest."""
        pose, near = check_poses(T, 2), check_posture(near, 1)
        limits = self.model.limits
        found, miss = self._find_all(pose, near[None])
        Q, excess = turn_into_limits(limits, found, near)
        if len(found) == 0 or excess.max() > 0.0:
            found, miss = self._find_all(pose, self._starts)
            Q, excess = turn_into_limits(limits, found, near)
        if len(found) == 0:
            reason = f"unreachable: from {_STARTS} starts the search comes no closer than {miss / MM:.3g} mm"
            return IkResult(None, IkStatus.UNREACHABLE, reason)
        worst = excess.max(axis=1)
        if worst.min() > 0.0:
            i = int(worst.argmin())
            return IkResult(None, IkStatus.JOINT_LIMIT, describe_excess(limits, Q[i], excess[i]))
        cost = np.where(worst > 0.0, np.inf, (np.abs(Q - near) / limits.velocity).max(axis=1))
        q = Q[int(cost.argmin())]
        if np.linalg.svd(jacobian(self.model, q), compute_uv=False)[-1] < _SINGULAR:
            return IkResult(q, IkStatus.SINGULAR, "the flange cannot move in every direction: two axes coincide")
        return IkResult(q)

    def track(self, T: ArrayLike, start: ArrayLike, largest_step: float) -> Array:
        """See `Arm.track`; each point is sought from the posture of the point before."""
        poses, q = check_poses(T, 3), check_posture(start, 1)
        if len(poses) == 0:
            raise MotionError("the path has no points: give at least one pose")
        Q = np.empty((len(poses), 6))
        for i, pose in enumerate(poses):
            result = self.solve(pose, q)
            if result.q is None:
                raise MotionError(f"{result.reason} at point {i} of the path")
            step = np.abs(result.q - q)
            if i > 0 and step.max() > largest_step:
                joint = int(step.argmax())
                raise MotionError(
                    f"joint {joint + 1} would have to jump by {step[joint] / DEG:.1f} deg between points {i - 1} and "
                    f"{i} of the path"
                )
            q = Q[i] = result.q
        return Q

    def _find_all(self, T: Array, starts: Array) -> tuple[Array, float]:
        """Different postures (k, 6) with joints in [-pi, pi) from several starts, and the smallest miss [m]."""
        found: list[Array] = []
        closest = np.inf
        for start in starts:
            q = self._ets.ik_LM(T, q0=start, slimit=1, tol=_TOLERANCE, joint_limits=False).q
            if not np.isfinite(q).all():
                continue
            closest = min(closest, float(np.linalg.norm((forward(self.model, q) - T)[:3, 3])))
            refined = refine_posture(self.model, T, (q + np.pi) % (2.0 * np.pi) - np.pi)
            if refined is not None and not any(_is_same(refined, other) for other in found):
                found.append((refined + np.pi) % (2.0 * np.pi) - np.pi)
        return np.array(found).reshape(-1, 6), closest


def _is_same(q: Array, other: Array) -> bool:
    return bool(np.abs((q - other + np.pi) % (2.0 * np.pi) - np.pi).max() < _SAME)
