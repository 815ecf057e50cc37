"""Configuration files as the values of the simulated world, in SI."""

import numpy as np

from sewcell.config.base import BoxModel, NamedBoxModel
from sewcell.config.models import FabricModel
from sewcell.config.models_cell import CellModel
from sewcell.config.models_scenario import ArmSpread, ImperfectionsModel
from sewcell.geometry.poses import Array, make_pose
from sewcell.units import DEG, GRAM, MM, MS, PERCENT
from sim.world.parameters import ArmAsBuilt, Bench, Body, ClothMaterial, GripperPlate, Machine, Scatter, WorldParameters

# Zones that the planner keeps clear but that are air: needle and foot move in them and are bodies of their own.
ZONES_OF_MOVING_PARTS = frozenset({"needle zone"})
MICRO = 1e-6


def make_world_parameters(
    cell: CellModel, fabric: FabricModel, imperfections: ImperfectionsModel, seed: int = 0
) -> WorldParameters:
    """All parameters of the world: the cell and the fabric of their files, but for what is imperfect in this `seed`.

    Needle and tool are not where the cell file has them, and the arm is not as it is drawn: nobody but the world knows.
    """
    rng = np.random.default_rng([seed, 5])
    arm = _make_arm(imperfections.arm, rng)
    needle, tool = imperfections.machine, imperfections.gripper
    return WorldParameters(
        material=make_material(fabric),
        machine=_make_machine(cell, draw_shift(rng, needle.needle_sigma_mm, needle.needle_sigma_deg, planar=True)),
        gripper=_make_gripper(cell, draw_shift(rng, tool.mount_sigma_mm, tool.mount_sigma_deg)),
        bench=_make_bench(cell),
        scatter=_make_scatter(imperfections),
        arm=arm,
        stack_plies=cell.loader.stack_plies,
        first_stack=cell.loader.first_stack,
    )


def draw_shift(rng: np.random.Generator, sigma_mm: float, sigma_deg: float, planar: bool = False) -> Array:
    """A small pose (4, 4): shift and turn about each axis by chance, or only in the plane."""
    shift, turn = rng.normal(0.0, (sigma_mm * MM, sigma_deg * DEG), (3, 2)).T
    return make_pose((*shift[:2], 0.0), (0.0, 0.0, turn[2])) if planar else make_pose(shift, turn)


def _make_arm(spread: ArmSpread, rng: np.random.Generator) -> ArmAsBuilt:
    uneven = 1.0 + spread.servo_lag_percent * PERCENT * rng.uniform(-1.0, 1.0, 6)
    return ArmAsBuilt(
        lag=spread.servo_lag_ms * MS * uneven,
        backlash=np.full(6, spread.backlash_deg * DEG),
        zero=rng.normal(0.0, spread.zero_sigma_deg * DEG, 6),
        link_shift=rng.normal(0.0, spread.link_sigma_mm * MM, (6, 3)),
    )


def make_material(fabric: FabricModel) -> ClothMaterial:
    """Mechanics of one ply of a fabric file, in SI."""
    red, green, blue = (level / 255.0 for level in fabric.colour_rgb)
    return ClothMaterial(
        areal_mass=fabric.areal_mass_g_m2 * GRAM,
        thickness=fabric.thickness_mm * MM,
        stretch_warp=fabric.stretch_warp_N_m,
        stretch_weft=fabric.stretch_weft_N_m,
        shear=fabric.shear_N_m,
        bending_warp=fabric.bending_warp_uN_m * MICRO,
        bending_weft=fabric.bending_weft_uN_m * MICRO,
        friction_table=fabric.friction_table,
        friction_foot=fabric.friction_foot,
        friction_feed_dog=fabric.friction_feed_dog,
        friction_ply=fabric.friction_ply,
        edge_cling=fabric.edge_cling_N_m,
        colour=(red, green, blue),
    )


def _make_machine(cell: CellModel, shift: Array) -> Machine:
    machine = cell.machine
    return Machine(
        T_base_needle=machine.needle.matrix() @ shift,
        foot_lift=machine.foot_lift_mm * MM,
        foot_length=machine.foot.length_mm * MM,
        foot_width=machine.foot.width_mm * MM,
        foot_force=machine.foot.force_N,
        bodies=tuple(_make_body(b.name, b) for b in machine.bodies if b.name not in ZONES_OF_MOVING_PARTS),
        micro_lift=machine.foot.micro_lift_percent * PERCENT,
        differential=machine.differential_feed,
    )


def _make_gripper(cell: CellModel, shift: Array) -> GripperPlate:
    tool = cell.tool
    return GripperPlate(
        T_flange_tool=tool.pose.matrix() @ shift,
        size=(tool.plate_mm[0] * MM, tool.plate_mm[1] * MM),
        pin_pitch=tool.pin_pitch_mm * MM,
        pin_penetration=tool.pin_penetration_mm * MM,
        float_travel=tool.float_mm * MM,
    )


def _make_bench(cell: CellModel) -> Bench:
    table, zone, marks = cell.table, cell.table.pick_zone, cell.table.fiducials
    return Bench(
        T_base_table=table.pose.matrix(),
        slab=_make_body("table", table.slab),
        pick_low=(zone.from_mm[0] * MM, zone.from_mm[1] * MM),
        pick_high=(zone.to_mm[0] * MM, zone.to_mm[1] * MM),
        fiducials=marks.places_m if marks else {},
        marker=marks.marker_mm * MM if marks else 0.0,
    )


def _make_scatter(spread: ImperfectionsModel) -> Scatter:
    return Scatter(
        position=spread.piece.position_mm * MM,
        angle=spread.piece.angle_deg * DEG,
        friction=spread.fabric.friction_percent * PERCENT,
        knife_sigma=spread.fabric.knife_sigma_mm * MM,
        slip_sigma=spread.gripper.slip_sigma_mm * MM,
        slip_sigma_angle=spread.gripper.slip_sigma_deg * DEG,
        lint=spread.camera.lint,
        stack_sigma=spread.piece.stack_sigma_mm * MM,
        stack_sigma_angle=spread.piece.stack_sigma_deg * DEG,
    )


def _make_body(name: str, box: BoxModel | NamedBoxModel) -> Body:
    x0, y0, z0 = (v * MM for v in box.from_mm)
    x1, y1, z1 = (v * MM for v in box.to_mm)
    return Body(name, (x0, y0, z0), (x1, y1, z1))
