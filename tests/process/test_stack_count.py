"""What the cell makes of the nominal height of a stack."""

from dataclasses import replace

import numpy as np
import pytest

from sewcell.config.layers import load_job
from sewcell.config.values import make_recipe, make_station
from sewcell.geometry.planar import PlanarPose
from sewcell.process.plan import plan_seam_cycle


def test_each_piece_of_a_run_finds_one_ply_less_until_the_next_stack_comes():
    station = make_station(load_job("shirt-pocket", scenario="stack"))
    assert [station.count_stack(piece) for piece in range(7)] == [5, 4, 3, 2, 1, 5, 4]
    assert [replace(station, stack_plies=1).count_stack(piece) for piece in range(3)] == [1, 1, 1]


def test_a_piece_on_others_is_gripped_higher_by_their_thickness_and_laid_down_on_the_bare_table():
    job = load_job("shirt-pocket")
    station, recipe = make_station(job), make_recipe(job)
    (piece,) = recipe.pieces

    def plan(below):
        pose = PlanarPose(0.46, 0.2, 0.3)
        return plan_seam_cycle(station, piece, piece.seams[0], pose, recipe.thickness, 2.0, below)

    def height(q):
        return (station.arm.forward(q) @ station.T_flange_tool)[2, 3]

    single, upper = plan(0.0), plan(1.2e-3)
    assert height(upper.approach.goal) - height(single.approach.goal) == pytest.approx(1.2e-3, abs=1e-6)
    assert np.allclose(height(upper.take_out.goal), height(single.take_out.goal), atol=1e-6)
