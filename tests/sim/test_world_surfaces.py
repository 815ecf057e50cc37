"""Facts about how the simulated cell looks: bodies stay within what collides, and sewn thread lies on the cloth."""

from dataclasses import replace

import numpy as np
import pytest

from sewcell.geometry.planar import PlanarPose
from sim.camera.lens import View
from sim.camera.primitives import join_meshes, make_box, make_loft, round_rectangle
from sim.camera.renderer import Renderer, make_light
from sim.truth import Pierce
from sim.world.arm_looks import make_arm
from sim.world.bullet import foot_body, tool_bodies
from sim.world.cloth_rig import BENCH, make_cloth
from sim.world.machine_looks import hand_wheel_at, make_hand_wheel, make_machine
from sim.world.needle_looks import make_foot, make_needle
from sim.world.stitches import HEIGHT, Stitches
from sim.world.surfaces import Surfaces
from sim.world.tool_looks import make_pins, make_tool

RED = (0.8, 0.07, 0.09)
AWAY = [np.eye(4)] * 6
SEAM = [Pierce(0, turn, 0.06 * turn, 0.02 + 2.5e-3 * turn, 0.10) for turn in range(20)]


def volume(mesh):
    p = mesh.vertices[mesh.faces]
    return np.einsum("ij,ij->i", p[:, 0], np.cross(p[:, 1], p[:, 2])).sum() / 6.0


def is_closed(mesh):
    """Every edge of a closed skin is crossed once in each direction; corners at one place count as one."""
    _, number = np.unique(np.round(mesh.vertices, 9), axis=0, return_inverse=True)
    faces = number.ravel()[mesh.faces]
    ways = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    there = sorted(map(tuple, ways.tolist()))
    back = sorted(map(tuple, ways[:, ::-1].tolist()))
    return there == back


def bounds(meshes):
    points = np.concatenate([mesh.vertices for mesh in meshes])
    return points.min(axis=0), points.max(axis=0)


def test_a_loft_between_equal_rectangles_has_the_volume_of_the_box():
    outline = np.array([[0.1, 0.2], [-0.1, 0.2], [-0.1, -0.2], [0.1, -0.2]])
    loft = make_loft("box", [np.column_stack([outline, np.full(4, z)]) for z in (0.0, 0.1, 0.5)], RED)
    assert volume(loft) == pytest.approx(0.2 * 0.4 * 0.5)
    assert is_closed(loft)


def test_a_round_rectangle_loses_the_corners_and_runs_counter_clockwise():
    x, y = round_rectangle(0.3, 0.2, 0.1, per_corner=200).T
    area = 0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))
    assert area == pytest.approx(0.6 * 0.4 - (4.0 - np.pi) * 0.1**2, rel=1e-5)


def test_joined_bodies_keep_their_volumes():
    boxes = [make_box("a", (0, 0, 0), (1, 1, 1), RED), make_box("b", (2, 0, 0), (4, 1, 1), RED)]
    assert volume(join_meshes("both", boxes)) == pytest.approx(3.0)


def every_body():
    machine = BENCH.machine
    bodies = [mesh for link in make_arm() for mesh in link]
    bodies += make_machine(machine) + make_hand_wheel(machine) + make_foot(machine) + make_needle(machine)
    return bodies + make_tool(BENCH.gripper) + make_pins(BENCH.gripper, 0.5)


@pytest.mark.parametrize("mesh", every_body(), ids=lambda mesh: mesh.name)
def test_every_body_is_a_closed_skin_seen_from_outside(mesh):
    assert is_closed(mesh)
    assert volume(mesh) > 0.0


def test_the_machine_stays_within_its_collision_boxes_or_flush_with_the_table():
    machine = BENCH.machine
    boxes = [(np.array(body.low) - 1e-9, np.array(body.high) + 1e-9) for body in machine.bodies]
    wheel = [mesh.vertices @ np.diag([1.0, 1.0, -1.0]) for mesh in make_hand_wheel(machine)]
    turned = [w[:, [0, 2, 1]] * (1.0, -1.0, 1.0) + hand_wheel_at(machine) for w in wheel]
    points = np.concatenate([mesh.vertices for mesh in make_machine(machine)] + turned)
    inside = points[:, 2] < 5e-5
    for low, high in boxes:
        inside |= np.all((points >= low) & (points <= high), axis=1)
    assert inside.all(), points[~inside]


def test_the_foot_stays_within_its_collision_box_below_the_head_and_leaves_room_for_the_needle():
    box = foot_body(BENCH)
    foot, *above = make_foot(BENCH.machine)
    assert np.all(foot.vertices >= np.array(box.low) - 1e-9)
    assert np.all(foot.vertices <= np.array(box.high) + 1e-9)
    for mesh in above:
        assert np.all(np.abs(mesh.vertices[:, :2]) <= np.array(box.high)[:2])
    sole = foot.vertices[(foot.vertices[:, 2] < 1e-9) & (np.abs(foot.vertices[:, 0]) < 12e-3)]
    toes = sole[sole[:, 0] < 3e-3]
    assert np.abs(toes[:, 1]).min() == pytest.approx(1.5e-3)


def test_needle_and_bars_keep_to_the_needle_zone_that_the_planner_avoids():
    low, high = bounds(make_needle(BENCH.machine) + make_foot(BENCH.machine))
    assert np.all(low[:2] >= (-0.020, -0.009))
    assert np.all(high[:2] <= (0.020, 0.009))


def test_the_plate_is_as_large_as_its_collision_box_and_the_pins_go_as_deep_as_the_cell_file_says():
    plate = next(mesh for mesh in make_tool(BENCH.gripper) if mesh.name == "plate")
    body = tool_bodies(BENCH)[0]
    low, high = bounds([plate])
    np.testing.assert_allclose(low, body.low, atol=1e-12)
    np.testing.assert_allclose(high, body.high, atol=1e-12)
    assert bounds(make_pins(BENCH.gripper, 1.0))[1][2] == pytest.approx(BENCH.gripper.pin_penetration)
    assert bounds(make_pins(BENCH.gripper, 0.0))[1][2] < 0.0


def test_stitches_lie_on_the_cloth_along_the_holes_and_end_where_the_thread_does():
    cloth = make_cloth(PlanarPose(0.3, 0.2, 0.4))
    stitches = Stitches(cloth)
    stitches.add(SEAM[:10])
    stitches.add([Pierce(0, 10, 0.6, float("nan"), float("nan"))])
    stitches.add(SEAM[11:13])
    mesh = stitches.mesh("thread")
    assert is_closed(mesh)
    assert volume(mesh) > 0.0
    face = cloth.x[0, 2] + cloth.material.thickness / 2.0
    assert face < mesh.vertices[:, 2].max() < face + 2.0 * HEIGHT
    pattern = (mesh.vertices[:, :2] - (0.3, 0.2)) @ np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    assert pattern[:, 1] == pytest.approx(0.10, abs=0.4e-3)
    across_the_gap = (pattern[:, 0] > 0.0427) & (pattern[:, 0] < 0.0473)
    assert not across_the_gap.any()
    assert pattern[:, 0].min() == pytest.approx(0.02, abs=0.4e-3)


def test_stitches_go_where_the_cloth_goes():
    cloth = make_cloth(PlanarPose(0.0, 0.0, 0.0))
    stitches = Stitches(cloth)
    stitches.add(SEAM)
    before = stitches.mesh("thread").vertices
    cloth.x[:, 2] += 0.3
    cloth.x[:, 0] -= 0.1
    np.testing.assert_allclose(stitches.mesh("thread").vertices, before + np.array([-0.1, 0.0, 0.3]), atol=1e-12)


def test_a_single_hole_makes_no_stitch():
    stitches = Stitches(make_cloth(PlanarPose(0.0, 0.0, 0.0)))
    assert stitches.mesh("thread") is None
    stitches.add(SEAM[:1])
    assert stitches.mesh("thread") is None


def scene(surfaces, cloth, pierces):
    far = np.eye(4)
    far[:3, 3] = 5.0, 5.0, 1.0
    return surfaces.meshes([far] * 6, far, 8e-3, 0.0, 0.0, {0: cloth}, pierces)


def test_the_overhead_camera_sees_red_thread_on_blue_cloth():
    look_down = np.diag([1.0, -1.0, -1.0, 1.0])
    look_down[:3, 3] = -0.2, 0.4, 1.2
    view = View(
        (800, 600), np.array([[2950.0, 0.0, 400.0], [0.0, 2950.0, 300.0], [0.0, 0.0, 1.0]]), np.zeros(5), look_down
    )
    cloth = make_cloth(PlanarPose(0.15, 0.35, 0.0))
    surfaces = Surfaces(BENCH)
    plain = Renderer(view, make_light()).render(scene(surfaces, cloth, [])).light
    sewn = Renderer(view, make_light()).render(scene(surfaces, cloth, SEAM)).light
    u, v = np.rint(view.project([[0.15 + 0.02 + 2.5e-3 * 8.5, 0.35 + 0.10, 3e-4]])[0]).astype(int)
    assert plain[v, u, 2] > plain[v, u, 0]
    assert np.max(sewn[v - 1 : v + 2, u, 0] - plain[v - 1 : v + 2, u, 0]) > 0.05
    changed = np.abs(sewn - plain).max(axis=2) > 0.02
    rows = np.flatnonzero(changed.any(axis=1))
    assert rows.max() - rows.min() < 6


def test_a_piece_that_is_taken_away_takes_its_thread_with_it():
    surfaces, cloth = Surfaces(BENCH), make_cloth(PlanarPose(0.0, 0.0, 0.0))
    assert "thread 0" in [mesh.name for mesh in scene(surfaces, cloth, SEAM)]
    names = [mesh.name for mesh in surfaces.meshes(AWAY, np.eye(4), 0.0, 0.0, 0.0, {1: cloth}, SEAM)]
    assert not any(name.startswith("thread ") for name in names)


def test_the_thread_goes_straight_on_over_a_hole_whose_loop_the_hook_missed():
    cloth = make_cloth(PlanarPose(0.3, 0.2, 0.0))
    stitches = Stitches(cloth)
    stitches.add([replace(pierce, skipped=pierce.turn == 5) for pierce in SEAM[:10]])
    mesh = stitches.mesh("thread")
    at_hole_5 = np.abs(mesh.vertices[:, 0] - 0.3 - SEAM[5].x) < 0.4e-3
    face = cloth.x[0, 2] + cloth.material.thickness / 2.0
    assert mesh.vertices[at_hole_5, 2].max() > face + 0.8 * HEIGHT
    at_hole_4 = np.abs(mesh.vertices[:, 0] - 0.3 - SEAM[4].x) < 0.2e-3
    assert mesh.vertices[at_hole_4, 2].max() < face + 0.4 * HEIGHT
    assert is_closed(mesh)
