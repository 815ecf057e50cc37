"""A lens and sensor without a place: what a calibration of the lens finds, and poses of boards seen through it."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.optimize import OptimizeResult, least_squares

from sewcell.errors import VisionError
from sewcell.geometry.poses import Array
from sewcell.vision.boards import BoardView
from sewcell.vision.camera_model import CameraModel


@dataclass(frozen=True, slots=True)
class Lens:
    """`image_size_px`: width, height. `matrix` (3, 3) [px]. `distortion` (5,): k1 k2 p1 p2 k3, as in CameraModel."""

    image_size_px: tuple[int, int]
    matrix: Array
    distortion: Array

    def at(self, T_camera_table: Array) -> CameraModel:
        """The camera that sees the frame `table` at this pose (4, 4)."""
        return CameraModel(self.image_size_px, self.matrix, self.distortion, T_camera_table)

    def project(self, T_camera_board: Array, points: Array) -> Array:
        """Points (N, 3) [m] of a board at that pose -> pixels (N, 2)."""
        return self.at(T_camera_board).project(points)

    def check_size(self, size_px: tuple[int, int], name: str) -> None:
        """Raises: VisionError when the picture `name` has another size than those of this lens."""
        if size_px != self.image_size_px:
            raise VisionError(
                f"{name} is {size_px[0]} x {size_px[1]} px, the lens was calibrated for {self.image_size_px[0]} x "
                f"{self.image_size_px[1]} px: take pictures of that size, or calibrate the lens anew"
            )


def turn(T: Array, twist: Array) -> Array:
    """`T` (4, 4) followed by a small motion `twist` (6,): rotation vector [rad] and shift [m] in its own frame."""
    moved = np.eye(4)
    moved[:3, :3], _ = cv2.Rodrigues(np.ascontiguousarray(twist[:3], dtype=np.float64))
    moved[:3, 3] = twist[3:]
    return np.asarray(T @ moved)


@dataclass(frozen=True, slots=True)
class BoardPose:
    """`T_camera_board` (4, 4). `residuals` (N, 2) of the corners [px]. `spread` (6, 6): covariance of the pose, as a
    motion in the board's own frame (rotation [rad], shift [m]), for corners with an error of 1 px."""

    T_camera_board: Array
    residuals: Array
    spread: Array


def locate_board(lens: Lens, view: BoardView) -> BoardPose:
    """Pose of a board that a picture shows.

    Starts from the closed form for planes (Collins and Bartoli 2014) and minimises the squared residuals.

    Raises: VisionError when the picture has another size than the lens, or its corners do not fit any pose.
    """
    lens.check_size(view.image_size_px, view.name)
    try:
        found, rvec, tvec = cv2.solvePnP(
            np.ascontiguousarray(view.points),
            np.ascontiguousarray(view.pixels),
            lens.matrix,
            lens.distortion,
            flags=cv2.SOLVEPNP_IPPE,
        )
    except cv2.error:
        found = False
    if not found:
        raise VisionError(f"{view.name}: the corners of the board fit no pose: take the picture again")
    start = np.eye(4)
    start[:3, :3], start[:3, 3] = cv2.Rodrigues(rvec)[0], tvec.ravel()

    def residuals(twist: Array) -> Array:
        return (lens.project(turn(start, twist), view.points) - view.pixels).ravel()

    result = minimise(residuals, np.zeros(6))
    spread = np.linalg.inv(result.jac.T @ result.jac)
    return BoardPose(turn(start, result.x), result.fun.reshape(-1, 2), spread)


def minimise(residuals: object, start: Array) -> OptimizeResult:
    """Least squares by Levenberg and Marquardt."""
    return least_squares(residuals, start, method="lm", x_scale="jac", xtol=1e-10, ftol=1e-10)


def root_mean_square(residuals: Array) -> float:
    """Of the lengths of residuals (N, k): sqrt(mean |r|^2)."""
    return float(np.sqrt(np.mean(np.sum(np.asarray(residuals) ** 2, axis=-1))))
