"""Inverse kinematics of arms that have a closed form: kernels of the family behind one interface."""

from threading import Lock
from typing import Any

import numpy as np
from numba import boolean, float64
from numpy.typing import ArrayLike, NDArray

from sewcell.geometry.poses import Array
from sewcell.kinematics import opw_kernels, parallel_kernels
from sewcell.kinematics.arm_model import ArmModel, OpwParameters, ParallelParameters
from sewcell.kinematics.blocks import ELBOW, JOINT_LIMIT, SHOULDER
from sewcell.kinematics.forward import forward
from sewcell.kinematics.ik_result import IkResult, IkStatus, Solve, SolveAll
from sewcell.kinematics.limits import describe_excess, exceed_limits, turn_into_limits
from sewcell.kinematics.refine import refine_posture
from sewcell.kinematics.singularity import describe_singular, elbow_angle
from sewcell.kinematics.track import follow_chains
from sewcell.kinematics.validate import check_poses, check_posture
from sewcell.units import MM

_VECTOR, _MATRIX, _TENSOR = float64[::1], float64[:, ::1], float64[:, :, ::1]
_SOLVE_POSE = (_MATRIX, _VECTOR, _MATRIX)
_SOLVE_NEAREST = (_MATRIX, _VECTOR, _VECTOR, _VECTOR)
_SOLVE_POSES = (_TENSOR, _VECTOR, _TENSOR, boolean[:, ::1], boolean[::1])
_SOLVE_FREE = (_MATRIX, _VECTOR, _VECTOR, _VECTOR)
_FOLLOW = (_TENSOR, _VECTOR, _VECTOR, float64, _MATRIX)
"""The types of each kernel."""
_NUMBER, _POSE_STEPS, _POSTURE_STEPS = np.dtype(np.float64), (32, 8), (8,)
"""The dtype, and the strides of a pose and of a posture, that the kernels take as they are."""
_COMPILING = Lock()


class ClosedForm:
    """Inverse kinematics of one arm, for `Arm`. Holds nothing that changes: may be used from several threads.

    Each kernel is compiled for one kind of arrays when it is first used; anything else, and what the kernel refuses,
    goes through `check_poses` and `check_posture`, which convert it or say what is wrong with it.
    """

    def __init__(self, model: ArmModel, geometry: OpwParameters | ParallelParameters) -> None:
        self.model, self.geometry = model, geometry
        if isinstance(geometry, OpwParameters):
            self._kernels: Any = opw_kernels
            self._packed = opw_kernels.pack(geometry, model.limits)
        else:
            self._kernels = parallel_kernels
            self._packed = parallel_kernels.pack(geometry, model.limits)
        self._singular = tuple(describe_singular(geometry, bits) for bits in range(8))
        self.solve_all = self._make_solve_all()
        self.solve = self._make_solve()

    @property
    def wrist_flip(self) -> int:
        """The bit of a branch's number that turns the wrist over."""
        return int(self._kernels.FLIP)

    def _make_solve_all(self) -> SolveAll:
        """A closure, as Python then finds all it needs at once: a method takes a fifth longer."""
        packed, number, steps = self._packed, _NUMBER, _POSE_STEPS
        solve_checked, empty = self._solve_all_checked, np.empty
        kernel: Any = _is_not_compiled

        def solve_all(T: ArrayLike) -> Array:
            """See `Arm.solve_all`."""
            nonlocal kernel
            try:
                if T.dtype is number and T.strides == steps:  # type: ignore[union-attr]
                    Q = empty((8, 6))
                    found = kernel(T, packed, Q)
                    if found >= 0:
                        return Q if found == 8 else Q[:found]
            except TypeError:
                kernel = _take_entry(self._kernels.solve_pose, _SOLVE_POSE)
            except AttributeError:
                pass
            return solve_checked(T)

        return solve_all

    def _make_solve(self) -> Solve:
        packed, solve_checked, empty, result = self._packed, self._solve_checked, np.empty, IkResult
        number, steps, near_steps = _NUMBER, _POSE_STEPS, _POSTURE_STEPS
        kernel: Any = _is_not_compiled

        def solve(T: ArrayLike, near: ArrayLike) -> IkResult:
            """See `Arm.solve`."""
            nonlocal kernel
            try:
                if (
                    T.dtype is number  # type: ignore[union-attr]
                    and near.dtype is number  # type: ignore[union-attr]
                    and T.strides == steps  # type: ignore[union-attr]
                    and near.strides == near_steps  # type: ignore[union-attr]
                ):
                    q = empty(6)
                    if kernel(T, near, packed, q) == 0:
                        return result(q)
            except TypeError:
                kernel = _take_entry(self._kernels.solve_nearest, _SOLVE_NEAREST)
            except AttributeError:
                pass
            return solve_checked(T, near)

        return solve

    def _solve_all_checked(self, T: ArrayLike) -> Array:
        pose, Q = check_poses(T, 2), np.empty((8, 6))
        found = _compile(self._kernels.solve_pose, _SOLVE_POSE)(pose, self._packed, Q)
        if found >= 0:
            return Q[:found]
        Q, valid = self.solve_free(pose, np.zeros(6))
        return Q[valid]

    def _solve_checked(self, T: ArrayLike, near: ArrayLike) -> IkResult:
        pose, near, q = check_poses(T, 2), check_posture(near, 1), np.empty(6)
        code = _compile(self._kernels.solve_nearest, _SOLVE_NEAREST)(pose, near, self._packed, q)
        limits = self.model.limits
        if code >= 0:
            return IkResult(q, IkStatus.SINGULAR if code else IkStatus.OK, self._singular[code])
        if code == JOINT_LIMIT:
            return IkResult(None, IkStatus.JOINT_LIMIT, describe_excess(limits, q, exceed_limits(limits, q)))
        branches, valid = self.solve_free(pose, near)
        if not valid.any():
            return IkResult(None, IkStatus.UNREACHABLE, self.describe_miss(pose, near))
        return self._choose_singular(branches[valid], near)

    def solve_batch(
        self, T: ArrayLike, out: tuple[Array, NDArray[np.bool_]] | None = None
    ) -> tuple[Array, NDArray[np.bool_]]:
        """See `Arm.solve_batch`."""
        poses = np.ascontiguousarray(T, dtype=np.float64)
        if poses.ndim != 3 or poses.shape[1:] != (4, 4):
            raise ValueError(f"poses must have shape (N, 4, 4), not {poses.shape}")
        n = len(poses)
        again = np.empty(n, dtype=np.bool_)
        Q, valid = out if out is not None else (np.empty((n, 8, 6)), np.empty((n, 8), dtype=np.bool_))
        if Q.shape != (n, 8, 6) or valid.shape != (n, 8):
            raise ValueError(f"out must hold arrays ({n}, 8, 6) and ({n}, 8), not {Q.shape} and {valid.shape}")
        if not _is_writable_block(Q, valid):
            raise ValueError("out must hold a float64 and a bool array, contiguous and writable")
        solve = _compile(self._kernels.solve_poses, _SOLVE_POSES)
        poses = poses if poses.flags.writeable else poses.copy()
        if not solve(poses, self._packed, Q, valid, again):
            poses = check_poses(poses, 3)
            solve(poses, self._packed, Q, valid, again)
        for i in np.flatnonzero(again):
            Q[i], valid[i] = self.solve_free(poses[i], np.zeros(6))
        return Q, valid

    def track(self, T: ArrayLike, start: ArrayLike, largest_step: float) -> Array:
        """See `Arm.track`."""
        poses, start = np.ascontiguousarray(T, dtype=np.float64), check_posture(start, 1)
        if poses.ndim == 3 and poses.shape[1:] == (4, 4) and len(poses) > 0:
            Q = np.empty((len(poses), 6))
            follow = _compile(self._kernels.follow, _FOLLOW)
            poses = poses if poses.flags.writeable else poses.copy()
            if follow(poses, start, self._packed, largest_step, Q):
                return Q
        return follow_chains(self, check_poses(poses, 3), start, largest_step)

    def solve_free(self, T: Array, near: Array) -> tuple[Array, NDArray[np.bool_]]:
        """All branches for a checked pose T (4, 4), the joints that are free where `near` (6,) has them.

        Returns: Q (8, 6) [rad], the closest posture where a branch does not reach the pose, and valid (8,).
        """
        block = np.empty(64)
        _compile(self._kernels.solve_free, _SOLVE_FREE)(T, near, self._packed, block)
        rows = block.reshape(8, 8)
        Q, reached = np.ascontiguousarray(rows[:6].T), rows[6] == 1.0
        for branch in np.flatnonzero(rows[6] == 0.5):
            refined = refine_posture(self.model, T, Q[branch])
            if refined is not None:
                Q[branch], reached[branch] = (refined + np.pi) % (2.0 * np.pi) - np.pi, True
        return Q, reached

    def _choose_singular(self, Q: Array, near: Array) -> IkResult:
        """The posture of Q (k, 6), found where the wrist is over axis 1 and the elbow stretched, nearest to `near`."""
        limits = self.model.limits
        Q, excess = turn_into_limits(limits, Q, near)
        times = (np.abs(Q - near) / limits.velocity).max(axis=1)
        best = int(np.lexsort((times, excess.max(axis=1)))[0])
        if excess[best].any():
            return IkResult(None, IkStatus.JOINT_LIMIT, describe_excess(limits, Q[best], excess[best]))
        return IkResult(Q[best], IkStatus.SINGULAR, self._singular[ELBOW | SHOULDER])

    def describe_miss(self, T: Array, near: Array) -> str:
        """The clause for a pose T (4, 4) that no branch reaches: by how much the closest one misses it."""
        Q, _ = self.solve_free(T, near)
        misses = np.linalg.norm(forward(self.model, Q)[:, :3, 3] - T[:3, 3], axis=1)
        closest = int(misses.argmin())
        theta_3 = Q[closest, 2] * self.geometry.signs[2] - self.geometry.offsets[2]
        stretched = np.cos(elbow_angle(self.geometry, theta_3)) > 1.0 - 1e-9
        where = "beyond the arm's reach" if stretched else "too close to the arm"
        return f"unreachable: {misses[closest] / MM:.3g} mm {where}"


def _compile(kernel: Any, signature: tuple[Any, ...]) -> Any:
    """The kernel, compiled for these types; for others it raises TypeError."""
    if signature not in kernel.signatures:
        with _COMPILING:
            if signature not in kernel.signatures:
                kernel.compile(signature)
                kernel.disable_compile()
    return kernel


def _take_entry(kernel: Any, signature: tuple[Any, ...]) -> Any:
    """The kernel without numba's look at the types of its arguments, a tenth of the time of an answer: whoever calls it
    has looked at their dtype and their strides, which also give the number of dimensions."""
    return _compile(kernel, signature).overloads[signature].entry_point


def _is_not_compiled(*_: object) -> Any:
    raise TypeError


def _is_writable_block(Q: Array, valid: NDArray[np.bool_]) -> bool:
    fit = all(array.flags.c_contiguous and array.flags.writeable for array in (Q, valid))
    return fit and Q.dtype.name == "float64" and valid.dtype.name == "bool"
