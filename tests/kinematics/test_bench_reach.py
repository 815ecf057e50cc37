"""The bench cell is laid out so that the arm can do its work everywhere, with room to spare."""

import numpy as np
import pytest

from sewcell.geometry.poses import invert_pose, make_pose, transform_points
from sewcell.kinematics.arm import IkStatus
from sewcell.units import DEG

PIN_HEIGHT = 0.3e-3
"""Of the pin face over the table when it grips one ply [m]."""
GRIP_DISTANCE = 12e-3
SIDESTEP = 60e-3
WORKING = frozenset({("plate", "table")})


def plate_down(bench, x, y, height, yaw):
    """T_base_flange with the plate's centre at (x, y) of the table, its pins down."""
    T_table_tool = make_pose((x, y, height), (np.pi, 0.0, yaw))
    return bench.T_base_table @ T_table_tool @ invert_pose(bench.T_flange_tool)


def plate_at_seam(bench, along, aside, height):
    """T_base_flange with the plate's edge GRIP_DISTANCE + aside left of the seam."""
    T_needle_tool = make_pose((along, GRIP_DISTANCE + bench.plate[1] / 2.0 + aside, height), (np.pi, 0.0, 0.0))
    return bench.T_base_needle @ T_needle_tool @ invert_pose(bench.T_flange_tool)


def smallest_clearance(bench, Q):
    free = [i for i, pair in enumerate(bench.collision.pairs) if pair not in WORKING]
    distances = bench.collision.distances(np.atleast_2d(Q))[:, free]
    return distances.min()


def limit_margin(arm, Q):
    limits = arm.model.limits
    return np.minimum(limits.upper - Q, Q - limits.lower).min()


def reach_then_swing(first, last):
    """Joints 2 to 5 go first, then joints 1 and 6: back from a piece, then round to the machine."""
    via = np.concatenate([first[:1], last[1:5], first[5:]])
    s = np.linspace(0.0, 1.0, 41)[:, None]
    return np.vstack([first + (via - first) * s, via + (last - via) * s])


def pick_poses(bench, height, points=4, yaws=12):
    margin = bench.plate[1] / 2.0  # the plate lies within the piece, the piece within the zone
    low, high = bench.pick_zone[0] + margin, bench.pick_zone[1] - margin
    return [
        plate_down(bench, x, y, height, yaw)
        for x in np.linspace(low[0], high[0], points)
        for y in np.linspace(low[1], high[1], points)
        for yaw in np.arange(yaws) * 2.0 * np.pi / yaws
    ]


@pytest.mark.parametrize("height", ["pins", "approach", "carry_height"])
def test_the_plate_reaches_the_whole_pick_zone_at_every_yaw_without_turning_the_wrist_over(arm, bench, height):
    z = PIN_HEIGHT if height == "pins" else getattr(bench, height)
    results = [arm.solve(T, bench.home) for T in pick_poses(bench, z)]
    assert {r.status for r in results} == {IkStatus.OK}, [r.reason for r in results if r.q is None]
    Q = np.stack([r.q for r in results])
    assert limit_margin(arm, Q) > 5 * DEG
    assert np.abs(Q[:, 3]).max() < 1e-6
    assert smallest_clearance(bench, Q) > bench.clearance


def test_the_plate_over_the_far_corner_of_the_pick_zone_lies_inside_the_reach(arm, bench):
    corner = transform_points(bench.T_base_table, [[*(bench.pick_zone[1] - bench.plate[1] / 2.0), 0.0]])[0]
    opw = arm.model.geometry
    wrist_below_shoulder = opw.c1 - bench.T_flange_tool[2, 3] - opw.c4 - PIN_HEIGHT
    stretched = opw.c2 + np.hypot(opw.a2, opw.c3)
    reach = opw.a1 + np.sqrt(stretched**2 - wrist_below_shoulder**2)
    offset = np.hypot(*bench.T_flange_tool[:2, 3])
    assert reach - offset - np.hypot(*corner[:2]) > 10e-3


def test_the_put_down_place_is_reached_at_every_yaw(arm, bench):
    for yaw in np.arange(24) * 15 * DEG:
        for height in (PIN_HEIGHT, bench.approach):
            result = arm.solve(plate_down(bench, *bench.place, height, yaw), bench.home)
            assert result.status is IkStatus.OK
            assert limit_margin(arm, result.q) > 5 * DEG
            assert smallest_clearance(bench, result.q) > bench.clearance


def test_a_seam_of_120_mm_is_laid_slid_in_sewn_and_taken_out_in_one_branch(arm, bench):
    ends = 60e-3, -60e-3
    high, s = bench.carry_height, np.linspace(0.0, 1.0, 61)
    path = [
        *(plate_at_seam(bench, ends[0], SIDESTEP, high + (PIN_HEIGHT - high) * t) for t in s),
        *(plate_at_seam(bench, ends[0], SIDESTEP * (1.0 - t), PIN_HEIGHT) for t in s),
        *(plate_at_seam(bench, ends[0] + (ends[1] - ends[0]) * t, 0.0, PIN_HEIGHT) for t in s),
        *(plate_at_seam(bench, ends[1], SIDESTEP * t, PIN_HEIGHT) for t in s),
        *(plate_at_seam(bench, ends[1], SIDESTEP, PIN_HEIGHT + (high - PIN_HEIGHT) * t) for t in s),
    ]
    Q = arm.track(np.stack(path), arm.solve(path[0], bench.home).q)
    assert limit_margin(arm, Q) > 20 * DEG
    assert np.abs(np.diff(Q, axis=0)).max() < 1 * DEG
    assert np.abs(Q[:, 3]).max() < 1e-6
    assert Q[:, 4].min() > 4 * DEG  # the wrist stays bent
    assert smallest_clearance(bench, Q) > bench.clearance


def test_joint_moves_from_and_to_home_meet_nothing(arm, bench):
    s = np.linspace(0.0, 1.0, 41)[:, None]
    place = [plate_down(bench, *bench.place, bench.approach, yaw) for yaw in np.arange(12) * 30 * DEG]
    for T in [*pick_poses(bench, bench.approach, points=3, yaws=6), *place]:
        q = arm.solve(T, bench.home).q
        assert smallest_clearance(bench, bench.home + (q - bench.home) * s) > 20e-3


def test_between_table_and_machine_the_arm_moves_free_when_it_draws_back_before_it_swings(arm, bench):
    beside = [plate_at_seam(bench, along, SIDESTEP, bench.approach) for along in (-60e-3, 60e-3)]
    beside = [arm.solve(T, bench.home).q for T in beside]
    for T in pick_poses(bench, bench.carry_height, points=3, yaws=6):
        pick = arm.solve(T, bench.home).q
        for q in beside:
            assert smallest_clearance(bench, reach_then_swing(pick, q)) > 20e-3
    for yaw in np.arange(12) * 30 * DEG:
        place = arm.solve(plate_down(bench, *bench.place, bench.approach, yaw), bench.home).q
        for q in beside:
            assert smallest_clearance(bench, reach_then_swing(place, q)) > 20e-3


def test_at_home_neither_arm_nor_tool_is_in_the_picture_of_the_working_area(arm, bench):
    camera = transform_points(bench.T_base_table, [[0.32, 0.24, 1.2]])[0]  # configs/cameras/bench-overhead.yaml
    links = arm.forward_links(bench.home)
    lowest_y = bench.T_base_table[1, 3]
    for body in arm.model.capsules:
        for point in transform_points(links[body.link], np.stack([body.start, body.end])):
            scale = camera[2] / (camera[2] - point[2])
            assert camera[1] + (point[1] - camera[1]) * scale + body.radius * scale < lowest_y
