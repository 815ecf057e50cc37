"""The search for a layout finds the best of a landscape that is known, the same every time."""

from dataclasses import astuple

import numpy as np
import pytest
from scipy.stats import qmc

from sewcell.errors import MotionError
from sewcell.process.layout import BASES, Judge, Placement, reverse_digits, search_layout
from sewcell.process.layout_score import LayoutScore, Margin
from sewcell.units import DEG

PRESENT = Placement(0.1, 0.1, 0.0, 0.2, 0.3)
LOW, HIGH = (-0.5, -0.5, -np.pi, 0.2, 0.3), (0.5, 0.5, np.pi, 0.2, 0.3)
GOAL = (0.213, -0.127, 58 * DEG, 0.2, 0.3)


def judge():
    """Room falls with the distance from GOAL; a strip is not feasible."""

    def score(placement, planned):
        if abs(placement.needle_x + 0.2) < 0.05:
            raise MotionError(f"the machine would stand {abs(placement.needle_x):.3f} m inside the strip")
        x, y, yaw, _, _ = np.subtract(astuple(placement), GOAL)
        off = 2.0 * np.hypot(x, y) + abs((yaw + np.pi) % (2.0 * np.pi) - np.pi)
        return LayoutScore((Margin(1.5 - off, "room"),), 10.0 + off, planned)

    return Judge(lambda placement: score(placement, False), lambda placement: score(placement, True))


def test_the_best_placement_is_found_to_the_millimetre_and_degree():
    *_, last = search_layout(judge(), PRESENT, LOW, HIGH, samples=200)
    assert last.best is not None
    assert last.best.score.planned
    assert last.done == last.total
    found = astuple(last.best.placement)
    # Above a share of 1 there is room enough and the shorter cycle wins: that is at the goal, too.
    np.testing.assert_allclose(found[:2], GOAL[:2], atol=1.1e-3)
    assert abs(found[2] - GOAL[2]) < 1.1 * DEG
    assert found[3:] == GOAL[3:]


def test_the_samples_are_the_halton_sequence():
    wanted = qmc.Halton(len(BASES), scramble=False).random(200)
    ours = [[reverse_digits(k, base) for base in BASES] for k in range(200)]
    np.testing.assert_allclose(ours, wanted, atol=1e-15)


def test_two_searches_go_the_same_way():
    one, two = ([astuple(s.best.placement) for s in search_layout(judge(), PRESENT, LOW, HIGH, 60)] for _ in range(2))
    assert one == two


def test_a_search_that_is_stopped_has_the_best_of_what_it_saw_and_starts_with_the_present():
    states = search_layout(judge(), PRESENT, LOW, HIGH, samples=100)
    assert next(states).best.placement == PRESENT
    best = [next(states).best.score.rank for _ in range(60)]
    assert best == sorted(best)


def test_refused_placements_are_counted_by_their_reason_without_its_numbers():
    *_, last = search_layout(judge(), PRESENT, LOW, HIGH, samples=100)
    assert list(last.refusals) == ["the machine would stand .. m inside the strip"]
    assert sum(last.refusals.values()) > 3


def test_without_any_feasible_placement_there_is_no_best():
    def refuse(placement):
        raise MotionError("too small a room")

    *_, last = search_layout(Judge(refuse, refuse), PRESENT, LOW, HIGH, samples=20)
    assert last.best is None
    assert last.refusals == {"too small a room": 21}


def test_more_room_goes_before_a_shorter_cycle_until_there_is_room_enough():
    def rank(share, cycle):
        return LayoutScore((Margin(share, ""),), cycle, True).rank

    assert rank(0.8, 20.0) > rank(0.7, 10.0)
    assert rank(0.702, 10.0) > rank(0.698, 11.0)
    assert rank(1.2, 10.0) > rank(3.0, 11.0)


@pytest.mark.parametrize("axis", [0, 1, 3, 4])
def test_placements_are_whole_millimetres(axis):
    seen = []

    def note(placement):
        seen.append(placement)
        raise MotionError("no")

    list(search_layout(Judge(note, note), PRESENT, (*LOW[:3], 0.1, 0.2), HIGH, samples=20))
    values = np.array([astuple(placement)[axis] for placement in seen]) * 1e3
    np.testing.assert_allclose(values, np.rint(values), atol=1e-9)
