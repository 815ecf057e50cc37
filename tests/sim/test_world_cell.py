"""Facts about the whole simulated cell: loader, arm, gripper, machine, truth, with the values of configs/."""

from pathlib import Path

import numpy as np
import pytest

from sewcell.config.layers import load_job
from sewcell.config.values import make_arm_model
from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import invert_pose, make_pose
from sewcell.kinematics.arm import Arm
from sim.plant import Plant
from sim.truth import Truth
from sim.world.from_config import make_world_parameters
from sim.world.world import World

CONFIGS = Path(__file__).parents[2] / "configs"
FACE = 0.3e-3
PLATE_IN_PIECE = make_pose((0.0, 0.001, 0.0)) @ np.diag([-1.0, 1.0, -1.0, 1.0])
FEED = 2.5e-3


class Cell:
    """The world with an arm that is told where the tool goes."""

    def __init__(self, seed=1, count=2):
        job = load_job(CONFIGS / "garments" / "shirt-pocket.yaml")
        self.parameters = make_world_parameters(job.cell, job.fabric, job.imperfections)
        self.arm = Arm(make_arm_model(job))
        self.plant, self.truth = Plant(joint_targets=np.deg2rad(job.cell.home_deg)), Truth()
        self.piece = job.pieces["POCKET"]
        self.world = World(self.parameters, self.piece, count, seed, self.plant, self.truth)

    def wait(self, seconds):
        for _ in range(round(seconds * 240)):
            self.world.step()

    def load(self):
        self.plant.loader_request += 1
        self.wait(0.8)

    def joints(self, T_base_tool, near):
        result = self.arm.solve(T_base_tool @ invert_pose(self.parameters.gripper.T_flange_tool), near)
        assert result.q is not None, result.reason
        return result.q

    def swing(self, T, seconds=0.6):
        start, end = self.plant.joint_targets, self.joints(T, self.plant.joint_targets)
        for s in self._eased(seconds):
            self.plant.joint_targets = start + s * (end - start)
            self.world.step()
        self.wait(0.1)

    def slide(self, T, seconds=0.4):
        start = self.arm.forward(self.plant.joint_targets) @ self.parameters.gripper.T_flange_tool
        for s in self._eased(seconds):
            between = T.copy()
            between[:3, 3] = start[:3, 3] + s * (T[:3, 3] - start[:3, 3])
            self.plant.joint_targets = self.joints(between, self.plant.joint_targets)
            self.world.step()
        self.wait(0.1)

    def ramp(self, wire, end, seconds):
        start = getattr(self.plant, wire)
        for s in np.linspace(0.0, 1.0, round(seconds * 240)):
            setattr(self.plant, wire, float(start + s * (end - start)))
            self.world.step()

    def tool_over(self, pose, height):
        T_base_piece = self.parameters.bench.T_base_table @ pose.matrix()
        return make_pose((0.0, 0.0, height)) @ T_base_piece @ PLATE_IN_PIECE

    def pick(self):
        laid = self.truth.laid[-1]
        pose = PlanarPose(laid.x, laid.y, laid.theta)
        self.swing(self.tool_over(pose, 0.06))
        self.slide(self.tool_over(pose, FACE))
        self.ramp("pins_out", 1.0, 0.06)
        self.slide(self.tool_over(pose, 0.12))

    @staticmethod
    def _eased(seconds):
        s = np.linspace(0.0, 1.0, round(seconds * 240))
        return s * s * (3.0 - 2.0 * s)


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


def sew_hem(cell):
    """Pick, carry, slide under the foot, sew 40 stitches and 3 back, in step with the arm."""
    cell.load()
    cell.pick()
    T_needle = cell.parameters.machine.T_base_needle
    start = cell.piece.sew_lines[0][0]
    T_piece = T_needle @ make_pose((0.0, 0.0, 0.0), (0.0, 0.0, np.pi)) @ make_pose((-start[0], -start[1], 0.0))
    at_foot = make_pose((0.0, 0.0, FACE)) @ T_piece @ PLATE_IN_PIECE
    beside = make_pose((-0.07, 0.0, 0.0)) @ at_foot
    cell.swing(make_pose((0.0, 0.0, 0.06)) @ beside, 1.0)
    cell.slide(beside, 0.6)
    cell.slide(at_foot, 0.6)
    cell.ramp("foot_down", 1.0, 0.08)
    per_step = 1000.0 / 60.0 / 240.0
    for n in range(1, int(40 / per_step)):
        travelled = FEED * max(0.0, n * per_step - 0.29)
        T = make_pose(T_needle[:3, 0] * travelled) @ at_foot
        cell.plant.shaft_turns = n * per_step
        cell.plant.joint_targets = cell.joints(T, cell.plant.joint_targets)
        cell.world.step()
    cell.ramp("foot_down", 0.0, 0.08)
    return np.array([(p.x, p.y) for p in cell.truth.pierces])


@pytest.mark.slow
def test_the_whole_cycle_sews_along_the_hem_line_and_is_the_same_every_time():
    digests = []
    for _ in range(2):
        cell = Cell()
        points = sew_hem(cell)
        digests.append(cell.truth.digest())
        assert cell.truth.events == []
        assert len(points) == 40
        assert points[:, 1] == pytest.approx(0.058, abs=0.5e-3)
        assert np.diff(points[:, 0]).mean() == pytest.approx(FEED, rel=0.02)
        assert points[0, 0] == pytest.approx(-0.054, abs=0.5e-3)
        cell.world.close()
    assert digests[0] == digests[1]


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


def test_a_missed_loop_a_broken_thread_and_an_empty_bobbin_are_told_once(cell):
    cell.plant.thread_broken = cell.plant.bobbin_empty = True
    cell.wait(0.05)
    assert [text for _, text in cell.truth.events] == ["the needle thread broke", "the bobbin ran empty"]
