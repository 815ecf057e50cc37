"""The arm's way during a seam: along the feed, with the cloth, within every limit."""

import numpy as np
import pytest

from sewcell.errors import MotionError
from sewcell.motion.limits import find_stretch
from sewcell.motion.seam_path import plan_seam, smooth
from sewcell.motion.shaft import SeamProgram
from sewcell.motion.trajectory import FINE_STEP
from sewcell.units import DEG, MM, SPM

PERIOD = 0.02
POCKET = SeamProgram(43, 2.5 * MM, 1000 * SPM, 3, 3, 400 * SPM, 2000 * SPM)


@pytest.fixture(scope="module")
def seam(arm, limits, at_needle, T_base_needle):
    return plan_seam(arm, at_needle, T_base_needle, POCKET, limits, PERIOD, "hem")


def test_the_tool_moves_along_the_feed_only_and_keeps_its_orientation(arm, seam, T_base_needle):
    T = arm.forward(seam.trajectory.positions)
    moved = (T[:, :3, 3] - T[0, :3, 3]) @ T_base_needle[:3, :3]  # in the needle frame
    np.testing.assert_allclose(moved[:, 0], seam.travel, atol=1e-9)
    assert np.abs(moved[:, 1:]).max() < 1e-9
    assert np.abs(T[:, :3, :3] - T[0, :3, :3]).max() < 1e-9


def test_the_limits_hold_at_every_millisecond_and_the_seam_begins_and_ends_at_rest(seam, limits):
    assert find_stretch(seam.trajectory.positions, limits) <= 1.0
    assert np.ptp(seam.trajectory.positions[-3:], axis=0).max() < 1e-9


def test_the_seam_lasts_as_long_as_the_shaft_turns(seam):
    times = seam.trajectory.times
    assert -2 * PERIOD - 2 * seam.smoothing <= times[0] <= 0.0
    assert 0.0 <= times[-1] - seam.shaft.duration <= 2 * PERIOD + 2 * seam.smoothing
    periods = (times[-1] - times[0]) / PERIOD
    assert periods == pytest.approx(round(periods), abs=1e-9)


def test_a_set_point_falls_on_the_first_pierce_where_the_feed_sets_in(seam):
    times, _ = seam.trajectory.set_points(PERIOD)
    assert np.min(np.abs(times - seam.shaft.pierce_times[0])) <= FINE_STEP / 2


def test_a_seam_in_which_the_needle_never_enters_is_planned_too(arm, limits, at_needle, T_base_needle):
    program = SeamProgram(1, 2.5 * MM, 1000 * SPM, 0, 0, 400 * SPM, 2000 * SPM, needle_start_down=True)
    short = plan_seam(arm, at_needle, T_base_needle, program, limits, PERIOD, "hem")
    assert not len(short.shaft.pierce_times)
    assert short.travel[-1] == pytest.approx(2.5 * MM, abs=1e-9)


def test_at_every_pierce_the_arm_is_where_the_cloth_stands(seam):
    arm_there = np.interp(seam.shaft.pierce_times, seam.trajectory.times, seam.travel)
    error = arm_there - seam.shaft.feed_position(seam.shaft.pierce_turns)
    turning = np.isin(np.arange(55), [3, 6, 49, 52])  # the last pierce before the feed turns round
    assert np.abs(error[~turning]).max() < 0.1 * MM
    assert np.abs(error).max() <= seam.largest_deviation + 0.01 * MM
    assert seam.largest_deviation < 0.3 * MM


def test_backtacks_return_to_where_they_began_and_the_seam_is_as_long_as_its_stitches(seam):
    at = np.interp(seam.shaft.times_at([0.0, 6.0, 49.0, 55.0]), seam.trajectory.times, seam.travel)
    np.testing.assert_allclose(at[[0, 3]], [0.0, 107.5 * MM], atol=0.01 * MM)
    assert seam.travel[-1] == pytest.approx(107.5 * MM, abs=1e-12)
    assert seam.travel.max() < 107.6 * MM
    assert seam.travel.min() > -0.1 * MM


@pytest.mark.parametrize(("start_down", "stop_down"), [(False, True), (True, False), (True, True)])
def test_seams_that_begin_or_end_with_the_needle_down_are_guided_too(
    arm, limits, at_needle, T_base_needle, start_down, stop_down
):
    program = SeamProgram(12, 2.5 * MM, 1000 * SPM, 0, 0, 400 * SPM, 2000 * SPM, stop_down, start_down)
    seam = plan_seam(arm, at_needle, T_base_needle, program, limits, PERIOD, "short")
    assert find_stretch(seam.trajectory.positions, limits) <= 1.0
    assert seam.travel[-1] == pytest.approx((11 if stop_down else 12) * 2.5 * MM, abs=1e-9)
    assert seam.travel[0] == 0.0


def test_smoothing_delays_nothing():
    line = np.arange(500.0)
    np.testing.assert_allclose(smooth(line, 20)[40:-40], line[40:-40], atol=1e-9)


def test_a_seam_too_fast_for_the_arm_is_refused_and_says_what_to_change(arm, limits, at_needle, T_base_needle):
    program = SeamProgram(20, 5 * MM, 5000 * SPM, 3, 3, 2000 * SPM, 20000 * SPM)
    slow = type(limits)(limits.lower, limits.upper, *[np.full(6, x * DEG) for x in (30, 100, 1000)])
    with pytest.raises(MotionError, match="sew slower"):
        plan_seam(arm, at_needle, T_base_needle, program, slow, PERIOD, "hem")
