"""Values of the simulated world in SI: fabric, machine, gripper plate, bench, arm servo and scatter.

What has a default is no part of the configuration: it belongs to the simulation alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sewcell.geometry.poses import Array


@dataclass(frozen=True, slots=True)
class ClothMaterial:
    """Mechanics of one ply.

    `areal_mass` [kg/m2], `thickness` [m], `stretch_*`, `shear` [N/m], `bending_*` [N m], `friction_*`,
    `edge_cling` [N/m] holds cut edges of a stack together, `colour` red, green, blue 0 to 1.
    """

    areal_mass: float
    thickness: float
    stretch_warp: float
    stretch_weft: float
    shear: float
    bending_warp: float
    bending_weft: float
    friction_table: float
    friction_foot: float
    friction_feed_dog: float
    friction_ply: float
    edge_cling: float
    colour: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Body:
    """A box: `low`, `high` (3,) [m] in the frame that its owner names."""

    name: str
    low: tuple[float, float, float]
    high: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Machine:
    """The sewing machine: needle frame in base, presser foot [m, N], bodies in the needle frame.

    `micro_lift`: part of the foot's force that is left while the needle is in the cloth, 1 without micro-lift;
    `differential`: stroke of the teeth ahead of the needle, in feeds of those behind it.
    """

    T_base_needle: Array
    foot_lift: float
    foot_length: float
    foot_width: float
    foot_force: float
    bodies: tuple[Body, ...]
    micro_lift: float = 1.0
    differential: float = 1.0


@dataclass(frozen=True, slots=True)
class GripperPlate:
    """Needle-gripper plate: `size` along tool x and y [m]; tool frame in the flange; rod joining it to the flange.

    `pin_inset` [m]: from the edge of the plate to where its pins begin to take cloth. `float_travel` [m]: by which the
    plate gives way along its springs, up and down, so that it lies on the cloth though the arm is a little high or low.
    """

    T_flange_tool: Array
    size: tuple[float, float]
    pin_pitch: float
    pin_penetration: float
    float_travel: float = 0.0
    pin_inset: float = 2e-3
    plate_height: float = 8.6e-3
    rod_radius: float = 18e-3


@dataclass(frozen=True, slots=True)
class Bench:
    """Table: T_base_table, slab in base, pick zone (low, high) in table coordinates [m]; centres of the fiducials on it
    by number, and the side of their markers [m]."""

    T_base_table: Array
    slab: Body
    pick_low: tuple[float, float]
    pick_high: tuple[float, float]
    fiducials: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    marker: float = 0.0


@dataclass(frozen=True, slots=True)
class Scatter:
    """What varies from seed to seed: +-ranges, or standard deviations named sigma. [m, rad, 1].

    `stack_sigma`, `stack_sigma_angle`: of a ply from the place of its stack. `lint`: flocks that come with every load.
    """

    position: float
    angle: float
    friction: float
    knife_sigma: float
    slip_sigma: float
    slip_sigma_angle: float
    lint: int = 0
    stack_sigma: float = 0.0
    stack_sigma_angle: float = 0.0


@dataclass(frozen=True, slots=True)
class ArmAsBuilt:
    """How the arm differs from its drawing; all zero is the drawing with ideal drives.

    `lag` (6,) [s]: time constant of each joint; `backlash` (6,) [rad]: width of its play; `zero` (6,) [rad]: where it
    stands at command 0; `link_shift` (6, 3) [m]: of each joint in the link before it.
    """

    lag: Array
    backlash: Array
    zero: Array
    link_shift: Array


@dataclass(frozen=True, slots=True)
class WorldParameters:
    """Everything that shapes the world but the piece and the seed.

    `stack_plies`: pieces that the loader lays on one another, `first_stack` of them the first time. `edge_length` [m]:
    mean edge of the cloth's triangles. `substeps`: per step of the world.
    """

    material: ClothMaterial
    machine: Machine
    gripper: GripperPlate
    bench: Bench
    scatter: Scatter
    arm: ArmAsBuilt
    stack_plies: int = 1
    first_stack: int = 1
    edge_length: float = 4.7e-3
    substeps: int = 20
