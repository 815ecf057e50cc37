"""Models of the files that describe the work: fabric and garment."""
# ruff: noqa: N815 (units in the names: N_m)

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sewcell.config.base import Model, Name, NotNegative, Positive
from sewcell.config.patches import FabricOverride, GarmentOverride

Friction = Annotated[float, Field(ge=0.0, le=5.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Level = Annotated[int, Field(ge=0, le=255)]


class FabricModel(Model):
    """configs/fabrics/*.yaml: stiffness per metre of width."""

    name: Name
    areal_mass_g_m2: Annotated[float, Field(gt=0.0, le=5000.0)]
    thickness_mm: Annotated[float, Field(gt=0.0, le=20.0)]
    stretch_warp_N_m: Positive
    stretch_weft_N_m: Positive
    shear_N_m: Positive
    bending_warp_uN_m: Positive
    bending_weft_uN_m: Positive
    friction_table: Friction
    friction_foot: Friction
    friction_feed_dog: Friction
    friction_ply: Friction
    edge_cling_N_m: NotNegative
    colour_rgb: Annotated[tuple[Level, Level, Level], Field(strict=False)]
    override: FabricOverride | None = None


class BacktackModel(Model):
    """Stitches sewn back and forth where a seam begins and ends, so that it does not open."""

    start_stitches: Annotated[int, Field(ge=0, le=20)]
    end_stitches: Annotated[int, Field(ge=0, le=20)]
    speed_spm: Positive


class SeamModel(Model):
    """One seam along a sew line of the piece, counted from 1; `stitch_type` after ISO 4915; `thread_tension_N` of the
    needle thread.
    """

    name: Name
    sew_line: Annotated[int, Field(ge=1)]
    stitch_type: Literal["301"]
    stitch_length_mm: Annotated[float, Field(gt=0.0, le=50.0)]
    speed_spm: Positive
    backtack: BacktackModel
    grip_distance_mm: Positive
    tolerance_mm: Positive
    thread_tension_N: Annotated[float, Field(ge=0.0, le=5.0)] = 1.2


class GarmentPieceModel(Model):
    """A piece to look for, and the seams to sew on it."""

    piece: Name
    seams: Annotated[tuple[SeamModel, ...], Field(strict=False)] = ()


class VisionModel(Model):
    """How sure the camera must be of a piece before the arm goes there."""

    min_confidence: Share
    max_residual_mm: Positive


def _check_not_empty(pieces: tuple[GarmentPieceModel, ...]) -> tuple[GarmentPieceModel, ...]:
    if not pieces:
        raise ValueError("must name at least one piece, got none")
    return pieces


class GarmentModel(Model):
    """configs/garments/*.yaml"""

    name: Name
    cell: Name
    fabric: Name
    pattern: Name
    size: Annotated[Name, Field(coerce_numbers_to_str=True, strict=False)]
    pieces: Annotated[tuple[GarmentPieceModel, ...], Field(strict=False), AfterValidator(_check_not_empty)]
    vision: VisionModel
    override: GarmentOverride | None = None
