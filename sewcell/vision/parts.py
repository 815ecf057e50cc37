"""Pieces that touch, overlap or are partly hidden: found by the part of their outline that shows in a contour."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from sewcell.geometry.poses import Array
from sewcell.units import MM
from sewcell.vision.edges import Scene, measure_edges, shows_cloth
from sewcell.vision.fragments import match_fragments
from sewcell.vision.located import LocatedPiece
from sewcell.vision.outline import Blob, closed_length, is_inside
from sewcell.vision.rivals import Candidate
from sewcell.vision.search import MIN_INLIERS, RESIDUAL_LIMIT, Search, add_twins, describe, refine

_MIN_PART_INLIERS = 0.5
_FRAGMENTS = 10
_MOST_PARTS = 6
_MOST_OPEN = 0.5
"""In a contour that stays unexplained for the most part, a part of an outline may as well be the pattern of a cloth."""
_MOST_UNEXPLAINED = 0.1
_MOST_FOLDED = 0.3
_SCRUTINY_PX = 4.0
_EXPLAINED = 5.0 * MM


def identify_parts(blob: Blob, search: Search) -> list[LocatedPiece]:
    """Pieces that show a part of their outline in the contour of the blob, one after the other.

    What does not show must be hidden by something: another of the pieces, another colour, or the border of the picture.
    """
    rim = np.array(search.scene.pixels.shape[1::-1]) - 1.0
    border = 0.01 * rim.min()
    free = ((blob.contour_px > border) & (blob.contour_px < rim - border)).all(axis=1)
    found: list[tuple[Candidate, list[Candidate], Array]] = []
    outlines = [piece.outline for piece in search.pieces]
    for _ in range(_MOST_PARTS):
        hypotheses = match_fragments(blob.contour, free, outlines, search.mirrored, _FRAGMENTS)
        refined = [
            candidate
            for candidate in refine(search, [(h.index, h.pose) for h in hypotheses])
            if candidate.fit.inlier_ratio > _MIN_PART_INLIERS
            and candidate.fit.missing < _MOST_FOLDED
            and candidate.fit.residual < RESIDUAL_LIMIT
            and not any(_is_same_place(candidate, shape) for _, _, shape in found)
        ]
        if not refined:
            break
        refined = add_twins(search, refined)
        shape = refined[0].fit.pose.apply(refined[0].piece.outline)
        found.append((refined[0], [other for other in refined[1:] if _is_same_place(other, shape)], shape))
        free &= ~_is_near(blob.contour, shape)
        if free.sum() * closed_length(blob.contour) / len(free) < 4.0 * _EXPLAINED:
            break
    if free.mean() > _MOST_OPEN:
        found = [part for part in found if part[0].fit.inlier_ratio > MIN_INLIERS]
    while found:
        doubts = [
            _share_unexplained(search.scene, best, [other for _, _, other in found if other is not shape])
            for best, _, shape in found
        ]
        worst = int(np.argmax(doubts))
        if doubts[worst] < _MOST_UNEXPLAINED:
            break
        del found[worst]
    return [describe(blob, search.scene, best, rivals) for best, rivals, _ in found]


def _share_unexplained(scene: Scene, candidate: Candidate, others: Sequence[Array]) -> float:
    """Share of the outline where cloth goes on beyond it and nothing is seen that could hide the edge."""
    pose, model = candidate.fit.pose, candidate.model
    points = pose.apply(model.points)
    edges = measure_edges(scene, points, model.normals @ pose.linear_part().T, _SCRUTINY_PX, 1.0)
    bare = ~edges.valid & (edges.cover >= 0.5) & shows_cloth(edges)
    for i in np.flatnonzero(bare):
        bare[i] = not any(is_inside(points[i], other) for other in others)
    return float(bare.mean())


def _is_same_place(candidate: Candidate, shape: Array) -> bool:
    """Whether the candidate lies where the outline `shape` (N, 2) lies: one's centre is within the other."""
    own = candidate.fit.pose.apply(candidate.piece.outline)
    return is_inside(own.mean(axis=0), shape) and is_inside(shape.mean(axis=0), own)


def _is_near(points: Array, outline: Array) -> NDArray[np.bool_]:
    """Which points (N, 2) lie near a closed outline (K, 2), (N,)."""
    ring = (outline / MM).astype(np.float32).reshape(-1, 1, 2)
    distance = [abs(cv2.pointPolygonTest(ring, (float(x), float(y)), True)) for x, y in points / MM]
    return np.asarray(np.array(distance) < _EXPLAINED / MM)
