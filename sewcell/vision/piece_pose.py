"""Which pieces of a garment lie in a picture, where, and how sure that is."""

from collections.abc import Sequence

import numpy as np

from sewcell.errors import VisionError
from sewcell.geometry.poses import Array
from sewcell.image import Image
from sewcell.pattern.piece import Piece
from sewcell.units import MM
from sewcell.vision.background import FAINT, ORDINARY, SHADOWED, Background, Look, check_size, compare, mask_objects
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.edges import Scene
from sewcell.vision.located import FOLDED, OCCLUDED, LocatedPiece, LocateResult, UnknownBlob
from sewcell.vision.matching import Hypothesis, match_contour
from sewcell.vision.outline import Blob, find_blobs, is_inside, signed_area
from sewcell.vision.parts import identify_parts
from sewcell.vision.rivals import FAINT_CONTRAST
from sewcell.vision.search import (
    COARSE_LIMIT,
    COARSE_SHARE,
    MAX_REFINED,
    MIN_INLIERS,
    RESIDUAL_LIMIT,
    Search,
    add_twins,
    describe,
    refine,
)

FACES = ("up", "down")
LOOKS: tuple[Look, ...] = (ORDINARY, SHADOWED, FAINT)
"""Tried one after the other until all that lies there is known."""

_MIN_AREA = 100.0 * MM**2
_AREA_TOLERANCE = 0.25
_KEEP_RATIO, _KEEP_MARGIN = 1.6, 1.0 * MM
_FAINT_INLIERS, _FAINT_RESIDUAL = 0.5, 0.8 * MM
"""Where cloth and table hardly differ, a whole contour of the right size is believed with less."""
_LEAST_PART = 0.35  # of the smallest piece's area
_LARGEST_WHOLE = 1.3  # of the largest piece's area


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
        camera file says, in flickering light, or too different from the background; or when there is nothing to look
        for.
    """
    check_size(image, camera)
    _check_request(pieces, faces)
    comparison = compare(image.pixels, background)
    gain, noise, pixel = comparison.gain, comparison.noise, camera.mm_per_px * MM
    scene = Scene(image.pixels, background.pixels, gain, noise, camera, thickness, pixel)
    search = Search(scene, pieces, [face == "down" for face in faces])
    result = LocateResult((), ())
    for look in LOOKS:
        blobs = find_blobs(mask_objects(comparison, look), comparison.stride, camera, pixel, thickness, _MIN_AREA)
        result = _join(result, _identify_all(blobs, search, zone, _slack(look, comparison.stride * pixel)), pieces)
        if result.pieces and not any(may_hold_piece(blob.area, pieces) for blob in result.unknown):
            break
    return result


def may_hold_piece(area: float, pieces: Sequence[Piece]) -> bool:
    """Whether an object of that `area` [m2] is large enough to be one of the pieces in part, folded or covered."""
    return area > _LEAST_PART * min(abs(signed_area(piece.outline)) for piece in pieces)


def _join(first: LocateResult, later: LocateResult, pieces: Sequence[Piece]) -> LocateResult:
    """What an earlier and a later look found, each thing once; the earlier one is believed first."""
    outlines = {(piece.name, piece.size): piece.outline for piece in pieces}

    def lay(located: LocatedPiece) -> Array:
        return located.pose.apply(outlines[located.piece, located.size])

    known = [lay(located) for located in first.pieces]
    new = [piece for piece in later.pieces if not any(is_inside(lay(piece).mean(axis=0), shape) for shape in known)]
    known += [lay(piece) for piece in new]
    unknown = [
        blob
        for blob in (first.unknown or later.unknown)
        if not any(is_inside(blob.centre, shape) for shape in known)
        and not any(is_inside(piece.outline_px.mean(axis=0), blob.outline_px, 1.0) for piece in new)
    ]
    return LocateResult((*first.pieces, *new), tuple(unknown), max(first.outside, later.outside))


def _identify_all(blobs: Sequence[Blob], search: Search, zone: Array | None, slack: float) -> LocateResult:
    located: list[LocatedPiece] = []
    unknown: list[UnknownBlob] = []
    outside = 0
    largest = max(abs(signed_area(piece.outline)) for piece in search.pieces)
    for blob in blobs:
        if zone is not None and not is_inside(blob.centre, zone) and blob.area < _LARGEST_WHOLE * largest:
            outside += 1
            continue
        answer = _identify(blob, search, slack)
        if isinstance(answer, LocatedPiece) and not (FOLDED in answer.flags and OCCLUDED in answer.flags):
            located.append(answer)
            continue
        parts = identify_parts(blob, search) if may_hold_piece(blob.area, search.pieces) else []
        if isinstance(answer, LocatedPiece) and all(part.inlier_ratio <= answer.inlier_ratio for part in parts):
            parts = [answer]
        located += [part for part in parts if zone is None or is_inside(_centre(part, search.pieces), zone)]
        if isinstance(answer, str) and not parts and (zone is None or is_inside(blob.centre, zone)):
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


def _identify(blob: Blob, search: Search, slack: float) -> LocatedPiece | str:
    """The one whole piece that the blob is, or why it is none for sure."""
    if blob.cut:
        return "is cut by the border of the picture: move it into view"
    pieces = search.pieces
    fitting = [i for i, piece in enumerate(pieces) if _has_size(blob, piece, slack)]
    if not fitting:
        return f"has an area of {blob.area / MM**2 / 100:.0f} cm2, which no piece looked for has"
    outlines = [pieces[i].outline for i in fitting]
    coarse = match_contour(blob.contour, outlines, search.mirrored)
    limit = max(COARSE_LIMIT, COARSE_SHARE * blob.perimeter) + slack
    if coarse[0].residual > limit:
        name = pieces[fitting[coarse[0].index]].name
        return (
            f"has another outline than any piece looked for ({name} is nearest, {coarse[0].residual / MM:.1f} mm off)"
        )
    refined = refine(search, [(fitting[h.index], h.pose) for h in _worth_refining(coarse, limit)])
    refined = add_twins(search, refined)
    best = refined[0]
    faint = best.fit.contrast < FAINT_CONTRAST
    if best.fit.inlier_ratio < (_FAINT_INLIERS if faint else MIN_INLIERS):
        return f"shows the outline of {best.piece.name} along only {best.fit.inlier_ratio:.0%} of its length"
    if best.fit.residual > (_FAINT_RESIDUAL if faint else RESIDUAL_LIMIT):
        return f"lies {best.fit.residual / MM:.2f} mm rms off the outline of {best.piece.name}, its nearest"
    return describe(blob, search.scene, best, refined[1:])


def _has_size(blob: Blob, piece: Piece, slack: float) -> bool:
    area = abs(signed_area(piece.outline))
    return abs(blob.area - area) < _AREA_TOLERANCE * area + slack * blob.perimeter


def _worth_refining(coarse: Sequence[Hypothesis], limit: float) -> list[Hypothesis]:
    """The hypotheses, best first, that the coarse contour cannot rule out."""
    reach = min(limit, _KEEP_RATIO * coarse[0].residual + _KEEP_MARGIN)
    return [hypothesis for hypothesis in coarse if hypothesis.residual <= reach][:MAX_REFINED]
