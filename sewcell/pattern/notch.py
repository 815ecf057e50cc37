"""Notches as pattern files store them, turned into cut marks on the outline that point into the piece."""

from collections.abc import Iterable
from math import radians

import numpy as np
from shapely import LinearRing, Point, Polygon

from sewcell.geometry.poses import Array
from sewcell.pattern.outline import JOIN_TOLERANCE, reflect_points
from sewcell.pattern.piece import Notch
from sewcell.units import MM

DEFAULT_DEPTH = 4.0 * MM
"""Depth of a notch whose file gives none; the usual cut is 3 to 6 mm."""
PROBE = 0.2 * MM


def place_notch(position: Array, angle_deg: float | None, depth: float, outline: Array) -> Notch:
    """The cut mark that a POINT of the file stands for, on the `outline` (N, 2) [m], counter-clockwise.

    `position` (2,) [m] is moved to the nearest point of the outline. `angle_deg` is counter-clockwise from x; Gerber's
    points into the piece and CLO's out of it, so the side on which the piece lies decides. Without an angle, or with
    one along the edge, the mark is square to the edge. `depth` [m]; 0 stands for "not given".
    """
    ring = LinearRing(outline)
    foot = ring.interpolate(ring.project(Point(position)))
    on_edge = np.array([foot.x, foot.y])
    direction = _inward_normal(on_edge, outline)
    if angle_deg is not None:
        drawn = np.array([np.cos(radians(angle_deg)), np.sin(radians(angle_deg))])
        polygon = Polygon(outline)
        ahead, behind = (bool(polygon.contains(Point(on_edge + side * PROBE * drawn))) for side in (1.0, -1.0))
        if ahead != behind:
            direction = drawn if ahead else -drawn
    return Notch(on_edge, direction, depth if depth > 0.0 else DEFAULT_DEPTH)


def drop_repeated_notches(notches: Iterable[Notch]) -> tuple[Notch, ...]:
    """The notches without repetitions: Gerber writes a notch once for each boundary line that ends there."""
    kept: list[Notch] = []
    for notch in notches:
        if all(np.hypot(*(notch.position - other.position)) > JOIN_TOLERANCE for other in kept):
            kept.append(notch)
    return tuple(kept)


def reflect_notch(notch: Notch, mirror: Array) -> Notch:
    """The notch on the other half of a piece that unfolds about the line `mirror` (2, 2) [m]."""
    start, end = reflect_points(np.array([notch.position, notch.position + notch.direction]), mirror)
    return Notch(start, end - start, notch.depth)


def _inward_normal(point: Array, outline: Array) -> Array:
    """Unit vector (2,), left of the edge of the counter-clockwise `outline` that passes nearest to `point`."""
    edges = np.roll(outline, -1, axis=0) - outline  # (N, 2)
    along = np.clip(np.sum((point - outline) * edges, axis=1) / np.sum(edges**2, axis=1), 0.0, 1.0)
    nearest = edges[np.argmin(np.hypot(*(outline + along[:, None] * edges - point).T))]
    return np.array([-nearest[1], nearest[0]]) / float(np.hypot(*nearest))
