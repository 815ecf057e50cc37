"""Hand-eye calibration: where a camera sits, on the arm's flange or beside the table, from pictures of a board."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.spatial.transform import Rotation

from sewcell.errors import VisionError
from sewcell.geometry.poses import Array, invert_pose, rotation_angle, transform_points
from sewcell.units import DEG, MM
from sewcell.vision.boards import BoardView
from sewcell.vision.lens import BoardPose, Lens, locate_board, minimise, root_mean_square, turn
from sewcell.vision.resampling import jackknife_sigma, split_groups

Mounting = Literal["eye-in-hand", "eye-on-table"]

FEWEST_POSES = 8
LEAST_TURN = 10.0 * DEG
"""The turns between postures must reach this, as rms, about at least two axes."""
ARM_SHIFT = 0.1 * MM
ARM_TURN = 0.02 * DEG
"""Standard deviation of where the arm says that its flange is, along and about each axis; their ratio matters most."""
OUTLIER_FACTOR = 4.0
OUTLIER_PX = 1.0
WORST_RMS_PX = 5.0


@dataclass(frozen=True, slots=True)
class HandEye:
    """`T_mount_camera`: pose of the camera in the flange (eye in hand) or in base (eye on table). `T_other_board`: pose
    of the board in base (eye in hand) or in the flange (eye on table).

    `rms_px`: of all residuals. `pose_rms_px`: by picture. `held_out`, `held_out_angle`: rms distance [m] and angle
    [rad] between the board where the camera sees it and where the arm says it is, in pictures that the fit did not see.
    `sigma`, `sigma_angle`: standard deviation of the camera's place [m], of its angle [rad] (lengths of the vectors).
    """

    mounting: Mounting
    T_mount_camera: Array
    T_other_board: Array
    rms_px: float
    pose_rms_px: dict[str, float]
    held_out: float
    held_out_angle: float
    sigma: float
    sigma_angle: float


def calibrate_hand_eye(
    lens: Lens,
    views: Sequence[BoardView],
    T_base_flange: Array,
    mounting: Mounting,
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> HandEye:
    """Solve A_i X B_i = Z for X = T_mount_camera and Z = T_other_board, with B_i = T_camera_board of `views[i]`.

    A_i = T_base_flange[i] for a camera in the hand and a board that lies still, its inverse for a camera that stands
    still and a board in the hand. Start: rotation by aligning the axes of relative turns (Park and Martin 1994),
    translation by linear least squares. Then the motions E_i = Z^-1 A_i X B_i, which should be none, are minimised over
    X and Z together, each weighted by the inverse of its covariance: that of the board's pose in the picture plus that
    of the arm, carried over to the board (maximum likelihood, as in Strobl and Hirzinger 2006). The errors are
    estimated by fitting again without each of up to twelve groups;
    `progress` is told how many of these fits are done, and of how many.

    Args: T_base_flange (N, 4, 4) [m].
    Raises: VisionError for fewer than eight poses, turns about one axis only, or a pose that contradicts (named).
    """
    poses = np.asarray(T_base_flange, dtype=np.float64)
    if len(poses) != len(views):
        raise ValueError(f"{len(views)} views need as many flange poses, got {len(poses)}")
    if len(views) < FEWEST_POSES:
        raise VisionError(
            f"only {len(views)} posture{'' if len(views) == 1 else 's'} of the arm show the board, at least "
            f"{FEWEST_POSES} are needed: add some, with the wrist turned differently in each"
        )
    A = poses if mounting == "eye-in-hand" else invert_pose(poses)
    located = [locate_board(lens, view) for view in views]
    B = np.array([found.T_camera_board for found in located])
    _check_turns(A)
    X, Z = solve_closed_form(A, B)
    whiten = _make_weights(located, invert_pose(X @ B) if mounting == "eye-in-hand" else invert_pose(Z)[None])
    X, Z = _refine(A, B, whiten, X, Z)
    residuals = [
        lens.project(invert_pose(a @ X) @ Z, view.points) - view.pixels for view, a in zip(views, A, strict=True)
    ]
    per_pose = np.array([root_mean_square(part) for part in residuals])
    _check_residuals(views, per_pose)
    splits = list(split_groups(len(views)))
    progress(0, len(splits))
    twists, shifts, angles = [], [], []
    for done, (kept, out) in enumerate(splits, start=1):
        Xg, Zg = _refine(A[kept], B[kept], whiten[kept], X, Z)
        change = invert_pose(X) @ Xg
        twists.append(np.concatenate((change[:3, 3], Rotation.from_matrix(change[:3, :3]).as_rotvec())))
        for i in out:
            error = invert_pose(Zg) @ A[i] @ Xg @ B[i]
            shifts.append(transform_points(error, views[i].points) - views[i].points)
            angles.append(rotation_angle(error[:3, :3]))
        progress(done, len(splits))
    sigma = jackknife_sigma(np.array(twists))
    return HandEye(
        mounting=mounting,
        T_mount_camera=X,
        T_other_board=Z,
        rms_px=root_mean_square(np.concatenate(residuals)),
        pose_rms_px={view.name: float(rms) for view, rms in zip(views, per_pose, strict=True)},
        held_out=root_mean_square(np.concatenate(shifts)),
        held_out_angle=float(np.sqrt(np.mean(np.square(angles)))),
        sigma=float(np.linalg.norm(sigma[:3])),
        sigma_angle=float(np.linalg.norm(sigma[3:])),
    )


def solve_closed_form(A: Array, B: Array) -> tuple[Array, Array]:
    """X and Z (4, 4) of A_i X B_i = Z in closed form, from at least three poses (N, 4, 4) with turns about two axes.

    For each pair i, j: (A_j^-1 A_i) X = X (B_j B_i^-1). The rotation vectors of the two sides are alpha = R_X beta, so
    R_X is the best alignment of all beta to all alpha (Park and Martin 1994, solved by singular values as by Kabsch
    1976); t_X follows from (R_A - I) t_X = R_X t_B - t_A in least squares; Z is the mean of A_i X B_i.
    """
    first, second = np.triu_indices(len(A), 1)
    Ap = invert_pose(A[second]) @ A[first]
    Bp = B[second] @ invert_pose(B[first])
    alpha = Rotation.from_matrix(Ap[:, :3, :3]).as_rotvec()
    beta = Rotation.from_matrix(Bp[:, :3, :3]).as_rotvec()
    U, _, Vt = np.linalg.svd(alpha.T @ beta)
    X = np.eye(4)
    X[:3, :3] = U @ np.diag([1.0, 1.0, np.linalg.det(U @ Vt)]) @ Vt
    left = (Ap[:, :3, :3] - np.eye(3)).reshape(-1, 3)
    right = (Bp[:, :3, 3] @ X[:3, :3].T - Ap[:, :3, 3]).reshape(-1)
    X[:3, 3] = np.linalg.lstsq(left, right, rcond=None)[0]
    boards = A @ X @ B
    Z = np.eye(4)
    Z[:3, :3] = Rotation.from_matrix(boards[:, :3, :3]).mean().as_matrix()
    Z[:3, 3] = boards[:, :3, 3].mean(axis=0)
    return X, Z


def _make_weights(located: Sequence[BoardPose], T_board_flange: Array) -> Array:
    """Matrices (N, 6, 6) that turn the motion of each board into one of unit covariance."""
    noise = np.mean(np.concatenate([found.residuals.ravel() for found in located]) ** 2)
    arm = np.diag(np.repeat([ARM_TURN**2, ARM_SHIFT**2], 3))
    weights = []
    for found, T in zip(located, np.broadcast_to(T_board_flange, (len(located), 4, 4)), strict=True):
        x, y, z = T[:3, 3]
        carry = np.zeros((6, 6))
        carry[:3, :3] = carry[3:, 3:] = T[:3, :3]
        carry[3:, :3] = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]]) @ T[:3, :3]
        weights.append(np.linalg.inv(np.linalg.cholesky(noise * found.spread + carry @ arm @ carry.T)))
    return np.array(weights)


def _refine(A: Array, B: Array, whiten: Array, X: Array, Z: Array) -> tuple[Array, Array]:
    def residuals(x: Array) -> Array:
        E = invert_pose(turn(Z, x[6:])) @ A @ turn(X, x[:6]) @ B
        twist = np.column_stack((Rotation.from_matrix(E[:, :3, :3]).as_rotvec(), E[:, :3, 3]))
        return np.asarray(np.einsum("nij,nj->ni", whiten, twist).ravel())

    best = minimise(residuals, np.zeros(12)).x
    return turn(X, best[:6]), turn(Z, best[6:])


def _check_turns(A: Array) -> None:
    first, second = np.triu_indices(len(A), 1)
    turns = Rotation.from_matrix((invert_pose(A[second]) @ A[first])[:, :3, :3]).as_rotvec()
    spread = np.sqrt(np.sort(np.linalg.eigvalsh(turns.T @ turns / len(turns)).clip(min=0.0))[::-1])
    if spread[1] < LEAST_TURN:
        raise VisionError(
            f"the arm's postures turn the hand about one axis only (about a second one by {spread[1] / DEG:.0f} deg, "
            f"at least {LEAST_TURN / DEG:.0f} are needed): tilt it to the left and right, and to the front and back"
        )


def _check_residuals(views: Sequence[BoardView], per_pose_px: Array) -> None:
    rms = float(np.sqrt(np.mean(per_pose_px**2)))
    if np.median(per_pose_px) > WORST_RMS_PX:
        raise VisionError(
            f"camera and arm contradict each other by {rms:.0f} px, {WORST_RMS_PX:g} px is the most: check "
            "the mounting, the arm file, the order of the joints, and the lens file"
        )
    worst = int(np.argmax(per_pose_px))
    others = float(np.median(np.delete(per_pose_px, worst)))
    if per_pose_px[worst] > max(OUTLIER_FACTOR * others, OUTLIER_PX):
        raise VisionError(
            f"{views[worst].name} contradicts the others: {per_pose_px[worst]:.1f} px against {others:.1f} px; its "
            "joints do not belong to the picture, or the board slipped in its holder: take it again"
        )
