"""Lockstitches that join plies: where they are, and how they hold in space, when foot and needle have let go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from sewcell.geometry.poses import Array
from sim.world.cloth import Cloth
from sim.world.cloth_mesh import Indices

THREAD_STIFFNESS, THREAD_STRENGTH = 2e4, 8.0
"""Of a lockstitch between its plies [N/m, N]: assumed, of the size of a sewing thread's."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """A material point of a ply: `triangle` and barycentric `share` (3,) of that ply."""

    triangle: int
    share: Array


@dataclass(frozen=True, slots=True)
class Stitch:
    """A lockstitch joins a point of a ply to that of the ply above it."""

    lower: Cloth
    lower_point: Pinned
    upper: Cloth
    upper_point: Pinned


class Seam(NamedTuple):
    """Stitches among vertices of several plies: `corners` (S, 2, 3) and `share` (S, 2, 3) of the lower and the upper
    point; `length` (S,): how far apart they lie when the plies lie on one another [m].
    """

    corners: Indices
    share: Array
    length: Array


def gather_seam(stitches: Sequence[Stitch], start: Mapping[Cloth, int]) -> Seam:
    """The stitches between plies whose vertices begin at `start`; those to other plies are left out."""
    here = [s for s in stitches if s.lower in start and s.upper in start]
    seam = Seam(np.empty((len(here), 2, 3), dtype=np.int64), np.empty((len(here), 2, 3)), np.empty(len(here)))
    for n, s in enumerate(here):
        for end, (cloth, point) in enumerate(((s.lower, s.lower_point), (s.upper, s.upper_point))):
            seam.corners[n, end] = cloth.triangles[point.triangle] + start[cloth]
            seam.share[n, end] = point.share
        seam.length[n] = 0.5 * (s.lower.material.thickness + s.upper.material.thickness)
    return seam


@njit(cache=True, error_model="numpy")
def pull_seam(x: Array, w: Array, seam: Seam, h: float) -> None:
    """Thread draws points that are further apart than their `length` together, as a compliant constraint of a substep.

    It does not break here: the pull of a single sweep is no true force, see `SewingBed` for that.
    """
    compliance = 1.0 / (THREAD_STIFFNESS * h * h)
    r = np.empty(3)
    for n in range(seam.length.shape[0]):
        r[:] = 0.0
        mobility = 0.0
        for end in range(2):
            sign = 2.0 * end - 1.0
            for k in range(3):
                i, s = seam.corners[n, end, k], seam.share[n, end, k]
                mobility += s * s * w[i]
                for d in range(3):
                    r[d] += sign * s * x[i, d]
        apart = np.sqrt(r[0] ** 2 + r[1] ** 2 + r[2] ** 2)
        if apart <= seam.length[n] or mobility == 0.0:
            continue
        pull = (apart - seam.length[n]) / ((mobility + compliance) * apart)
        for end in range(2):
            sign = 2.0 * end - 1.0
            for k in range(3):
                i = seam.corners[n, end, k]
                for d in range(3):
                    x[i, d] -= sign * w[i] * seam.share[n, end, k] * pull * r[d]
