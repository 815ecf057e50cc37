"""Values of the simulated world in SI: fabric, machine, gripper plate, bench, arm servo and scatter."""

from dataclasses import dataclass, field

import numpy as np

from sewcell.geometry.poses import Array, make_pose


@dataclass(frozen=True, slots=True)
class ClothMaterial:
    """Mechanics of one ply.

    `areal_mass` [kg/m2], `thickness` [m], `stretch_*`, `shear` [N/m], `bending_*` [N m], `friction_*`,
    `colour` red, green, blue 0 to 1.
    """

    areal_mass: float = 0.120
    thickness: float = 0.30e-3
    stretch_warp: float = 4000.0
    stretch_weft: float = 2500.0
    shear: float = 60.0
    bending_warp: float = 9e-6
    bending_weft: float = 6e-6
    friction_table: float = 0.35
    friction_foot: float = 0.20
    friction_feed_dog: float = 0.80
    colour: tuple[float, float, float] = (0.42, 0.54, 0.75)


@dataclass(frozen=True, slots=True)
class Body:
    """A box: `low`, `high` (3,) [m] in the frame that its owner names."""

    name: str
    low: tuple[float, float, float]
    high: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Machine:
    """The sewing machine: needle frame in base, presser foot [m, N], bodies in the needle frame."""

    T_base_needle: Array = field(default_factory=lambda: make_pose((0.48, 0.0, 0.0), (0.0, 0.0, np.pi / 2)))
    foot_lift: float = 8e-3
    foot_length: float = 30e-3
    foot_width: float = 14e-3
    foot_force: float = 20.0
    bodies: tuple[Body, ...] = (
        Body("head", (-0.060, -0.300, 0.100), (0.060, 0.025, 0.300)),
        Body("column", (-0.060, -0.300, 0.0), (0.060, -0.230, 0.100)),
    )


@dataclass(frozen=True, slots=True)
class GripperPlate:
    """Needle-gripper plate: `size` along tool x and y [m]; tool frame in the flange; rod joining it to the flange."""

    T_flange_tool: Array = field(default_factory=lambda: make_pose((0.0, 0.035, 0.160)))
    size: tuple[float, float] = (0.116, 0.090)
    pin_inset: float = 2e-3
    pin_penetration: float = 0.24e-3
    plate_height: float = 8.6e-3
    rod_radius: float = 18e-3


@dataclass(frozen=True, slots=True)
class Bench:
    """Table: T_base_table, slab in base, pick zone (low, high) in table coordinates [m]."""

    T_base_table: Array = field(default_factory=lambda: make_pose((-0.12, 0.18, 0.0)))
    slab: Body = Body("table", (-0.3, -0.6, -0.04), (0.9, 0.8, 0.0))
    pick_low: tuple[float, float] = (0.330, 0.060)
    pick_high: tuple[float, float] = (0.590, 0.300)


@dataclass(frozen=True, slots=True)
class Scatter:
    """What varies from seed to seed: +-ranges, or standard deviations named sigma. [m, rad, 1]."""

    position: float = 0.030
    angle: float = np.pi
    friction: float = 0.15
    knife_sigma: float = 0.1e-3
    slip_sigma: float = 0.08e-3
    slip_sigma_angle: float = float(np.deg2rad(0.05))


@dataclass(frozen=True, slots=True)
class WorldParameters:
    """Everything that shapes the world but the piece and the seed. `servo_lag`: time constant of a joint [s].

    `edge_length` [m]: mean edge of the cloth's triangles. `substeps`: per step of the world.
    """

    material: ClothMaterial = field(default_factory=ClothMaterial)
    machine: Machine = field(default_factory=Machine)
    gripper: GripperPlate = field(default_factory=GripperPlate)
    bench: Bench = field(default_factory=Bench)
    scatter: Scatter = field(default_factory=Scatter)
    servo_lag: float = 5e-3
    edge_length: float = 4.7e-3
    substeps: int = 20
