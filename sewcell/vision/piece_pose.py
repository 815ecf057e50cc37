"""Which pieces of a garment lie in a picture, where, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sewcell.errors import VisionError
from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array
from sewcell.image import Image
from sewcell.pattern.piece import Piece
from sewcell.units import MM
from sewcell.vision.background import FAINT, ORDINARY, SHADOWED, Background, Look, check_size, compare, mask_objects
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.edge_fit import fit_outline, fit_roughly
from sewcell.vision.edges import Scene, measure_edges, shows_cloth
from sewcell.vision.fragments import match_fragments
from sewcell.vision.located import FOLDED, OCCLUDED, OUT_OF_VIEW, STRETCHED, LocatedPiece, LocateResult, UnknownBlob
from sewcell.vision.matching import Hypothesis, match_contour
from sewcell.vision.outline import (
    Blob,
    EdgeModel,
    closed_length,
    find_blobs,
    make_edge_model,
    signed_area,
)
from sewcell.vision.rivals import (
    FAINT_CONTRAST,
    HOPELESS_LOG_RATIO,
    Candidate,
    is_doubtful,
    is_rival,
    is_same_answer,
    log_ratio,
    name_difference,
)

FACES = ("up", "down")
LOOKS: tuple[Look, ...] = (ORDINARY, SHADOWED, FAINT)
"""Tried one after the other until all that lies there is known."""

_MIN_AREA = 100.0 * MM**2
_AREA_TOLERANCE = 0.25
_COARSE_LIMIT = 3.0 * MM
_COARSE_SHARE = 0.012  # of the perimeter
_TWIN_LIMIT = 2.0 * MM
"""Outlines that lie nearer to each other are always told apart by all of their edges."""
_KEEP_RATIO, _KEEP_MARGIN = 1.6, 1.0 * MM
_MAX_REFINED = 6
_MIN_INLIERS = 0.7
_MIN_PART_INLIERS = 0.5
_RESIDUAL_LIMIT = 0.5 * MM
_FAINT_INLIERS, _FAINT_RESIDUAL = 0.5, 0.8 * MM
"""Where cloth and table hardly differ, a whole contour of the right size is believed with less."""
_EDGE_SPACING_PX = 1.5
_MOST_EDGES = 1000
"""The same where a part of the outline is not seen, which may be the part that tells."""
_FLAGGED_SHARE = 0.7
_LEAST_PART = 0.35  # of the smallest piece's area
_LARGEST_WHOLE = 1.3  # of the largest piece's area
_FRAGMENTS = 10
_MOST_PARTS = 6
_MOST_OPEN = 0.5
"""In a contour that stays unexplained for the most part, a part of an outline may as well be the pattern of a cloth."""
_MOST_UNEXPLAINED = 0.1
_MOST_FOLDED = 0.3
_SCRUTINY_PX = 4.0
_EXPLAINED = 5.0 * MM


@dataclass(frozen=True, slots=True)
class _Search:
    """What is looked for, in what: `mirrored` as the faces say."""

    scene: Scene
    pieces: Sequence[Piece]
    mirrored: Sequence[bool]

    def model(self, index: int) -> EdgeModel:
        """The edge model of piece number `index`."""
        outline = self.pieces[index].outline
        spacing = max(_EDGE_SPACING_PX * self.scene.pixel, closed_length(outline) / _MOST_EDGES)
        return make_edge_model(outline, spacing)


def locate(
    image: Image,
    background: Background,
    camera: CameraModel,
    pieces: Sequence[Piece],
    *,
    zone: Array | None = None,
    thickness: float = 0.0,
    faces: Sequence[str] = FACES,
) -> LocateResult:
    """Find pieces: blobs against the empty table, contour matching, then a robust fit to sub-pixel edges.

    A blob that is no whole piece is searched for pieces that show a part of their outline. When something stays
    unknown, or nothing is found, the picture is searched again for what a hard shadow or the table's own colour hides.

    Args:
        pieces: the pieces that may lie there.
        zone: polygon (K, 2) [m, table]; only objects whose centre lies inside count. None: the whole picture.
        thickness: height [m] of the cloth's upper surface over the table.
        faces: which faces may be up, of "up" and "down" (down: the piece lies mirrored).

    Raises: VisionError when the picture cannot be used: blank, dark, overexposed, blurred, of another size than the
        camera file says, or too different from the background; or when there is nothing to look for.
    """
    check_size(image, camera)
    _check_request(pieces, faces)
    comparison = compare(image.pixels, background)
    gain, noise, pixel = comparison.gain, comparison.noise, camera.mm_per_px * MM
    scene = Scene(image.pixels, background.pixels, gain, noise, camera, thickness, pixel)
    search = _Search(scene, pieces, [face == "down" for face in faces])
    result = LocateResult((), ())
    for look in LOOKS:
        blobs = find_blobs(mask_objects(comparison, look), comparison.stride, camera, pixel, thickness, _MIN_AREA)
        result = _join(result, _identify_all(blobs, search, zone, _slack(look, comparison.stride * pixel)), pieces)
        if result.pieces and not any(_may_hold_piece(blob.area, pieces) for blob in result.unknown):
            break
    return result


def _may_hold_piece(area: float, pieces: Sequence[Piece]) -> bool:
    return area > _LEAST_PART * min(abs(signed_area(piece.outline)) for piece in pieces)


def _join(first: LocateResult, later: LocateResult, pieces: Sequence[Piece]) -> LocateResult:
    """What an earlier and a later look found, each thing once; the earlier one is believed first."""
    outlines = {(piece.name, piece.size): piece.outline for piece in pieces}

    def lay(located: LocatedPiece) -> Array:
        return located.pose.apply(outlines[located.piece, located.size])

    known = [lay(located) for located in first.pieces]
    new = [piece for piece in later.pieces if not any(_is_inside(lay(piece).mean(axis=0), shape) for shape in known)]
    known += [lay(piece) for piece in new]
    unknown = [
        blob
        for blob in (first.unknown or later.unknown)
        if not any(_is_inside(blob.centre, shape) for shape in known)
        and not any(_is_inside(piece.outline_px.mean(axis=0), blob.outline_px, 1.0) for piece in new)
    ]
    return LocateResult((*first.pieces, *new), tuple(unknown), max(first.outside, later.outside))


def _identify_all(blobs: Sequence[Blob], search: _Search, zone: Array | None, slack: float) -> LocateResult:
    located: list[LocatedPiece] = []
    unknown: list[UnknownBlob] = []
    outside = 0
    largest = max(abs(signed_area(piece.outline)) for piece in search.pieces)
    for blob in blobs:
        if zone is not None and not _is_inside(blob.centre, zone) and blob.area < _LARGEST_WHOLE * largest:
            outside += 1
            continue
        answer = _identify(blob, search, slack)
        if isinstance(answer, LocatedPiece):
            located.append(answer)
            continue
        parts = _identify_parts(blob, search) if _may_hold_piece(blob.area, search.pieces) else []
        located += [part for part in parts if zone is None or _is_inside(_centre(part, search.pieces), zone)]
        if not parts and (zone is None or _is_inside(blob.centre, zone)):
            unknown.append(UnknownBlob(blob.centre, blob.area, answer, blob.contour_px))
    return LocateResult(tuple(located), tuple(unknown), outside)


def _centre(located: LocatedPiece, pieces: Sequence[Piece]) -> Array:
    piece = next(piece for piece in pieces if (piece.name, piece.size) == (located.piece, located.size))
    return np.asarray(located.pose.apply(piece.outline).mean(axis=0))


def _check_request(pieces: Sequence[Piece], faces: Sequence[str]) -> None:
    if not pieces:
        raise VisionError("no piece was given to look for: name at least one in the garment file")
    for piece in pieces:
        if len(piece.outline) < 3:
            raise VisionError(f"piece '{piece.name}' has no outline: a pattern needs a closed boundary (layer 1)")
    if not faces or set(faces) - set(FACES):
        raise VisionError(f"faces are {list(faces)}: give 'up', 'down' or both")


def _slack(look: Look, cell: float) -> float:
    """How far [m] the contours of a look lie outside: a wide window smears what it finds by half its width; `cell` [m]:
    what a pixel of the grid spans."""
    return 0.5 * look.window * cell if look.level else 0.0


def _identify(blob: Blob, search: _Search, slack: float) -> LocatedPiece | str:
    """The one whole piece that the blob is, or why it is none for sure."""
    if blob.cut:
        return "is cut by the border of the picture: move it into view"
    pieces = search.pieces
    fitting = [i for i, piece in enumerate(pieces) if _has_size(blob, piece, slack)]
    if not fitting:
        return f"has an area of {blob.area / MM**2 / 100:.0f} cm2, which no piece looked for has"
    outlines = [pieces[i].outline for i in fitting]
    coarse = match_contour(blob.contour, outlines, search.mirrored)
    limit = max(_COARSE_LIMIT, _COARSE_SHARE * blob.perimeter) + slack
    if coarse[0].residual > limit:
        name = pieces[fitting[coarse[0].index]].name
        return (
            f"has another outline than any piece looked for ({name} is nearest, {coarse[0].residual / MM:.1f} mm off)"
        )
    refined = _refine(search, [(fitting[h.index], h.pose) for h in _worth_refining(coarse, limit)])
    refined = _add_twins(search, refined)
    best = refined[0]
    faint = best.fit.contrast < FAINT_CONTRAST
    if best.fit.inlier_ratio < (_FAINT_INLIERS if faint else _MIN_INLIERS):
        return f"shows the outline of {best.piece.name} along only {best.fit.inlier_ratio:.0%} of its length"
    if best.fit.residual > (_FAINT_RESIDUAL if faint else _RESIDUAL_LIMIT):
        return f"lies {best.fit.residual / MM:.2f} mm rms off the outline of {best.piece.name}, its nearest"
    return _describe(blob, search.scene, best, refined[1:])


def _identify_parts(blob: Blob, search: _Search) -> list[LocatedPiece]:
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
            for candidate in _refine(search, [(h.index, h.pose) for h in hypotheses])
            if candidate.fit.inlier_ratio > _MIN_PART_INLIERS
            and candidate.fit.missing < _MOST_FOLDED
            and candidate.fit.residual < _RESIDUAL_LIMIT
            and not any(_is_same_place(candidate, shape) for _, _, shape in found)
        ]
        if not refined:
            break
        refined = _add_twins(search, refined)
        shape = refined[0].fit.pose.apply(refined[0].piece.outline)
        found.append((refined[0], [other for other in refined[1:] if _is_same_place(other, shape)], shape))
        free &= ~_is_near(blob.contour, shape)
        if free.sum() * closed_length(blob.contour) / len(free) < 4.0 * _EXPLAINED:
            break
    if free.mean() > _MOST_OPEN:
        found = [part for part in found if part[0].fit.inlier_ratio > _MIN_INLIERS]
    while found:
        doubts = [
            _share_unexplained(search.scene, best, [other for _, _, other in found if other is not shape])
            for best, _, shape in found
        ]
        worst = int(np.argmax(doubts))
        if doubts[worst] < _MOST_UNEXPLAINED:
            break
        del found[worst]
    return [_describe(blob, search.scene, best, rivals) for best, rivals, _ in found]


def _share_unexplained(scene: Scene, candidate: Candidate, others: Sequence[Array]) -> float:
    """Share of the outline where cloth goes on beyond it and nothing is seen that could hide the edge."""
    pose, model = candidate.fit.pose, candidate.model
    points = pose.apply(model.points)
    edges = measure_edges(scene, points, model.normals @ pose.linear_part().T, _SCRUTINY_PX, 1.0)
    bare = ~edges.valid & (edges.cover >= 0.5) & shows_cloth(edges)
    for i in np.flatnonzero(bare):
        bare[i] = not any(_is_inside(points[i], other) for other in others)
    return float(bare.mean())


def _is_same_place(candidate: Candidate, shape: Array) -> bool:
    """Whether the candidate lies where the outline `shape` (N, 2) lies: one's centre is within the other."""
    own = candidate.fit.pose.apply(candidate.piece.outline)
    return _is_inside(own.mean(axis=0), shape) and _is_inside(shape.mean(axis=0), own)


def _is_near(points: Array, outline: Array) -> NDArray[np.bool_]:
    """Which points (N, 2) lie near a closed outline (K, 2), (N,)."""
    ring = (outline / MM).astype(np.float32).reshape(-1, 1, 2)
    distance = [abs(cv2.pointPolygonTest(ring, (float(x), float(y)), True)) for x, y in points / MM]
    return np.asarray(np.array(distance) < _EXPLAINED / MM)


def _refine(search: _Search, starts: Sequence[tuple[int, PlanarPose]]) -> list[Candidate]:
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


def _add_twins(search: _Search, refined: list[Candidate]) -> list[Candidate]:
    """The candidates and, whatever the contour suggested, all answers whose outline is nearly that of the best: its own
    mirror image, its turns, and other pieces like it; cheapest first."""
    best = refined[0]
    laid = best.fit.pose.apply(best.piece.outline)
    contour = laid[::-1] if best.fit.pose.mirrored else laid
    near = match_contour(contour, [piece.outline for piece in search.pieces], search.mirrored)
    limit = max(_COARSE_LIMIT, _COARSE_SHARE * closed_length(contour)) if is_doubtful(best) else _TWIN_LIMIT
    twins = []
    for hypothesis in [h for h in near if h.residual <= limit][: _MAX_REFINED + 1]:
        piece, model = search.pieces[hypothesis.index], search.model(hypothesis.index)
        if any(is_same_answer(known, piece, hypothesis.pose) for known in refined):
            continue
        rough = fit_roughly(search.scene, model, hypothesis.pose)
        twins.append(Candidate(piece, model, fit_outline(search.scene, model, rough.pose)))
    return sorted((*refined, *twins), key=lambda candidate: candidate.fit.cost)


def _has_size(blob: Blob, piece: Piece, slack: float) -> bool:
    area = abs(signed_area(piece.outline))
    return abs(blob.area - area) < _AREA_TOLERANCE * area + slack * blob.perimeter


def _worth_refining(coarse: Sequence[Hypothesis], limit: float) -> list[Hypothesis]:
    """The hypotheses, best first, that the coarse contour cannot rule out."""
    reach = min(limit, _KEEP_RATIO * coarse[0].residual + _KEEP_MARGIN)
    return [hypothesis for hypothesis in coarse if hypothesis.residual <= reach][:_MAX_REFINED]


def _describe(blob: Blob, scene: Scene, best: Candidate, others: Sequence[Candidate]) -> LocatedPiece:
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
        max(0.0, fit.inlier_ratio - _MIN_INLIERS)
        / (1.0 - _MIN_INLIERS)
        * np.exp(-0.5 * (fit.residual / _RESIDUAL_LIMIT) ** 2)
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


def _is_inside(point: Array, polygon: Array, unit: float = MM) -> bool:
    """Whether (2,) lies in the polygon (K, 2); in millimetres, as OpenCV calculates in single precision."""
    x, y = point / unit
    return bool(
        cv2.pointPolygonTest((polygon / unit).astype(np.float32).reshape(-1, 1, 2), (float(x), float(y)), False) >= 0
    )
