"""What the process asks of a picture and what it is told, as values that can be recorded and asked again."""

from dataclasses import dataclass

from sewcell.errors import VisionError
from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array
from sewcell.image import Image
from sewcell.pattern.piece import Piece
from sewcell.process.expect import expect_seam
from sewcell.process.recipe import SeamRecipe
from sewcell.vision.background import Background
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.inspection import SeamInspection, inspect_seam
from sewcell.vision.located import LocatedPiece, require_one
from sewcell.vision.piece_pose import locate, may_hold_piece

FACES = ("up",)
"""Pieces come with this face up."""


@dataclass(frozen=True, slots=True)
class SightOrder:
    """Find the one `piece` in the `zone` (K, 2) [m, table] with `camera`; `thickness` [m] of the cloth, of a stack the
    height at which its outline is seen.

    It must lie within `max_residual` [m] rms of its outline and be found with `min_confidence`, 0 to 1.
    """

    piece: Piece
    zone: Array
    camera: CameraModel
    thickness: float
    max_residual: float
    min_confidence: float


@dataclass(frozen=True, slots=True)
class EmptyTable:
    """The picture of camera `camera` taken at `taken_at` [s] shows the table without a piece."""

    camera: str
    taken_at: float


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to an `order` from one picture: `located`, or the `refusal` that says why there is none.

    `empty`: nothing of the size of a piece lies in the zone.
    """

    camera: str
    taken_at: float
    order: SightOrder
    located: LocatedPiece | None
    refusal: str
    empty: bool = False


def decide(order: SightOrder, image: Image, background: Background) -> Decision:
    """Carry out an order; what cannot be answered surely is told in the decision."""
    empty = False
    try:
        result = locate(
            image,
            background,
            order.camera,
            [order.piece],
            zone=order.zone,
            thickness=order.thickness,
            faces=FACES,
        )
        empty = not (result.pieces or any(may_hold_piece(blob.area, [order.piece]) for blob in result.unknown))
        located = require_one(result, order.piece.name, order.max_residual, order.min_confidence)
    except VisionError as error:
        return Decision(image.camera, image.taken_at, order, None, str(error), empty)
    return Decision(image.camera, image.taken_at, order, located, "")


@dataclass(frozen=True, slots=True)
class SeamOrder:
    """Judge the `seam` of a `piece` that lies at `pose` on the table, with `camera`; `thickness` [m] of the cloth."""

    piece: Piece
    seam: SeamRecipe
    pose: PlanarPose
    camera: CameraModel
    thickness: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to an `order` from one picture: the `inspection`, or the `refusal` that says why there is none."""

    camera: str
    taken_at: float
    order: SeamOrder
    inspection: SeamInspection | None
    refusal: str

    @property
    def good(self) -> bool | None:
        """Whether the seam keeps its tolerances; None when the picture does not tell."""
        return None if self.inspection is None else self.inspection.ok

    @property
    def text(self) -> str:
        """The verdict in a sentence."""
        if self.inspection is None:
            return f"seam '{self.order.seam.name}' is not judged: {self.refusal}"
        return self.inspection.describe()


def judge(order: SeamOrder, image: Image) -> Verdict:
    """Inspect a seam; what cannot be told from the picture is told in the verdict."""
    try:
        expected = expect_seam(order.piece, order.seam, order.pose)
        inspection = inspect_seam(image, order.camera, expected, order.thickness)
    except VisionError as error:
        return Verdict(image.camera, image.taken_at, order, None, str(error))
    return Verdict(image.camera, image.taken_at, order, inspection, "")
