"""A posture that comes close to a pose, moved onto it."""

import numpy as np

from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import ArmModel
from sewcell.kinematics.forward import forward
from sewcell.kinematics.jacobian import jacobian

_STEPS, _TRIAL = 60, 4
"""Most steps, and how many may fail to halve the squared error."""
MAX_ERROR = 4e-10
"""Largest forward error of an answer in every coordinate [m] and entry of the rotation: within 1e-9 m and 1e-9 rad."""


def refine_posture(model: ArmModel, T: Array, q: Array) -> Array | None:
    """A posture (6,) near q that reaches the pose T (4, 4) within MAX_ERROR, or None.

    Levenberg's steps with the squared error as damping, which still converge, if slowly, to a posture that lies on
    several singular sets at once; given up where they no longer halve the squared error.
    """
    last = np.inf
    for step in range(_STEPS):
        at = forward(model, q)
        D = T[:3, :3] @ at[:3, :3].T / 2.0
        error = np.array([*(T[:3, 3] - at[:3, 3]), D[2, 1] - D[1, 2], D[0, 2] - D[2, 0], D[1, 0] - D[0, 1]])
        square = float(error @ error)
        if square < 1e-28 or (step > _TRIAL and square > 0.5 * last):
            break
        last = square
        U, scale, Vt = np.linalg.svd(jacobian(model, q))
        q = q + Vt.T @ (scale / (scale * scale + max(square, 1e-24)) * (U.T @ error))
    return q if np.abs(forward(model, q) - T).max() <= MAX_ERROR else None
