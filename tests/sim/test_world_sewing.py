"""Facts about sewing in the whole simulated world: the seam, loops that are missed, an arm that is out of step."""

import numpy as np
import pytest

from sewcell.geometry.poses import invert_pose
from tests.sim.world_rig import FEED, Cell, sew_hem

pytestmark = pytest.mark.slow


def test_the_whole_cycle_sews_along_the_hem_line_and_is_the_same_every_time():
    digests = []
    for _ in range(2):
        cell = Cell()
        points = sew_hem(cell)
        cell.ramp("foot_down", 0.0, 0.08)
        digests.append(cell.truth.digest())
        assert cell.truth.events == []
        assert len(points) == 40
        assert points[:, 1] == pytest.approx(0.058, abs=0.5e-3)
        assert np.diff(points[:, 0]).mean() == pytest.approx(FEED, rel=0.02)
        assert points[0, 0] == pytest.approx(-0.054, abs=0.5e-3)
        cell.world.close()
    assert digests[0] == digests[1]


def test_a_missed_loop_is_told_with_its_stitch_and_leaves_out_that_stitch_alone():
    cell = Cell()

    def miss_a_loop(turns):
        if 2.9 < turns < 3.0:
            cell.plant.hook_misses = True

    points = sew_hem(cell, 6, each=miss_a_loop)
    cell.world.close()
    assert len(points) == 6
    assert [p.turn for p in cell.truth.pierces if p.skipped] == [3]
    ((time, told),) = cell.truth.events
    assert told == "the hook missed the loop of stitch 3"
    assert time == next(p.time for p in cell.truth.pierces if p.turn == 3)
    assert not cell.plant.hook_misses
    assert np.diff(points[:, 0]) == pytest.approx(FEED, rel=0.1)


def sew_out_of_step(early, stitches=16):
    """The arm's way is `early` [m] too long. Returns, at the end, how far the cloth before the needle has risen [m] and
    the strain of the cloth (p99).
    """
    cell = Cell()
    sew_hem(cell, stitches, early)
    T_needle_base = invert_pose(cell.parameters.machine.T_base_needle)
    (cloth,) = cell.world.cloths.values()
    seen = cloth.x @ T_needle_base[:3, :3].T + T_needle_base[:3, 3]
    before = (seen[:, 0] > -0.06) & (seen[:, 0] < 0.0) & (np.abs(seen[:, 1]) < 0.03)
    rises = seen[before, 2].max() - cloth.material.thickness / 2.0
    strain = np.percentile(cloth.strains(), 99)
    assert cell.truth.events == []
    cell.world.close()
    return rises, strain


def test_an_arm_out_of_step_makes_slack_before_the_foot_or_stretches_the_cloth_in_the_whole_cell_too():
    """How high the slack of 4 mm rises depends on where the cloth buckles: 0.7 to 1.4 mm over 16 to 24 stitches."""
    (level, strained), (arched, _), (higher, _), (flat, stretched) = (
        sew_out_of_step(early) for early in (0.0, 4e-3, 8e-3, -2e-3)
    )
    assert level < 0.5e-3
    assert arched > 3.0 * level
    assert higher > max(arched, 1.5e-3)
    assert flat < 0.8e-3
    assert stretched > 2.0 * strained
