"""The pieces looked for in a picture: hypotheses fitted to its edges, near twins, and the answer that comes of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sewcell.geometry.planar import PlanarPose
from sewcell.pattern.piece import Piece
from sewcell.units import MM
from sewcell.vision.edge_fit import fit_outline, fit_roughly
from sewcell.vision.edges import Scene
from sewcell.vision.located import FOLDED, OCCLUDED, OUT_OF_VIEW, STRETCHED, LocatedPiece
from sewcell.vision.matching import match_contour
from sewcell.vision.outline import Blob, EdgeModel, closed_length, make_edge_model, signed_area
from sewcell.vision.rivals import (
    HOPELESS_LOG_RATIO,
    Candidate,
    is_doubtful,
    is_rival,
    is_same_answer,
    log_ratio,
    name_difference,
)

MIN_INLIERS = 0.7
"""Share of the outline that must be seen of a whole piece."""
RESIDUAL_LIMIT = 0.5 * MM
COARSE_LIMIT = 3.0 * MM
COARSE_SHARE = 0.012
"""A contour may lie that far off the outline, or that share of its perimeter [m]."""
MAX_REFINED = 6
_TWIN_LIMIT = 2.0 * MM
"""Outlines that lie nearer to each other are always told apart by all of their edges."""
_EDGE_SPACING_PX = 1.5
_MOST_EDGES = 1000
_FLAGGED_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for, in what: `mirrored` as the faces say."""

    scene: Scene
    pieces: Sequence[Piece]
    mirrored: Sequence[bool]

    def model(self, index: int) -> EdgeModel:
        """The edge model of piece number `index`."""
        outline = self.pieces[index].outline
        spacing = max(_EDGE_SPACING_PX * self.scene.pixel, closed_length(outline) / _MOST_EDGES)
        return make_edge_model(outline, spacing)


def refine(search: Search, starts: Sequence[tuple[int, PlanarPose]]) -> list[Candidate]:
    """The hypotheses fitted to the edges, cheapest first: all roughly, in full those that may win or rival."""
    rough = [
        Candidate(search.pieces[index], search.model(index), fit_roughly(search.scene, search.model(index), pose))
        for index, pose in starts
    ]
    rough.sort(key=lambda candidate: candidate.fit.cost)
    refined = [
        Candidate(candidate.piece, candidate.model, fit_outline(search.scene, candidate.model, candidate.fit.pose))
        for candidate in rough
        if log_ratio(rough[0], candidate) < HOPELESS_LOG_RATIO
    ]
    return sorted(refined, key=lambda candidate: candidate.fit.cost)


def add_twins(search: Search, refined: list[Candidate]) -> list[Candidate]:
    """The candidates and, whatever the contour suggested, all answers whose outline is nearly that of the best: its own
    mirror image, its turns, and other pieces like it; cheapest first."""
    best = refined[0]
    laid = best.fit.pose.apply(best.piece.outline)
    contour = laid[::-1] if best.fit.pose.mirrored else laid
    near = match_contour(contour, [piece.outline for piece in search.pieces], search.mirrored)
    limit = max(COARSE_LIMIT, COARSE_SHARE * closed_length(contour)) if is_doubtful(best) else _TWIN_LIMIT
    twins = []
    for hypothesis in [h for h in near if h.residual <= limit][: MAX_REFINED + 1]:
        piece, model = search.pieces[hypothesis.index], search.model(hypothesis.index)
        if any(is_same_answer(known, piece, hypothesis.pose) for known in refined):
            continue
        rough = fit_roughly(search.scene, model, hypothesis.pose)
        twins.append(Candidate(piece, model, fit_outline(search.scene, model, rough.pose)))
    return sorted((*refined, *twins), key=lambda candidate: candidate.fit.cost)


def describe(blob: Blob, scene: Scene, best: Candidate, others: Sequence[Candidate]) -> LocatedPiece:
    """The answer, with what speaks against it."""
    piece, fit = best.piece, best.fit
    rivals = tuple(dict.fromkeys(name_difference(best, other) for other in others if is_rival(best, other)))
    area = abs(signed_area(piece.outline))
    outline_px = scene.camera.project_plane(fit.pose.apply(piece.outline), scene.height)
    height, width = scene.pixels.shape[:2]
    beyond = bool(((outline_px < 0.0) | (outline_px > (width - 1.0, height - 1.0))).any())
    flags = tuple(
        flag
        for flag, holds in (
            (FOLDED, fit.missing_densest > _FLAGGED_SHARE),
            (OCCLUDED, fit.added_densest > _FLAGGED_SHARE),
            (STRETCHED, fit.stretched),
            (OUT_OF_VIEW, beyond),
        )
        if holds
    )
    if FOLDED in flags and OCCLUDED in flags and not rivals:
        rivals = (f"{piece.name} elsewhere",)  # cloth is missing here and goes on there
    confidence = (
        max(0.0, fit.inlier_ratio - MIN_INLIERS)
        / (1.0 - MIN_INLIERS)
        * np.exp(-0.5 * (fit.residual / RESIDUAL_LIMIT) ** 2)
    )
    confidence *= min(blob.area / area, area / blob.area)
    return LocatedPiece(
        piece.name,
        piece.size,
        fit.pose,
        fit.sigma_position,
        fit.sigma_angle,
        fit.residual,
        fit.inlier_ratio,
        float(confidence / (1 + len(rivals))),
        fit.shear,
        rivals,
        flags,
        outline_px,
        fit.sigma_shear,
    )
