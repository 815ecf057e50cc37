"""Where the links of an arm are for given joint coordinates."""

import numpy as np
from numpy.typing import ArrayLike

from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import ArmModel, OpwParameters

AXES = (2, 1, 1, 2, 1, 2)
"""Joint i turns about this axis (0 x, 1 y, 2 z) of its link's frame."""


def link_offsets(opw: OpwParameters) -> Array:
    """Origins of links 1 to 6, each in the frame of the link before it [m], (6, 3)."""
    return np.array(
        [
            [0.0, 0.0, 0.0],
            [opw.a1, 0.0, opw.c1],
            [0.0, opw.b, opw.c2],
            [opw.a2, 0.0, opw.c3],
            [0.0, 0.0, 0.0],
            [0.0, 0.0, opw.c4],
        ]
    )


def forward_links(model: ArmModel, q: ArrayLike) -> Array:
    """Pose of every link in base: T_base_0 ... T_base_6; link 6 is the flange.

    T_base_i = T_base_(i-1) Trans(offset_i) Rot(axis_i, theta_i), theta = signs * q - offsets, axes z y y z y z.

    Args: q (..., 6) [rad]. Returns: (..., 7, 4, 4).
    Source: Brandstoetter et al. 2014, section 2.
    """
    theta = np.asarray(q, dtype=np.float64) * model.opw.signs - model.opw.offsets
    c, s = np.cos(theta), np.sin(theta)
    links = np.zeros((*theta.shape[:-1], 7, 4, 4))
    links[..., np.arange(4), np.arange(4)] = 1.0
    for i, (axis, offset) in enumerate(zip(AXES, link_offsets(model.opw), strict=True)):
        before, after = links[..., i, :3, :], links[..., i + 1, :3, :]
        u, v = (axis + 1) % 3, (axis + 2) % 3
        cos, sin = c[..., i, None], s[..., i, None]
        after[..., axis] = before[..., axis]
        after[..., u] = before[..., u] * cos + before[..., v] * sin
        after[..., v] = before[..., v] * cos - before[..., u] * sin
        after[..., 3] = before[..., :3] @ offset + before[..., 3]
    return links


def forward(model: ArmModel, q: ArrayLike) -> Array:
    """Pose of the flange in base, T_base_flange. Args: q (..., 6) [rad]. Returns: (..., 4, 4)."""
    return np.ascontiguousarray(forward_links(model, q)[..., 6, :, :])
