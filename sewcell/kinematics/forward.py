"""Where the links of an arm are for given joint coordinates."""

from math import cos, sin

import numpy as np
from numpy.typing import ArrayLike

from sewcell.geometry.poses import Array
from sewcell.kinematics.arm_model import ArmModel
from sewcell.kinematics.lanes import kernel
from sewcell.kinematics.links import links_of


def forward_links(model: ArmModel, q: ArrayLike) -> Array:
    """Pose of every link in base: T_base_0 ... T_base_6; link 6 is the flange.

    T_base_i = T_base_(i-1) before_i Rz(theta_i) after_i, see `Links`.

    Args: q (..., 6) [rad]. Returns: (..., 7, 4, 4).
    """
    q = np.asarray(q, dtype=np.float64)
    links = np.empty((q.size // 6, 7, 4, 4))
    arm = links_of(model)
    _place_links(np.ascontiguousarray(q).reshape(-1, 6), arm.before, arm.after, arm.signs, arm.offsets, links)
    return links.reshape(*q.shape[:-1], 7, 4, 4)


def forward(model: ArmModel, q: ArrayLike) -> Array:
    """Pose of the flange in base, T_base_flange. Args: q (..., 6) [rad]. Returns: (..., 4, 4)."""
    return np.ascontiguousarray(forward_links(model, q)[..., 6, :, :])


@kernel
def _place_links(Q, before, after, signs, offsets, links):  # type: ignore[no-untyped-def]
    """Fills links (N, 7, 4, 4) for Q (N, 6)."""
    for n in range(Q.shape[0]):
        T = links[n]
        for r in range(4):
            for c in range(4):
                T[0, r, c] = 1.0 if r == c else 0.0
        for k in range(6):
            theta = Q[n, k] * signs[k] - offsets[k]
            cosine, sine = cos(theta), sin(theta)
            A, B, last, new = before[k], after[k], T[k], T[k + 1]
            for r in range(3):
                x = last[r, 0] * A[0, 0] + last[r, 1] * A[1, 0] + last[r, 2] * A[2, 0]
                y = last[r, 0] * A[0, 1] + last[r, 1] * A[1, 1] + last[r, 2] * A[2, 1]
                z = last[r, 0] * A[0, 2] + last[r, 1] * A[1, 2] + last[r, 2] * A[2, 2]
                t = last[r, 0] * A[0, 3] + last[r, 1] * A[1, 3] + last[r, 2] * A[2, 3] + last[r, 3]
                x, y = x * cosine + y * sine, y * cosine - x * sine
                for c in range(4):
                    new[r, c] = x * B[0, c] + y * B[1, c] + z * B[2, c]
                new[r, 3] += t
            for c in range(4):
                new[3, c] = 1.0 if c == 3 else 0.0
