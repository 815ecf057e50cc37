"""The gripper's plate on its springs."""

import numpy as np
import pytest

from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import make_pose
from sim.world.cloth_rig import BENCH, make_cloth, tool_at
from sim.world.plate import count_layers, float_plate

PLY, TRAVEL = BENCH.material.thickness, BENCH.gripper.float_travel
HALF = np.array(BENCH.gripper.size) / 2.0


def floated(height: float, tilt: float = 0.0, layers: int = 1):
    """T_base_tool of a plate that an arm holds face down at `height` [m], turned by `tilt` [rad] about base x."""
    T = make_pose((0.4, 0.0, height), (np.pi + tilt, 0.0, 0.3))
    return float_plate(T @ np.linalg.inv(BENCH.gripper.T_flange_tool), BENCH, layers)


def corner_heights(T):
    corners = np.array([[u, v, 0.0, 1.0] for u in (-HALF[0], HALF[0]) for v in (-HALF[1], HALF[1])])
    return (corners @ T.T)[:, 2]


def test_the_plate_lies_on_the_cloth_though_the_arm_is_a_little_high_or_low():
    heights = {h: floated(h)[2, 3] for h in (-2.0 * TRAVEL, -0.5 * TRAVEL, 0.0, 0.5 * TRAVEL, 50e-3)}
    assert heights == pytest.approx(
        {-2.0 * TRAVEL: -TRAVEL, -0.5 * TRAVEL: PLY, 0.0: PLY, 0.5 * TRAVEL: PLY, 50e-3: 50e-3 - TRAVEL}
    )


@pytest.mark.parametrize("tilt", [-6e-3, 2e-3])
def test_the_plate_lies_flat_on_the_cloth_though_the_arm_tilts_it(tilt):
    T = floated(0.0, tilt)
    assert corner_heights(T) == pytest.approx(4 * [PLY], abs=1e-7)
    assert T[:3, :3] @ T[:3, :3].T == pytest.approx(np.eye(3), abs=1e-12)
    in_plan = make_pose((0.0, 0.0, 0.0), (np.pi, 0.0, 0.3))[:2, :2]
    assert T[:2, :2] == pytest.approx(in_plan, abs=tilt**2)


def test_a_plate_tilted_beyond_its_springs_keeps_what_they_cannot_take():
    tilt = 4.0 * TRAVEL / HALF.min()
    heights = corner_heights(floated(0.0, tilt))
    drawn = corner_heights(make_pose((0.4, 0.0, 0.0), (np.pi + tilt, 0.0, 0.3)))
    assert 0.3 * np.ptp(drawn) < np.ptp(heights) < np.ptp(drawn)
    assert np.abs(heights - drawn).max() < 1.5 * TRAVEL


def test_in_the_air_the_arm_alone_turns_the_plate():
    T = floated(50e-3, 5e-3)
    assert T[:3, :3] == pytest.approx(make_pose((0.0, 0.0, 0.0), (np.pi + 5e-3, 0.0, 0.3))[:3, :3], abs=1e-9)


def test_the_plate_stands_on_the_layers_under_it_folds_included():
    low, high = tool_at(0.0, 0.0, 0.0), tool_at(0.0, 0.0, 0.1)
    cloth, other = make_cloth(PlanarPose(-0.06, -0.06, 0.0)), make_cloth(PlanarPose(0.02, -0.06, 0.0))
    assert count_layers([], low, BENCH.gripper) == 1
    assert count_layers([cloth], low, BENCH.gripper) == 1
    assert count_layers([cloth, other], low, BENCH.gripper) == 2
    assert count_layers([cloth, other], high, BENCH.gripper) == 1
    assert count_layers([cloth, other], tool_at(0.5, 0.0, 0.0), BENCH.gripper) == 1
    corner = cloth.pattern.sum(axis=1) > 0.2
    cloth.x[corner, :2] = 0.08 - cloth.x[corner, 1::-1]
    assert count_layers([cloth], low, BENCH.gripper) == 2
    assert corner_heights(floated(0.0, layers=2)) == pytest.approx(4 * [2.0 * PLY])


def test_pieces_whose_boxes_overlap_but_not_their_outlines_are_one_layer():
    turned = make_cloth(PlanarPose(0.0, 0.0, np.pi / 4.0))
    low = turned.x[:, :2].min(axis=0)
    beside = make_cloth(PlanarPose(*(low - 0.11), 0.0))
    assert np.all(beside.x[:, :2].max(axis=0) > low)
    assert count_layers([turned, beside], tool_at(*low, 0.0), BENCH.gripper) == 1
