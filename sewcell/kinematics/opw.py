"""Every posture of an arm with ortho-parallel base and spherical wrist that reaches a pose, in closed form."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import ArmModel, OpwParameters
from sewcell.kinematics.forward import forward
from sewcell.units import MM

MAX_ERROR = 1e-9
"""Largest forward error of a valid posture, in position [m] and in every entry of the rotation."""
_REACH_ROUND_OFF = 2e-10
"""By this much [m] a wrist centre may lie beyond the stretched arm and still count as reached."""
SINGULAR_AXIS = 1e-10
"""Below this distance from an axis [m, or sine of joint 5] the angle about the axis is free."""


def wrist_centre(opw: OpwParameters, T: Array) -> Array:
    """Point in which the three wrist axes meet, in base. Args: T = T_base_flange (..., 4, 4). Returns: (..., 3) [m]."""
    return np.asarray(T[..., :3, 3] - opw.c4 * T[..., :3, 2], dtype=np.float64)


def solve_branches(
    model: ArmModel, T: Array, free_1: ArrayLike = 0.0, free_4: ArrayLike = 0.0
) -> tuple[Array, NDArray[np.bool_]]:
    """All eight branches for each pose, before joint limits.

    Branch 4 s + 2 e + w: shoulder s (0 facing the wrist centre, 1 turned away), elbow e, wrist w (0 for
    sin(theta5) >= 0). Where the wrist centre lies on axis 1, theta1 is free; where theta5 is 0 or pi, theta4 is free
    and theta6 follows from Rz(-theta4) R36: `free_1` (N,) and `free_4` (N, 8) or scalars give the value of that
    joint coordinate [rad].

    Args: T = T_base_flange (N, 4, 4) with exact rotations.
    Returns: Q (N, 8, 6) [rad], each joint in [-pi, pi), and valid (N, 8); a valid row passes `forward` within
    MAX_ERROR, an invalid one holds the posture that comes close.
    Source: Brandstoetter et al. 2014, with half-angle forms that keep their accuracy at a stretched or folded elbow.
    """
    opw = model.opw
    n = len(T)
    signs, offsets = opw.signs, opw.offsets
    centre = wrist_centre(opw, T)
    theta_1, forward_reach = _solve_shoulder(opw, centre, np.broadcast_to(free_1, n) * signs[0] - offsets[0])
    theta_2, theta_3 = _solve_elbow(opw, forward_reach, (centre[:, 2] - opw.c1)[:, None])

    theta = np.empty((n, 2, 2, 2, 6))  # shoulder, elbow, wrist
    theta[..., 0] = theta_1[:, :, None, None]
    theta[..., 1] = theta_2[..., None]
    theta[..., 2] = theta_3[..., None]
    theta_4_free = np.broadcast_to(free_4, (n, 8)).reshape(n, 2, 2, 2) * signs[3] - offsets[3]
    R_36 = _arm_rotation_inverse(theta[..., 0, 0], theta[..., 0, 1] + theta[..., 0, 2]) @ T[:, None, None, :3, :3]
    _solve_wrist(theta, R_36, theta_4_free)

    Q = ((theta + offsets) * signs).reshape(n, 8, 6)
    Q = (Q + np.pi) % (2.0 * np.pi) - np.pi
    error = np.abs(forward(model, Q) - T[:, None])
    return Q, error.max(axis=(2, 3)) <= MAX_ERROR


def _solve_shoulder(opw: OpwParameters, centre: Array, theta_1_free: Array) -> tuple[Array, Array]:
    """theta1 (N, 2) and how far the wrist centre lies ahead of joint 2 in the plane of the arm [m], (N, 2)."""
    x, y = centre[:, 0], centre[:, 1]
    ahead = np.sqrt(np.maximum(x * x + y * y - opw.b * opw.b, 0.0))
    azimuth, aside = np.arctan2(y, x), np.arctan2(opw.b, ahead)
    theta_1 = np.stack([azimuth - aside, azimuth + aside - np.pi], axis=1)
    on_axis = np.hypot(x, y) < SINGULAR_AXIS
    theta_1[on_axis] = theta_1_free[on_axis, None]
    return theta_1, np.stack([ahead - opw.a1, -ahead - opw.a1], axis=1)


def _solve_elbow(opw: OpwParameters, x: Array, z: Array) -> tuple[Array, Array]:
    """theta2 and theta3, (N, 2, 2) for shoulder and elbow, that put the wrist centre at (x, z) from joint 2.

    With k = hypot(a2, c3) and gamma the angle between upper arm and the line elbow to wrist centre,
    s^2 = c2^2 + k^2 + 2 c2 k cos(gamma) gives tan^2(gamma / 2) = ((c2 + k)^2 - s^2) / (s^2 - (c2 - k)^2).
    """
    k = np.hypot(opw.a2, opw.c3)
    s = np.hypot(x, z)
    longest, shortest = opw.c2 + k, abs(opw.c2 - k)
    to_stretched = np.maximum((longest - s) * (longest + s), 0.0)
    to_folded = np.maximum((s - shortest) * (s + shortest), 0.0)
    gamma = 2.0 * np.arctan2(np.sqrt(to_stretched), np.sqrt(to_folded))
    gamma = np.stack([gamma, -gamma], axis=-1)
    theta_2 = np.arctan2(x, z)[..., None] - np.arctan2(k * np.sin(gamma), opw.c2 + k * np.cos(gamma))
    return theta_2, gamma - np.arctan2(opw.a2, opw.c3)


def _arm_rotation_inverse(theta_1: Array, theta_23: Array) -> Array:
    """(Rz(theta1) Ry(theta2 + theta3))^T, (..., 3, 3)."""
    c1, s1, c23, s23 = np.cos(theta_1), np.sin(theta_1), np.cos(theta_23), np.sin(theta_23)
    rows = [[c1 * c23, s1 * c23, -s23], [-s1, c1, np.zeros_like(c1)], [c1 * s23, s1 * s23, c23]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _solve_wrist(theta: Array, R_36: Array, theta_4_free: Array) -> None:
    """Fills theta4, theta5, theta6 of `theta` (N, 2, 2, 2, 6) from R36 = Rz(theta4) Ry(theta5) Rz(theta6)."""
    straight = np.hypot(R_36[..., 0, 2], R_36[..., 1, 2]) < SINGULAR_AXIS
    theta_4 = np.arctan2(R_36[..., 1, 2], R_36[..., 0, 2])
    for w in range(2):
        theta_4_w = np.where(straight, theta_4_free[..., w], theta_4 + w * np.pi)
        c4, s4 = np.cos(theta_4_w), np.sin(theta_4_w)
        theta[..., w, 3] = theta_4_w
        theta[..., w, 4] = np.arctan2(c4 * R_36[..., 0, 2] + s4 * R_36[..., 1, 2], R_36[..., 2, 2])
        theta[..., w, 5] = np.arctan2(
            c4 * R_36[..., 1, 0] - s4 * R_36[..., 0, 0], c4 * R_36[..., 1, 1] - s4 * R_36[..., 0, 1]
        )


def missing_reach(opw: OpwParameters, T: Array) -> Array:
    """How far each wrist centre lies outside what the arm reaches [m]; positive: too far, negative: too near, else 0.

    Args: T = T_base_flange (N, 4, 4). Returns: (N,), the smaller miss of the two shoulder branches.
    """
    centre = wrist_centre(opw, T)
    across = np.hypot(centre[:, 0], centre[:, 1])
    ahead = np.sqrt(np.maximum(across**2 - opw.b**2, 0.0))[:, None] * [1.0, -1.0] - opw.a1
    s = np.hypot(ahead, (centre[:, 2] - opw.c1)[:, None])  # (N, 2)
    k = np.hypot(opw.a2, opw.c3)
    too_far, too_near = s - (opw.c2 + k), s - abs(opw.c2 - k)
    miss = np.where(too_far > _REACH_ROUND_OFF, too_far, np.where(too_near < -_REACH_ROUND_OFF, too_near, 0.0))
    best = np.take_along_axis(miss, np.abs(miss).argmin(axis=1)[:, None], axis=1)[:, 0]
    too_central = across - abs(opw.b)
    return np.where(too_central < -_REACH_ROUND_OFF, too_central, best)


def describe_reach(missing: float) -> str:
    """The clause for a pose that lies `missing` [m] outside the reach (negative: too close)."""
    if missing > 0.0:
        return f"unreachable: {missing / MM:.3g} mm beyond the arm's reach"
    return f"unreachable: {-missing / MM:.3g} mm too close to the arm"
