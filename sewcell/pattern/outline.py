"""Boundaries of cut pieces: open lines chained into rings, half pieces unfolded, the result checked."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from shapely import LinearRing, Polygon
from shapely.validation import explain_validity

from sewcell.errors import ConfigError
from sewcell.geometry.poses import Array
from sewcell.units import MM

JOIN_TOLERANCE = 0.5 * MM
"""Ends of boundary lines this close are one point; no cutter is more exact."""
REPEAT_TOLERANCE = 0.01 * MM
"""Neighbouring points closer than this are one point."""


def drop_repeated_points(line: ArrayLike, closed: bool = False) -> Array:
    """The polyline (N, 2) [m] without points that repeat their predecessor; `closed`: nor its start at the end."""
    points = np.asarray(line, dtype=np.float64).reshape(-1, 2)
    kept: list[Array] = []
    for point in points:
        if not kept or np.hypot(*(point - kept[-1])) > REPEAT_TOLERANCE:
            kept.append(point)
    while closed and len(kept) > 1 and np.hypot(*(kept[0] - kept[-1])) <= REPEAT_TOLERANCE:
        kept.pop()
    return np.array(kept).reshape(-1, 2)


def chain_ring(lines: Sequence[Array], mirror: Array | None = None) -> Array:
    """Boundary lines (N_i, 2) [m], in any order and direction, joined end to end into one ring (M, 2).

    A boundary that is open at the mirror line of a half piece (`mirror`, (2, 2)) is closed along it.

    Raises: ConfigError when a gap remains or lines are left over.
    """
    rest = [clean for line in lines if len(clean := drop_repeated_points(line)) > 1]
    if not rest:
        raise ConfigError("its boundary on layer 1 has no line; draw the outline there")
    ring = rest.pop(0)
    while rest and _distance(ring[0], ring[-1]) > JOIN_TOLERANCE:
        index, end = min(
            ((i, e) for i in range(len(rest)) for e in (0, -1)),
            key=lambda candidate: _distance(ring[-1], rest[candidate[0]][candidate[1]]),
        )
        following = rest[index] if end == 0 else rest[index][::-1]
        if _distance(ring[-1], following[0]) <= JOIN_TOLERANCE:
            following = following[1:]
        elif mirror is None or not _lie_on(np.array([ring[-1], following[0]]), mirror):
            break
        rest.pop(index)
        ring = np.vstack([ring, following])
    gap = _distance(ring[0], ring[-1])
    if gap > JOIN_TOLERANCE and not (mirror is not None and _lie_on(ring[[0, -1]], mirror)):
        raise ConfigError(f"its boundary on layer 1 is open by {gap / MM:.1f} mm at {_in_mm(ring[-1])}; close it")
    if rest:
        raise ConfigError(
            f"its boundary on layer 1 is more than one ring, the second at {_in_mm(rest[0][0])}; keep one"
        )
    return drop_repeated_points(ring[:-1] if gap <= JOIN_TOLERANCE else ring, closed=True)


def unfold_ring(ring: Array, mirror: Array) -> Array:
    """The whole outline (M, 2) of a half piece `ring` (N, 2) whose fold edge lies on the mirror line (2, 2).

    A ring that already lies on both sides of the line is whole and comes back as it is.

    Raises: ConfigError when no edge, or more than one stretch, lies on the mirror line.
    """
    offset = signed_distance(ring, mirror)  # (N,)
    on_line = np.abs(offset) <= JOIN_TOLERANCE
    if offset.max() > JOIN_TOLERANCE and offset.min() < -JOIN_TOLERANCE:
        return ring
    starts = np.flatnonzero(on_line & ~np.roll(on_line, 1))
    if len(starts) != 1 or on_line.sum() < 2:
        raise ConfigError("its mirror line on layer 6 does not lie on one straight edge of the boundary; move it there")
    turned = np.roll(ring, -starts[0], axis=0)
    count = int(on_line.sum())
    half = np.vstack([turned[count - 1 :], turned[:1]])
    half[[0, -1]] -= signed_distance(half[[0, -1]], mirror)[:, None] * normal_of(mirror)
    return drop_repeated_points(np.vstack([half, reflect_points(half, mirror)[-2:0:-1]]), closed=True)


def check_ring(ring: Array, what: str = "outline") -> Array:
    """The ring (N, 2) [m], counter-clockwise.

    Raises: ConfigError when it crosses or touches itself or encloses nothing.
    """
    if len(ring) < 3:
        raise ConfigError(f"its {what} has only {len(ring)} different points; draw at least three")
    polygon = Polygon(ring)
    if not polygon.is_valid:
        reason = re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.2f}", explain_validity(Polygon(ring / MM)))
        raise ConfigError(f"its {what} is not a simple outline ({reason}, in mm); draw it without crossings")
    return ring if LinearRing(ring).is_ccw else ring[::-1].copy()


def reflect_points(points: Array, mirror: Array) -> Array:
    """Points (N, 2) reflected about the line (2, 2)."""
    return points - 2.0 * signed_distance(points, mirror)[:, None] * normal_of(mirror)


def signed_distance(points: Array, line: Array) -> Array:
    """Distance (N,) of points (N, 2) from the straight line through `line` (2, 2), positive on its left."""
    return np.asarray((points - line[0]) @ normal_of(line), dtype=np.float64)


def normal_of(line: Array) -> Array:
    """Unit normal (2,) on the left of a straight line (2, 2)."""
    along = line[1] - line[0]
    return np.array([-along[1], along[0]]) / float(np.hypot(*along))


def _lie_on(points: Array, line: Array) -> bool:
    return bool(np.all(np.abs(signed_distance(points, line)) <= JOIN_TOLERANCE))


def _distance(a: Array, b: Array) -> float:
    return float(np.hypot(*(a - b)))


def _in_mm(point: Array) -> str:
    return f"({point[0] / MM:.1f}, {point[1] / MM:.1f}) mm"
