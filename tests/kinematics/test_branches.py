"""The list of branches tells of every posture for a pose whether it serves, and why not."""

import numpy as np

from sewcell.geometry.poses import make_pose
from sewcell.kinematics.arm import IkStatus
from sewcell.kinematics.branches import list_branches
from sewcell.units import DEG

DOWN = (np.pi, 0.0, 0.0)


def test_every_branch_reaches_the_pose_and_its_margin_is_the_room_to_the_next_limit(arm):
    T = make_pose((0.5, 0.1, 0.3), DOWN)
    found = list_branches(arm, T)
    limits = arm.model.limits
    assert found.status is IkStatus.OK
    assert len(found.branches) == len(arm.solve_all(T))
    for branch in found.branches:
        np.testing.assert_allclose(arm.forward(branch.q), T, atol=1e-9)
        room = min((limits.upper - branch.q).min(), (branch.q - limits.lower).min())
        assert branch.margin == room
        assert branch.is_inside == (room >= 0.0)
        assert bool(branch.reason) == (not branch.is_inside)


def test_branches_inside_the_limits_come_first_and_the_roomiest_of_them_leads(arm):
    branches = list_branches(arm, make_pose((0.5, 0.1, 0.3), DOWN)).branches
    inside = [branch.is_inside for branch in branches]
    assert inside == sorted(inside, reverse=True)
    assert branches[0].margin == max(branch.margin for branch in branches)


def test_a_pose_beyond_reach_has_no_branch_and_tells_by_how_much(arm):
    opw = arm.model.geometry
    reach = opw.a1 + opw.c2 + np.hypot(opw.a2, opw.c3)
    found = list_branches(arm, make_pose((reach + 0.010, 0.0, opw.c1 - opw.c4), DOWN))
    assert found.status is IkStatus.UNREACHABLE
    assert found.branches == ()
    assert "10 mm" in found.reason


def test_a_pose_that_only_postures_outside_the_limits_reach_names_a_joint(arm):
    found = list_branches(arm, make_pose((0.1, 0.0, 0.3), DOWN))
    assert found.status is IkStatus.JOINT_LIMIT
    assert "joint" in found.reason
    assert len(found.branches) == 8
    assert not any(branch.is_inside for branch in found.branches)


def test_a_straight_wrist_is_told_and_its_distance_is_zero(arm):
    q = np.array([10, -60, 80, 0, 0, 20]) * DEG
    found = list_branches(arm, arm.forward(q))
    straight = [branch for branch in found.branches if branch.is_inside and branch.distance.wrist < 1e-9]
    assert straight
    assert all("wrist is straight" in branch.reason for branch in straight)
    assert all(branch.manipulability < 1e-9 for branch in straight)
