"""Facts about cloth in the gripper: taken, carried, laid, let go."""

import numpy as np
import pytest

from sewcell.geometry.planar import PlanarPose
from sim.world.cloth_kernels import TOE_RAMP, push_from_foot
from sim.world.cloth_rig import COTTON, LEVEL, Rig, make_cloth, tool_at

FACE = 0.3e-3


def gripped(y: float = 0.2) -> Rig:
    """The plate holds the piece with 12 mm between its edge and the line y_piece = 95 mm."""
    rig = Rig(make_cloth(PlanarPose(0.06, y + 0.038, np.pi)), tool_at(0.0, y, 0.02))
    rig.wait(5)
    rig.move(tool_at(0.0, y, FACE), 20)
    rig.grip()
    return rig


def test_pins_take_the_fabric_under_the_plate_only():
    rig = gripped()
    held = rig.cloth.held
    assert 400 < len(held) < 600
    assert np.all(np.abs(rig.cloth.x[held, 0]) < 0.058)
    assert np.all(np.abs(rig.cloth.x[held, 1] - 0.2) < 0.045)


def test_pins_that_do_not_reach_the_fabric_take_nothing():
    rig = Rig(make_cloth(PlanarPose(0.06, 0.238, np.pi)), tool_at(0.0, 0.2, FACE + 0.2e-3))
    rig.grip()
    assert rig.gripper.cloth is None
    assert len(rig.cloth.held) == 0


def test_pressing_the_plate_on_the_table_does_not_move_the_fabric():
    rig = Rig(make_cloth(PlanarPose(0.06, 0.238, np.pi)), tool_at(0.0, 0.2, 0.02))
    before = rig.cloth.x.copy()
    rig.move(tool_at(0.0, 0.2, 0.2e-3), 40)
    rig.wait(10)
    assert np.abs(rig.cloth.x - before).max() < 1e-6


def test_carried_cloth_follows_the_plate_droops_and_stretches_less_than_one_percent():
    rig = gripped()
    local = rig.cloth.x[rig.cloth.held] - rig.T_tool[:3, 3]
    rig.move(tool_at(0.0, 0.2, 0.12), 60)
    worst = 0.0
    for _ in range(10):
        rig.move(rig.T_tool + np.pad([[0.02], [-0.01], [0.0]], ((0, 1), (3, 0))), 10)
        worst = max(worst, np.percentile(rig.cloth.strains(), 99))
    assert worst < 0.01
    assert rig.cloth.x[rig.cloth.held] - rig.T_tool[:3, 3] == pytest.approx(local, abs=1e-12)
    assert 0.01 < rig.T_tool[2, 3] - rig.cloth.x[:, 2].min() < 0.045


def test_laid_down_again_it_is_where_the_plate_put_it():
    rig = gripped()
    rig.move(tool_at(0.0, 0.2, 0.06), 60)
    rig.move(tool_at(0.05, 0.2, 0.06), 60)
    rig.move(tool_at(0.05, 0.2, FACE), 120)
    rig.gripper.release()
    rig.move(tool_at(0.05, 0.2, 0.06), 60)
    rig.wait(60)
    found = rig.cloth.fit_pose()
    assert np.hypot(found.x - 0.11, found.y - 0.238) < 0.5e-3
    assert rig.cloth.x[:, 2].max() == pytest.approx(LEVEL, abs=1e-4)
    assert rig.cloth.asleep


FOOT = np.array([15e-3, 7e-3])
"""Half of the sole [m], in a needle frame that is base's."""


def met_foot(before, after, sole=8e-3):
    """Where one vertex is that went from `before` to `after` (3,) in a substep, once the raised foot has met it."""
    x, previous = np.array([after], dtype=np.float64), np.array([before], dtype=np.float64)
    push_from_foot(x, previous, np.ones(1), np.eye(2), np.zeros(2), FOOT, sole, COTTON.thickness)
    return x[0]


def test_cloth_that_is_drawn_along_the_side_of_the_foot_slides_on_it():
    wall = FOOT[1] + TOE_RAMP
    before, into, away = (0.0, wall, 20e-3), (0.1e-3, wall - 0.05e-3, 20e-3), (0.1e-3, wall + 0.05e-3, 20e-3)
    assert met_foot(before, into) == pytest.approx([0.1e-3, wall, 20e-3], abs=1e-12)
    assert met_foot(before, away) == pytest.approx(away, abs=1e-12)


def test_an_edge_that_comes_a_little_high_is_led_under_the_sole_without_a_jolt():
    at = np.array([0.0, FOOT[1] + 1e-3, 10e-3])
    found = met_foot(at, at)
    assert found[:2] == pytest.approx(at[:2])
    assert 0.0 < at[2] - found[2] < 0.25e-3
    for _ in range(40):
        at = met_foot(at, at)
    assert at[2] == pytest.approx(8e-3 + 0.5e-3 - 0.5 * COTTON.thickness)
