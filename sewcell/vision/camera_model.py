"""A calibrated camera that looks at the table: points of the table to pixels and back."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike

from sewcell.geometry.poses import Array, invert_pose, transform_points


@dataclass(frozen=True, slots=True)
class CameraModel:
    """Pinhole camera with radial and tangential distortion (Brown 1966, in OpenCV's order), fixed over the table.

    `image_size_px`: width, height. `matrix` (3, 3) [px]. `distortion` (5,): k1 k2 p1 p2 k3.
    `T_camera_table` (4, 4): pose of the table in the camera frame (optical: z forward, x right, y down) [m].
    Pixel (0, 0) is the centre of the upper left pixel.
    """

    image_size_px: tuple[int, int]
    matrix: Array
    distortion: Array
    T_camera_table: Array

    def project(self, points: ArrayLike) -> Array:
        """Points of the table frame (N, 3) [m] -> pixels (N, 2)."""
        points_table = np.asarray(points, dtype=np.float64).reshape(-1, 3)
        if not len(points_table):
            return np.empty((0, 2))
        # cv2.Rodrigues rounds turns below 1e-5 rad away, so the points are turned here.
        seen = transform_points(self.T_camera_table, points_table)
        zero = np.zeros(3)
        pixels, _ = cv2.projectPoints(seen, zero, zero, self.matrix, np.asarray(self.distortion))
        return np.asarray(pixels, dtype=np.float64).reshape(-1, 2)

    def project_plane(self, points: ArrayLike, height: float = 0.0) -> Array:
        """Points (N, 2) [m] of the plane z = `height` of the table frame -> pixels (N, 2)."""
        plane = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        return self.project(np.column_stack((plane, np.full(len(plane), height))))

    def rays(self, pixels: ArrayLike) -> Array:
        """Pixels (N, 2) -> viewing directions (N, 3) in the camera frame, unit length."""
        pixels_raw = np.ascontiguousarray(pixels, dtype=np.float64).reshape(-1, 2)
        if not len(pixels_raw):
            return np.empty((0, 3))
        normalized = self._undistort(pixels_raw)
        # OpenCV stops after five fixed-point steps: solve again for the pixel that makes up for what is left.
        back = np.column_stack((normalized, np.ones(len(normalized)))).reshape(-1, 1, 3)
        zero = np.zeros(3)
        again, _ = cv2.projectPoints(back, zero, zero, self.matrix, np.asarray(self.distortion))
        normalized = self._undistort(2.0 * pixels_raw - again.reshape(-1, 2))
        directions = np.column_stack((normalized, np.ones(len(normalized))))
        return np.asarray(directions / np.linalg.norm(directions, axis=1, keepdims=True))

    def table_points(self, pixels: ArrayLike, height: float = 0.0) -> Array:
        """Pixels (N, 2) -> where their rays meet the plane z = `height`, table coordinates (N, 2) [m]."""
        T_table_camera = invert_pose(self.T_camera_table)
        directions = self.rays(pixels) @ T_table_camera[:3, :3].T  # (N, 3), table frame
        centre = T_table_camera[:3, 3]
        distance = (height - centre[2]) / directions[:, 2]
        return np.asarray(centre[:2] + distance[:, None] * directions[:, :2])

    @property
    def mm_per_px(self) -> float:
        """Size of a pixel on the table at the centre of the picture [mm]."""
        centre = (np.asarray(self.image_size_px, dtype=np.float64) - 1.0) / 2.0
        corners = self.table_points(centre + np.array([[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5]]))
        across, down = corners[1] - corners[0], corners[2] - corners[0]
        return float(1e3 * np.sqrt(abs(across[0] * down[1] - across[1] * down[0])))

    def _undistort(self, pixels: Array) -> Array:
        """Pixels (N, 2) -> coordinates (N, 2) on the plane z = 1 of the camera frame, to OpenCV's precision."""
        points = cv2.undistortPoints(pixels.reshape(-1, 1, 2), self.matrix, np.asarray(self.distortion))
        return np.asarray(points, dtype=np.float64).reshape(-1, 2)
