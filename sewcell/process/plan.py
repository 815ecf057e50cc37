"""All motions of one piece and one seam, planned and checked before the arm moves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sewcell.errors import MotionError
from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array, invert_pose, make_pose, transform_points
from sewcell.kinematics.arm import IkStatus
from sewcell.kinematics.collision import PIECE, Box, Capsule, cover_rectangle
from sewcell.motion.carry import Flap, slow_legs
from sewcell.motion.cartesian_path import plan_line
from sewcell.motion.check import certify
from sewcell.motion.clear_path import plan_clear_chain
from sewcell.motion.legs import Legs, make_joint_legs, make_line_legs, make_standing
from sewcell.motion.peel import plan_pick_lift
from sewcell.motion.profile import ScalarLimits
from sewcell.motion.seam_path import SeamMotion, plan_seam
from sewcell.motion.shaft import SeamProgram
from sewcell.motion.trajectory import Trajectory
from sewcell.process.grip import SeamGrip, count_stitches, measure_flap, plan_grip
from sewcell.process.recipe import PieceRecipe, Recipe, SeamRecipe
from sewcell.process.stacks import STACK
from sewcell.process.station import Station

GRIP_COMPRESSION = 0.85
"""Height of the pin face over the table when it grips, in fabric thicknesses."""
SIDESTEP = 0.06
"""The piece is laid on the bed this far left of the seam and slid under the raised foot [m]."""
PEEL_HEIGHT = 0.02
"""The first part of a lift, in which the cloth lets go of the table [m]."""
PEEL_SPEED = 0.05
"""Speed of that part [m/s]."""
STRAIGHT = 0.03
"""The last part of a way down and the first of a way up is a straight line [m]."""
LINE_TOLERANCE = 0.002
"""How far the tool may leave the straight lines by which a longer motion begins or ends [m]."""
SLIDE_RISE = 0.002
"""The piece is lifted by this while it is pulled from under the foot, so that the plate does not touch the bed [m]."""
LOOSE = 0.05
"""Corridor between those lines and the height of approach or carrying [rad]."""
SAG = 8e-3
"""The cloth beyond the gripper plate keeps within this of the plane of the pins when it is carried [m]."""
TOUCHING = (("plate", "table"), ("plate", STACK), (PIECE, "needle zone"))
"""Bodies that the work brings together: the plate presses cloth on the table or on the plies under it, cloth lies under
the raised foot."""


@dataclass(frozen=True, slots=True)
class SeamPlan:
    """The motions of one seam in the order of their use; each starts where the one before ends."""

    grip: SeamGrip
    program: SeamProgram
    approach: Trajectory
    lift: Trajectory
    carry: Trajectory
    slide_in: Trajectory
    seam: SeamMotion
    take_out: Trajectory
    retreat: Trajectory

    def motions(self) -> dict[str, Trajectory]:
        """The motions by name."""
        motions = [
            self.approach, self.lift, self.carry, self.slide_in, self.seam.trajectory, self.take_out, self.retreat,
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
        thread_tension=seam.thread_tension,
    )


def plan_seam_cycle(
    station: Station,
    recipe: PieceRecipe,
    seam: SeamRecipe,
    T_table_piece: PlanarPose,
    thickness: float,
    acceleration: float = np.inf,
    below: float = 0.0,
    standing: Sequence[Box] = (),
) -> SeamPlan:
    """Plan everything from home, over a piece that lies at `T_table_piece`, through `seam`, and back home.

    The piece lies `below` [m] over the table, on others, where it is picked. All motions keep clear of what is
    `standing` around besides the bodies of the station, such as a stack.

    With a piece, the tool keeps to `acceleration` [m/s2]; see `limit_acceleration`.

    Raises: MotionError that names the motion, the joint or the distance that makes it impossible.
    """
    planner = _Planner(station, station.home, standing)
    grip = plan_grip(recipe.piece, seam, station.plate_size)
    program = make_program(seam, grip, station.shaft_acceleration)
    grip_height = make_pose((0.0, 0.0, GRIP_COMPRESSION * thickness))

    T_base_grip = (
        make_pose((0.0, 0.0, below)) @ grip_height @ station.T_base_table @ T_table_piece.matrix() @ grip.piece_tool
    )
    T_base_start = station.T_base_needle @ grip.needle_tool(thickness)
    T_base_beside = station.T_base_needle @ grip.needle_tool(thickness, aside=SIDESTEP)
    T_base_out = station.T_base_needle @ grip.needle_tool(thickness, travelled=grip.length, aside=SIDESTEP)
    T_base_place = grip_height @ station.T_base_table @ place_pose(station, recipe).matrix() @ grip.piece_tool

    approach = planner.move_down(T_base_grip, "approach")
    lift = planner.lift(station.carry_height, "lift")
    planner.hold(_cover_piece(station, recipe, grip))
    carry = planner.move_down(T_base_beside, "carry", acceleration)
    planner.hold(())  # from here the cloth is meant to come under the foot
    slide_in = planner.line_to(T_base_start, "slide in")
    sewing = planner.sew(program, seam.name)
    planner.hold(_cover_piece(station, recipe, grip))
    take_out = planner.take_over(T_base_out, T_base_place, "take out", acceleration)
    planner.hold(())
    retreat = planner.retreat(station.home, "retreat")
    return SeamPlan(grip, program, approach, lift, carry, slide_in, sewing, take_out, retreat)


def limit_acceleration(recipe: Recipe, piece: PieceRecipe, seam: SeamRecipe, station: Station) -> float:
    """Largest acceleration of the tool [m/s2] at which the part of `piece` beyond the plate does not swing or fold."""
    length = measure_flap(piece.piece, plan_grip(piece.piece, seam, station.plate_size), station.plate_size)
    return Flap(recipe.areal_mass, recipe.bending, length).find_acceleration()


def place_pose(station: Station, recipe: PieceRecipe) -> PlanarPose:
    """Where the piece is put down: the centre of its outline's bounding box at the station's place."""
    low, high = recipe.piece.outline.min(axis=0), recipe.piece.outline.max(axis=0)
    turned = PlanarPose(0.0, 0.0, station.place.theta)
    x, y = (station.place.x, station.place.y) - turned.apply((low + high)[None] / 2.0)[0]
    return PlanarPose(float(x), float(y), station.place.theta)


def _cover_piece(station: Station, recipe: PieceRecipe, grip: SeamGrip) -> list[Capsule]:
    """The held piece as bodies of the collision check: its bounding box in the plane of the pins."""
    outline = recipe.piece.outline
    in_tool = transform_points(invert_pose(grip.piece_tool), np.column_stack([outline, np.zeros(len(outline))]))
    return cover_rectangle(station.T_flange_tool, in_tool[:, :2].min(axis=0), in_tool[:, :2].max(axis=0), SAG)


class _Planner:
    """Plans motion after motion, each from where the one before ends, and checks each."""

    def __init__(self, station: Station, start: Array, standing: Sequence[Box]) -> None:
        self._station = station
        self._q = np.asarray(start, dtype=np.float64)
        self._T_tool_flange = invert_pose(station.T_flange_tool)
        self._around = self._collision = station.collision.with_standing(standing)

    def hold(self, piece: Sequence[Capsule]) -> None:
        """From now on the gripper carries these bodies."""
        self._collision = self._around.with_held(piece)

    def move_down(self, T_base_tool: Array, name: str, acceleration: float = np.inf) -> Trajectory:
        """A joint move to over a pose of the tool and straight down to it."""
        return self._chain(make_standing(self._q), self._come_down(T_base_tool, self._q, name), name, acceleration)

    def take_over(self, T_base_aside: Array, T_base_tool: Array, name: str, acceleration: float) -> Trajectory:
        """Straight aside, straight up with a slow beginning, a joint move, and straight down to a pose of the tool."""
        station = self._station
        aside = self._line(self._q, _above(T_base_aside, SLIDE_RISE), station.line_limits, name)
        slow = ScalarLimits(PEEL_SPEED, station.line_limits.acceleration, station.line_limits.jerk)
        peel = self._line(aside.waypoints[-1], _above(T_base_aside, PEEL_HEIGHT), slow, name)
        up = self._rise(peel.waypoints[-1], _above(T_base_aside, station.carry_height), name)
        down = self._come_down(T_base_tool, up.waypoints[-1], name)
        return self._chain(aside.then(peel).then(up), down, name, acceleration)

    def retreat(self, posture: Array, name: str) -> Trajectory:
        """Straight up and by a joint move to a posture."""
        station = self._station
        T_base_tool = station.arm.forward(self._q) @ station.T_flange_tool
        line = self._line(self._q, _above(T_base_tool, STRAIGHT), station.line_limits, name)
        up = self._rise(line.waypoints[-1], _above(T_base_tool, station.approach), name)
        return self._chain(line.then(up), make_standing(posture), name)

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

    def _come_down(self, T_base_tool: Array, near: Array, name: str) -> Legs:
        """From over a pose of the tool down to it, the last part on a straight line."""
        station = self._station
        over = self._reach(_above(T_base_tool, station.approach), near, name)
        low = self._reach(_above(T_base_tool, STRAIGHT), over, name)
        line = self._line(low, T_base_tool, station.line_limits, name)
        return make_joint_legs([over, low], LOOSE).then(line)

    def _rise(self, start: Array, T_base_tool: Array, name: str) -> Legs:
        """From a posture to a pose of the tool right over it."""
        return make_joint_legs([start, self._reach(T_base_tool, start, name)], LOOSE)

    def _reach(self, T_base_tool: Array, near: Array, name: str) -> Array:
        """The posture for a pose of the tool."""
        found = self._station.arm.solve(T_base_tool @ self._T_tool_flange, near=near)
        if found.q is None or found.status is IkStatus.SINGULAR:
            x, y, z = T_base_tool[:3, 3] * 1e3
            raise MotionError(f"'{name}' cannot reach x {x:.0f}, y {y:.0f}, z {z:.0f} mm in base: {found.reason}")
        return found.q

    def _line(self, start: Array, T_base_tool: Array, line_limits: ScalarLimits, name: str) -> Legs:
        station = self._station
        goal = T_base_tool @ self._T_tool_flange
        return make_line_legs(station.arm, start, goal, line_limits, station.joint_limits, LINE_TOLERANCE, name)

    def _chain(self, before: Legs, after: Legs, name: str, acceleration: float = np.inf) -> Trajectory:
        station = self._station

        def ease(legs: Legs, motion: Trajectory) -> Legs | None:
            return slow_legs(station.arm, station.T_flange_tool, legs, motion, acceleration)

        motion = plan_clear_chain(
            before,
            after,
            station.arm.model,
            station.joint_limits,
            station.period,
            name,
            self._collision,
            station.clearance,
            TOUCHING,
            ease,
        )
        self._q = motion.goal
        return motion

    def _add(self, trajectory: Trajectory) -> Trajectory:
        station = self._station
        self._q = trajectory.goal
        return certify(
            trajectory,
            station.arm.model,
            station.joint_limits,
            self._collision,
            station.clearance,
            station.period,
            TOUCHING,
        )


def _above(T: Array, height: float) -> Array:
    raised = T.copy()
    raised[2, 3] += height
    return raised
