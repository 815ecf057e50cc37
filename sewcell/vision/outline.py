"""Closed outlines: contours of blobs on the table, even sampling, and the points where edges can be measured."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from sewcell.geometry.poses import Array
from sewcell.units import DEG, MM
from sewcell.vision.background import Mask
from sewcell.vision.camera_model import CameraModel

_CORNER_ARM = 1.5 * MM
_CORNER_ANGLE = 20.0 * DEG


@dataclass(frozen=True, slots=True)
class Blob:
    """A connected region that is not table.

    `contour_px` (N, 2): its outer contour in the picture. `contour` (N, 2) [m]: the same on the table,
    counter-clockwise.
    `centre` (2,) [m], `area` [m2], `perimeter` [m]. `cut`: it touches the border of the picture.
    """

    contour_px: Array
    contour: Array
    centre: Array
    area: float
    perimeter: float
    cut: bool


@dataclass(frozen=True, slots=True)
class EdgeModel:
    """Where on an outline edges are measured, in order, away from corners: `points` (N, 2) [m], outward unit `normals`
    (N, 2), where they lie `along` (N,) [m] the outline, on which `side` (N,) between two corners, every `spacing` [m].
    """

    points: Array
    normals: Array
    along: NDArray[np.float64]
    side: NDArray[np.int64]
    spacing: float

    def thin(self, every: int) -> "EdgeModel":
        """Each `every`-th of the points."""
        return EdgeModel(
            self.points[::every], self.normals[::every], self.along[::every], self.side[::every], self.spacing * every
        )


def find_blobs(
    mask: Mask, stride: int, camera: CameraModel, pixel: float, height: float, min_area: float
) -> tuple[Blob, ...]:
    """Regions of at least `min_area` [m2], largest first; their contours lie on the plane z = `height` [m].

    Pixel (i, j) of `mask` (h, w) is pixel (i, j) * `stride` of the picture; a `pixel` sees that much [m] of the table.
    """
    rows, columns = mask.shape
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    min_pixels = 0.5 * min_area / (pixel * stride) ** 2
    blobs = []
    for found in contours:
        if len(found) < 8 or cv2.contourArea(found) < min_pixels:
            continue
        grid: NDArray[np.int32] = found.reshape(-1, 2)
        contour_px = grid.astype(np.float64) * stride
        contour = camera.table_points(contour_px, height)
        if signed_area(contour) < 0.0:
            contour, contour_px = contour[::-1], contour_px[::-1]
        # The contour runs through the centres of the outermost pixels: half a pixel is missing all around.
        perimeter = closed_length(contour)
        rim = 0.5 * pixel * stride
        area = signed_area(contour) + rim * perimeter
        if area < min_area:
            continue
        cut = bool((grid <= 0).any() or (grid[:, 0] >= columns - 1).any() or (grid[:, 1] >= rows - 1).any())
        blobs.append(Blob(contour_px, contour, centroid(contour), area, perimeter, cut))
    return tuple(sorted(blobs, key=lambda blob: -blob.area))


def signed_area(outline: Array) -> float:
    """Area (N, 2) [m2], positive when counter-clockwise."""
    x, y = outline.T
    inner = x[:-1] @ y[1:] - y[:-1] @ x[1:]
    return float(0.5 * (inner + x[-1] * y[0] - y[-1] * x[0]))


def centroid(outline: Array) -> Array:
    """Centre of the enclosed area (2,) [m]."""
    base = outline[0]
    local = outline - base
    following = np.roll(local, -1, axis=0)
    cross = local[:, 0] * following[:, 1] - local[:, 1] * following[:, 0]
    return np.asarray(base + (cross @ (local + following)) / (3.0 * cross.sum()))


def closed_length(outline: Array) -> float:
    """Length of the closed outline (N, 2) [m]."""
    return float(np.linalg.norm(np.roll(outline, -1, axis=0) - outline, axis=1).sum())


def is_inside(point: Array, polygon: Array, unit: float = MM) -> bool:
    """Whether (2,) lies in the polygon (K, 2); in millimetres, as OpenCV calculates in single precision."""
    x, y = point / unit
    return bool(
        cv2.pointPolygonTest((polygon / unit).astype(np.float32).reshape(-1, 1, 2), (float(x), float(y)), False) >= 0
    )


def resample_closed(outline: Array, count: int) -> Array:
    """`count` points (count, 2), evenly spaced along the closed outline (N, 2), starting at its first point."""
    closed = np.vstack((outline, outline[:1]))
    along = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))))
    wanted = np.arange(count) * (along[-1] / count)
    return np.column_stack((np.interp(wanted, along, closed[:, 0]), np.interp(wanted, along, closed[:, 1])))


def make_edge_model(outline: Array, spacing: float) -> EdgeModel:
    """The edge model of an outline (N, 2) [m], made once for all pictures: `_make_edge_model`."""
    return _make_edge_model(np.asarray(outline, np.float64).tobytes(), spacing)


@lru_cache(maxsize=128)
def _make_edge_model(outline_bytes: bytes, spacing: float) -> EdgeModel:
    """Points every `spacing` [m] or a little less along a counter-clockwise outline (N, 2), without those near corners.

    A point is near a corner when the directions over 1.5 mm before and after it differ by more than 20 degrees:
    there the blurred edge is not the edge of a half plane. An outline that is all corners keeps its points.
    """
    outline = np.frombuffer(outline_bytes).reshape(-1, 2)
    length = closed_length(outline)
    count = max(16, int(np.ceil(length / spacing)))
    points = resample_closed(outline, count)
    step = length / count
    tangent = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-12)
    arm = max(1, round(_CORNER_ARM / step))
    before, after = points - np.roll(points, arm, axis=0), np.roll(points, -arm, axis=0) - points
    turn = np.arctan2(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0], np.einsum("ij,ij->i", before, after))
    straight = np.abs(turn) < _CORNER_ANGLE
    if straight.sum() < 0.3 * count:
        straight[:] = True
    normals = np.column_stack((tangent[:, 1], -tangent[:, 0]))
    start = int(np.argmin(straight))  # a corner, where there is one
    chosen = start + np.flatnonzero(np.roll(straight, -start))
    side = np.cumsum(np.diff(chosen, prepend=chosen[0]) > 1, dtype=np.int64)
    return EdgeModel(
        points[chosen % count], normals[chosen % count], np.asarray(chosen * float(step), np.float64), side, float(step)
    )
