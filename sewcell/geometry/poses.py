"""Rigid motions in space as 4x4 matrices; `T_a_b` is the pose of b in a: p_a = T_a_b p_b."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def make_pose(xyz: ArrayLike = (0.0, 0.0, 0.0), rpy: Sequence[float] = (0.0, 0.0, 0.0)) -> Array:
    """Pose from a translation [m] and roll, pitch, yaw [rad] about the fixed axes: R = Rz(yaw) Ry(pitch) Rx(roll).

    Returns: (4, 4).
    """
    roll, pitch, yaw = rpy
    T = np.eye(4)
    T[:3, :3] = rotation_z(yaw) @ rotation_y(pitch) @ rotation_x(roll)
    T[:3, 3] = xyz
    return T


def rotation_x(angle: float) -> Array:
    """Rotation about x by `angle` [rad], (3, 3)."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def rotation_y(angle: float) -> Array:
    """Rotation about y by `angle` [rad], (3, 3)."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def rotation_z(angle: float) -> Array:
    """Rotation about z by `angle` [rad], (3, 3)."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def invert_pose(T: Array) -> Array:
    """Inverse of rigid poses, (..., 4, 4) -> (..., 4, 4)."""
    R_inverse = np.swapaxes(T[..., :3, :3], -1, -2)
    result = np.zeros_like(T)
    result[..., :3, :3] = R_inverse
    result[..., :3, 3] = -np.einsum("...ij,...j->...i", R_inverse, T[..., :3, 3])
    result[..., 3, 3] = 1.0
    return result


def transform_points(T: Array, points: ArrayLike) -> Array:
    """Points (N, 3), given in b, in the frame a of `T` = T_a_b."""
    return np.asarray(points, dtype=np.float64) @ T[:3, :3].T + T[:3, 3]


def rotation_angle(R: Array) -> float:
    """Angle [rad] of a rotation matrix (3, 3), exact near 0 and near pi."""
    skew = np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]])
    return float(np.arctan2(np.linalg.norm(skew), np.trace(R) - 1.0))
