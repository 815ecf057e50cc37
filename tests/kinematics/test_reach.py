"""The reach map counts what the arm answers pose by pose."""

import numpy as np

from sewcell.geometry.poses import invert_pose, make_pose
from sewcell.kinematics.limits import turn_into_limits
from sewcell.kinematics.reach import fit_limits, map_reach
from sewcell.units import DEG

TOOL = make_pose((0.0, 0.035, 0.16))
X, Y = np.linspace(-0.4, 0.9, 14), np.linspace(-0.7, 0.7, 15)
YAWS = np.arange(8) * 45 * DEG


def test_the_share_is_that_of_the_yaws_for_which_a_posture_inside_the_limits_is_found(arm):
    found = map_reach(arm, TOOL, X, Y, 0.001, YAWS)
    assert found.poses == len(X) * len(Y) * len(YAWS)
    for row, column in np.random.default_rng(1).integers([len(Y), len(X)], size=(40, 2)):
        poses = [make_pose((X[column], Y[row], 0.001), (np.pi, 0.0, yaw)) @ invert_pose(TOOL) for yaw in YAWS]
        share = np.mean([arm.solve(T, near=np.zeros(6)).q is not None for T in poses])
        assert found.reached[row, column] == share


def test_nothing_is_reached_beyond_the_stretched_arm_and_all_of_a_ring_before_it(arm):
    found = map_reach(arm, make_pose(), X, Y, 0.1, YAWS)
    opw = arm.model.geometry
    below = opw.c1 - 0.1 - opw.c4
    reach = opw.a1 + np.sqrt((opw.c2 + np.hypot(opw.a2, opw.c3)) ** 2 - below**2)
    radius = np.hypot(*np.meshgrid(X, Y))
    assert not found.reached[radius > reach + 1e-6].any()
    ahead = np.meshgrid(X, Y)[0] > 0.0
    assert (found.reached[ahead & (radius > 0.35) & (radius < reach - 1e-3)] == 1.0).all()


def test_a_tool_on_the_flange_axis_is_reached_alike_on_both_sides_of_an_arm_with_mirrored_limits(arm):
    found = map_reach(arm, make_pose((0.0, 0.0, 0.1)), X, Y, 0.05, YAWS)
    np.testing.assert_array_equal(found.reached, found.reached[::-1])


def test_a_place_is_clear_where_one_of_its_postures_passes_the_check(arm):
    everything = map_reach(arm, TOOL, X, Y, 0.001, YAWS, lambda Q: np.ones(len(Q), dtype=bool))
    nothing = map_reach(arm, TOOL, X, Y, 0.001, YAWS, lambda Q: np.zeros(len(Q), dtype=bool))
    left = map_reach(arm, TOOL, X, Y, 0.001, YAWS, lambda Q: arm.forward(Q)[:, 1, 3] > 0.0)
    np.testing.assert_array_equal(everything.clear, everything.reached)
    assert not nothing.clear.any()
    assert left.clear[Y > 0.2].any()
    assert not left.clear[Y < -0.2].any()


def test_full_turns_are_found_as_the_search_over_all_turns_finds_them(arm):
    Q = np.random.default_rng(2).uniform(-np.pi, np.pi, (5000, 6))
    _, excess = turn_into_limits(arm.model.limits, Q, np.zeros(6))
    np.testing.assert_array_equal(fit_limits(arm.model.limits, Q), ~excess.any(axis=1))
    edges = np.stack([arm.model.limits.lower, arm.model.limits.upper])
    assert fit_limits(arm.model.limits, edges).all()
