"""Models of the files in configs/calibration that `sewcell calibrate` writes, beside those of lens and camera."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sewcell.config.base import Model, Name, NotNegative, Positive, Vec2, Vec3
from sewcell.config.models_cell import RigidMatrix
from sewcell.geometry.board_pattern import DICTIONARY_SIZE


class HandEyeModel(Model):
    """Pose of a camera in the arm's flange (eye-in-hand) or in base (eye-on-table), metres."""

    mounting: Literal["eye-in-hand", "eye-on-table"]
    T_mount_camera: RigidMatrix


class ToolPointModel(Model):
    """The touching point of a tool in the flange, and the tip that it touched in base."""

    tool_mm: Vec3
    tip_mm: Vec3


class FiducialModel(Model):
    """A marker that sticks to the table: its number, and its centre in table coordinates."""

    number: Annotated[int, Field(ge=0, lt=DICTIONARY_SIZE)]
    xy_mm: Vec2


class CheckModel(Model):
    """How the last check of a cell's fiducials ended."""

    checked_at: Name
    may_run: bool
    largest_mm: NotNegative
    fiducial: Annotated[int, Field(ge=0)]


def _check_numbers(fiducials: tuple[FiducialModel, ...]) -> tuple[FiducialModel, ...]:
    numbers = [fiducial.number for fiducial in fiducials]
    if len(numbers) < 4:
        raise ValueError(f"must name at least 4 fiducials, got {len(numbers)}")
    if len(set(numbers)) < len(numbers):
        raise ValueError("must name each number once")
    return fiducials


class FiducialsModel(Model):
    """Markers that stick to the table, against which the camera is checked."""

    marker_mm: Positive
    fiducials: Annotated[tuple[FiducialModel, ...], Field(strict=False), AfterValidator(_check_numbers)]
