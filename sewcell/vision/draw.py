"""Located pieces drawn onto a copy of the picture, for reports."""

from collections.abc import Sequence

import cv2
import numpy as np

from sewcell.geometry.poses import Array
from sewcell.image import Image
from sewcell.pattern.piece import Piece
from sewcell.units import DEG, MM
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.located import LocatedPiece, LocateResult
from sewcell.vision.thinning import Pixels

_OUTLINE = (60, 220, 60)
_SEW_LINE = (40, 160, 255)
_UNKNOWN = (40, 40, 230)
_FRACTION_BITS = 4


def draw_result(
    image: Image, result: LocateResult, camera: CameraModel, pieces: Sequence[Piece], thickness: float = 0.0
) -> Pixels:
    """A copy (H, W, 3) of the picture with every located piece, its sew lines and every unknown object, labelled.

    `pieces` are those that were looked for; `thickness` [m] as in `locate`.
    """
    canvas = image.pixels.copy()
    known = {(piece.name, piece.size): piece for piece in pieces}
    for located in result.pieces:
        draw_polyline(canvas, located.outline_px, _OUTLINE, closed=True)
        for line in known[located.piece, located.size].sew_lines:
            draw_polyline(canvas, camera.project_plane(located.pose.apply(line), thickness), _SEW_LINE)
        _draw_label(canvas, located.outline_px.mean(axis=0), _describe(located), _OUTLINE)
    for blob in result.unknown:
        draw_polyline(canvas, blob.outline_px, _UNKNOWN, closed=True)
        _draw_label(canvas, blob.outline_px.mean(axis=0), ["?"], _UNKNOWN)
    return canvas


def draw_polyline(canvas: Pixels, line_px: Array, colour: tuple[int, int, int], closed: bool = False) -> None:
    """Draw a line (N, 2) [px], to a sixteenth of a pixel, into the picture `canvas` itself."""
    fixed = np.round(line_px * 2**_FRACTION_BITS).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(canvas, [fixed], closed, colour, 1, cv2.LINE_AA, _FRACTION_BITS)


def _describe(located: LocatedPiece) -> list[str]:
    pose = located.pose
    lines = [
        f"{located.piece} {located.size}{' face down' if pose.mirrored else ''}",
        f"x {pose.x / MM:.2f} y {pose.y / MM:.2f} mm  {pose.theta / DEG:.2f} deg",
        f"residual {located.residual / MM:.2f} mm  confidence {located.confidence:.2f}",
    ]
    return lines + [f"or {other}" for other in located.ambiguous_with] + list(located.flags)


def _draw_label(canvas: Pixels, at_px: Array, lines: Sequence[str], colour: tuple[int, int, int]) -> None:
    x, y = round(float(at_px[0])), round(float(at_px[1]))
    for number, text in enumerate(lines):
        for shade, width in (((0, 0, 0), 3), (colour, 1)):
            cv2.putText(
                canvas, text, (x - 90, y + 18 * number), cv2.FONT_HERSHEY_SIMPLEX, 0.45, shade, width, cv2.LINE_AA
            )
