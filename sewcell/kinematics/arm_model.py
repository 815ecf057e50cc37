"""What an arm is: its dimensions, joint limits and bodies."""

from dataclasses import dataclass

from sewcell.geometry.poses import Array


@dataclass(frozen=True, slots=True, eq=False)
class OpwParameters:
    """Dimensions of an arm with an ortho-parallel base and a spherical wrist.

    a1, a2, b, c1, c2, c3, c4 [m]; `offsets` (6,) [rad] and `signs` (6,) of +-1 turn the joint coordinates that the
    arm's pendant shows into geometric angles: theta = signs * q - offsets. At theta = 0 the arm points straight up.

    Source: Brandstoetter, Angerer, Hofbaur (2014), "An Analytical Solution of the Inverse Kinematics Problem of
    Industrial Serial Manipulators with an Ortho-parallel Basis and a Spherical Wrist".
    """

    a1: float
    a2: float
    b: float
    c1: float
    c2: float
    c3: float
    c4: float
    offsets: Array
    signs: Array


@dataclass(frozen=True, slots=True, eq=False)
class ParallelParameters:
    """Dimensions of an arm whose joints 2, 3 and 4 are parallel, by Denavit and Hartenberg.

    d1, a2, a3, d4, d5, d6 [m], twists pi/2, 0, 0, pi/2, -pi/2, 0; theta = signs * q - offsets with `offsets` (6,) [rad]
    and `signs` (6,) of +-1.

    Source: Universal Robots, "DH Parameters for calculations of kinematics and dynamics".
    """

    d1: float
    a2: float
    a3: float
    d4: float
    d5: float
    d6: float
    offsets: Array
    signs: Array


@dataclass(frozen=True, slots=True, eq=False)
class ChainParameters:
    """Any arm of six revolute joints: T_base_flange = A_1 Rz(theta_1) B_1 ... A_6 Rz(theta_6) B_6, theta = q.

    `before` = A (6, 4, 4), `after` = B (6, 4, 4). The frame of link i is the one behind B_i.
    """

    before: Array
    after: Array


Geometry = OpwParameters | ParallelParameters | ChainParameters


@dataclass(frozen=True, slots=True, eq=False)
class JointLimits:
    """Limits of the joints, each (6,): `lower`, `upper` [rad], `velocity` [rad/s], `acceleration`, `jerk`."""

    lower: Array
    upper: Array
    velocity: Array
    acceleration: Array
    jerk: Array


@dataclass(frozen=True, slots=True, eq=False)
class LinkCapsule:
    """A body of the arm: all points within `radius` [m] of the segment `start` to `end`, each (3,) [m] in the frame
    of `link` (0 is the base, see docs/frames.md)."""

    link: int
    start: Array
    end: Array
    radius: float


@dataclass(frozen=True, slots=True, eq=False)
class ArmModel:
    """An arm: dimensions, joint limits and bodies for the collision check."""

    name: str
    geometry: Geometry
    limits: JointLimits
    capsules: tuple[LinkCapsule, ...] = ()
