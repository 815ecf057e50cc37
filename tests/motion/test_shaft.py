"""The shaft motion against the formula of docs/protocols/sewing_head.md, evaluated and integrated numerically."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewcell.motion.shaft import SeamProgram, ShaftMotion
from sewcell.units import DEG, MM, SPM

POCKET = SeamProgram(43, 2.5 * MM, 1000 * SPM, 3, 3, 400 * SPM, 2000 * SPM)
TURN = 360 * DEG


def speed_of_the_page(program: SeamProgram, phi: np.ndarray, samples: int) -> np.ndarray:
    """v(phi) = min over p of sqrt(lim(p)^2 + 2 a |phi - p|), p on a lattice of the seam and at phi."""
    start = 135 / 360 if program.needle_start_down else 0.0
    legs = [program.backtack_start] * 2 + [program.stitches] + [program.backtack_end] * 2
    limits = [program.backtack_speed] * 2 + [program.speed] + [program.backtack_speed] * 2
    borders = np.cumsum([0, *legs])
    end = borders[-1] - 1 + 135 / 360 if program.needle_stop_down else float(borders[-1])
    v = np.sqrt(2 * program.acceleration * np.minimum(phi - start, end - phi))
    for first, last, limit in zip(borders[:-1], borders[1:], limits, strict=True):
        if last > first:
            p = np.linspace(max(first, start), min(last, end), samples)
            square = limit**2 + 2 * program.acceleration * np.abs(phi[:, None] - p)
            v = np.minimum(v, np.sqrt(square).min(axis=1))
            v = np.where((first <= phi) & (phi <= last), np.minimum(v, limit), v)
    return v


programs = st.builds(
    SeamProgram,
    stitches=st.integers(2, 30),
    stitch_length=st.floats(0.5 * MM, 5 * MM),
    speed=st.floats(100 * SPM, 5000 * SPM),
    backtack_start=st.integers(0, 5),
    backtack_end=st.integers(0, 5),
    backtack_speed=st.floats(100 * SPM, 2000 * SPM),
    acceleration=st.floats(500 * SPM, 20000 * SPM),
    needle_stop_down=st.booleans(),
    needle_start_down=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(programs)
def test_the_speed_at_every_angle_is_that_of_the_page(program):
    shaft = ShaftMotion(program)
    phi = np.linspace(shaft.start_turns, shaft.end_turns, 203)[1:-1]
    t, h = shaft.times_at(phi), 1e-6
    measured = (shaft.turns_at(t + h) - shaft.turns_at(t - h)) / (2 * h)
    expected = speed_of_the_page(program, phi, 801)
    np.testing.assert_allclose(measured, expected, rtol=1e-6, atol=2 * program.acceleration * h)


def test_the_duration_is_the_integral_of_one_over_speed():
    shaft = ShaftMotion(POCKET)
    # t = integral of d phi / v(phi); phi = end (1 - cos u)/2 takes away the poles of 1/v at both ends.
    u = np.linspace(0, np.pi, 20_001)
    u = (u[:-1] + u[1:]) / 2
    phi = shaft.total_turns * (1 - np.cos(u)) / 2
    integrand = shaft.total_turns * np.sin(u) / 2 / speed_of_the_page(POCKET, phi, 101)
    assert shaft.duration == pytest.approx(integrand.sum() * np.pi / 20_000, rel=1e-5)


def test_a_plain_seam_takes_the_time_of_a_trapezoid():
    shaft = ShaftMotion(SeamProgram(100, 2.5 * MM, 1200 * SPM, 0, 0, 400 * SPM, 6000 * SPM))
    # v = 20 turns/s, a = 100 turns/s2: n/v + v/a.
    assert shaft.duration == pytest.approx(100 / 20 + 20 / 100, abs=1e-12)
    np.testing.assert_allclose(shaft.turns_at([0.0, 0.1, 0.2, 1.2, 5.2, 9.0]), [0, 0.5, 2, 22, 100, 100], atol=1e-12)


def test_a_short_seam_never_reaches_its_speed():
    shaft = ShaftMotion(SeamProgram(4, 2.5 * MM, 5000 * SPM, 0, 0, 400 * SPM, 60 * SPM))
    assert shaft.duration == pytest.approx(2 * np.sqrt(4 / 1.0), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(programs)
def test_times_and_turns_invert_each_other_and_the_shaft_never_turns_back(program):
    shaft = ShaftMotion(program)
    phi = np.linspace(shaft.start_turns, shaft.end_turns, 500)
    t = shaft.times_at(phi)
    assert np.all(np.diff(t) > 0)
    assert t[0] == 0.0
    assert t[-1] == pytest.approx(shaft.duration, abs=1e-9)
    np.testing.assert_allclose(shaft.turns_at(t), phi, atol=1e-9)


def test_the_needle_pierces_once_a_turn_at_75_degrees_and_first_before_any_feed():
    shaft = ShaftMotion(POCKET)
    assert len(shaft.pierce_times) == 43 + 4 * 3
    np.testing.assert_allclose(shaft.turns_at(shaft.pierce_times) % 1.0, 75 / 360, atol=1e-9)
    # From rest: phi = a t^2/2.
    assert shaft.pierce_times[0] == pytest.approx(np.sqrt(2 * (75 / 360) / (2000 / 60)), abs=1e-12)
    assert shaft.feed_position(shaft.pierce_turns[0]) == 0.0


@pytest.mark.parametrize(
    ("start_down", "stop_down", "pierces", "turns"),
    [(False, False, 10, 10.0), (False, True, 10, 9.375), (True, False, 9, 9.625), (True, True, 9, 9.0)],
)
def test_needle_stops_decide_where_a_seam_begins_and_ends(start_down, stop_down, pierces, turns):
    shaft = ShaftMotion(SeamProgram(10, 2.5 * MM, 1000 * SPM, 0, 0, 400 * SPM, 2000 * SPM, stop_down, start_down))
    assert len(shaft.pierce_times) == pierces
    assert shaft.total_turns == pytest.approx(turns, abs=1e-12)
    assert shaft.turns_at(shaft.duration) % 1.0 == pytest.approx(0.375 if stop_down else 0.0, abs=1e-9)
    # With the needle left in the cloth the feed of the last turn is still to come.
    assert shaft.feed_position(shaft.end_turns) == pytest.approx((9 if stop_down else 10) * 2.5 * MM, abs=1e-12)


def test_the_cloth_stands_while_the_needle_is_in_it():
    shaft = ShaftMotion(POCKET)
    turn = np.arange(55)[:, None]
    inside = turn + np.linspace(75, 195, 50) / 360
    assert np.ptp(shaft.feed_position(inside), axis=1).max() < 1e-15


def test_half_of_a_stitch_is_fed_at_285_degrees():
    shaft = ShaftMotion(SeamProgram(10, 2.5 * MM, 1000 * SPM, 0, 0, 400 * SPM, 2000 * SPM))
    np.testing.assert_allclose(
        shaft.feed_position([225 / 360, 285 / 360, 345 / 360, 1.0, 1 + 285 / 360]),
        np.array([0, 1.25, 2.5, 2.5, 3.75]) * MM,
        atol=1e-12,
    )


def test_backtacks_come_back_to_where_they_began():
    shaft = ShaftMotion(POCKET)
    fed = shaft.feed_position(np.arange(56.0))
    np.testing.assert_allclose(fed[:7] / MM, [0, 2.5, 5, 7.5, 5, 2.5, 0], atol=1e-9)
    np.testing.assert_allclose(fed[-7:] / MM, 107.5 - np.array([0, 2.5, 5, 7.5, 5, 2.5, 0]), atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(programs)
def test_the_mean_feed_meets_the_standing_cloth_at_every_pierce_and_stays_within_a_stitch(program):
    shaft = ShaftMotion(program)
    np.testing.assert_allclose(shaft.mean_feed(shaft.pierce_turns), shaft.feed_position(shaft.pierce_turns), atol=1e-12)
    phi = np.linspace(shaft.start_turns, shaft.end_turns, 2000)
    assert np.abs(shaft.mean_feed(phi) - shaft.feed_position(phi)).max() < program.stitch_length
    for end in (shaft.start_turns, shaft.end_turns):
        assert shaft.mean_feed(end) == pytest.approx(shaft.feed_position(end), abs=1e-12)
