"""The links of an arm of any family as one form: fixed frames with a turn about z between them."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sewcell.geometry.poses import Array, make_pose
from sewcell.kinematics.arm_model import ArmModel, Geometry, OpwParameters, ParallelParameters

_Z_TO_Y = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
"""Turn about x by -pi/2: joints about y become joints about z."""


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """T_base_link(k) = before_1 Rz(theta_1) after_1 ... before_k Rz(theta_k) after_k, theta = signs * q - offsets.

    `before`, `after` (6, 4, 4); `signs`, `offsets` [rad] (6,).
    """

    before: Array
    after: Array
    signs: Array
    offsets: Array


def links_of(model: ArmModel) -> Links:
    """The links of an arm."""
    return _links_of(model.geometry)


@lru_cache(maxsize=64)
def _links_of(geometry: Geometry) -> Links:
    if isinstance(geometry, OpwParameters):
        return Links(*_opw_frames(geometry), geometry.signs, geometry.offsets)
    if isinstance(geometry, ParallelParameters):
        return Links(*_parallel_frames(geometry), geometry.signs, geometry.offsets)
    return Links(geometry.before, geometry.after, np.ones(6), np.zeros(6))


def dh_frames(d: Array, a: Array, alpha: Array, offset: Array) -> tuple[Array, Array]:
    """Frames before and after the turns of joints given by Denavit and Hartenberg, (6, 4, 4) each.

    T_(i-1)_i = Rz(theta_i + offset_i) Trans(a_i, 0, d_i) Rx(alpha_i); d, a [m], alpha, offset [rad], (6,).
    """
    before = np.stack([make_pose(rpy=(0.0, 0.0, angle)) for angle in offset])
    after = np.stack([make_pose((a[i], 0.0, d[i]), (alpha[i], 0.0, 0.0)) for i in range(6)])
    for frames in (before, after):  # quarter turns are exact
        frames[:, :3, :3] = np.where(np.abs(frames[:, :3, :3]) < 1e-15, 0.0, frames[:, :3, :3])
    return before, after


def _opw_frames(opw: OpwParameters) -> tuple[Array, Array]:
    """T_(i-1)_i = Trans(offset_i) Rot(axis_i, theta_i), axes z y y z y z. Source: Brandstoetter et al., section 2."""
    origins = [
        (0.0, 0.0, 0.0),
        (opw.a1, 0.0, opw.c1),
        (0.0, opw.b, opw.c2),
        (opw.a2, 0.0, opw.c3),
        (0.0, 0.0, 0.0),
        (0.0, 0.0, opw.c4),
    ]
    before, after = np.stack([make_pose(origin) for origin in origins]), np.tile(np.eye(4), (6, 1, 1))
    for i in (1, 2, 4):
        before[i] = before[i] @ _Z_TO_Y
        after[i] = _Z_TO_Y.T
    return before, after


def _parallel_frames(parallel: ParallelParameters) -> tuple[Array, Array]:
    half = np.pi / 2.0
    return dh_frames(
        np.array([parallel.d1, 0.0, 0.0, parallel.d4, parallel.d5, parallel.d6]),
        np.array([0.0, parallel.a2, parallel.a3, 0.0, 0.0, 0.0]),
        np.array([half, 0.0, 0.0, half, -half, 0.0]),
        np.zeros(6),
    )
