"""Models of the `override` blocks: what a file changes in the layers below it."""

from typing import Annotated, Any

from pydantic import AfterValidator

from sewcell.config.base import Model


def _check_patch(patch: dict[str, Any]) -> dict[str, Any]:
    if "override" in patch:
        raise ValueError("an override cannot hold another override; write its keys here")
    return patch


Patch = Annotated[dict[str, Any], AfterValidator(_check_patch)]


class CellOverride(Model):
    """What a cell changes in its arm and its camera."""

    arm: Patch | None = None
    camera: Patch | None = None


class FabricOverride(CellOverride):
    """What a fabric changes, besides, in the cell."""

    cell: Patch | None = None


class GarmentOverride(FabricOverride):
    """What a garment changes, besides, in the fabric."""

    fabric: Patch | None = None


class ScenarioOverride(Model):
    """What a scenario changes in its level of imperfection and in the cell."""

    imperfections: Patch | None = None
    cell: Patch | None = None
