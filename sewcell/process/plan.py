"""All motions of one piece and one seam, planned and checked before the arm moves."""

from dataclasses import dataclass, replace

import numpy as np

from sewcell.errors import MotionError
from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array, invert_pose, make_pose
from sewcell.kinematics.arm import IkStatus
from sewcell.motion.cartesian_path import plan_line
from sewcell.motion.check import certify
from sewcell.motion.clear_path import plan_clear_move
from sewcell.motion.peel import plan_pick_lift
from sewcell.motion.seam_path import SeamMotion, plan_seam
from sewcell.motion.shaft import SeamProgram
from sewcell.motion.trajectory import Trajectory
from sewcell.process.grip import SeamGrip, count_stitches, plan_grip
from sewcell.process.recipe import PieceRecipe, SeamRecipe
from sewcell.process.station import Station

GRIP_COMPRESSION = 0.85
"""Height of the pin face over the table when it grips, in fabric thicknesses."""
SIDESTEP = 0.06
"""The piece is laid on the bed this far left of the seam and slid under the raised foot [m]."""
PEEL_HEIGHT = 0.02
"""The first part of a lift, in which the cloth lets go of the table [m]."""
PEEL_SPEED = 0.05
"""Speed of that part [m/s]."""
TOUCHING = (("plate", "table"),)
"""Bodies that the work brings together: the gripper plate presses cloth on the table."""


@dataclass(frozen=True, slots=True)
class SeamPlan:
    """The motions of one seam in the order of their use; each starts where the one before ends."""

    grip: SeamGrip
    program: SeamProgram
    approach: Trajectory
    descend: Trajectory
    lift: Trajectory
    carry: Trajectory
    lay: Trajectory
    slide_in: Trajectory
    seam: SeamMotion
    slide_out: Trajectory
    take_out: Trajectory
    bring: Trajectory
    put_down: Trajectory
    retreat: Trajectory
    go_home: Trajectory

    def motions(self) -> dict[str, Trajectory]:
        """The motions by name."""
        motions = [
            self.approach, self.descend, self.lift, self.carry, self.lay, self.slide_in, self.seam.trajectory,
            self.slide_out, self.take_out, self.bring, self.put_down, self.retreat, self.go_home,
        ]  # fmt: skip
        return {motion.name: motion for motion in motions}


def make_program(seam: SeamRecipe, grip: SeamGrip, shaft_acceleration: float) -> SeamProgram:
    """What the sewing head is told for `seam`."""
    stitches, stitch_length = count_stitches(grip.length, seam.stitch_length)
    return SeamProgram(
        stitches=stitches,
        stitch_length=stitch_length,
        speed=seam.speed,
        backtack_start=seam.backtack_start,
        backtack_end=seam.backtack_end,
        backtack_speed=seam.backtack_speed,
        acceleration=shaft_acceleration,
    )


def plan_seam_cycle(
    station: Station, recipe: PieceRecipe, seam: SeamRecipe, T_table_piece: PlanarPose, thickness: float
) -> SeamPlan:
    """Plan everything from home, over a piece that lies at `T_table_piece`, through `seam`, and back home.

    Raises: MotionError that names the motion, the joint or the distance that makes it impossible.
    """
    planner = _Planner(station, station.home)
    grip = plan_grip(recipe.piece, seam, station.plate_size)
    program = make_program(seam, grip, station.shaft_acceleration)
    grip_height = make_pose((0.0, 0.0, GRIP_COMPRESSION * thickness))

    T_base_grip = grip_height @ station.T_base_table @ T_table_piece.matrix() @ grip.piece_tool
    T_base_start = station.T_base_needle @ grip.needle_tool(thickness)
    T_base_beside = station.T_base_needle @ grip.needle_tool(thickness, aside=SIDESTEP)
    T_base_out = station.T_base_needle @ grip.needle_tool(thickness, travelled=grip.length, aside=SIDESTEP)
    T_base_place = grip_height @ station.T_base_table @ place_pose(station, recipe).matrix() @ grip.piece_tool

    approach = planner.move_to(_above(T_base_grip, station.approach), "approach")
    descend = planner.line_to(T_base_grip, "descend")
    lift = planner.lift(station.carry_height, "lift")
    carry = planner.move_to(_above(T_base_beside, station.approach), "carry")
    lay = planner.line_to(T_base_beside, "lay")
    slide_in = planner.line_to(T_base_start, "slide in")
    sewing = planner.sew(program, seam.name)
    slide_out = planner.line_to(T_base_out, "slide out")
    take_out = planner.lift(station.carry_height, "take out")
    bring = planner.move_to(_above(T_base_place, station.approach), "bring")
    put_down = planner.line_to(T_base_place, "put down")
    retreat = planner.lift(station.approach, "retreat")
    go_home = planner.return_to(station.home, "go home")
    return SeamPlan(
        grip, program, approach, descend, lift, carry, lay, slide_in, sewing, slide_out, take_out, bring, put_down,
        retreat, go_home,
    )  # fmt: skip


def place_pose(station: Station, recipe: PieceRecipe) -> PlanarPose:
    """Where the piece is put down: the centre of its outline's bounding box at the station's place."""
    low, high = recipe.piece.outline.min(axis=0), recipe.piece.outline.max(axis=0)
    turned = PlanarPose(0.0, 0.0, station.place.theta)
    x, y = (station.place.x, station.place.y) - turned.apply((low + high)[None] / 2.0)[0]
    return PlanarPose(float(x), float(y), station.place.theta)


class _Planner:
    """Plans motion after motion, each from where the one before ends, and checks each."""

    def __init__(self, station: Station, start: Array) -> None:
        self._station = station
        self._q = np.asarray(start, dtype=np.float64)
        self._T_tool_flange = invert_pose(station.T_flange_tool)

    def move_to(self, T_base_tool: Array, name: str) -> Trajectory:
        """A joint move to a pose of the tool."""
        found = self._station.arm.solve(T_base_tool @ self._T_tool_flange, near=self._q)
        if found.q is None or found.status is IkStatus.SINGULAR:
            x, y, z = T_base_tool[:3, 3] * 1e3
            raise MotionError(f"'{name}' cannot reach x {x:.0f}, y {y:.0f}, z {z:.0f} mm in base: {found.reason}")
        return self.return_to(found.q, name)

    def return_to(self, posture: Array, name: str) -> Trajectory:
        """A joint move to a posture."""
        station = self._station
        move = plan_clear_move(
            self._q, posture, station.joint_limits, station.period, name, station.collision, station.clearance, TOUCHING
        )
        self._q = move.goal
        return move

    def line_to(self, T_base_tool: Array, name: str) -> Trajectory:
        """A straight line to a pose of the tool."""
        station = self._station
        goal = T_base_tool @ self._T_tool_flange
        return self._add(
            plan_line(station.arm, self._q, goal, station.line_limits, station.joint_limits, station.period, name)
        )

    def lift(self, height: float, name: str) -> Trajectory:
        """A straight lift that starts slowly."""
        station = self._station
        return self._add(
            plan_pick_lift(
                station.arm, self._q, height, PEEL_HEIGHT, PEEL_SPEED, station.line_limits, station.joint_limits,
                station.period, name,
            )
        )  # fmt: skip

    def sew(self, program: SeamProgram, name: str) -> SeamMotion:
        """The motion along the feed during a seam."""
        station = self._station
        motion = plan_seam(
            station.arm, self._q, station.T_base_needle, program, station.joint_limits, station.period, name
        )
        return replace(motion, trajectory=self._add(motion.trajectory))

    def _add(self, trajectory: Trajectory) -> Trajectory:
        station = self._station
        self._q = trajectory.goal
        return certify(trajectory, station.joint_limits, station.collision, station.clearance, TOUCHING)


def _above(T: Array, height: float) -> Array:
    raised = T.copy()
    raised[2, 3] += height
    return raised
