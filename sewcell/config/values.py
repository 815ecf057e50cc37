"""A checked job turned into the values of the floors below: metres, radians, seconds, frames as matrices."""

from collections.abc import Mapping

import numpy as np

from sewcell.config.arms import to_arm_model
from sewcell.config.base import PoseModel, RectangleModel
from sewcell.config.calibration_files import make_camera
from sewcell.config.layers import Job
from sewcell.config.models import GarmentModel, GarmentPieceModel, SeamModel
from sewcell.config.models_cell import CellModel
from sewcell.errors import ConfigError
from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array, transform_points
from sewcell.kinematics.arm import Arm
from sewcell.kinematics.arm_model import ArmModel
from sewcell.kinematics.collision import Box, Capsule, CollisionModel
from sewcell.motion.limits import scale_limits
from sewcell.motion.profile import ScalarLimits
from sewcell.pattern.piece import Piece
from sewcell.process.recipe import PieceRecipe, Recipe, SeamRecipe
from sewcell.process.stacks import Stacks
from sewcell.process.station import Station
from sewcell.units import DEG, GRAM, MM, MS, PERCENT, SPM, UM
from sewcell.vision.camera_model import CameraModel

PLACE_ZONE = 0.12
"""Half the side of the square around the place where a finished piece is looked for [m]."""

STRAIGHT = 0.1 * MM
"""Largest distance of a sew line from the straight line between its ends [m]."""


def make_arm_model(job: Job) -> ArmModel:
    """Geometry, limits and bodies of the job's arm."""
    return to_arm_model(job.arm, job.arm_file)


def make_collision_model(cell: CellModel, arm: ArmModel) -> CollisionModel:
    """Arm and gripper against the tabletop and the bodies of the machine."""
    T_flange_tool = cell.tool.pose.matrix()
    tool = [
        Capsule(
            c.name,
            6,
            transform_points(T_flange_tool, np.array([c.from_mm]) * MM)[0],
            transform_points(T_flange_tool, np.array([c.to_mm]) * MM)[0],
            c.radius_mm * MM,
        )
        for c in cell.tool.capsules
    ]
    slab = cell.table.slab
    boxes = [
        _make_box("table", PoseModel(xyz_mm=(0.0, 0.0, 0.0), rpy_deg=(0.0, 0.0, 0.0)), slab.from_mm, slab.to_mm),
        *(_make_box(b.name, cell.machine.needle, b.from_mm, b.to_mm) for b in cell.machine.bodies),
    ]
    return CollisionModel(arm, tool, boxes)


def make_camera_model(job: Job) -> CameraModel:
    """The overhead camera, as it was measured if it was."""
    return make_camera(job.camera if job.calibration is None else job.calibration)


def make_piece_recipes(garment: GarmentModel, pieces: Mapping[str, Piece]) -> tuple[PieceRecipe, ...]:
    """The pieces of a garment that have seams, out of the `pieces` of its pattern.

    Raises: ConfigError when a seam follows no sew line, or one that is not straight.
    """
    return tuple(_make_piece(model, pieces[model.piece]) for model in garment.pieces if model.seams)


def make_recipe(job: Job) -> Recipe:
    """The pieces that have seams, and how to sew them."""
    return Recipe(
        garment=job.garment.name,
        pieces=make_piece_recipes(job.garment, job.pieces),
        thickness=job.fabric.thickness_mm * MM,
        areal_mass=job.fabric.areal_mass_g_m2 * GRAM,
        bending=min(job.fabric.bending_warp_uN_m, job.fabric.bending_weft_uN_m) * UM,
        max_residual=job.garment.vision.max_residual_mm * MM,
        min_confidence=job.garment.vision.min_confidence,
    )


def make_stacks(job: Job) -> Stacks:
    """How many pieces the job's loader lays on one another."""
    return Stacks(job.cell.loader.stack_plies, job.cell.loader.first_stack)


def make_station(job: Job) -> Station:
    """Geometry and limits of the job's cell."""
    cell, motion = job.cell, job.cell.motion
    arm_model = make_arm_model(job)
    place, marks = cell.table.place_at, cell.table.fiducials
    centre = np.array(place.xy_mm) * MM
    return Station(
        arm=Arm(arm_model),
        joint_limits=scale_limits(
            arm_model.limits,
            motion.joint_speed_percent * PERCENT,
            motion.joint_acceleration_percent * PERCENT,
            motion.joint_jerk_percent * PERCENT,
        ),
        collision=make_collision_model(cell, arm_model),
        line_limits=ScalarLimits(
            motion.line_speed_mm_s * MM, motion.line_acceleration_mm_s2 * MM, motion.line_jerk_mm_s3 * MM
        ),
        T_base_table=cell.table.pose.matrix(),
        T_base_needle=cell.machine.needle.matrix(),
        T_flange_tool=cell.tool.pose.matrix(),
        plate_size=_plate_size(cell),
        home=np.array(cell.home_deg) * DEG,
        pick_zone=_corners(cell.table.pick_zone),
        place_zone=centre + PLACE_ZONE * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]),
        place=PlanarPose(float(centre[0]), float(centre[1]), place.angle_deg * DEG),
        approach=motion.approach_mm * MM,
        carry_height=motion.carry_height_mm * MM,
        clearance=motion.clearance_mm * MM,
        period=motion.set_point_ms * MS,
        camera_settle=cell.camera.settle_ms * MS,
        shaft_acceleration=cell.machine.acceleration_spm_s * SPM,
        stacks=make_stacks(job),
        fiducials={n: np.array(at) for n, at in marks.places_m.items()} if marks else {},
    )


def _make_piece(model: GarmentPieceModel, piece: Piece) -> PieceRecipe:
    for seam in model.seams:
        if seam.sew_line > len(piece.sew_lines):
            raise ConfigError(
                f"seam '{seam.name}' follows sew line {seam.sew_line}, but piece {piece.name} has "
                f"{len(piece.sew_lines)} on layer 14 of its pattern: choose another sew_line"
            )
    return PieceRecipe(piece, tuple(_make_seam(seam, piece.sew_lines[seam.sew_line - 1]) for seam in model.seams))


def _make_seam(model: SeamModel, line: Array) -> SeamRecipe:
    along = line[-1] - line[0]
    offset = line - line[0]
    bend = np.abs(along[0] * offset[:, 1] - along[1] * offset[:, 0]).max() / np.hypot(*along)
    if not bend <= STRAIGHT:
        raise ConfigError(
            f"seam '{model.name}' follows sew line {model.sew_line}, which leaves the straight line of its ends by "
            f"{bend / MM:.1f} mm: only straight sew lines can be sewn; choose another sew_line"
        )
    return SeamRecipe(
        name=model.name,
        line=line[[0, -1]],
        stitch_length=model.stitch_length_mm * MM,
        speed=model.speed_spm * SPM,
        backtack_start=model.backtack.start_stitches,
        backtack_end=model.backtack.end_stitches,
        backtack_speed=model.backtack.speed_spm * SPM,
        grip_distance=model.grip_distance_mm * MM,
        tolerance=model.tolerance_mm * MM,
        thread_tension=model.thread_tension_N,
    )


def _make_box(name: str, frame: PoseModel, low_mm: tuple[float, ...], high_mm: tuple[float, ...]) -> Box:
    low, high = np.array(low_mm) * MM, np.array(high_mm) * MM
    pose = frame.matrix()
    pose[:3, 3] = transform_points(pose, (low + high)[None] / 2.0)[0]
    return Box(name, pose, (high - low) / 2.0)


def _corners(zone: RectangleModel) -> Array:
    (x0, y0), (x1, y1) = zone.from_mm, zone.to_mm
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) * MM


def _plate_size(cell: CellModel) -> tuple[float, float]:
    along, across = cell.tool.plate_mm
    return along * MM, across * MM
