"""Where a machine may stand, and how much room the arm has there, told for the bench cell."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from sewcell.apps.placement import make_judge, place_cell, read_placement, write_lines
from sewcell.config.layers import load_job
from sewcell.errors import MotionError
from sewcell.units import DEG

POCKET = Path(__file__).parents[2] / "configs" / "garments" / "shirt-pocket.yaml"


@pytest.fixture(scope="module")
def job():
    return load_job(POCKET)


@pytest.fixture(scope="module")
def judge(job):
    return make_judge(job)


def test_the_present_placement_is_that_of_the_file(job):
    present = read_placement(job)
    assert place_cell(job, present).cell == job.cell
    assert (present.needle_x, present.needle_y, present.needle_yaw) == (0.68, 0.0, 90 * DEG)


def test_the_lines_for_the_cell_file_are_yaml_with_the_poses(job):
    moved = replace(read_placement(job), needle_x=0.61, needle_y=-0.152, needle_yaw=104 * DEG, table_y=0.2)
    lines = YAML(typ="safe").load(StringIO(write_lines(place_cell(job, moved))))
    assert lines == {
        "table": {"pose": {"xyz_mm": [-120, 200, 0], "rpy_deg": [0, 0, 0]}},
        "machine": {"needle": {"xyz_mm": [610, -152, 0], "rpy_deg": [0, 0, 104]}},
    }


def test_on_the_bench_the_wrist_beside_the_head_is_the_scarcest_roughly_and_planned(job, judge):
    # Needle frame, y: plate centre 12 + 90 / 2 = 57 mm, flange 35 mm farther, head's face at 25, wrist's radius 45.
    estimate = judge.estimate(read_placement(job))
    assert estimate.weakest.what.startswith("22 mm from wrist to head")
    assert estimate.weakest.share == pytest.approx((57.0 + 35.0 - 25.0 - 45.0) / 30.0, abs=1e-6)
    assert not estimate.planned


@pytest.mark.slow
def test_the_planned_score_has_the_room_of_the_estimate_and_a_longer_cycle(job, judge):
    estimate, planned = judge.estimate(read_placement(job)), judge.plan(read_placement(job))
    assert planned.weakest.share == pytest.approx(estimate.weakest.share, abs=0.01)
    assert planned.planned
    assert planned.cycle > estimate.cycle


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"needle_x": 0.9}, "the head of the machine would stick out of the tabletop"),
        ({"needle_x": 0.2, "needle_y": 0.4}, "would hide a part of the working area from the camera"),
        ({"needle_x": 0.25}, "the piece at the machine would run against the arm's foot"),
        ({"needle_yaw": -90 * DEG}, "seam 'hem': unreachable: .* mm beyond the arm's reach"),
        ({"needle_x": 0.45, "needle_y": 0.02, "needle_yaw": -1.0}, "forearm would be 30 mm deep in head"),
        ({"table_y": 0.5}, "the working area would stick out of the tabletop"),
        ({"table_y": -0.1}, "the place would reach under the arm's foot"),
    ],
)
def test_a_placement_that_cannot_be_is_refused_with_its_reason(job, judge, changes, reason):
    with pytest.raises(MotionError, match=reason):
        judge.estimate(replace(read_placement(job), **changes))
