"""Peeling a ply off a stack: the way of its edge, the force that parts it, the radius that it can follow."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sewcell.errors import MotionError
from sewcell.geometry.poses import make_pose
from sewcell.motion.limits import find_stretch
from sewcell.motion.peel import Peel, Roll, plan_peel
from sewcell.motion.profile import ScalarLimits
from sewcell.motion.trajectory import FINE_STEP
from sewcell.units import DEG, MM

LINE = ScalarLimits(0.2, 1.5, 15.0)
PERIOD = 0.02
PEEL = Peel(pins=20, pin_hold=0.05, width=0.1, angle=60 * DEG, radius=0.02, speed=0.04, pull=0.5)


def test_the_ply_is_neither_stretched_nor_pushed_while_it_rolls():
    roll = Roll(np.eye(4), np.eye(4), 70 * DEG, 0.015, 0.1)
    s = np.linspace(0.0, 1.0, 2001)
    edge = roll.poses_at(s)
    # The ply from the edge to where it parts from the stack: seen from the edge it is the way, run backwards.
    for k in (500, 1000, 2000):
        front = np.array([s[k] * 0.1, 0.0, 0.0])
        phi = roll.turns_at(s[: k + 1] * 0.1)
        # Material at distance m from the edge lies on the curve whose tangent turns by phi(s - m).
        tangent = np.column_stack([-np.cos(phi), np.zeros(k + 1), np.sin(phi)])  # from the front to the edge
        curve = front + np.vstack([np.zeros(3), np.cumsum((tangent[:-1] + tangent[1:]) / 2, axis=0)]) * 0.1 / 2000
        np.testing.assert_allclose(curve[-1], edge[k, :3, 3], atol=1e-6)
    turns = Rotation.from_matrix(edge[:, :3, :3]).as_rotvec()
    np.testing.assert_allclose(turns[-1], [0.0, 70 * DEG, 0.0], atol=1e-9)
    bend = np.diff(turns[:, 1]) / (0.1 / 2000)
    assert bend.max() == pytest.approx(1 / 0.015, rel=1e-3)


def test_the_arm_peels_with_the_given_speed_and_keeps_its_limits(arm, limits, at_needle):
    start = at_needle
    T_flange = arm.forward(start)
    T_edge = make_pose(T_flange[:3, 3] + np.array([0.0, 0.06, -0.16]), (0.0, 0.0, -90 * DEG))
    peeled = plan_peel(arm, start, T_edge, PEEL, 0.1, LINE, limits, PERIOD, "peel")
    assert peeled.slowdowns == ()
    assert find_stretch(peeled.trajectory.positions, limits) <= 1.0
    speed = np.diff(peeled.travel) / FINE_STEP
    assert speed.max() == pytest.approx(PEEL.speed, rel=1e-6)
    T = arm.forward(peeled.trajectory.positions)
    edge = np.linalg.inv(T_flange) @ T_edge
    way = np.linalg.inv(T_edge) @ T @ edge
    roll = Roll(np.eye(4), np.eye(4), PEEL.angle, PEEL.radius, 0.1)
    np.testing.assert_allclose(way[:, :3, 3], roll.poses_at(peeled.travel / 0.1)[:, :3, 3], atol=0.2 * MM)
    turned = Rotation.from_matrix(T[0, :3, :3].T @ T[-1, :3, :3]).magnitude()
    assert turned == pytest.approx(PEEL.angle)


def test_a_pull_parts_the_plies_as_rivlin_says():
    # 0.5 N at 60 deg on 0.1 m part up to 0.5 (1 - 0.5) / 0.1 = 2.5 J/m2.
    PEEL.require_parting(2.49, 1e-5)
    with pytest.raises(MotionError, match=r"at 60 deg does not part the plies, 0\.52 N are needed"):
        PEEL.require_parting(2.6, 1e-5)


def test_a_cylinder_tighter_than_the_ply_bends_by_itself_is_refused():
    # sqrt(B / 2 G): 1e-5 N m and 0.01 J/m2 give 22.4 mm.
    with pytest.raises(MotionError, match=r"radius of 22\.4 mm by itself .* cylinder of 20\.0 mm"):
        PEEL.require_parting(0.01, 1e-5)


def test_pins_that_cannot_hold_the_pull_are_refused():
    with pytest.raises(MotionError, match=r"20 pins that hold 0\.05 N each cannot pull with 2 N"):
        Peel(20, 0.05, 0.1, 60 * DEG, 0.02, 0.04, 2.0)
