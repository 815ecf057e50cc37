"""The page of an inspected seam: the straightened picture, and below it the deviations to scale."""

from textwrap import wrap

import cv2
import numpy as np

from sewcell.geometry.poses import Array
from sewcell.image import Image
from sewcell.units import MM
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.draw import draw_polyline
from sewcell.vision.inspection import SeamInspection
from sewcell.vision.seam_strip import straighten
from sewcell.vision.thinning import Pixels

_PX_PER_MM = 10.0
"""Scale along the seam in both parts, and across it in the picture."""
_MAGNIFIED_PX_PER_MM = 60.0
"""Scale of the deviations."""
_RIM = 60
_LETTER_PX = 7.0
_GREY, _INK = (200, 200, 200), (40, 40, 40)
_GOOD, _BAD, _PLAN, _HOLE = (70, 150, 40), (30, 30, 210), (200, 120, 20), (0, 200, 255)


def draw_inspection(image: Image, camera: CameraModel, inspection: SeamInspection, thickness: float = 0.0) -> Pixels:
    """A picture (H, W, 3), blue-green-red: above, the seam straightened, with plan, thread, edge, holes and what is
    missing; below, how the sewn distance from the edge differs from the planned one, with its tolerance."""
    plan = inspection.expectation
    span = (-4.0 * MM, plan.margin + 2.5 * MM)
    strip = straighten(image, camera, plan.line, plan.edge_on_left, span, 0.0, thickness)
    scale = _PX_PER_MM * strip.step / MM
    upright = np.ascontiguousarray(strip.colours.transpose(1, 0, 2)[::-1]).astype(np.uint8)
    picture = cv2.resize(upright, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    worst = float(np.nanmax(np.abs(inspection.margin - plan.margin)))
    half = _MAGNIFIED_PX_PER_MM * max(2.0 * plan.tolerance, worst) / MM
    height, width = picture.shape[0], picture.shape[1]
    canvas = np.full((height + round(2.0 * half) + 3 * _RIM, width + 2 * _RIM, 3), 255, dtype=np.uint8)
    canvas[_RIM : _RIM + height, _RIM : _RIM + width] = picture

    def in_picture(along: Array, across: Array) -> Array:
        return np.column_stack(
            (_RIM + along / MM * _PX_PER_MM, _RIM + height - 1 - (across - strip.across[0]) / MM * _PX_PER_MM)
        )

    ends = np.array([0.0, strip.along[-1]])
    draw_polyline(canvas, in_picture(ends, np.zeros(2)), _PLAN)
    draw_polyline(canvas, in_picture(inspection.along, inspection.sideways), _GOOD)
    seen = np.isfinite(inspection.margin)
    edge = inspection.sideways[seen] + inspection.margin[seen]
    draw_polyline(canvas, in_picture(inspection.along[seen], edge), _GOOD)
    for places, colour in ((inspection.holes, _HOLE), (inspection.skipped, _BAD)):
        for point in in_picture(places, np.interp(places, inspection.along, inspection.sideways)):
            cv2.circle(canvas, (round(point[0]), round(point[1])), 4, colour, 1, cv2.LINE_AA)
    _draw_deviations(canvas, inspection, _RIM + height + _RIM + half, half, float(ends[1]))
    for number, text in enumerate(wrap(inspection.describe(), round(width / _LETTER_PX))):
        _write(canvas, (_RIM, 16 + 15 * number), text)
    return canvas


def _draw_deviations(canvas: Pixels, inspection: SeamInspection, middle: float, half: float, length: float) -> None:
    """The chart about the row `middle`: `half` px up and down, `length` [m] wide, with a line every half millimetre."""
    plan = inspection.expectation

    def place(along: Array, deviation: Array) -> Array:
        return np.column_stack((_RIM + along / MM * _PX_PER_MM, middle - deviation / MM * _MAGNIFIED_PX_PER_MM))

    ends = np.array([0.0, length])
    lines = int(half / _MAGNIFIED_PX_PER_MM / 0.5)
    for number in range(-lines, lines + 1):
        row = place(ends, np.full(2, 0.5 * number * MM))
        draw_polyline(canvas, row, _GREY)
        _write(canvas, (4, row[0, 1] + 4), f"{0.5 * number:+.1f} mm")
    for number in range(int(length / (10.0 * MM)) + 1):
        column = _RIM + 10.0 * number * _PX_PER_MM
        draw_polyline(canvas, np.array([[column, middle - half], [column, middle + half]]), _GREY)
        _write(canvas, (column - 6, middle + half + 16), f"{10 * number}")
    for limit in (-plan.tolerance, plan.tolerance):
        draw_polyline(canvas, place(ends, np.full(2, limit)), _PLAN)
    deviation = inspection.margin - plan.margin
    for first in range(len(deviation) - 1):
        pair = slice(first, first + 2)
        if np.isfinite(deviation[pair]).all():
            colour = _BAD if np.abs(deviation[pair]).max() > plan.tolerance else _GOOD
            draw_polyline(canvas, place(inspection.along[pair], deviation[pair]), colour)
    for skipped in inspection.skipped:
        at = place(np.array([skipped]), np.zeros(1))[0]
        cv2.drawMarker(canvas, (round(at[0]), round(at[1])), _BAD, cv2.MARKER_TILTED_CROSS, 12, 2)
    ratio = _MAGNIFIED_PX_PER_MM / _PX_PER_MM
    text = f"distance from the edge minus plan; along the seam in mm, deviations {ratio:.0f} times as large"
    _write(canvas, (_RIM, middle + half + 36), text)


def _write(canvas: Pixels, at: tuple[float, float], text: str) -> None:
    place = (round(at[0]), round(at[1]))
    cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, _INK, 1, cv2.LINE_AA)
