"""How joint speeds move the flange."""

import numpy as np
from numpy.typing import ArrayLike

from sewcell.geometry.poses import Array, invert_pose
from sewcell.kinematics.arm_model import ArmModel
from sewcell.kinematics.forward import forward_links
from sewcell.kinematics.links import links_of


def jacobian(model: ArmModel, q: ArrayLike) -> Array:
    """Geometric Jacobian in base at the flange's origin: (v, omega) = J dq/dt.

    Joint i turns about the z axis of T_base_link(i) after_i^-1, see `Links`.

    Args: q (..., 6) [rad]. Returns: (..., 6, 6), rows vx vy vz [m] then wx wy wz [1] per rad.
    """
    arm, links = links_of(model), forward_links(model, q)
    joints = invert_pose(arm.after)
    axes = np.einsum("...jrc,jc->...jr", links[..., 1:, :3, :3], joints[:, :3, 2] * arm.signs[:, None])
    origins = np.einsum("...jrc,jc->...jr", links[..., 1:, :3, :], joints[:, :, 3])
    arms = links[..., 6:7, :3, 3] - origins
    (wx, wy, wz), (x, y, z) = np.moveaxis(axes, -1, 0), np.moveaxis(arms, -1, 0)
    return np.stack([wy * z - wz * y, wz * x - wx * z, wx * y - wy * x, wx, wy, wz], axis=-2)


def manipulability(model: ArmModel, q: ArrayLike) -> Array:
    """Yoshikawa's measure |det J| for q (..., 6); 0 at a singularity. Returns: (...)."""
    return np.asarray(np.abs(np.linalg.det(jacobian(model, q))))
