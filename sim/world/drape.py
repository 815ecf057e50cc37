"""Cusick's drape test in numbers: a round of cloth hangs over a smaller disc; how far it spreads and how it folds."""

from dataclasses import dataclass

import numpy as np

from sewcell.geometry.poses import Array

DISC, ROUND = 0.09, 0.15
"""Radii of the disc and of the cloth [m], BS 5058."""
EDGE = 6.5e-3
AREAL_MASS, BENDING, STRETCH = 0.12, 8e-6, 400.0
"""Isotropic cloth of the comparison [kg/m2, N m, N/m]; its shear stiffness is half of the stretch stiffness."""


@dataclass(frozen=True, slots=True)
class Hem:
    """`coefficient`: area of the shadow outside the disc over the area of the flat ring (Cusick 1968, J. Textile Inst.
    59); `drop` [m]: mean depth of the hem under the disc; `folds`: maxima of its radius.
    """

    coefficient: float
    drop: float
    folds: int


def describe_hem(rest: Array, x: Array) -> Hem:
    """What the rim of a round with rest positions `rest` (V, 2) does at `x` (V, 3), both [m], about the disc."""
    rim = np.flatnonzero(np.linalg.norm(rest, axis=1) > ROUND - 1e-3)
    rim = rim[np.argsort(np.arctan2(rest[rim, 1], rest[rim, 0]))]
    p = x[rim]
    following = np.roll(p, -1, axis=0)
    shadow = 0.5 * float(np.sum(p[:, 0] * following[:, 1] - p[:, 1] * following[:, 0]))
    ring = np.pi * (ROUND**2 - DISC**2)
    radius = np.linalg.norm(p[:, :2], axis=1)
    waves = np.abs(np.fft.rfft(radius - radius.mean()))
    return Hem((shadow - np.pi * DISC**2) / ring, -float(p[:, 2].mean()), int(np.argmax(waves)))
