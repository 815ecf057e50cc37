"""How fast a held piece may be carried before its free edge swings or folds."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from sewcell.motion.carry import GRAVITY, Flap, measure_acceleration, slow_legs
from sewcell.motion.joint_path import plan_joint_path
from sewcell.motion.legs import make_joint_legs
from sewcell.units import DEG

PERIOD = 0.02


def test_a_long_limp_flap_swings_to_its_angle_as_a_pendulum_does_under_a_sudden_acceleration():
    length = 0.3
    flap = Flap(0.12, 1e-12, length)
    for swing in (10 * DEG, 20 * DEG):
        a = flap.find_acceleration(swing)

        def strip(_, state, a=a):  # a rigid strip: m L^2 / 3 phi'' = m L / 2 (a cos phi - g sin phi)
            return [state[1], 1.5 / length * (a * np.cos(state[0]) - GRAVITY * np.sin(state[0]))]

        motion = solve_ivp(strip, (0.0, 3.0), [0.0, 0.0], rtol=1e-8, max_step=0.005)
        assert motion.y[0].max() == pytest.approx(swing, rel=0.05)


def test_a_short_stiff_flap_is_held_by_its_stiffness():
    # Cantilever under even load w a: its tip turns by w a L^3 / 6 B; twice that when the load comes suddenly.
    flap = Flap(0.12, 1e-3, 0.01)
    a = flap.find_acceleration(1 * DEG)
    assert 2 * 0.12 * (a - GRAVITY * np.tan(1 * DEG) / 2) * 0.01**3 / (6 * 1e-3) == pytest.approx(1 * DEG, rel=1e-3)


def test_a_longer_flap_allows_less_and_never_less_than_its_weight_holds():
    allowed = [Flap(0.12, 6e-6, length).find_acceleration() for length in (0.01, 0.03, 0.1, 0.3)]
    assert np.all(np.diff(allowed) < 0.0)
    assert allowed[-1] == pytest.approx(GRAVITY / 2, rel=1e-2)
    assert Flap(0.12, 6e-6, 0.0).find_acceleration() == np.inf


def test_only_the_legs_on_which_the_tool_is_too_fast_are_slowed(arm, limits, home):
    waypoints = np.stack([home, home + np.array([0.0, 0, 0, 0, 0.1, 0]), home + np.array([-1.2, 0, 0, 0, 0.1, 0])])
    legs = make_joint_legs(waypoints, 0.02)
    motion = plan_joint_path(legs.waypoints, limits, PERIOD, "swing", legs.corridor, legs.shares)
    assert measure_acceleration(arm, np.eye(4), motion).max() > 3.0
    slower = slow_legs(arm, np.eye(4), legs, motion, 3.0)
    assert slower is not None
    assert (slower.shares[1] < slower.shares[0]).all()
    assert slow_legs(arm, np.eye(4), legs, motion, 30.0) is None
