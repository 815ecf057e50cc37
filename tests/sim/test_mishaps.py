"""Facts about mishaps of the simulated gripper that come together, or at a moment when their turn has not come."""

import numpy as np
import pytest

from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import make_pose
from sim.world.mishaps import Mishap
from tests.sim.world_rig import FACE, Cell, sew_hem

PLY = 0.3e-3


@pytest.fixture
def cell():
    made = Cell()
    yield made
    made.world.close()


def felt(cell):
    """How many plies the gripper feels."""
    return round(cell.plant.ply_thickness / PLY)


def pick_again(cell):
    """Lay down what came up, and pick anew."""
    laid = cell.truth.laid[-1]
    cell.slide(cell.tool_over(PlanarPose(laid.x, laid.y, laid.theta), FACE))
    cell.ramp("pins_out", 0.0, 0.06)
    cell.pick()


@pytest.mark.slow
@pytest.mark.parametrize(
    "order", [(Mishap.PLY_CLINGS, Mishap.PICK_FAILS), (Mishap.PICK_FAILS, Mishap.PLY_CLINGS)], ids=str
)
def test_a_pick_that_takes_nothing_leaves_the_second_ply_to_the_next_one(cell, order):
    cell.load()
    for mishap in order:
        cell.world.suffer(mishap)
    plies = []
    for pick in (cell.pick, lambda: pick_again(cell), lambda: pick_again(cell)):
        pick()
        plies.append(felt(cell))
    assert plies == [0, 2, 1]


@pytest.mark.slow
def test_a_pick_that_takes_nothing_loses_nothing_on_the_way_and_the_piece_falls_when_one_is_carried(cell):
    cell.load()
    cell.world.suffer(Mishap.PICK_FAILS)
    cell.world.suffer(Mishap.PIECE_DROPPED)
    beyond = make_pose((0.45, 0.05, 0.12)) @ np.diag([1.0, -1.0, -1.0, 1.0])
    cell.pick()
    cell.swing(beyond)
    assert felt(cell) == 0
    pick_again(cell)
    assert felt(cell) == 1, "over the pick zone it is not carried yet"
    cell.swing(beyond)
    assert felt(cell) == 0
    assert cell.world.cloths[0].held.size == 0


@pytest.mark.slow
def test_a_piece_whose_loss_is_due_while_it_is_sewn_falls_when_it_is_lifted_from_the_machine():
    cell = Cell()
    held = []

    def arm_it(turns):
        if not held:
            cell.world.suffer(Mishap.PIECE_DROPPED)
        held.append(felt(cell))

    sew_hem(cell, stitches=12, each=arm_it)
    assert held == [1] * len(held), "under the foot nothing falls"
    cell.ramp("foot_down", 0.0, 0.08)
    here = cell.world.tool_pose
    cell.slide(make_pose((-0.07, 0.0, 0.002)) @ here)
    assert felt(cell) == 1
    cell.slide(make_pose((-0.07, 0.0, 0.06)) @ here)
    assert felt(cell) == 0
    cell.world.close()
