"""Facts about the whole simulated cell: loader, arm, gripper, machine, truth, with the values of configs/."""

import numpy as np
import pytest

from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import make_pose
from tests.sim.world_rig import Cell


@pytest.fixture
def cell():
    made = Cell()
    yield made
    made.world.close()


def test_the_loader_lays_a_piece_half_a_second_after_the_request_within_its_scatter(cell):
    cell.plant.loader_request = 7
    cell.wait(0.49)
    assert not cell.plant.loader_ready
    cell.wait(0.3)
    assert (cell.plant.loader_ready, cell.plant.loader_echo) == (True, 7)
    (laid,) = cell.truth.laid
    centroid = PlanarPose(laid.x, laid.y, laid.theta).apply(cell.piece.outline.mean(axis=0))
    assert centroid == pytest.approx([0.46, 0.18], abs=0.045)
    assert not laid.mirrored


def test_an_empty_loader_says_so_and_takes_the_finished_pieces_away(cell):
    for _ in range(2):
        cell.load()
        assert cell.plant.loader_ready
    cell.load()
    assert not cell.plant.loader_ready
    assert cell.plant.loader_echo == 3
    assert cell.world.cloths == {}
    assert [laid.piece for laid in cell.truth.laid] == [0, 1]


def test_the_cut_differs_from_the_drawing_by_the_error_of_the_knife(cell):
    cell.load()
    (cloth,) = cell.world.cloths.values()
    reach = cloth.pattern.max(axis=0) - cell.piece.outline.max(axis=0)
    assert np.all(np.abs(reach) < 0.5e-3)
    assert np.any(np.abs(reach) > 1e-6)


def test_the_arm_picks_a_piece_that_then_hangs_in_the_air(cell):
    cell.load()
    cell.pick()
    assert cell.truth.picked == {0: True}
    assert cell.plant.ply_thickness == pytest.approx(0.3e-3)
    cell.ramp("pins_out", 0.0, 0.06)
    assert cell.plant.ply_thickness == 0.0
    assert not cell.plant.arm_limit_hit


def test_an_arm_driven_into_the_table_is_reported(cell):
    T = cell.tool_over(PlanarPose(0.46, 0.18, 0.0), 0.02)
    cell.swing(T)
    assert not cell.plant.arm_limit_hit
    cell.slide(make_pose((0.0, 0.0, -0.025)) @ T)
    assert cell.plant.arm_limit_hit
    assert cell.truth.events[0][1] == "the arm struck the table"


def test_joints_follow_their_targets_with_a_lag(cell):
    speed = 0.5
    start = cell.plant.joint_targets.copy()
    for n in range(1, 121):
        cell.plant.joint_targets = start + speed * n / 240.0 * np.eye(6)[0]
        cell.world.step()
    behind = cell.plant.joint_targets[0] - cell.world._rigid.joints[0]
    assert behind == pytest.approx(speed * 5e-3, rel=0.5)


def test_surfaces_of_all_bodies_are_closed_or_cloth(cell):
    cell.load()
    for mesh in cell.world.meshes():
        assert np.isfinite(mesh.vertices).all()
        assert mesh.faces.max() < len(mesh.vertices)
        p = mesh.vertices[mesh.faces]
        area = np.linalg.norm(np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]), axis=1)
        assert area.min() > 0.0
        if not mesh.two_sided:
            volume = np.einsum("ij,ij->i", p[:, 0], np.cross(p[:, 1], p[:, 2])).sum() / 6.0
            assert volume > 0.0


def test_a_needle_that_comes_down_on_the_gripper_strikes_it_and_the_machine_is_told(cell):
    T_needle = cell.parameters.machine.T_base_needle
    cell.swing(T_needle @ make_pose((0.0, 0.0, 0.005)) @ np.diag([1.0, -1.0, -1.0, 1.0]))
    assert not cell.plant.needle_struck
    for turns in np.linspace(0.0, 0.5, 9)[1:]:
        cell.plant.shaft_turns = turns
        cell.world.step()
    assert cell.plant.needle_struck
    assert [text for _, text in cell.truth.events].count("the needle struck the gripper") == 1


@pytest.mark.parametrize(
    ("wire", "told"), [("thread_broken", "the needle thread broke"), ("bobbin_empty", "the bobbin ran empty")]
)
def test_a_thread_that_ends_is_told_once_when_it_does_and_again_when_the_next_one_does(cell, wire, told):
    cell.wait(0.05)
    assert cell.truth.events == []
    for times in (1, 2):
        setattr(cell.plant, wire, True)
        cell.wait(0.05)
        assert [text for _, text in cell.truth.events] == [told] * times
        assert cell.truth.events[-1][0] == pytest.approx(cell.world.time - 0.05, abs=0.005)
        setattr(cell.plant, wire, False)
        cell.wait(0.05)
