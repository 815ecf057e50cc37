"""The whole simulated world with the values of configs/, and an arm that is told where the tool goes."""

from pathlib import Path

import numpy as np

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


def sew_hem(cell, stitches=40, early=0.0, each=lambda turns: None):
    """Pick, carry, slide under the foot and sew some stitches with the arm; its way is `early` [m] too long at the end.

    `each` is called after every step with the turns of the shaft. Returns the needle's points (N, 2), foot down still.
    """
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
    for turns in per_step * np.arange(1, int(stitches / per_step)):
        travelled = FEED * max(0.0, turns - 0.29) + early * turns / stitches
        T = make_pose(T_needle[:3, 0] * travelled) @ at_foot
        cell.plant.shaft_turns = float(turns)
        cell.plant.joint_targets = cell.joints(T, cell.plant.joint_targets)
        cell.world.step()
        each(float(turns))
    return np.array([(p.x, p.y) for p in cell.truth.pierces])
