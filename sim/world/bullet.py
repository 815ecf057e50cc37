"""The rigid bodies in PyBullet: arm, table, machine, gripper; where they are and what they strike."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pybullet as p

from sewcell.geometry.poses import Array
from sim.world.cloth_kernels import FOOT_HEIGHT
from sim.world.parameters import Body, WorldParameters
from sim.world.plate import float_plate

URDF = Path(__file__).parent / "urdf" / "arm.urdf"
FLANGE_LINK = 5
DEEPEST_TOUCH = 1e-3
FIRST_MOVING_LINK = 1  # link_1 turns on the base, beside the table; only links beyond it can strike anything
NEEDLE_AMPLITUDE = 15e-3
NEEDLE_LENGTH = 30e-3
CLIENT_STATE = ("_client", "_arm", "_obstacles", "_foot", "_needle", "_tool")
SHORTEST_LAG = 1e-6
"""Time constant [s] of an ideal drive."""


class RigidWorld:
    """A PyBullet client of its own, without window.

    The joints are set, not driven by forces: the servo drives of the arm follow their targets stiffly, and what is
    left of that is a first-order lag and the play of the gears, so a dynamic model would only add parameters that
    nobody has measured. `joints` (6,) [rad]: where the motors stand.
    """

    def __init__(self, parameters: WorldParameters, joints: Array) -> None:
        self._parameters = parameters
        self.joints = np.array(joints, dtype=np.float64)
        self._axes = self.joints.copy()
        self._T_tool, self._tool_placed, self._layers = np.eye(4), False, 1
        self._connect()

    def _connect(self) -> None:
        parameters = self._parameters
        self._client = p.connect(p.DIRECT)
        self._arm = _load_arm(parameters.arm.link_shift, self._client)
        slab = parameters.bench.slab
        self._obstacles = {slab.name: self._add_box(slab, np.eye(4))}
        T_needle = parameters.machine.T_base_needle
        self._needle_turned = _quaternion(T_needle)
        for body in parameters.machine.bodies:
            self._obstacles[body.name] = self._add_box(body, T_needle)
        self._foot = self._add_box(foot_body(parameters), T_needle)
        self._needle = self._add_box(needle_body(), T_needle)
        self._obstacles |= {"presser foot": self._foot, "needle": self._needle}
        self._tool = [self._add_box(body, np.eye(4)) for body in tool_bodies(parameters)]
        self._set_joints()

    def __getstate__(self) -> dict[str, Any]:
        """Everything but PyBullet's client, whose bodies follow from it."""
        return {name: value for name, value in self.__dict__.items() if name not in CLIENT_STATE}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._connect()

    def close(self) -> None:
        """Disconnect from PyBullet. May be repeated."""
        if self._client >= 0:
            p.disconnect(physicsClientId=self._client)
            self._client = -1

    def follow(self, targets: Array, dt: float, layers: int = 1) -> None:
        """Let the motors run after `targets` (6,) [rad] for `dt` [s] with the lag of the servo drives.

        `layers`: of cloth under the tool, those that hang from it included.
        Behind a gear with play an axis stays where it is until its motor has crossed the play.
        """
        arm = self._parameters.arm
        self._layers = layers
        late = np.exp(-dt / np.maximum(arm.lag, SHORTEST_LAG))
        self.joints += (targets - self.joints) * (1.0 - late)
        axes = np.clip(self._axes, self.joints - arm.backlash / 2.0, self.joints + arm.backlash / 2.0)
        if not np.array_equal(axes, self._axes):
            self._axes = axes
            self._set_joints()

    def stand(self, joints: Array) -> None:
        """Set the motors to `joints` (6,) [rad], and the axes to the middle of their play."""
        self.joints = np.array(joints, dtype=np.float64)
        self._axes = self.joints.copy()
        self._set_joints()

    def place_machine(self, foot_height: float, shaft_turns: float) -> None:
        """Foot sole at `foot_height` [m] above the throat plate, needle as the shaft has it."""
        T = self._parameters.machine.T_base_needle
        self._reset(self._foot, T[:3, 3] + foot_height * T[:3, 2], self._needle_turned)
        self._reset(self._needle, T[:3, 3] + needle_height(shaft_turns) * T[:3, 2], self._needle_turned)

    def link_poses(self) -> list[Array]:
        """T_base_link of links 1 to 6, as PyBullet has them."""
        states = p.getLinkStates(self._arm, range(6), computeForwardKinematics=True, physicsClientId=self._client)
        return [_pose(state[4], state[5]) for state in states]

    def flange_pose(self) -> Array:
        """T_base_flange (4, 4)."""
        state = p.getLinkState(self._arm, FLANGE_LINK, computeForwardKinematics=True, physicsClientId=self._client)
        return _pose(state[4], state[5])

    def tool_pose(self) -> Array:
        """T_base_tool (4, 4), see `float_plate`."""
        return self._T_tool

    def struck(self) -> str | None:
        """Name of a body that arm or tool penetrates by more than 1 mm, or None."""
        if not self._tool_placed:
            turned = _quaternion(self._T_tool)
            for body in self._tool:
                self._reset(body, self._T_tool[:3, 3], turned)
            self._tool_placed = True
        for name, obstacle in self._obstacles.items():
            for body in (self._arm, *self._tool):
                for contact in p.getClosestPoints(body, obstacle, 0.0, physicsClientId=self._client):
                    link, distance = contact[3], contact[8]
                    if distance < -DEEPEST_TOUCH and (body != self._arm or link >= FIRST_MOVING_LINK):
                        return name
        return None

    def _set_joints(self) -> None:
        """Set the arm to where the axes stand; the bodies of the tool follow when somebody asks what they strike."""
        for k, angle in enumerate((self._axes + self._parameters.arm.zero).tolist()):
            p.resetJointState(self._arm, k, angle, physicsClientId=self._client)
        self._T_tool = float_plate(self.flange_pose(), self._parameters, self._layers)
        self._tool_placed = False

    def _add_box(self, body: Body, T: Array) -> int:
        low, high = np.array(body.low), np.array(body.high)
        half, centre = (high - low) / 2.0, (high + low) / 2.0
        shape = p.createCollisionShape(
            p.GEOM_BOX, halfExtents=half, collisionFramePosition=centre, physicsClientId=self._client
        )
        number: int = p.createMultiBody(0.0, shape, physicsClientId=self._client)
        self._reset(number, T[:3, 3], _quaternion(T))
        return number

    def _reset(self, body: int, position: Array, quaternion: Sequence[float]) -> None:
        p.resetBasePositionAndOrientation(body, position.tolist(), quaternion, physicsClientId=self._client)


def _load_arm(link_shift: Array, client: int) -> int:
    """The arm of the URDF with each joint moved in its parent link by `link_shift` (6, 3) [m]."""
    tree = ElementTree.parse(URDF)
    for joint, shift in zip(tree.iterfind("joint"), link_shift, strict=True):
        origin = joint.find("origin")
        assert origin is not None
        drawn = np.array(origin.get("xyz", "0 0 0").split(), dtype=np.float64)
        origin.set("xyz", " ".join(repr(float(v)) for v in drawn + shift))
    with tempfile.NamedTemporaryFile("wb", suffix=".urdf") as file:
        tree.write(file)
        file.flush()
        number: int = p.loadURDF(file.name, useFixedBase=True, physicsClientId=client)
    return number


def needle_height(shaft_turns: float) -> float:
    """Height of the needle's point above the throat plate [m]: it passes it at 75 and 195 deg, lowest at 135 deg."""
    return float(NEEDLE_AMPLITUDE * (0.5 - np.cos(2.0 * np.pi * shaft_turns - np.deg2rad(135.0))))


def needle_body() -> Body:
    """The needle, in a frame at its point."""
    return Body("needle", (-0.5e-3, -0.5e-3, 0.0), (0.5e-3, 0.5e-3, NEEDLE_LENGTH))


def foot_body(parameters: WorldParameters) -> Body:
    """The presser foot, in a frame at the middle of its sole."""
    length, width = parameters.machine.foot_length, parameters.machine.foot_width
    return Body("presser foot", (-length / 2, -width / 2, 0.0), (length / 2, width / 2, FOOT_HEIGHT))


def tool_bodies(parameters: WorldParameters) -> tuple[Body, Body]:
    """Plate and rod of the gripper in the tool frame; the rod is a square bar in line with the flange."""
    g = parameters.gripper
    x, y, z = (float(v) for v in -g.T_flange_tool[:3, :3].T @ g.T_flange_tool[:3, 3])
    plate = Body("plate", (-g.size[0] / 2, -g.size[1] / 2, -g.plate_height), (g.size[0] / 2, g.size[1] / 2, 0.0))
    r = 0.8 * g.rod_radius
    return plate, Body("rod", (x - r, y - r, z), (x + r, y + r, -g.plate_height))


def _pose(position: Sequence[float], quaternion: Sequence[float]) -> Array:
    T = np.eye(4)
    T[:3, :3] = np.reshape(p.getMatrixFromQuaternion(quaternion), (3, 3))
    T[:3, 3] = position
    return T


def _quaternion(T: Array) -> tuple[float, float, float, float]:
    """Unit quaternion x, y, z, w of a pose (Shepperd 1978)."""
    R = T[:3, :3]
    squares = np.array([R[0, 0], R[1, 1], R[2, 2], 0.0]) * 2.0 - np.trace(R)
    squares[3] = np.trace(R)
    k = int(np.argmax(squares))
    if k == 3:
        q = np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1], 1.0 + squares[3]])
    else:
        i, j = (k + 1) % 3, (k + 2) % 3
        q = np.empty(4)
        q[k], q[i], q[j], q[3] = 1.0 + squares[k], R[i, k] + R[k, i], R[j, k] + R[k, j], R[j, i] - R[i, j]
    x, y, z, w = (float(v) for v in q / np.linalg.norm(q))
    return x, y, z, w
