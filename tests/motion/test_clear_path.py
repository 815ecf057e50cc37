"""Detours around an obstacle between two postures."""

import numpy as np
import pytest

from sewcell.errors import MotionError
from sewcell.geometry.poses import make_pose
from sewcell.kinematics.collision import Box, Capsule, CollisionModel
from sewcell.motion.cartesian_path import plan_line
from sewcell.motion.clear_path import plan_clear_chain, plan_clear_move
from sewcell.motion.joint_path import plan_joint_move
from sewcell.motion.legs import make_line_legs
from sewcell.motion.limits import find_stretch
from sewcell.motion.profile import ScalarLimits
from sewcell.motion.trajectory import FINE_STEP
from sewcell.units import DEG

PERIOD = 0.02
ROD = Capsule("rod", 6, np.array([0.0, 0.0, 0.02]), np.array([0.0, 0.0, 0.14]), 0.02)
TABLE = Box("table", make_pose((0.3, 0.0, -0.02)), np.array([0.6, 0.7, 0.02]))


def postures(arm, home):
    """Tool down at the left and at the right of x, 0.45 m from the base, 0.2 m up."""
    pair = []
    for y in (0.3, -0.3):
        q = arm.solve(make_pose((0.45, y, 0.2), (180 * DEG, 0.0, 0.0)), near=home).q
        assert q is not None
        pair.append(q)
    return pair


def test_a_free_way_is_the_straight_joint_line(arm, limits, home):
    start, goal = postures(arm, home)
    free = CollisionModel(arm.model, [ROD], [TABLE])
    move = plan_clear_move(start, goal, arm.model, limits, PERIOD, "swing", free, 0.004)
    direct = plan_joint_move(start, goal, limits, PERIOD, "swing")
    np.testing.assert_array_equal(move.positions, direct.positions)
    assert move.certificate is not None


def test_a_post_in_the_way_is_passed_with_the_tool_hanging_down(arm, limits, home):
    start, goal = postures(arm, home)
    post = Box("post", make_pose((0.53, 0.0, 0.15)), np.array([0.05, 0.05, 0.15]))
    blocked = CollisionModel(arm.model, [ROD], [TABLE, post])
    assert blocked.clearance(plan_joint_move(start, goal, limits, PERIOD, "swing").positions).distance < 0.0
    move = plan_clear_move(start, goal, arm.model, limits, PERIOD, "swing", blocked, 0.004)
    assert blocked.clearance(move.positions).distance >= 0.003
    assert find_stretch(move.positions, limits) <= 1.0 + 1e-6
    np.testing.assert_array_equal(move.goal, goal)
    down = arm.forward(move.positions)[:, :3, 2]
    assert np.rad2deg(np.arccos(-down[:, 2].clip(-1.0, 1.0))).max() < 5.0


def test_a_wall_without_a_way_round_is_refused_with_what_it_would_hit(arm, limits, home):
    start, goal = postures(arm, home)
    wall = Box("wall", make_pose((0.6, 0.0, 1.0)), np.array([0.6, 0.02, 1.0]))
    blocked = CollisionModel(arm.model, [ROD], [TABLE, wall])
    with pytest.raises(MotionError, match=r"'swing' brings rod .* wall .* none of \d+ detours is clear"):
        plan_clear_move(start, goal, arm.model, limits, PERIOD, "swing", blocked, 0.004)


def test_lines_before_and_after_a_move_are_passed_without_a_stop(arm, limits, home):
    start, goal = postures(arm, home)
    line_limits = ScalarLimits(0.2, 1.5, 15.0)

    def raise_tool(q, height):
        T = arm.forward(q)
        T[2, 3] += height
        return T

    up = make_line_legs(arm, start, raise_tool(start, 0.06), line_limits, limits, 0.002, "up")
    high = arm.solve(raise_tool(goal, 0.06), near=goal).q
    down = make_line_legs(arm, high, arm.forward(goal), line_limits, limits, 0.002, "down")
    free = CollisionModel(arm.model, [ROD], [TABLE])
    move = plan_clear_chain(up, down, arm.model, limits, PERIOD, "over", free, 0.004)
    apart = sum(
        plan_line(arm, a, T, line_limits, limits, PERIOD, "line").duration
        for a, T in ((start, raise_tool(start, 0.06)), (high, arm.forward(goal)))
    )
    apart += plan_joint_move(up.waypoints[-1], high, limits, PERIOD, "swing").duration
    assert move.duration < apart - 0.1
    speed = np.abs(np.diff(move.positions, axis=0)).max(axis=1) / FINE_STEP
    assert speed[50:-50].min() > 0.01
    np.testing.assert_allclose(move.start, start, atol=1e-12)
    np.testing.assert_allclose(move.goal, goal, atol=1e-12)
    tool = arm.forward(move.positions)[:, :3, 3]
    for end in (arm.forward(start)[:3, 3], arm.forward(goal)[:3, 3]):
        low = (tool[:, 2] < 0.25) & (np.abs(tool[:, 1] - end[1]) < 0.1)
        assert np.linalg.norm(tool[low, :2] - end[:2], axis=1).max() < 0.002
