"""Lifting a ply: straight up off the table, or peeled off a stack as if it were rolled on a cylinder."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from sewcell.errors import MotionError
from sewcell.geometry.poses import invert_pose
from sewcell.kinematics.arm import Arm
from sewcell.kinematics.arm_model import JointLimits
from sewcell.motion.cartesian_path import Line, follow_line
from sewcell.motion.follow_path import FollowedPath, follow_tool_path
from sewcell.motion.profile import ScalarLimits, plan_stages
from sewcell.motion.tool_path import ToolPath
from sewcell.motion.trajectory import Trajectory
from sewcell.units import DEG, MM

Array = NDArray[np.float64]

SAMPLES = 400
"""Steps in which the way of the edge is integrated."""


def plan_pick_lift(
    arm: Arm,
    start: ArrayLike,
    height: float,
    slow_height: float,
    slow_speed: float,
    line_limits: ScalarLimits,
    limits: JointLimits,
    period: float,
    name: str,
) -> Trajectory:
    """Straight lift along +z of base by `height` [m] that passes its first part slowly and goes on without a stop.

    The first `slow_height` [m] are passed with at most `slow_speed` [m/s].
    `start` (6,) [rad] is the posture at the pick; otherwise as plan_line.
    """
    T_start: Array = arm.forward(np.asarray(start, dtype=np.float64))
    T_goal = T_start.copy()
    T_goal[2, 3] += height
    slow = ScalarLimits(min(slow_speed, line_limits.speed), line_limits.acceleration, line_limits.jerk)
    stages = [(slow_height, slow), (height - slow_height, line_limits)] if height > slow_height else [(height, slow)]
    motion = plan_stages(stages)
    return follow_line(arm, start, Line(T_start, T_goal), motion, limits, period, name)


@dataclass(frozen=True, slots=True)
class Peel:
    """How a ply is peeled off the one below.

    `pins` that hold the edge, each with at most `pin_hold` [N]; `width` of the edge [m]; `angle` [rad] to which the
    edge is turned up; `radius` [m] of the cylinder that it is rolled on; `speed` of the line where the plies part
    [m/s]; `pull` that the pins give [N].
    """

    pins: int
    pin_hold: float
    width: float
    angle: float
    radius: float
    speed: float
    pull: float

    def __post_init__(self) -> None:
        if not 0.0 < self.angle < np.pi or not min(self.pin_hold, self.width, self.radius, self.speed, self.pull) > 0.0:
            raise MotionError(f"a peel needs an angle between 0 and 180 deg and positive values elsewhere, not {self}")
        if self.pull > self.pins * self.pin_hold:
            raise MotionError(
                f"{self.pins} pins that hold {self.pin_hold:g} N each cannot pull with {self.pull:g} N: use more pins, "
                "longer pins or a larger peel angle"
            )

    def require_parting(self, adhesion: float, bending: float) -> None:
        """Make sure that the plies part, and that the ply can follow the cylinder.

        `adhesion` G between plies [J/m2], `bending` rigidity B of the ply per width [N m]. A pull P at the angle
        alpha parts a width b when P (1 - cos alpha) >= G b; where the plies part the ply bends by itself to the radius
        sqrt(B / 2 G), and a tighter cylinder would lift it at the pins only.

        Sources: Rivlin (1944), "The effective work of adhesion"; Obreimoff (1930), "The splitting strength of mica".
        Raises: MotionError.
        """
        needed = adhesion * self.width / (1.0 - np.cos(self.angle))
        if self.pull < needed:
            raise MotionError(
                f"a pull of {self.pull:g} N at {self.angle / DEG:.0f} deg does not part the plies, {needed:.2g} N are "
                "needed: pull harder or turn the edge farther"
            )
        own = float(np.sqrt(bending / (2.0 * adhesion)))
        if self.radius < own:
            raise MotionError(
                f"the ply bends to a radius of {own / MM:.1f} mm by itself and does not follow a cylinder of "
                f"{self.radius / MM:.1f} mm: roll it on a larger one"
            )


@dataclass(frozen=True)
class Roll:
    """The way of a tool that holds the edge of a ply while the ply is rolled up.

    `T_base_edge`: origin on the edge, x into the ply, z up. When the plies have parted over the distance s, the edge
    has gone by the integral of (1 - cos phi, 0, sin phi) ds and turned by phi about y. phi grows to the peel angle as
    alpha (u - sin(2 pi u) / 2 pi) with u = s / (2 alpha R): the ply rolls on a cylinder whose curvature grows from 0 to
    1/R and falls back, so that the arm's acceleration never jumps; then the edge is pulled straight on.
    """

    T_base_edge: Array
    T_edge_flange: Array
    angle: float
    radius: float
    length: float

    @cached_property
    def _way(self) -> CubicSpline:
        """Way of the edge along x and z (2,) as a function of s."""
        s = np.linspace(0.0, self.length, SAMPLES + 1)
        phi = self.turns_at(s)
        slope = np.column_stack([1.0 - np.cos(phi), np.sin(phi)])
        way = np.vstack([np.zeros(2), np.cumsum((slope[:-1] + slope[1:]) / 2.0, axis=0)]) * (s[1] - s[0])
        return CubicSpline(s, way, bc_type=((1, slope[0]), (1, slope[-1])))

    def turns_at(self, parted: Array) -> Array:
        """Turn phi (N,) [rad] of the edge when the plies have parted over `parted` (N,) [m]."""
        u = np.clip(parted / (2.0 * self.angle * self.radius), 0.0, 1.0)
        turns: Array = self.angle * (u - np.sin(2.0 * np.pi * u) / (2.0 * np.pi))
        return turns

    def poses_at(self, s: ArrayLike) -> Array:
        """Poses of the flange (N, 4, 4) at the fractions `s` (N,) of the length over which the plies part."""
        parted = np.asarray(s, dtype=np.float64) * self.length
        T = np.tile(np.eye(4), (len(parted), 1, 1))
        T[:, [0, 2], 3] = self._way(parted)
        T[:, :3, :3] = Rotation.from_euler("y", self.turns_at(parted)[:, None]).as_matrix()
        poses: Array = self.T_base_edge @ T @ self.T_edge_flange
        return poses


def plan_peel(
    arm: Arm,
    start: ArrayLike,
    T_base_edge: Array,
    peel: Peel,
    length: float,
    line_limits: ScalarLimits,
    limits: JointLimits,
    period: float,
    name: str,
) -> FollowedPath:
    """Motion that peels a ply over `length` [m] from the posture `start` (6,) [rad], at which the pins hold its edge.

    `T_base_edge`: origin on the edge, x from the edge into the ply, z up. The plies part with the peel's speed;
    acceleration and jerk of the parting are those of `line_limits`.

    Raises: MotionError as follow_tool_path.
    """
    T_base_flange: Array = arm.forward(np.asarray(start, dtype=np.float64))
    roll = Roll(T_base_edge, invert_pose(T_base_edge) @ T_base_flange, peel.angle, peel.radius, length)
    parting = ScalarLimits(peel.speed, line_limits.acceleration, line_limits.jerk)
    return follow_tool_path(arm, start, ToolPath((roll,)), parting, limits, period, name)
