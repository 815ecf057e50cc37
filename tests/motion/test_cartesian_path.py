"""Straight lines of the flange, judged by forward kinematics and by spatialmath."""

import numpy as np
import pytest
from spatialmath import UnitQuaternion

from sewcell.errors import MotionError
from sewcell.geometry.poses import make_pose
from sewcell.motion.cartesian_path import Line, plan_line
from sewcell.motion.limits import find_stretch
from sewcell.motion.peel import plan_pick_lift
from sewcell.motion.profile import ScalarLimits
from sewcell.units import DEG

PERIOD = 0.02
LINE = ScalarLimits(0.2, 1.5, 15.0)


def distance_from_line(points: np.ndarray) -> np.ndarray:
    direction = (points[-1] - points[0]) / np.linalg.norm(points[-1] - points[0])
    return np.linalg.norm(np.cross(points - points[0], direction), axis=1)


def test_a_line_is_straight_keeps_its_speed_and_ends_at_its_goal(arm, limits, at_needle):
    T_goal = arm.forward(at_needle) @ make_pose((0.03, 0.12, -0.06))
    line = plan_line(arm, at_needle, T_goal, LINE, limits, PERIOD, "line")
    T = arm.forward(line.positions)
    assert distance_from_line(T[:, :3, 3]).max() < 1e-9
    speed = np.linalg.norm(np.diff(T[:, :3, 3], axis=0), axis=1) / 1e-3
    assert speed.max() == pytest.approx(0.2, rel=1e-6)
    np.testing.assert_allclose(T[-1], T_goal, atol=1e-9)
    np.testing.assert_allclose(line.start, at_needle, atol=1e-9)
    assert find_stretch(line.positions, limits) <= 1.0


def test_between_the_set_points_the_controllers_joint_lines_stay_within_a_twentieth_of_a_millimetre(
    arm, limits, at_needle
):
    T_goal = arm.forward(at_needle) @ make_pose((0.0, 0.15, 0.0))
    line = plan_line(arm, at_needle, T_goal, LINE, limits, PERIOD, "line")
    _, Q = line.set_points(PERIOD)
    middles = (Q[1:] + Q[:-1]) / 2
    points = arm.forward(np.vstack([Q[:1], middles, Q[-1:]]))[:, :3, 3]
    assert distance_from_line(points).max() < 0.05e-3


@pytest.mark.parametrize("turn_deg", [(30, 0, 0), (0, -40, 20), (0, 0, 180), (90, 90, 90)])
def test_orientation_goes_the_shortest_way_at_an_even_rate(turn_deg):
    T0 = make_pose((0.4, 0, 0.3), (3.0, 0.2, 1.0))
    T1 = T0 @ make_pose((0.1, 0, 0), np.array(turn_deg) * DEG)
    s = np.linspace(0, 1, 11)
    T = Line(T0, T1).poses_at(s)
    q0, q1 = UnitQuaternion(T0[:3, :3]), UnitQuaternion(T1[:3, :3])
    total = q0.angdist(q1, metric=3)
    for fraction, pose in zip(s, T, strict=True):
        assert abs(np.linalg.det(pose[:3, :3]) - 1) < 1e-12
        q = UnitQuaternion(pose[:3, :3])
        # Source of the criterion: on a geodesic the distances to both ends are fractions of the whole.
        assert q0.angdist(q, metric=3) == pytest.approx(fraction * total, abs=1e-6)
        assert q1.angdist(q, metric=3) == pytest.approx((1 - fraction) * total, abs=1e-6)
    np.testing.assert_allclose(T[-1], T1, atol=1e-12)


def test_a_line_that_is_too_fast_for_a_joint_is_slowed_on_the_same_path(arm, limits, at_needle):
    T_goal = arm.forward(at_needle) @ make_pose((0.0, 0.1, -0.1), (0, 0, 100 * DEG))
    hasty = plan_line(arm, at_needle, T_goal, ScalarLimits(5.0, 100.0, 10_000.0), limits, PERIOD, "hasty")
    stretch = find_stretch(hasty.positions, limits)
    assert 0.99 < stretch <= 1.0
    T = arm.forward(hasty.positions)
    assert distance_from_line(T[:, :3, 3]).max() < 1e-9


def test_a_pure_turn_is_a_motion_too(arm, limits, at_needle):
    T_goal = arm.forward(at_needle) @ make_pose(rpy=(0, 0, 45 * DEG))
    turn = plan_line(arm, at_needle, T_goal, LINE, limits, PERIOD, "turn")
    points = arm.forward(turn.positions)[:, :3, 3]
    assert np.abs(points - points[0]).max() < 1e-9
    # It counts as an arc of 0.1 m: 0.0785 m at 0.2 m/s.
    assert turn.duration > 0.0785 / 0.2


def test_a_line_out_of_reach_is_refused_with_the_reason(arm, limits, at_needle):
    T_goal = arm.forward(at_needle) @ make_pose((0.0, 1.0, 0.0))
    with pytest.raises(MotionError, match=r"unreachable|joint|elbow"):
        plan_line(arm, at_needle, T_goal, LINE, limits, PERIOD, "far")


def test_a_pick_lift_no_higher_than_its_slow_part_is_slow_all_the_way(arm, limits, at_needle):
    lift = plan_pick_lift(arm, at_needle, 0.01, 0.02, 0.05, LINE, limits, PERIOD, "lift")
    height = arm.forward(lift.positions)[:, 2, 3]
    assert height[-1] - height[0] == pytest.approx(0.01, abs=1e-9)
    assert np.diff(height).max() / 1e-3 <= 0.05 + 1e-9


def test_a_pick_lift_leaves_slowly_and_goes_straight_up(arm, limits, at_needle):
    lift = plan_pick_lift(arm, at_needle, 0.08, 0.01, 0.02, LINE, limits, PERIOD, "lift")
    points = arm.forward(lift.positions)[:, :3, 3]
    assert np.abs(points[:, :2] - points[0, :2]).max() < 1e-9
    height = points[:, 2] - points[0, 2]
    speed = np.diff(height) / 1e-3
    assert height[-1] == pytest.approx(0.08, abs=1e-9)
    assert speed[height[1:] <= 0.0099].max() <= 0.02 + 1e-6
    assert speed[height[1:] > 0.01].min() >= -1e-9
    assert speed.max() > 0.1


def test_the_way_back_of_a_lift_ends_where_it_began_and_keeps_the_same_limits(arm, limits, at_needle):
    lift = plan_pick_lift(arm, at_needle, 0.12, 0.02, 0.05, LINE, limits, PERIOD, "lift")
    back = lift.reverse("put back")
    np.testing.assert_array_equal(back.goal, lift.start)
    np.testing.assert_array_equal(back.start, lift.goal)
    assert (back.name, back.duration) == ("put back", lift.duration)
    assert find_stretch(back.positions, limits) == pytest.approx(find_stretch(lift.positions, limits))
    _, points = back.set_points(PERIOD)
    np.testing.assert_allclose(points[-1], at_needle, atol=1e-9)
