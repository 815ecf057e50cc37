"""Following a path: one branch, continuous, inside the limits, and what breaks when there is none."""

import numpy as np
import pytest

from sewcell.errors import MotionError
from sewcell.geometry.poses import make_pose
from sewcell.units import DEG


def joint_line(first, last, n=101):
    return np.linspace(np.array(first), np.array(last), n) * DEG


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ([10, -60, 90, 10, 40, 0], [-30, -80, 110, -20, 60, 50]),
        ([0, -90, 90, 10, -40, 0], [0, -90, 90, 10, 40, 0]),  # through a straight wrist
        ([0, -90, 90, 10, 0, 0], [0, -90, 90, 10, 40, 0]),  # out of a straight wrist
        ([0, -90, 90, 0, 40, 100], [0, -90, 90, 0, 40, 340]),  # joint 6 past a half turn
        ([0, -90, 90, 150, 40, 0], [0, -90, 90, -150, 40, 0]),  # joint 4 the long way
        ([-160, -90, 90, 0, 40, 0], [160, -90, 90, 0, 40, 0]),
        ([0, -180, 90, 0, 40, 0], [0, -90, 90, 0, 40, 0]),  # joint 2 at -180
    ],
)
def test_the_path_of_a_joint_move_is_followed_by_that_joint_move(arm, first, last):
    Q = joint_line(first, last)
    np.testing.assert_allclose(arm.track(arm.forward(Q), Q[0]), Q, atol=1e-7)


def test_a_vertical_tool_crosses_the_straight_wrist_without_turning_joint_4(arm):
    poses = np.stack([make_pose((x, 0.1, 0.16), (np.pi, 0.0, 0.4)) for x in np.linspace(0.25, 0.45, 201)])
    start = arm.solve(poses[0], np.array([0, -60, 120, 0, 30, 0]) * DEG).q
    Q = arm.track(poses, start)
    assert Q[0, 4] < -1 * DEG < 1 * DEG < Q[-1, 4]
    assert np.abs(Q[:, 3]).max() < 1e-6
    assert np.abs(np.diff(Q, axis=0)).max() < 1 * DEG
    np.testing.assert_allclose(arm.forward(Q), poses, atol=1e-9)


def test_a_start_on_another_turn_of_joint_6_is_kept(arm):
    Q = joint_line([0, -90, 90, 0, 40, -200], [10, -90, 90, 0, 40, -220])
    np.testing.assert_allclose(arm.track(arm.forward(Q), Q[0] + 0.01), Q, atol=1e-7)


def test_a_path_out_of_reach_says_by_how_much_and_where(arm):
    poses = np.stack([make_pose((x, 0.0, 0.2), (np.pi, 0.0, 0.0)) for x in np.linspace(0.4, 0.9, 51)])
    missing_mm = (np.hypot(0.70 - 0.025, 0.4 - 0.28) - (0.315 + np.hypot(0.035, 0.365))) * 1e3
    with pytest.raises(MotionError, match=f"unreachable: {missing_mm:.3g} mm beyond the arm's reach at point 30 of"):
        arm.track(poses, np.array([0, -60, 90, 0, 60, 0]) * DEG)


def test_a_path_beyond_a_limit_says_which_joint_and_where(arm):
    Q = joint_line([0, -90, 90, 0, 90, 0], [0, -90, 90, 0, 130, 0], 41)
    with pytest.raises(
        MotionError, match=r"joint 5 would need 121\.0 deg, its limit is 120 deg at point 31 of the path"
    ):
        arm.track(arm.forward(Q), Q[0])


def test_a_limit_on_the_only_branch_that_continues_is_named(arm):
    Q = joint_line([160, -90, 90, 0, 60, 0], [180, -90, 90, 0, 60, 0], 21)
    with pytest.raises(MotionError, match=r"joint 1 would need 171\.0 deg, its limit is 170 deg at point 11"):
        arm.track(arm.forward(Q), Q[0])


def test_more_turns_than_joint_6_has_are_refused(arm):
    Q = joint_line([0, -90, 90, 0, 40, -350], [0, -90, 90, 0, 40, 400])
    with pytest.raises(MotionError, match="joint 6 would have to turn without a break"):
        arm.track(arm.forward(Q), Q[0])


def test_a_jump_in_the_path_is_refused(arm):
    Q = np.vstack(
        [joint_line([0, -90, 90, 0, 40, 0], [5, -90, 90, 0, 40, 0], 6), np.radians([[80, -90, 90, 0, 40, 0]])]
    )
    with pytest.raises(MotionError, match=r"joint 1 would have to jump by 75\.0 deg between points 5 and 6"):
        arm.track(arm.forward(Q), Q[0])


def test_a_path_without_points_is_refused(arm):
    with pytest.raises(MotionError, match="no points"):
        arm.track(np.empty((0, 4, 4)), np.zeros(6))
