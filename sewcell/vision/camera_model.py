"""A calibrated camera that looks at the table: points of the table to pixels and back."""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from sewcell.geometry.poses import Array, invert_pose


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
        points_table = np.ascontiguousarray(points, dtype=np.float64).reshape(-1, 3)
        return self._project_seen(points_table, self.T_camera_table)

    def project_plane(self, points: ArrayLike, height: float = 0.0) -> Array:
        """Points (N, 2) [m] of the plane z = `height` of the table frame -> pixels (N, 2)."""
        plane = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        lifted = np.empty((len(plane), 3))
        lifted[:, :2], lifted[:, 2] = plane, height
        return self.project(lifted)

    def rays(self, pixels: ArrayLike) -> Array:
        """Pixels (N, 2) -> viewing directions (N, 3) in the camera frame, unit length."""
        pixels_raw = np.ascontiguousarray(pixels, dtype=np.float64).reshape(-1, 2)
        if not len(pixels_raw):
            return np.empty((0, 3))
        normalized = self._undistort(pixels_raw)
        # OpenCV stops after five fixed-point steps: solve again for the pixel that makes up for what is left.
        again = self._project_seen(np.column_stack((normalized, np.ones(len(normalized)))), np.eye(4))
        normalized = self._undistort(2.0 * pixels_raw - again)
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

    def _project_seen(self, points: Array, T: Array) -> Array:
        """Points (N, 3) of a frame at the pose `T` (4, 4) before the camera -> pixels (N, 2)."""
        arguments = (np.ascontiguousarray(a, dtype=np.float64) for a in (points, T, self.matrix, self.distortion))
        return np.asarray(_project(*arguments))

    def _undistort(self, pixels: Array) -> Array:
        """Pixels (N, 2) -> coordinates (N, 2) on the plane z = 1 of the camera frame, to OpenCV's precision."""
        points = cv2.undistortPoints(pixels.reshape(-1, 1, 2), self.matrix, np.asarray(self.distortion))
        return np.asarray(points, dtype=np.float64).reshape(-1, 2)


@njit(cache=True, error_model="numpy")
def _project(points: Array, T: Array, matrix: Array, distortion: Array) -> Array:
    """Points (N, 3) -> pixels (N, 2) by the equations of D. C. Brown, "Decentering Distortion of Lenses" (1966)."""
    pixels = np.empty((len(points), 2))
    k1, k2, p1, p2, k3 = distortion[0], distortion[1], distortion[2], distortion[3], distortion[4]
    for i in range(len(points)):
        a, b, c = points[i, 0], points[i, 1], points[i, 2]
        depth = T[2, 0] * a + T[2, 1] * b + T[2, 2] * c + T[2, 3]
        x = (T[0, 0] * a + T[0, 1] * b + T[0, 2] * c + T[0, 3]) / depth
        y = (T[1, 0] * a + T[1, 1] * b + T[1, 2] * c + T[1, 3]) / depth
        r2 = x * x + y * y
        radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
        u = x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x)
        v = y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y
        pixels[i, 0] = matrix[0, 0] * u + matrix[0, 2]
        pixels[i, 1] = matrix[1, 1] * v + matrix[1, 2]
    return pixels
