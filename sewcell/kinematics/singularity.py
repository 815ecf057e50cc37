"""How close a posture is to the singular sets of an arm that has a closed form, and what they are called."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import ArmModel, OpwParameters, ParallelParameters
from sewcell.kinematics.blocks import ELBOW, SHOULDER, WRIST

_SPHERICAL_WRIST = "the wrist is straight: joints 4 and 6 turn about the same axis"
_PARALLEL_WRIST = "the wrist is straight: axis 6 is parallel to axes 2, 3 and 4"
_ELBOW = "the elbow is stretched or folded: the wrist cannot move along the arm"
_SHOULDER = "the wrist is over axis 1: joint 1 turns without moving it"


@dataclass(frozen=True, slots=True, eq=False)
class SingularityDistance:
    """How far postures are from each singular set.

    `wrist`: angle of joint 5 from straight or folded back [rad]; `elbow`: angle of the elbow from stretched or folded
    [rad]; `shoulder`: signed distance of the wrist ahead of axis 1, in the plane of the arm [m].
    """

    wrist: Array
    elbow: Array
    shoulder: Array


def singularity_distance(model: ArmModel, q: ArrayLike) -> SingularityDistance:
    """Distances of the postures q (..., 6) [rad] from the three singular sets, (...) each.

    Raises: ValueError for an arm without a closed form, whose singular sets have no names.
    """
    geometry = model.geometry
    if not isinstance(geometry, OpwParameters | ParallelParameters):
        raise ValueError(f"the singular sets of {model.name} have no names: ask for its manipulability")
    theta = np.asarray(q, dtype=np.float64) * geometry.signs - geometry.offsets
    if isinstance(geometry, OpwParameters):
        theta_23 = theta[..., 1] + theta[..., 2]
        forearm = geometry.c3 * np.sin(theta_23) + geometry.a2 * np.cos(theta_23)
        ahead = geometry.a1 + geometry.c2 * np.sin(theta[..., 1]) + forearm
    else:
        theta_23 = theta[..., 1] + theta[..., 2]
        bars = geometry.a2 * np.cos(theta[..., 1]) + geometry.a3 * np.cos(theta_23)
        ahead = bars + geometry.d5 * np.sin(theta_23 + theta[..., 3])
    return SingularityDistance(
        _to_half_turn(theta[..., 4]), _to_half_turn(elbow_angle(geometry, theta[..., 2])), np.asarray(ahead)
    )


def elbow_angle(geometry: OpwParameters | ParallelParameters, theta_3: ArrayLike) -> Array:
    """Angle gamma [rad] between the two bars of the arm, 0 where it is stretched, for the geometric angle theta3."""
    if isinstance(geometry, OpwParameters):
        return np.asarray(theta_3 + np.arctan2(geometry.a2, geometry.c3))
    return np.asarray(theta_3, dtype=np.float64) + (np.pi if geometry.a2 * geometry.a3 < 0.0 else 0.0)


def describe_singular(geometry: OpwParameters | ParallelParameters, bits: int) -> str:
    """Names the singular sets whose bits (see `blocks`) are set; empty for none."""
    wrist = _SPHERICAL_WRIST if isinstance(geometry, OpwParameters) else _PARALLEL_WRIST
    return "; ".join(text for bit, text in ((WRIST, wrist), (ELBOW, _ELBOW), (SHOULDER, _SHOULDER)) if bits & bit)


def _to_half_turn(angle: Array) -> Array:
    """Distance of `angle` [rad] from the nearest multiple of pi."""
    return np.asarray(np.abs((angle + np.pi / 2.0) % np.pi - np.pi / 2.0))
