"""Models of the files that describe the machine: arm, camera and cell."""
# ruff: noqa: N815 (units in the names: N_m)

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from sewcell.config.base import (
    BoxModel,
    CapsuleModel,
    Model,
    Name,
    NamedBoxModel,
    NotNegative,
    Percent,
    PoseModel,
    Positive,
    RectangleModel,
    Row4,
    SixNumbers,
    SixPositive,
    Size2,
    Vec2,
    Vec3,
)
from sewcell.config.models_ports import PortsModel
from sewcell.config.patches import CellOverride
from sewcell.units import MM

Sign = Literal[-1, 1]
Signs = Annotated[tuple[Sign, Sign, Sign, Sign, Sign, Sign], Field(strict=False)]
FEWEST_FIDUCIALS = 5
"""On a table: four tell how the camera stands, and one may be hidden by cloth."""
FAMILIES = ("opw", "three_parallel", "dh", "urdf")


def _check_not_zero(value: float) -> float:
    if value == 0.0:
        raise ValueError("must not be 0: the arm would have no elbow")
    return value


class OpwModel(Model):
    """Parameters of an arm with ortho-parallel base and spherical wrist (Brandstoetter et al. 2014)."""

    a1_mm: float
    a2_mm: float
    b_mm: float
    c1_mm: float
    c2_mm: Positive
    c3_mm: Positive
    c4_mm: float
    offsets_deg: SixNumbers
    signs: Signs


class ParallelModel(Model):
    """Denavit-Hartenberg lengths of an arm whose joints 2, 3 and 4 are parallel (twists 90, 0, 0, 90, -90, 0 deg)."""

    d1_mm: float
    a2_mm: Annotated[float, AfterValidator(_check_not_zero)]
    a3_mm: Annotated[float, AfterValidator(_check_not_zero)]
    d4_mm: float
    d5_mm: float
    d6_mm: float
    offsets_deg: SixNumbers
    signs: Signs


class DhModel(Model):
    """Standard Denavit-Hartenberg parameters of any six-axis arm: theta = q + offset."""

    d_mm: SixNumbers
    a_mm: SixNumbers
    alpha_deg: SixNumbers
    offset_deg: SixNumbers = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


class UrdfModel(Model):
    """A URDF with six turning joints between two links; the path is relative to the arm's file."""

    file: Name
    base: Name | None = None
    tip: Name | None = None


class JointLimitsModel(Model):
    """Limits of the six joints, as the data sheet gives them."""

    lower_deg: SixNumbers
    upper_deg: SixNumbers
    velocity_deg_s: SixPositive
    acceleration_deg_s2: SixPositive
    jerk_deg_s3: SixPositive

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        for joint, (lower, upper) in enumerate(zip(self.lower_deg, self.upper_deg, strict=True), start=1):
            if lower >= upper:
                raise ValueError(f"lower_deg {lower:g} of joint {joint} must be below its upper_deg {upper:g}")
        return self


class ArmCapsuleModel(CapsuleModel):
    """A body of the arm in the frame of its link; link 0 is the base."""

    link: Annotated[int, Field(ge=0, le=6)]


class ArmModel(Model):
    """configs/arms/*.yaml; the block that is named like the family holds the arm's dimensions."""

    name: Name
    family: Literal["opw", "three_parallel", "dh", "urdf"]
    opw: OpwModel | None = None
    three_parallel: ParallelModel | None = None
    dh: DhModel | None = None
    urdf: UrdfModel | None = None
    limits: JointLimitsModel
    capsules: Annotated[tuple[ArmCapsuleModel, ...], Field(strict=False)]

    @model_validator(mode="after")
    def _check_family(self) -> Self:
        if getattr(self, self.family) is None:
            raise ValueError(f"an arm of the family {self.family} needs the block {self.family!r}")
        other = [name for name in FAMILIES if name != self.family and getattr(self, name) is not None]
        if other:
            raise ValueError(f"the block {other[0]!r} does not belong to an arm of the family {self.family}")
        return self


def _check_rigid(rows: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    T = np.array(rows)
    rotation = T[:3, :3]
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-4) or np.linalg.det(rotation) < 0.0:
        raise ValueError("the left 3 x 3 block must be a rotation: orthonormal rows, determinant +1")
    if not np.array_equal(T[3], (0.0, 0.0, 0.0, 1.0)):
        raise ValueError("the last row must be [0, 0, 0, 1]")
    return rows


def _check_camera_matrix(rows: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    if rows[0][0] <= 0.0 or rows[1][1] <= 0.0 or rows[1][0] != 0.0 or rows[2] != (0.0, 0.0, 1.0):
        raise ValueError("must be [[fx, s, cx], [0, fy, cy], [0, 0, 1]] with fx and fy above 0")
    return rows


Pixels = Annotated[int, Field(ge=16, le=20000)]
CameraMatrix = Annotated[tuple[Vec3, Vec3, Vec3], Field(strict=False), AfterValidator(_check_camera_matrix)]
RigidMatrix = Annotated[tuple[Row4, Row4, Row4, Row4], Field(strict=False), AfterValidator(_check_rigid)]


class LensModel(Model):
    """The lens of a camera, as `sewcell calibrate camera` writes it; distortion: k1 k2 p1 p2 k3."""

    image_size_px: Annotated[tuple[Pixels, Pixels], Field(strict=False)]
    camera_matrix: CameraMatrix
    distortion: Annotated[tuple[float, float, float, float, float], Field(strict=False)]


class CameraModel(LensModel):
    """configs/cameras/*.yaml: lens and pose of a camera; `T_camera_table` in metres."""

    T_camera_table: RigidMatrix


class PlaceModel(Model):
    """Where the origin of a finished piece goes, in table coordinates."""

    xy_mm: Vec2
    angle_deg: float


class TableFiducialsModel(Model):
    """Markers that are fixed on the table, their centres in table coordinates, numbered from `first_number` on."""

    marker_mm: Positive
    first_number: Annotated[int, Field(ge=0, le=240)]
    at_mm: Annotated[tuple[Vec2, ...], Field(strict=False, min_length=FEWEST_FIDUCIALS, max_length=10)]

    @property
    def places_m(self) -> dict[int, tuple[float, float]]:
        """Centres [m] by number."""
        return {self.first_number + i: (x * MM, y * MM) for i, (x, y) in enumerate(self.at_mm)}


class TableModel(Model):
    """The tabletop, its working area under the camera, and the zones where pieces are picked and placed.

    `fiducials`: by them every picture tells how the camera stands; without them it stands as its file says.
    """

    pose: PoseModel
    size_mm: Size2
    slab: BoxModel
    pick_zone: RectangleModel
    place_at: PlaceModel
    fiducials: TableFiducialsModel | None = None

    @model_validator(mode="after")
    def _check_zones(self) -> Self:
        zone = self.pick_zone
        inside = all(
            low >= 0.0 and high <= size for low, high, size in zip(zone.from_mm, zone.to_mm, self.size_mm, strict=True)
        )
        if not inside:
            raise ValueError(f"pick_zone must lie on the working area, {self.size_mm[0]:g} x {self.size_mm[1]:g} mm")
        if not all(0.0 <= at <= size for at, size in zip(self.place_at.xy_mm, self.size_mm, strict=True)):
            raise ValueError(f"place_at must lie on the working area, {self.size_mm[0]:g} x {self.size_mm[1]:g} mm")
        marks = () if self.fiducials is None else self.fiducials.at_mm
        if not all(0.0 <= at <= size for mark in marks for at, size in zip(mark, self.size_mm, strict=True)):
            raise ValueError(f"fiducials must lie on the working area, {self.size_mm[0]:g} x {self.size_mm[1]:g} mm")
        return self


class CellCameraModel(Model):
    """Which camera the cell has, and how long the picture needs to settle when the arm has left it.

    `file`: the camera as it was built. `calibration`: a file of the same form from `sewcell calibrate table`; where
    it is named, pictures are measured by it. `check_hours`: where it is given, the cell runs only for so long after
    `sewcell calibrate check` has passed.
    """

    file: Name
    calibration: Name | None = None
    settle_ms: NotNegative
    check_hours: Positive | None = None


class FootModel(Model):
    """The sole of the presser foot: length along the feed, width across it.

    `micro_lift_percent`: part of the force that is left while the needle is in the cloth, 100 without micro-lift.
    """

    length_mm: Positive
    width_mm: Positive
    force_N: Positive
    micro_lift_percent: Annotated[float, Field(ge=0.0, le=100.0)] = 100.0


class MachineModel(Model):
    """The sewing machine; `needle` is T_base_needle, `bodies` stand in the needle frame.

    `differential_feed`: stroke of the feed dog ahead of the needle over that behind it.
    """

    needle: PoseModel
    max_speed_spm: Annotated[float, Field(gt=0.0, le=10000.0)]
    stitch_length_mm: Size2
    acceleration_spm_s: Positive
    foot_lift_mm: Positive
    foot: FootModel
    differential_feed: Annotated[float, Field(ge=0.5, le=2.0)] = 1.0
    bodies: Annotated[tuple[NamedBoxModel, ...], Field(strict=False)]

    @model_validator(mode="after")
    def _check_stitch_range(self) -> Self:
        if self.stitch_length_mm[0] > self.stitch_length_mm[1]:
            raise ValueError("stitch_length_mm must be [shortest, longest]")
        return self


class ToolCapsuleModel(CapsuleModel):
    """A body of the gripper in the tool frame."""

    name: Name


class ToolModel(Model):
    """The needle gripper; `pose` is T_flange_tool. `float_mm`: by which its plate springs back, either way."""

    pose: PoseModel
    plate_mm: Size2
    pin_pitch_mm: Positive
    pin_penetration_mm: Positive
    float_mm: NotNegative = 0.0
    capsules: Annotated[tuple[ToolCapsuleModel, ...], Field(strict=False)]


class MotionModel(Model):
    """How fast and how close the arm may move in this cell."""

    joint_speed_percent: Percent
    joint_acceleration_percent: Percent
    joint_jerk_percent: Percent
    line_speed_mm_s: Positive
    line_acceleration_mm_s2: Positive
    line_jerk_mm_s3: Positive
    approach_mm: Positive
    carry_height_mm: Positive
    clearance_mm: NotNegative
    set_point_ms: Annotated[float, Field(ge=1.0, le=1000.0)]


class LoaderModel(Model):
    """What the loader lays into the pick zone: single pieces, or stacks of `stack_plies` that are picked from the top.

    The cell counts what it has taken. `plies_left`: of the first stack of a run, full where it is not given.
    """

    stack_plies: Annotated[int, Field(ge=1, le=50)] = 1
    plies_left: Annotated[int, Field(ge=1, le=50)] | None = None

    @model_validator(mode="after")
    def _check_left(self) -> Self:
        if self.plies_left is not None and self.plies_left > self.stack_plies:
            raise ValueError(f"plies_left must be <= {self.stack_plies}, the stack_plies of a full stack")
        return self

    @property
    def first_stack(self) -> int:
        """Plies of the first stack of a run."""
        return self.stack_plies if self.plies_left is None else self.plies_left


class CellModel(Model):
    """configs/cells/*.yaml"""

    name: Name
    arm: Name
    home_deg: SixNumbers
    table: TableModel
    camera: CellCameraModel
    machine: MachineModel
    tool: ToolModel
    motion: MotionModel
    loader: LoaderModel = LoaderModel()
    ports: PortsModel
    override: CellOverride | None = None
