"""Where a flat piece lies on a plane: position, angle and which face is up."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sewcell.geometry.poses import Array


@dataclass(frozen=True, slots=True)
class PlanarPose:
    """p_plane = R(theta) diag(1, -1 if mirrored else 1) p_piece + (x, y). x, y [m], theta [rad]."""

    x: float
    y: float
    theta: float
    mirrored: bool = False

    def linear_part(self) -> Array:
        """R(theta) diag(1, +-1), (2, 2)."""
        c, s = np.cos(self.theta), np.sin(self.theta)
        flip = -1.0 if self.mirrored else 1.0
        return np.array([[c, -s * flip], [s, c * flip]])

    def apply(self, points: ArrayLike) -> Array:
        """Points (N, 2) of the piece, on the plane."""
        return np.asarray(points, dtype=np.float64) @ self.linear_part().T + (self.x, self.y)

    def apply_inverse(self, points: ArrayLike) -> Array:
        """Points (N, 2) of the plane, in the coordinates of the piece."""
        return (np.asarray(points, dtype=np.float64) - (self.x, self.y)) @ self.linear_part()

    def matrix(self) -> Array:
        """T_plane_piece, (4, 4): a mirrored piece is turned over about its x axis, so z points down."""
        T = np.eye(4)
        T[:2, :2] = self.linear_part()
        T[:2, 3] = self.x, self.y
        T[2, 2] = -1.0 if self.mirrored else 1.0
        return T


def planar_from_matrix(T: Array) -> PlanarPose:
    """The planar part of a pose (4, 4) whose z axis is parallel to the plane's normal."""
    return PlanarPose(float(T[0, 3]), float(T[1, 3]), float(np.arctan2(T[1, 0], T[0, 0])), bool(T[2, 2] < 0.0))


def wrap_angle(angle: ArrayLike) -> Array:
    """Angle [rad] brought into [-pi, pi)."""
    return (np.asarray(angle, dtype=np.float64) + np.pi) % (2.0 * np.pi) - np.pi
