"""Building blocks of the configuration models: strict, closed, frozen; small types for points, poses and ranges."""

from typing import Annotated, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sewcell.geometry.poses import Array, make_pose
from sewcell.units import DEG, MM

Positive = Annotated[float, Field(gt=0.0)]
NotNegative = Annotated[float, Field(ge=0.0)]
Percent = Annotated[float, Field(gt=0.0, le=100.0)]
Name = Annotated[str, Field(min_length=1)]
Vec2 = Annotated[tuple[float, float], Field(strict=False)]
Vec3 = Annotated[tuple[float, float, float], Field(strict=False)]
Size2 = Annotated[tuple[Positive, Positive], Field(strict=False)]
Row4 = Annotated[tuple[float, float, float, float], Field(strict=False)]
SixNumbers = Annotated[tuple[float, float, float, float, float, float], Field(strict=False)]
SixPositive = Annotated[tuple[Positive, Positive, Positive, Positive, Positive, Positive], Field(strict=False)]


class Model(BaseModel):
    """Values as a file writes them, in the file's units; unknown keys and values of a wrong type are errors."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class PoseModel(Model):
    """A pose: translation and roll, pitch, yaw about the fixed axes x, y, z."""

    xyz_mm: Vec3
    rpy_deg: Vec3

    def matrix(self) -> Array:
        """The pose (4, 4) in metres."""
        roll, pitch, yaw = (angle * DEG for angle in self.rpy_deg)
        return make_pose(np.array(self.xyz_mm) * MM, (roll, pitch, yaw))


class BoxModel(Model):
    """An axis-parallel box between two corners."""

    from_mm: Vec3
    to_mm: Vec3

    @model_validator(mode="after")
    def _check_corners(self) -> Self:
        if any(low >= high for low, high in zip(self.from_mm, self.to_mm, strict=True)):
            raise ValueError(f"from_mm {list(self.from_mm)} must be below to_mm {list(self.to_mm)} in x, y and z")
        return self


class NamedBoxModel(BoxModel):
    """A box with the name that a person calls the body by."""

    name: Name


class RectangleModel(Model):
    """An axis-parallel rectangle between two corners."""

    from_mm: Vec2
    to_mm: Vec2

    @model_validator(mode="after")
    def _check_corners(self) -> Self:
        if any(low >= high for low, high in zip(self.from_mm, self.to_mm, strict=True)):
            raise ValueError(f"from_mm {list(self.from_mm)} must be below to_mm {list(self.to_mm)} in x and y")
        return self

    def size_mm(self) -> tuple[float, float]:
        """Width along x and height along y."""
        return self.to_mm[0] - self.from_mm[0], self.to_mm[1] - self.from_mm[1]


class CapsuleModel(Model):
    """A body for the collision check: all points within the radius of a segment."""

    from_mm: Vec3
    to_mm: Vec3
    radius_mm: Positive
