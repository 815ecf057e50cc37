"""Configuration files as the values of the simulated world, in SI."""

from sewcell.config.base import BoxModel, NamedBoxModel
from sewcell.config.models import FabricModel, ScenarioModel
from sewcell.config.models_cell import CellModel
from sewcell.units import DEG, GRAM, MM, PERCENT
from sim.world.parameters import Bench, Body, ClothMaterial, GripperPlate, Machine, Scatter, WorldParameters

# Zones that the planner keeps clear but that are air: needle and foot move in them and are bodies of their own.
ZONES_OF_MOVING_PARTS = frozenset({"needle zone"})
MICRO = 1e-6


def make_world_parameters(cell: CellModel, fabric: FabricModel, scenario: ScenarioModel) -> WorldParameters:
    """All parameters of the world from the models of a cell, a fabric and a scenario."""
    return WorldParameters(
        material=_make_material(fabric),
        machine=_make_machine(cell),
        gripper=_make_gripper(cell),
        bench=_make_bench(cell),
        scatter=_make_scatter(scenario),
    )


def _make_material(fabric: FabricModel) -> ClothMaterial:
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


def _make_machine(cell: CellModel) -> Machine:
    machine = cell.machine
    return Machine(
        T_base_needle=machine.needle.matrix(),
        foot_lift=machine.foot_lift_mm * MM,
        foot_length=machine.foot.length_mm * MM,
        foot_width=machine.foot.width_mm * MM,
        foot_force=machine.foot.force_N,
        bodies=tuple(_make_body(b.name, b) for b in machine.bodies if b.name not in ZONES_OF_MOVING_PARTS),
    )


def _make_gripper(cell: CellModel) -> GripperPlate:
    tool = cell.tool
    return GripperPlate(
        T_flange_tool=tool.pose.matrix(),
        size=(tool.plate_mm[0] * MM, tool.plate_mm[1] * MM),
        pin_pitch=tool.pin_pitch_mm * MM,
        pin_penetration=tool.pin_penetration_mm * MM,
    )


def _make_bench(cell: CellModel) -> Bench:
    table, zone = cell.table, cell.table.pick_zone
    return Bench(
        T_base_table=table.pose.matrix(),
        slab=_make_body("table", table.slab),
        pick_low=(zone.from_mm[0] * MM, zone.from_mm[1] * MM),
        pick_high=(zone.to_mm[0] * MM, zone.to_mm[1] * MM),
    )


def _make_scatter(scenario: ScenarioModel) -> Scatter:
    return Scatter(
        position=scenario.piece.position_mm * MM,
        angle=scenario.piece.angle_deg * DEG,
        friction=scenario.fabric.friction_percent * PERCENT,
        knife_sigma=scenario.fabric.knife_sigma_mm * MM,
        slip_sigma=scenario.gripper.slip_sigma_mm * MM,
        slip_sigma_angle=scenario.gripper.slip_sigma_deg * DEG,
    )


def _make_body(name: str, box: BoxModel | NamedBoxModel) -> Body:
    x0, y0, z0 = (v * MM for v in box.from_mm)
    x1, y1, z1 = (v * MM for v in box.to_mm)
    return Body(name, (x0, y0, z0), (x1, y1, z1))
