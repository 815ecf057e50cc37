"""Refusal of joint coordinates and poses that are none."""

import numpy as np
from numpy.typing import ArrayLike

from sewcell.geometry.poses import Array

_ROTATION_TOLERANCE = 1e-6


def check_posture(q: ArrayLike, ndim: int | None = None) -> Array:
    """`q` as float64 (..., 6); with `ndim` that many dimensions. Raises: ValueError for a wrong shape or NaN."""
    array = np.asarray(q, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != 6 or (ndim is not None and array.ndim != ndim):
        wanted = "(6,)" if ndim == 1 else "(..., 6)"
        raise ValueError(f"joint coordinates must have shape {wanted}, not {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("joint coordinates hold NaN or infinity")
    return array


def check_poses(T: ArrayLike, ndim: int) -> Array:
    """Poses (4, 4) for `ndim` 2, (N, 4, 4) for 3, as float64, the rotation replaced by the closest exact one.

    Raises: ValueError for a wrong shape, NaN, a last row other than 0 0 0 1, or a matrix that is no rotation
    (R'R = I within 1e-6, det +1).
    """
    array = np.array(T, dtype=np.float64)
    if array.ndim != ndim or array.shape[-2:] != (4, 4):
        raise ValueError(f"poses must have shape {'(4, 4)' if ndim == 2 else '(N, 4, 4)'}, not {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("the pose holds NaN or infinity")
    if not (array[..., 3, :] == (0.0, 0.0, 0.0, 1.0)).all():
        raise ValueError("the last row of the pose is not 0 0 0 1")
    R = array[..., :3, :3]
    skew = np.abs(np.swapaxes(R, -1, -2) @ R - np.eye(3)).max(initial=0.0)
    if skew > _ROTATION_TOLERANCE:
        raise ValueError(f"the pose holds no rotation: R'R differs from the unit matrix by {skew:.2g}")
    if (np.linalg.det(R) < 0.0).any():
        raise ValueError("the pose holds no rotation but a reflection: its determinant is -1")
    for _ in range(2):  # Newton's step to the polar factor squares the error
        R = R @ (1.5 * np.eye(3) - 0.5 * np.swapaxes(R, -1, -2) @ R)
    array[..., :3, :3] = R
    return array
