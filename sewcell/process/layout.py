"""Search for the place of machine and table that gives the arm the most room and the shortest cycle."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sewcell.errors import MotionError
from sewcell.geometry.planar import wrap_angle
from sewcell.geometry.poses import Array
from sewcell.process.layout_score import LayoutScore
from sewcell.units import DEG, MM

BASES = (2, 3, 5, 7, 11)
"""Of the Halton sequence, one for each coordinate."""
STARTS = 8
"""The best samples from which the search goes on in small steps."""
FINALISTS = 12
"""The best placements for which whole cycles are planned."""
APART, APART_TURN = 30 * MM, 10 * DEG
"""Starts, and finalists, differ from one another by more than this in one coordinate at least."""
STEPS_TO_BEST = 100
"""Placements that are looked at on the way from a good sample to the best one near it; for the progress bar."""
STEPS = tuple((length * MM, turn * DEG) for length, turn in ((32, 16), (16, 8), (8, 4), (4, 2), (2, 1)))
"""Steps of place and angle in which a placement is improved."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the needle and the corner of the table's working area stand in base: x, y [m], yaw of the feed [rad].

    Whole millimetres and degrees, as a fitter can set them.
    """

    needle_x: float
    needle_y: float
    needle_yaw: float
    table_x: float
    table_y: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A feasible placement."""

    placement: Placement
    score: LayoutScore


@dataclass(frozen=True, slots=True)
class SearchState:
    """How far the search is: `done` of `total` steps, the `best` so far, and why placements were refused,
    counted, numbers left out."""

    done: int
    total: int
    best: Candidate | None
    refusals: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Judge:
    """Scores of a placement: `estimate` in milliseconds, `plan` with the whole motions.

    Both raise MotionError, its text what stands in the way, for a placement that is not feasible.
    """

    estimate: Callable[[Placement], LayoutScore]
    plan: Callable[[Placement], LayoutScore]


def search_layout(
    judge: Judge, present: Placement, low: Sequence[float], high: Sequence[float], samples: int
) -> Iterator[SearchState]:
    """The best placement, found in three passes; yields after every placement that was looked at.

    `samples` points of a Halton sequence (the same every time) between `low` and `high` [m, m, rad, m, m] and the
    `present` placement are estimated; from the best STARTS of them, steps along each coordinate that improve are taken,
    ever smaller; the FINALISTS are planned. A coordinate with low = high stays. Stopping to iterate stops the search.
    """
    run = _Run(judge, samples)
    yield run.try_estimate(present)
    bounds = np.array(low, dtype=np.float64), np.array(high, dtype=np.float64)
    for k in range(1, samples + 1):
        point = np.array([reverse_digits(k, base) for base in BASES])
        yield run.try_estimate(_round(bounds[0] + point * (bounds[1] - bounds[0])))
    for start in run.list_best(STARTS):
        yield from _improve(run, start, bounds)
    for candidate in run.list_best(FINALISTS):
        yield run.try_plan(candidate.placement)
    yield run.state(finished=True)


def reverse_digits(k: int, base: int) -> float:
    """The digits of `k` mirrored at the point: 6 = 110 in base 2 gives 0.011 = 3 / 8. Source: Halton (1960)."""
    value, place = 0.0, 1.0
    while k:
        k, digit = divmod(k, base)
        place /= base
        value += digit * place
    return value


def _improve(run: "_Run", start: Candidate, bounds: tuple[Array, Array]) -> Iterator[SearchState]:
    """Steps along each coordinate as long as the estimate improves, ever smaller."""
    free = np.flatnonzero(bounds[1] > bounds[0])
    here = start
    for length, turn in STEPS:
        better = True
        while better:
            better = False
            for axis in free:
                for sign in (1.0, -1.0):
                    point = _to_row(here.placement)
                    point[axis] += sign * (turn if axis == 2 else length)
                    turned = axis == 2 and bounds[1][2] - bounds[0][2] > 2.0 * np.pi - 1e-9
                    if not turned and not bounds[0][axis] - 1e-9 <= point[axis] <= bounds[1][axis] + 1e-9:
                        continue
                    placement = _round(point)
                    yield run.try_estimate(placement)
                    found = run.estimates.get(placement)
                    if found is not None and found.rank > here.score.rank:
                        here, better = Candidate(placement, found), True


class _Run:
    """What the search has found so far."""

    def __init__(self, judge: Judge, samples: int) -> None:
        self._judge = judge
        self._samples = samples
        self._seen = 0
        self._best: Candidate | None = None
        self._refusals: Counter[str] = Counter()
        self.estimates: dict[Placement, LayoutScore | None] = {}

    def try_estimate(self, placement: Placement) -> SearchState:
        """Look at a placement roughly, unless it has been."""
        if placement not in self.estimates:
            score = self.estimates[placement] = self._ask(self._judge.estimate, placement)
            self._keep(placement, score)
        return self.state()

    def try_plan(self, placement: Placement) -> SearchState:
        """Plan the work at a placement."""
        self._keep(placement, self._ask(self._judge.plan, placement))
        return self.state()

    def list_best(self, count: int) -> list[Candidate]:
        """The placements with the best estimates that lie apart."""
        feasible = [Candidate(placement, score) for placement, score in self.estimates.items() if score is not None]
        best: list[Candidate] = []
        for candidate in sorted(feasible, key=lambda candidate: candidate.score.rank, reverse=True):
            if not any(_are_near(candidate.placement, other.placement) for other in best):
                best.append(candidate)
                if len(best) == count:
                    break
        return best

    def state(self, finished: bool = False) -> SearchState:
        """How far it is. How many steps improve is not known before: the total is a guess."""
        self._seen += not finished
        total = self._seen if finished else max(self._samples + STARTS * STEPS_TO_BEST + FINALISTS, self._seen + 1)
        return SearchState(self._seen, total, self._best, self._refusals)

    def _keep(self, placement: Placement, score: LayoutScore | None) -> None:
        """Keep what is best; a planned placement goes before all that are only estimated."""
        if score is None:
            return
        best = self._best
        if best is None or (score.planned, score.rank) > (best.score.planned, best.score.rank):
            self._best = Candidate(placement, score)

    def _ask(self, judge: Callable[[Placement], LayoutScore], placement: Placement) -> LayoutScore | None:
        try:
            return judge(placement)
        except MotionError as error:
            self._refusals[re.sub(r"-?\d[\d.]*", "..", str(error))] += 1
            return None


def _are_near(one: Placement, other: Placement) -> bool:
    off = np.abs(_to_row(one) - _to_row(other))
    off[2] = abs(float(wrap_angle(off[2])))
    return bool((off <= (APART, APART, APART_TURN, APART, APART)).all())


def _round(row: Array) -> Placement:
    """The placement of a row (5,) in whole millimetres and degrees, the angle in [-180, 180) deg."""
    x, y, table_x, table_y = (round(float(row[i]) / MM) * MM for i in (0, 1, 3, 4))
    return Placement(x, y, round(float(wrap_angle(row[2])) / DEG) * DEG, table_x, table_y)


def _to_row(placement: Placement) -> Array:
    return np.array([
        placement.needle_x, placement.needle_y, placement.needle_yaw, placement.table_x, placement.table_y,
    ])  # fmt: skip
