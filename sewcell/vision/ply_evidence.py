"""How many plies the gripper holds: what the camera can see and what the gripper feels, joined.

A second ply that lies exactly under the first shows nowhere in a picture. One that is shifted shows as a rim of cloth
beyond the outline; the picked place still covered with cloth shows that a ply stayed behind, when the piece lay alone.
Thickness is the evidence that does not depend on luck.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sewcell.geometry.poses import Array
from sewcell.units import MM
from sewcell.vision.located import LocatedPiece

PLIES = np.arange(4)
"""The hypotheses: none, one, two, three plies."""

_SHIFT_SEEN = 0.3
_RIM_OF_SINGLE = 0.02
_FLOOR = 1e-6


class PlyEvidence(Protocol):
    """One source of evidence."""

    def likelihood(self) -> Array:
        """Probability of what was observed for each number of PLIES, (4,)."""
        ...


@dataclass(frozen=True, slots=True)
class Thickness:
    """What the gripper feels: `measured` [m], `ply` [m] one ply, `sigma` [m] of the sensor and of the cloth."""

    measured: float
    ply: float
    sigma: float = 0.05 * MM

    def likelihood(self) -> Array:
        """Normal about plies times `ply`, of equal width."""
        return np.asarray(np.exp(-0.5 * ((self.measured - PLIES * self.ply) / self.sigma) ** 2) + _FLOOR)


@dataclass(frozen=True, slots=True)
class Rim:
    """What the camera sees around the piece before it is picked: cloth that goes on beyond its outline or not.

    Two plies shift against each other enough to be seen in some three of ten stacks (assumed); a single ply shows
    cloth beyond its outline only when something else lies there.
    """

    located: LocatedPiece

    def likelihood(self) -> Array:
        """Of a rim, or of none, for each number of plies."""
        seen = "occluded" in self.located.flags
        rim = np.array([_FLOOR, _RIM_OF_SINGLE, _SHIFT_SEEN, 1.0 - (1.0 - _SHIFT_SEEN) ** 2])
        return rim if seen else np.asarray(1.0 - rim)


@dataclass(frozen=True, slots=True)
class PlyCount:
    """The most probable number of plies and its probability."""

    plies: int
    probability: float


def count_plies(evidence: Sequence[PlyEvidence], prior: Sequence[float] = (0.05, 0.9, 0.04, 0.01)) -> PlyCount:
    """Bayes' rule over independent sources; `prior`: of no, one, two and three plies."""
    posterior = np.array(prior, dtype=np.float64)
    for source in evidence:
        posterior = posterior * source.likelihood()
    posterior /= posterior.sum()
    best = int(np.argmax(posterior))
    return PlyCount(int(PLIES[best]), float(posterior[best]))
