"""The place of work: frames, heights and speeds of one cell, and the mathematics of its arm."""

from collections.abc import Mapping
from dataclasses import dataclass

from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array
from sewcell.kinematics.arm import Arm
from sewcell.kinematics.arm_model import JointLimits
from sewcell.kinematics.collision import CollisionModel
from sewcell.motion.profile import ScalarLimits
from sewcell.process.stacks import Stacks


@dataclass(frozen=True, slots=True)
class Station:
    """Geometry and limits of one cell. Lengths [m], joints [rad], times [s].

    `joint_limits`: the arm's limits, reduced to what the cell allows. `line_limits`: speed, acceleration, jerk of the
    tool on straight lines. `home` (6,): out of the camera's view. `pick_zone`, `place_zone` (4, 2): polygons in table
    coordinates. `place`: where the centre of a finished piece goes, on the table. `clearance`: smallest distance
    of arm and tool to anything else. `period`: between set points. `shaft_acceleration` [turns/s2]. `fiducials`:
    centres (2,) of the markers on the table, by number. `stacks`: how many pieces the loader lays on one another.
    """

    arm: Arm
    joint_limits: JointLimits
    collision: CollisionModel
    line_limits: ScalarLimits
    T_base_table: Array
    T_base_needle: Array
    T_flange_tool: Array
    plate_size: tuple[float, float]
    home: Array
    pick_zone: Array
    place_zone: Array
    place: PlanarPose
    approach: float
    carry_height: float
    clearance: float
    period: float
    camera_settle: float
    shaft_acceleration: float
    fiducials: Mapping[int, Array]
    stacks: Stacks
