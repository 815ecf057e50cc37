"""Detours around an obstacle between two postures."""

import numpy as np
import pytest

from sewcell.errors import MotionError
from sewcell.geometry.poses import make_pose
from sewcell.kinematics.collision import Box, Capsule, CollisionModel
from sewcell.motion.clear_path import plan_clear_move
from sewcell.motion.joint_path import plan_joint_move
from sewcell.motion.limits import find_stretch
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
    move = plan_clear_move(start, goal, limits, PERIOD, "swing", free, 0.004)
    direct = plan_joint_move(start, goal, limits, PERIOD, "swing")
    np.testing.assert_array_equal(move.positions, direct.positions)
    assert move.certificate is not None


def test_a_post_in_the_way_is_passed_with_the_tool_hanging_down(arm, limits, home):
    start, goal = postures(arm, home)
    post = Box("post", make_pose((0.53, 0.0, 0.15)), np.array([0.05, 0.05, 0.15]))
    blocked = CollisionModel(arm.model, [ROD], [TABLE, post])
    assert blocked.clearance(plan_joint_move(start, goal, limits, PERIOD, "swing").positions).distance < 0.0
    move = plan_clear_move(start, goal, limits, PERIOD, "swing", blocked, 0.004)
    assert blocked.clearance(move.positions).distance >= 0.003
    assert find_stretch(move.positions, limits) <= 1.0 + 1e-6
    np.testing.assert_array_equal(move.goal, goal)
    down = arm.forward(move.positions)[:, :3, 2]
    np.testing.assert_allclose(down, np.tile([0.0, 0.0, -1.0], (len(down), 1)), atol=1e-6)


def test_a_wall_without_a_way_round_is_refused_with_what_it_would_hit(arm, limits, home):
    start, goal = postures(arm, home)
    wall = Box("wall", make_pose((0.6, 0.0, 1.0)), np.array([0.6, 0.02, 1.0]))
    blocked = CollisionModel(arm.model, [ROD], [TABLE, wall])
    with pytest.raises(MotionError, match=r"'swing' brings rod .* wall .* none of \d+ detours is clear"):
        plan_clear_move(start, goal, limits, PERIOD, "swing", blocked, 0.004)
