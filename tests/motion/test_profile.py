"""Scalar motions against the closed forms of rest-to-rest motion with limited jerk."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sewcell.errors import MotionError
from sewcell.motion.profile import ScalarLimits, plan_profile, plan_stages


def test_a_long_way_takes_distance_over_speed_plus_the_time_to_reach_it():
    # All limits reached: T = d/v + v/a + a/j (Biagiotti and Melchiorri 2008, eq. 3.40).
    assert plan_profile(1.0, ScalarLimits(1.0, 2.0, 10.0)).duration == pytest.approx(1.0 + 0.5 + 0.2, abs=1e-9)


def test_a_short_way_is_four_phases_of_full_jerk():
    # Neither speed nor acceleration reached: T = 4 (d / 2j)^(1/3).
    motion = plan_profile(1e-3, ScalarLimits(10.0, 100.0, 10.0))
    assert motion.duration == pytest.approx(4 * (1e-3 / 20.0) ** (1 / 3), rel=1e-9)


@settings(max_examples=100, deadline=None)
@given(*[st.floats(0.01, 10.0)] * 4)
def test_speed_acceleration_and_jerk_stay_within_limits_and_the_motion_ends_at_its_goal(distance, v, a, j):
    motion = plan_profile(distance, ScalarLimits(v, a, j))
    h = motion.duration / 2000
    s = motion.positions_at(np.arange(-3, 2004) * h)
    assert s[0] == 0.0
    assert s[-1] == distance
    for order, limit in ((1, v), (2, a), (3, j)):
        noise = 1e-14 * distance / h**order
        assert np.abs(np.diff(s, order)).max() / h**order <= limit * (1 + 1e-6) + noise
    assert np.diff(s).min() >= -1e-14 * distance


def test_stages_keep_their_own_limits_and_do_not_stop_at_the_border():
    slow, fast = ScalarLimits(0.02, 1.0, 20.0), ScalarLimits(0.3, 1.0, 20.0)
    motion = plan_stages([(0.01, slow), (0.09, fast)])
    h = 1e-4
    t = np.arange(0, motion.duration, h)
    s = motion.positions_at(t)
    v = np.diff(s) / h
    crossing = np.searchsorted(s, 0.01)
    assert v[: crossing - 1].max() <= 0.02 * (1 + 1e-9)
    assert v[crossing] == pytest.approx(0.02, rel=0.01)
    assert v.max() <= 0.3
    assert np.abs(np.diff(s, 3)).max() / h**3 <= 20.0 * 1.001
    assert motion.positions_at([motion.duration])[0] == pytest.approx(0.1, abs=1e-15)


def test_a_stage_too_short_to_reach_the_speed_of_its_border_is_refused():
    with pytest.raises(MotionError, match="too short"):
        plan_stages([(0.001, ScalarLimits(1.0, 1.0, 10.0)), (1.0, ScalarLimits(1.0, 1.0, 10.0))])


def test_stretching_keeps_the_path():
    motion = plan_profile(0.5, ScalarLimits(1.0, 2.0, 10.0))
    slow = motion.stretched(3.0)
    t = np.linspace(0, motion.duration, 101)
    np.testing.assert_allclose(slow.positions_at(3.0 * t), motion.positions_at(t), atol=1e-12)


def test_limits_that_are_not_positive_are_refused():
    with pytest.raises(MotionError, match="must be positive"):
        ScalarLimits(1.0, 0.0, 1.0)


def test_a_way_on_the_border_between_two_shapes_of_profile_is_planned():
    # 2 a^3 / j^2: acceleration is just reached. The digits are those of a 30 mm line of the bench, in joint space.
    limits = ScalarLimits(0.5201548405894801, 3.9011613044211, 39.01161304421101)
    assert plan_profile(0.07802322608842216, limits).duration == pytest.approx(0.4, abs=1e-6)
