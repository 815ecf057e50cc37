"""Joint moves: straight in joint space, within every limit at 1 kHz, exact at both ends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sewcell.errors import MotionError
from sewcell.kinematics.arm_model import JointLimits
from sewcell.motion.joint_path import plan_joint_move, plan_joint_path
from sewcell.motion.trajectory import FINE_STEP, Trajectory, concatenate
from sewcell.units import DEG

PERIOD = 0.02
ONE = JointLimits(*[np.full(6, x) for x in (-9.0, 9.0, 1.0, 2.0, 10.0)])


def largest_differences(positions: np.ndarray) -> list[np.ndarray]:
    rest = np.vstack([positions[:1]] * 4 + [positions] + [positions[-1:]] * 4)
    return [np.abs(np.diff(rest, k, axis=0)).max(axis=0) / FINE_STEP**k for k in (1, 2, 3)]


postures = arrays(np.float64, 6, elements=st.floats(-2.0, 2.0))


@settings(max_examples=60, deadline=None)
@given(postures, postures)
def test_every_joint_keeps_its_limits_on_a_straight_joint_line(start, goal):
    speeds = np.array([6, 5, 6, 6.5, 6.7, 10])
    limits = JointLimits(np.full(6, -9.0), np.full(6, 9.0), speeds, 4 * speeds, 40 * speeds)
    move = plan_joint_move(start, goal, limits, PERIOD, "move")
    velocity, acceleration, jerk = largest_differences(move.positions)
    assert np.all(velocity <= limits.velocity * (1 + 1e-9))
    assert np.all(acceleration <= limits.acceleration * (1 + 1e-6) + 1e-7)
    assert np.all(jerk <= limits.jerk * (1 + 1e-6) + 1e-4)
    np.testing.assert_array_equal(move.goal, goal)
    np.testing.assert_allclose(move.start, start, atol=1e-12)
    change = goal - start
    if np.linalg.norm(change) > 1e-6:
        along = (move.positions - start) @ change / (change @ change)
        np.testing.assert_allclose(move.positions, start + along[:, None] * change, atol=1e-12)


def test_the_slowest_joint_decides_the_duration():
    # d/v + v/a + a/j = 1.5 + 0.5 + 0.2 for the joint that turns by 1.5 rad.
    move = plan_joint_move(np.zeros(6), np.array([0.3, -1.5, 0, 0.1, 0, 1.0]), ONE, PERIOD, "move")
    assert move.duration == pytest.approx(2.2, abs=1e-9)


def test_a_limit_of_another_joint_than_the_farthest_slows_the_move():
    slow_wrist = JointLimits(ONE.lower, ONE.upper, np.array([1, 1, 1, 1, 1, 0.1]), ONE.acceleration, ONE.jerk)
    move = plan_joint_move(np.zeros(6), np.array([1.0, 0, 0, 0, 0, 0.5]), slow_wrist, PERIOD, "move")
    assert move.duration > 5.0
    assert largest_differences(move.positions)[0][5] <= 0.1 + 1e-9


def test_a_path_without_a_corridor_stops_at_every_waypoint():
    waypoints = np.outer([0.0, 1.0, 0.4, 0.4], np.arange(1.0, 7.0) / 6)
    path = plan_joint_path(waypoints, ONE, PERIOD, "path", corridor=0.0)
    for waypoint in waypoints:
        at = np.flatnonzero(np.all(path.positions == waypoint, axis=1))
        assert len(at), "a waypoint is not met exactly"
    velocity, acceleration, jerk = largest_differences(path.positions)
    assert velocity.max() <= 1 + 1e-9
    assert acceleration.max() <= 2 + 1e-6
    assert jerk.max() <= 10 + 1e-3


def test_set_points_are_samples_a_period_apart_and_end_at_the_goal():
    move = plan_joint_move(np.zeros(6), np.full(6, 0.777), ONE, PERIOD, "move")
    times, positions = move.set_points(PERIOD)
    np.testing.assert_allclose(np.diff(times), PERIOD, atol=1e-12)
    np.testing.assert_array_equal(positions[-1], np.full(6, 0.777))
    with pytest.raises(ValueError, match="multiple"):
        move.set_points(0.0123)


def test_a_move_to_the_same_posture_is_one_period_of_standing():
    q = np.arange(6.0)
    move = plan_joint_move(q, q, ONE, PERIOD, "stay")
    assert move.duration == pytest.approx(PERIOD)
    np.testing.assert_array_equal(move.positions, np.tile(q, (21, 1)))


def test_motions_that_do_not_meet_are_not_joined():
    one = plan_joint_move(np.zeros(6), np.ones(6), ONE, PERIOD, "one")
    two = plan_joint_move(np.full(6, 1.1), np.zeros(6), ONE, PERIOD, "two")
    with pytest.raises(MotionError, match=r"'two' begins 5\.73 deg away from the end of 'one'"):
        concatenate([one, two], "both")


def test_a_trajectory_refuses_samples_that_are_not_a_millisecond_apart():
    with pytest.raises(ValueError, match="apart"):
        Trajectory(np.array([0.0, 0.02]), np.zeros((2, 6)), "coarse")


def test_the_wrist_of_the_kr6_turns_once_in_the_time_of_its_data_sheet(limits):
    turn = plan_joint_move(np.zeros(6), np.array([0, 0, 0, 0, 0, 300 * DEG]), limits, PERIOD, "turn")
    v, a, j = 0.6 * 615, 0.6 * 3600, 0.6 * 36000
    expected = 300 / v + v / a + a / j
    assert expected <= turn.duration < expected + PERIOD
