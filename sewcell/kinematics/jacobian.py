"""How joint speeds move the flange, and how close a posture is to losing a direction of motion."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import ArmModel
from sewcell.kinematics.forward import AXES, forward_links
from sewcell.kinematics.opw import SINGULAR_AXIS


def jacobian(model: ArmModel, q: ArrayLike) -> Array:
    """Geometric Jacobian in base at the flange's origin: (v, omega) = J dq/dt.

    Args: q (..., 6) [rad]. Returns: (..., 6, 6), rows vx vy vz [m] then wx wy wz [1] per rad.
    """
    links = forward_links(model, q)
    axes = np.stack([links[..., i + 1, :3, axis] for i, axis in enumerate(AXES)], axis=-2) * model.opw.signs[:, None]
    arms = links[..., 6:7, :3, 3] - links[..., 1:, :3, 3]
    return np.swapaxes(np.concatenate([np.cross(axes, arms), axes], axis=-1), -1, -2)


def manipulability(model: ArmModel, q: ArrayLike) -> Array:
    """Yoshikawa's measure |det J| for q (..., 6); 0 at a singularity. Returns: (...)."""
    return np.asarray(np.abs(np.linalg.det(jacobian(model, q))))


@dataclass(frozen=True, slots=True)
class SingularityDistance:
    """How far a posture is from each singular set of an arm with a spherical wrist.

    `wrist`: angle of joint 5 from straight or folded back [rad]; `elbow`: angle of the elbow from stretched or folded
    [rad]; `shoulder`: signed distance of the wrist centre ahead of axis 1, in the plane of the arm [m].
    """

    wrist: float
    elbow: float
    shoulder: float


def singularity_distance(model: ArmModel, q: ArrayLike) -> SingularityDistance:
    """Distances of one posture q (6,) [rad] from the three singular sets."""
    opw = model.opw
    theta = np.asarray(q, dtype=np.float64) * model.opw.signs - model.opw.offsets
    gamma = theta[2] + np.arctan2(opw.a2, opw.c3)
    theta_23 = theta[1] + theta[2]
    ahead = opw.a1 + opw.c2 * np.sin(theta[1]) + opw.c3 * np.sin(theta_23) + opw.a2 * np.cos(theta_23)
    return SingularityDistance(_to_half_turn(theta[4]), _to_half_turn(gamma), float(ahead))


def describe_singularity(distance: SingularityDistance) -> str:
    """Names the singular sets that the posture lies on; empty when it lies on none."""
    found = []
    if distance.wrist < SINGULAR_AXIS:
        found.append("the wrist is straight: joints 4 and 6 turn about the same axis")
    if distance.elbow < 1e-6:  # the elbow angle is known to the square root of the round-off
        found.append("the elbow is stretched or folded: the wrist cannot move along the arm")
    if abs(distance.shoulder) < SINGULAR_AXIS:
        found.append("the wrist is over axis 1: joint 1 turns without moving it")
    return "; ".join(found)


def _to_half_turn(angle: float) -> float:
    """Distance of `angle` [rad] from the nearest multiple of pi."""
    return float(abs((angle + np.pi / 2.0) % np.pi - np.pi / 2.0))
