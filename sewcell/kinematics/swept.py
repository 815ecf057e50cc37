"""Distances along a whole path, proven between its samples from how far the joints can move any point."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sewcell.geometry.poses import Array

RESOLUTION = 0.05e-3
"""Between the postures that were looked at, no distance is smaller than what is reported by more than this [m]."""
_FIRST_LOOK = 32
"""Parts of equal joint travel into which a path is cut before it is looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class Encounter:
    """Two bodies on their path: index of the `pair`, signed `distance` [m], what was `wanted` [m], and where: `at`
    counts samples, 2.5 is halfway from sample 2 to 3."""

    pair: int
    distance: float
    wanted: float
    at: float


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """What is proven about a path.

    `worst`: where a distance was seen to miss most, or exceed least, what is wanted; nowhere does one miss it by more
    than that (than 0 where the path is clear) and RESOLUTION. `nearest`: the smallest distance of the pairs that count,
    None when none does; the true one is at most RESOLUTION smaller. `looks`: how many postures it took.
    """

    worst: Encounter
    nearest: Encounter | None
    looks: int

    @property
    def is_clear(self) -> bool:
        """Whether every distance is at least what is wanted, between the postures looked at less RESOLUTION."""
        return self.worst.distance >= self.worst.wanted


class _Looks:
    """The best that has been seen so far."""

    def __init__(self, wanted: Array, counted: NDArray[np.bool_]) -> None:
        self._wanted = wanted
        self._counted = np.flatnonzero(counted)
        self.count = 0
        self.missing = Encounter(0, np.inf, 0.0, 0.0)
        self.nearest: Encounter | None = None

    def add(self, at: Array, distances: Array) -> None:
        """Distances (K, P) [m] at the places `at` (K,)."""
        self.count += len(at)
        row, pair = divmod(int((distances - self._wanted).argmin()), distances.shape[1])
        seen = Encounter(pair, float(distances[row, pair]), float(self._wanted[pair]), float(at[row]))
        if seen.distance - seen.wanted < self.missing.distance - self.missing.wanted:
            self.missing = seen
        if len(self._counted):
            counted = distances[:, self._counted]
            row, k = divmod(int(counted.argmin()), counted.shape[1])
            if self.nearest is None or counted[row, k] < self.nearest.distance:
                pair = int(self._counted[k])
                self.nearest = Encounter(pair, float(counted[row, k]), float(self._wanted[pair]), float(at[row]))

    def leaves_open(self, bounds: Array) -> NDArray[np.bool_]:
        """Which parts of the path (K,) could hold something worse, by lower bounds (K, P) of the distances in them."""
        miss = min(self.missing.distance - self.missing.wanted, 0.0)
        is_open: NDArray[np.bool_] = (bounds - self._wanted).min(axis=1) < miss - RESOLUTION
        if self.nearest is not None:
            is_open |= bounds[:, self._counted].min(axis=1) < self.nearest.distance - RESOLUTION
        return is_open


def sweep(
    measure: Callable[[Array], Array],
    reach: Array,
    Q: Array,
    wanted: Array,
    counted: NDArray[np.bool_],
    until_refused: bool = False,
) -> Sweep:
    """The smallest distances along straight joint moves from each posture of Q (N, 6) [rad] to the next.

    While the joints travel by dq, no point of one body moves against the other by more than m = |dq| @ reach, and a
    signed distance changes by no more than that. So between two postures with distances d0 and d1 it is at least
    (d0 + d1 - m) / 2. Parts of the path in which this proves less than what has been seen are halved until it does.

    Args: measure: postures (K, 6) to distances (K, P) [m], negative by the shortest way apart; reach (P, 6) [m];
    wanted (P,) [m]; counted (P,): pairs whose smallest distance is looked for, the others are only proven to keep what
    is wanted; until_refused: ends as soon as a posture misses what is wanted, which need not be the worst.
    """
    looks = _Looks(wanted, counted)
    travel = np.zeros_like(Q)
    np.cumsum(np.abs(np.diff(Q, axis=0)), axis=0, out=travel[1:])
    way = travel.sum(axis=1)
    at = np.unique(np.append(np.searchsorted(way, np.linspace(0.0, way[-1], _FIRST_LOOK)), [0, len(Q) - 1]))
    at = at.astype(np.float64)
    distances = measure(Q[at.astype(np.intp)])
    looks.add(at, distances)
    low, high, at_low, at_high = at[:-1], at[1:], distances[:-1], distances[1:]
    while not (until_refused and looks.missing.distance < looks.missing.wanted):
        moved = (_interpolate(travel, high) - _interpolate(travel, low)) @ reach.T
        is_open = looks.leaves_open((at_low + at_high - moved) / 2.0)
        low, high, at_low, at_high = low[is_open], high[is_open], at_low[is_open], at_high[is_open]
        if not len(low):
            break
        middle = (low + high) / 2.0
        middle = np.where(high - low > 1.0, np.floor(middle), middle)
        between = measure(_interpolate(Q, middle))
        looks.add(middle, between)
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
        at_low, at_high = np.concatenate([at_low, between]), np.concatenate([between, at_high])
    return Sweep(looks.missing, looks.nearest, looks.count)


def _interpolate(values: Array, at: Array) -> Array:
    """Rows of `values` (N, 6) at fractional indices `at` (K,)."""
    index = np.minimum(at.astype(np.intp), max(len(values) - 2, 0))
    share = (at - index)[:, None]
    found: Array = values[index] + share * (values[np.minimum(index + 1, len(values) - 1)] - values[index])
    return found
