"""The person of the simulated cell: holds boards, sticks labels to the table, jogs the arm from its pendant."""

import asyncio

import numpy as np

from sewcell.config.layers import Job
from sewcell.errors import ConfigError
from sewcell.geometry.board_pattern import BoardPattern
from sewcell.geometry.poses import Array, invert_pose, make_pose, rotation_angle
from sewcell.hands import LayBoard, ShowBoard, StickFiducials, Task, TouchTip, TurnHand
from sewcell.units import DEG, MM
from sim.camera.boards import PAPER, make_board, make_fiducial
from sim.camera.lens import View
from sim.camera.mesh import Mesh
from sim.firmware.arm_controller import ArmController
from sim.plant import Plant
from sim.world.bullet import RigidWorld
from sim.world.parameters import WorldParameters

T_FLANGE_BOARD = make_pose((-0.12, 0.30, 0.02), (np.pi, 0.0, 0.3))
"""How the board is fixed to the flange for `TurnHand`: beside the tool, its face towards the arm."""
TIP_TABLE = np.array([0.25, 0.2, 0.12])
"""The fixed tip for `TouchTip`, in the table frame [m]."""
TOUCH_SIGMA = 0.05 * MM
"""How exactly a person brings point to tip, along each axis."""
JOG_SPEED = 30.0 * DEG
SETTLING = 0.5
TRIES = 400
MARGIN_PX = 25
HEIGHT_SHARE = 0.55
"""Of the picture's height that a board shown to the camera fills."""
LEAST_HEIGHT = 0.15
"""Of a board in the hand above the table [m]."""
FIELDS = [
    (0.25, 0.3),
    (0.75, 0.3),
    (0.75, 0.7),
    (0.25, 0.7),
    (0.5, 0.5),
    (0.5, 0.28),
    (0.5, 0.72),
    (0.22, 0.5),
    (0.78, 0.5),
]
"""Where the middle of a board is shown, as shares of the picture."""


class SimHands:
    """Implements `sewcell.hands.Hands`. `meshes`: what it has brought into the world. Depends on `seed` only."""

    def __init__(
        self, job: Job, parameters: WorldParameters, view: View, plant: Plant, controller: ArmController, seed: int
    ) -> None:
        self._view = view
        self._T_base_table = job.cell.table.pose.matrix()
        self._table = np.array(job.cell.table.size_mm) * MM
        self._T_flange_tool = job.cell.tool.pose.matrix()
        self._limits = np.array([job.arm.limits.lower_deg, job.arm.limits.upper_deg]) * DEG
        self._parameters = parameters
        self._plant = plant
        self._controller = controller
        self._rng = np.random.default_rng([seed, 4])
        self.meshes: list[Mesh] = []

    async def carry_out(self, task: Task) -> None:
        match task:
            case ShowBoard():
                self._show_board(task)
            case LayBoard():
                self._lay_board(task)
            case StickFiducials():
                self._stick_fiducials(task)
            case TurnHand():
                await self._turn_hand(task)
            case TouchTip():
                await self._touch_tip()
        await asyncio.sleep(SETTLING)

    def _show_board(self, task: ShowBoard) -> None:
        width, height = self._view.image_size_px
        distance = self._view.matrix[1, 1] * task.board.size[1] / (HEIGHT_SHARE * height)
        for _ in range(TRIES):
            share = np.array(FIELDS[(task.number - 1) % len(FIELDS)]) + self._rng.normal(0.0, 0.03, 2)
            ray = [*(share * (width, height) - self._view.matrix[:2, 2]) / np.diag(self._view.matrix)[:2], 1.0]
            way, tilt = 2.4 * task.number + self._rng.normal(0.0, 0.2), self._rng.uniform(15.0, 38.0) * DEG
            T = make_pose(
                distance * self._rng.uniform(0.9, 1.15) * np.array(ray),
                (np.pi, 0.0, self._rng.uniform(-0.3, 0.3)),
            ) @ make_pose(rpy=(tilt * np.cos(way), tilt * np.sin(way), 0.0))
            T_base_board = invert_pose(self._view.T_camera_base) @ T @ _from_middle(task.board)
            if self._sees(task.board, T_base_board):
                break
        self.meshes = make_board(task.board, T_base_board)

    def _lay_board(self, task: LayBoard) -> None:
        place = task.place
        for _ in range(TRIES):
            if place is not None:
                T_table_board = place.matrix()
            else:
                middle = self._table * self._rng.uniform(0.2, 0.8, 2)
                turned = make_pose((*middle, 0.0), (0.0, 0.0, self._rng.uniform(-np.pi, np.pi)))
                T_table_board = turned @ _from_middle(task.board)
            T_table_board[2, 3] = max(task.thickness, PAPER)
            if place is not None or self._sees(task.board, self._T_base_table @ T_table_board):
                break
        self.meshes = make_board(task.board, self._T_base_table @ T_table_board)

    def _stick_fiducials(self, task: StickFiducials) -> None:
        """Round the rim of the working area, always at the same places."""
        self.meshes = []
        rim = self._table - 3.0 * task.size
        for i, number in enumerate(task.numbers):
            way = 2.0 * np.pi * (i + 0.5) / len(task.numbers)
            across = np.array([np.cos(way), np.sin(way)])
            middle = self._table / 2.0 + rim / 2.0 * across / np.abs(across).max()
            self.meshes += make_fiducial(number, task.size, self._T_base_table @ make_pose((*middle, 0.0)))

    async def _turn_hand(self, task: TurnHand) -> None:
        """The board hangs level over the table and is tilted round the compass."""
        way, tilt = 2.4 * task.number, 25.0 * DEG
        rigid = RigidWorld(self._parameters, self._plant.joint_targets)
        try:
            for _ in range(TRIES):
                middle = np.array([0.3, 0.5, 0.0]) * [*self._table, 0.0] + self._rng.uniform(
                    [-0.08, -0.08, LEAST_HEIGHT], [0.15, 0.1, LEAST_HEIGHT + 0.2]
                )
                spin = self._rng.uniform(-np.pi, np.pi)
                shown = make_pose(middle, (tilt * np.cos(way), tilt * np.sin(way), 0.0)) @ make_pose(rpy=(0, 0, spin))
                T_base_board = self._T_base_table @ shown @ _from_middle(task.board)
                if not self._sees(task.board, T_base_board):
                    continue
                posture = self._reach(rigid, T_base_board @ invert_pose(T_FLANGE_BOARD))
                if posture is not None:
                    break
            else:
                raise ConfigError(f"the simulated arm cannot show the {task.board} to the camera: use a smaller board")
            rigid.stand(posture)
            T_base_board = rigid.flange_pose() @ T_FLANGE_BOARD
        finally:
            rigid.close()
        await self._jog(posture)
        self.meshes = make_board(task.board, T_base_board)

    async def _touch_tip(self) -> None:
        tip = (self._T_base_table @ [*TIP_TABLE, 1.0])[:3]
        rigid = RigidWorld(self._parameters, self._plant.joint_targets)
        try:
            for _ in range(TRIES):
                roll, pitch = self._rng.uniform(-35.0, 35.0, 2) * DEG
                T = make_pose(rpy=(np.pi + roll, pitch, self._rng.uniform(-np.pi, np.pi)))
                T[:3, 3] = tip + self._rng.normal(0.0, TOUCH_SIGMA, 3)
                posture = self._reach(rigid, T @ invert_pose(self._T_flange_tool))
                if posture is not None:
                    break
            else:
                raise ConfigError(
                    "the simulated arm cannot touch its tip in this cell: move the table nearer to the arm"
                )
        finally:
            rigid.close()
        await self._jog(posture)

    async def _jog(self, posture: Array) -> None:
        await asyncio.sleep(self._controller.jog_from_pendant(posture, JOG_SPEED))

    def _sees(self, board: BoardPattern, T_base_board: Array) -> bool:
        """Whether all corners of the board are in the picture, and none below the table."""
        width, height = board.size
        corners = np.array([[0, 0, 0, 1], [width, 0, 0, 1], [width, height, 0, 1], [0, height, 0, 1]])
        points = (corners @ T_base_board.T)[:, :3]
        above = (corners @ (invert_pose(self._T_base_table) @ T_base_board).T)[:, 2]
        pixels = self._view.project(points)
        inside = (pixels > MARGIN_PX) & (pixels < np.array(self._view.image_size_px) - MARGIN_PX)
        return bool(inside.all() and above.min() > -1e-9)

    def _reach(self, rigid: RigidWorld, T_base_flange: Array) -> Array | None:
        """A posture within the limits that brings the flange to the pose and strikes nothing on the way there, or None.

        Newton's method with the damped pseudo-inverse of a Jacobian by differences.
        """
        here = self._plant.joint_targets
        for start in (here, here + self._rng.normal(0.0, 0.4, 6)):
            q = start.copy()
            for _ in range(40):
                error = _difference(_flange(rigid, q), T_base_flange)
                if np.abs(error).max() < 1e-7:
                    break
                J = np.empty((6, 6))
                for k in range(6):
                    nudged = q.copy()
                    nudged[k] += 1e-6
                    J[:, k] = (error - _difference(_flange(rigid, nudged), T_base_flange)) / 1e-6
                step = J.T @ np.linalg.solve(J @ J.T + 1e-6 * np.eye(6), error)
                q += step * min(1.0, 0.3 / np.abs(step).max())
            inside = np.all(q > self._limits[0] + 0.05) and np.all(q < self._limits[1] - 0.05)
            if inside and np.abs(error).max() < 1e-7 and self._is_free(rigid, here, q):
                return q
        return None

    def _is_free(self, rigid: RigidWorld, start: Array, goal: Array) -> bool:
        for share in np.linspace(0.0, 1.0, 25):
            _flange(rigid, start + share * (goal - start))
            if rigid.struck() is not None:
                return False
        return True


def _from_middle(board: BoardPattern) -> Array:
    """T_middle_board: the board's frame seen from its middle."""
    return make_pose((-board.size[0] / 2.0, -board.size[1] / 2.0, 0.0))


def _flange(rigid: RigidWorld, joints: Array) -> Array:
    rigid.stand(joints)
    return rigid.flange_pose()


def _difference(T: Array, goal: Array) -> Array:
    """Small motion (6,) from `T` to `goal`, in base: shift [m] and rotation vector [rad]."""
    R = goal[:3, :3] @ T[:3, :3].T
    skew = np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]]) / 2.0
    angle = rotation_angle(R)
    scale = angle / np.sin(angle) if 1e-6 < angle < np.pi - 1e-3 else 1.0
    return np.concatenate((goal[:3, 3] - T[:3, 3], scale * skew))
