"""Facts about plies on one another: they lie, rub, drag, cling, fold, sleep, and come up with the pins."""

from dataclasses import replace

import numpy as np
import pytest

from sewcell.geometry.planar import PlanarPose
from sim.world.cloth import Cloth
from sim.world.cloth_rig import BENCH, COTTON, DT, LEVEL, Rig, make_cloth, tool_at
from sim.world.gripper import BITE, Gripper
from sim.world.plies import Plies
from sim.world.ply_rig import PlyRig

THICKNESS = COTTON.thickness
GRAVITY = 9.81


def lay(count, scatter=1e-3, **material):
    """A stack that has come to rest, each ply a little beside the one under it."""
    rig = PlyRig.stack(count, scatter, **material)
    rig.wait(90)
    return rig


@pytest.mark.slow
def test_ten_plies_come_to_rest_one_thickness_above_each_other_and_sleep():
    rig = lay(10)
    rig.wait(60)
    assert all(c.asleep for c in rig.cloths)
    heights = [float(np.median(c.x[:, 2])) for c in rig.cloths]
    assert heights == pytest.approx([LEVEL + n * THICKNESS for n in range(10)], abs=0.02 * THICKNESS)


@pytest.mark.slow
def test_a_moved_ply_drags_the_one_under_it_with_it_where_friction_is_stronger_than_the_tables():
    rig = lay(2, friction_table=0.2, friction_ply=0.6)
    start = rig.cloths[0].fit_pose().x
    moved = rig.pull(1, acceleration=1.0, steps=60)
    assert start - rig.cloths[0].fit_pose().x == pytest.approx(moved, rel=0.05)


@pytest.mark.parametrize(("ply", "drags"), [(0.38, False), (0.6, True)])
def test_the_lower_ply_starts_where_rubbing_passes_the_tables_friction_under_the_weight_of_both(ply, drags):
    table = 0.2
    rig = lay(2, friction_table=table, friction_ply=ply)
    start = rig.cloths[0].fit_pose().x
    steps = 24
    rig.pull(1, acceleration=3.0, steps=steps)
    gone = start - rig.cloths[0].fit_pose().x
    free = 0.5 * GRAVITY * (ply - 2.0 * table) * (steps * DT) ** 2
    if drags:
        assert gone == pytest.approx(free, rel=0.25)
    else:
        assert abs(gone) < 50e-6


@pytest.mark.slow
def test_plies_that_nothing_drags_stay_asleep_and_do_not_creep():
    rig = lay(5)
    rig.wait(60)
    before = [c.x.copy() for c in rig.cloths]
    rig.pull(4, acceleration=2.0, steps=60)
    assert all(c.asleep for c in rig.cloths[:4])
    assert all(np.array_equal(c.x, x) for c, x in zip(rig.cloths[:4], before[:4], strict=True))


def test_two_plies_in_the_air_keep_their_momentum_when_they_meet():
    rig = PlyRig.stack(2, 0.0, height=0.4, gap=2e-3)
    rig.gravity, rig.air = (0.0, 0.0, 0.0), 0.0
    upper, lower = rig.cloths[1], rig.cloths[0]
    upper.v[:] = (0.05, 0.0, -0.2)
    before = upper.mass @ upper.v + lower.mass @ lower.v
    rig.wait(10)
    assert upper.mass @ upper.v + lower.mass @ lower.v == pytest.approx(before, abs=1e-9)
    assert (lower.mass @ lower.v)[2] < 0.3 * before[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("share", "plies"),
    [(BITE - 0.1, 0), (BITE + 0.1, 1), (0.95, 1), (1.0 + BITE - 0.1, 1), (1.0 + BITE + 0.15, 2)],
)
def test_how_far_the_pins_go_in_decides_how_many_plies_come_up(share, plies):
    rig = lay(3)
    rig.grip(share * THICKNESS)
    rig.lift(30e-3, 60)
    risen = [float(np.mean(c.x[:, 2])) > 15e-3 for c in rig.cloths]
    assert risen == [n >= 3 - plies for n in range(3)]
    assert len(rig.gripper.plies) == plies


def test_weakly_clinging_edges_let_go_and_strong_ones_bring_the_second_ply_up():
    heights = []
    for cling in (0.02, 0.3):
        rig = lay(2, edge_cling=cling)
        bonds = rig.plies.cling(rig.cloths[1], rig.cloths[0])
        assert bonds > 40
        rig.grip(0.95 * THICKNESS)
        rig.lift(12e-3, 30)
        heights.append(float(rig.cloths[0].x[:, 2].max()))
    assert heights[0] == pytest.approx(LEVEL, abs=0.3e-3)
    assert heights[1] > 5e-3


@pytest.mark.slow
def test_cloth_folded_over_lies_on_itself_and_does_not_pass_through():
    plies = Plies()
    cloth = make_cloth(PlanarPose(0.3, 0.2, 0.0))
    plies.add(cloth)
    rig = PlyRig(plies)
    hem = np.flatnonzero(cloth.pattern[:, 0] < 6e-3)
    cloth.hold(hem)
    start = cloth.x[hem].copy()
    for n in range(1, 121):
        angle = np.pi * n / 120
        way = 0.5 * (1.0 - np.cos(angle))
        rig.step({cloth: start + np.array([0.085 * way, 0.0, 0.05 * np.sin(angle) + 1.2e-3 * way])})
    rig.wait(60)
    above = [i for i in range(len(cloth.x)) if i not in set(hem.tolist()) and cloth.x[i, 2] > 2.0 * THICKNESS]
    assert len(above) > 20
    assert clearance(cloth) > 0.25 * THICKNESS


def clearance(cloth: Cloth) -> float:
    """Least vertical distance between a vertex and a triangle over or under it that is no neighbour [m]."""
    least = np.inf
    for v, p in enumerate(cloth.x):
        corners = cloth.x[cloth.triangles]
        near = np.linalg.norm(cloth.pattern[cloth.triangles].mean(axis=1) - cloth.pattern[v], axis=1) > 15e-3
        a, b, c = corners[near, 0], corners[near, 1], corners[near, 2]
        area = np.cross(b - a, c - a)[:, 2]
        s1 = np.cross(p - a, c - a)[:, 2] / area
        s2 = np.cross(b - a, p - a)[:, 2] / area
        inside = (s1 >= 0.0) & (s2 >= 0.0) & (s1 + s2 <= 1.0)
        height = (a + s1[:, None] * (b - a) + s2[:, None] * (c - a))[inside, 2]
        if len(height):
            least = min(least, float(np.abs(height - p[2]).min()))
    return least


def test_the_pins_take_what_they_took_before_when_there_is_one_ply():
    rig = Rig(make_cloth(PlanarPose(0.06, 0.238, np.pi)), tool_at(0.0, 0.2, THICKNESS))
    gripper = Gripper(BENCH.gripper, replace(BENCH.scatter, slip_sigma=0.0, slip_sigma_angle=0.0))
    assert gripper.grip([rig.cloth], rig.T_tool, np.random.default_rng(0)) is rig.cloth
    assert gripper.plies == [rig.cloth]


def test_two_plies_that_the_gripper_holds_are_lifted_off_the_stack_whole():
    """Their meshes differ, so that vertices that are held lie on triangles of which only a corner is free."""
    plies = Plies()
    for n, edge in enumerate((4.7e-3, 4.3e-3, 4.9e-3)):
        plies.add(make_cloth(PlanarPose(0.3, 0.2 + 0.2e-3 * n, 0.0), LEVEL + n * THICKNESS, edge))
    rig = PlyRig(plies)
    rig.wait(60)
    rig.grip(1.6 * THICKNESS)
    assert rig.gripper.plies == [rig.cloths[2], rig.cloths[1]]
    rig.lift(40e-3, 96)
    assert max(cloth.strains().max() for cloth in rig.cloths) < 0.1
    assert [float(cloth.x[:, 2].min()) > 5e-3 for cloth in rig.cloths] == [False, True, True]
