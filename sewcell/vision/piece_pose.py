"""Which pieces of a garment lie in a picture, where, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from sewcell.errors import VisionError
from sewcell.geometry.planar import PlanarPose, wrap_angle
from sewcell.geometry.poses import Array
from sewcell.image import Image
from sewcell.pattern.piece import Piece
from sewcell.units import DEG, MM
from sewcell.vision.background import FAINT_SHADOW_SIGMA, SHADOW_SIGMA, Background, check_size, compare
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.edge_fit import EdgeFit, fit_outline
from sewcell.vision.edges import Scene
from sewcell.vision.matching import Hypothesis, match_contour
from sewcell.vision.outline import (
    Blob,
    EdgeModel,
    closed_length,
    find_blobs,
    make_edge_model,
    signed_area,
)

FACES = ("up", "down")

_MIN_AREA = 100.0 * MM**2
_AREA_TOLERANCE = 0.25
_COARSE_LIMIT = 3.0 * MM
_COARSE_SHARE = 0.012  # of the perimeter
_KEEP_RATIO, _KEEP_MARGIN = 1.6, 1.0 * MM
_MAX_REFINED = 6
_MIN_INLIERS = 0.7
_RESIDUAL_LIMIT = 0.5 * MM
_EDGE_SPACING_PX = 1.5
_SAME_POSE = (5.0 * MM, 5.0 * DEG)
_CORRELATION_LENGTH = 10.0 * MM
_COST_FLOOR = (0.05 * MM) ** 2
_SURE_LOG_RATIO = 9.0  # 1 : 8,000
_FLAGGED_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class LocatedPiece:
    """A piece on the table.

    `pose`: piece -> table. `sigma_position` [m], `sigma_angle` [rad]: standard deviations of the outline's centre and
    of the angle. `residual` [m]: rms distance of the inlier edges from the outline. `inlier_ratio`: share of the
    outline whose edge was seen where it belongs. `confidence` 0 to 1. `ambiguous_with`: other answers that the picture
    allows.
    `flags`: "folded" (cloth is missing along part of the outline), "occluded" (something covers it or adds to it).
    `outline_px` (N, 2): the outline in the picture.
    """

    piece: str
    size: str
    pose: PlanarPose
    sigma_position: float
    sigma_angle: float
    residual: float
    inlier_ratio: float
    confidence: float
    ambiguous_with: tuple[str, ...]
    flags: tuple[str, ...]
    outline_px: Array


@dataclass(frozen=True, slots=True)
class UnknownBlob:
    """Something in the zone that is no piece for sure. `centre` (2,) [m, table], `area` [m2]; `reason` continues the
    sentence "the object ..."; `outline_px` (N, 2)."""

    centre: Array
    area: float
    reason: str
    outline_px: Array


@dataclass(frozen=True, slots=True)
class LocateResult:
    """What lies in the zone, largest first; `outside` counts objects that lie elsewhere."""

    pieces: tuple[LocatedPiece, ...]
    unknown: tuple[UnknownBlob, ...]
    outside: int = 0


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A refined hypothesis."""

    piece: Piece
    fit: EdgeFit


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

    When no piece is found, the picture is searched once more for cloth that looks like a shadow on the table.

    Args:
        pieces: the pieces that may lie there.
        zone: polygon (K, 2) [m, table]; only objects whose centre lies inside count. None: the whole picture.
        thickness: height [m] of the cloth's upper surface over the table.
        faces: which faces may be up, of "up" and "down" (down: the piece lies mirrored).

    Raises: VisionError when the picture cannot be used: blank, dark, overexposed, of another size than the camera file
        says, or too different from the background; or when there is nothing to look for.
    """
    check_size(image, camera)
    _check_request(pieces, faces)
    models = [make_edge_model(piece.outline, _EDGE_SPACING_PX * camera.mm_per_px * MM) for piece in pieces]
    results = []
    for shadow in (SHADOW_SIGMA, FAINT_SHADOW_SIGMA):
        difference = compare(image.pixels, background, shadow)
        scene = Scene(image.pixels, background.pixels, difference.gain, difference.noise, camera, thickness)
        blobs = find_blobs(difference, camera, thickness, _MIN_AREA)
        results.append(_identify_all(blobs, scene, pieces, models, zone, faces))
        if results[-1].pieces:
            return results[-1]
    return next((result for result in results if result.unknown), results[0])


def _identify_all(
    blobs: Sequence[Blob],
    scene: Scene,
    pieces: Sequence[Piece],
    models: Sequence[EdgeModel],
    zone: Array | None,
    faces: Sequence[str],
) -> LocateResult:
    located, unknown, outside = [], [], 0
    for blob in blobs:
        if zone is not None and not _is_inside(blob.centre, zone):
            outside += 1
            continue
        answer = _identify(blob, scene, pieces, models, [face == "down" for face in faces])
        if isinstance(answer, LocatedPiece):
            located.append(answer)
        else:
            unknown.append(UnknownBlob(blob.centre, blob.area, answer, blob.contour_px))
    return LocateResult(tuple(located), tuple(unknown), outside)


def _check_request(pieces: Sequence[Piece], faces: Sequence[str]) -> None:
    if not pieces:
        raise VisionError("no piece was given to look for: name at least one in the garment file")
    for piece in pieces:
        if len(piece.outline) < 3:
            raise VisionError(f"piece '{piece.name}' has no outline: a pattern needs a closed boundary (layer 1)")
    if not faces or set(faces) - set(FACES):
        raise VisionError(f"faces are {list(faces)}: give 'up', 'down' or both")


def _identify(
    blob: Blob, scene: Scene, pieces: Sequence[Piece], models: Sequence[EdgeModel], mirrored: Sequence[bool]
) -> LocatedPiece | str:
    """The piece that the blob is, or why it is none for sure."""
    if blob.cut:
        return "is cut by the border of the picture: move it into view"
    fitting = [i for i, piece in enumerate(pieces) if _has_size(blob, piece)]
    if not fitting:
        return f"has an area of {blob.area / MM**2 / 100:.0f} cm2, which no piece looked for has"
    outlines = [pieces[i].outline for i in fitting]
    coarse = match_contour(blob.contour, outlines, mirrored)
    limit = max(_COARSE_LIMIT, _COARSE_SHARE * blob.perimeter)
    if coarse[0].residual > limit:
        name = pieces[fitting[coarse[0].index]].name
        return (
            f"has another outline than any piece looked for ({name} is nearest, {coarse[0].residual / MM:.1f} mm off)"
        )

    refined = []
    for hypothesis in _worth_refining(coarse, limit):
        index = fitting[hypothesis.index]
        refined.append(_Candidate(pieces[index], fit_outline(scene, models[index], hypothesis.pose)))
    refined.sort(key=lambda candidate: candidate.fit.cost)
    best = refined[0]
    if best.fit.inlier_ratio < _MIN_INLIERS:
        return f"shows the outline of {best.piece.name} along only {best.fit.inlier_ratio:.0%} of its length"
    if best.fit.residual > _RESIDUAL_LIMIT:
        return f"lies {best.fit.residual / MM:.2f} mm rms off the outline of {best.piece.name}, its nearest"
    return _describe(blob, scene, best, refined[1:])


def _has_size(blob: Blob, piece: Piece) -> bool:
    area = abs(signed_area(piece.outline))
    return abs(blob.area - area) < _AREA_TOLERANCE * area


def _worth_refining(coarse: Sequence[Hypothesis], limit: float) -> list[Hypothesis]:
    """The hypotheses, best first, that the coarse contour cannot rule out."""
    reach = min(limit, _KEEP_RATIO * coarse[0].residual + _KEEP_MARGIN)
    return [hypothesis for hypothesis in coarse if hypothesis.residual <= reach][:_MAX_REFINED]


def _describe(blob: Blob, scene: Scene, best: _Candidate, others: Sequence[_Candidate]) -> LocatedPiece:
    """The answer, with what speaks against it."""
    fit, piece = best.fit, best.piece
    perimeter = closed_length(piece.outline)
    rivals = tuple(_name_difference(best, other) for other in others if _is_rival(best, other, perimeter))
    area = abs(signed_area(piece.outline))
    shares = (("folded", fit.missing), ("occluded", fit.added))
    flags = tuple(flag for flag, share in shares if share > _FLAGGED_SHARE)
    confidence = (
        (fit.inlier_ratio - _MIN_INLIERS) / (1.0 - _MIN_INLIERS) * np.exp(-0.5 * (fit.residual / _RESIDUAL_LIMIT) ** 2)
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
        rivals,
        flags,
        scene.camera.project_plane(fit.pose.apply(piece.outline), scene.height),
    )


def _is_rival(best: _Candidate, other: _Candidate, perimeter: float) -> bool:
    """Whether the picture allows `other` as well: the log likelihood ratio of the two fits is small.

    For n independent normal errors of unknown size it is (n / 2) log(cost ratio); edges err together over about 10 mm.
    """
    ours, theirs = best.fit.pose, other.fit.pose
    same_answer = best.piece is other.piece and ours.mirrored == theirs.mirrored
    if same_answer and abs(float(wrap_angle(ours.theta - theirs.theta))) < _SAME_POSE[1]:
        middle = best.piece.outline.mean(axis=0, keepdims=True)
        if np.linalg.norm(ours.apply(middle) - theirs.apply(middle)) < _SAME_POSE[0]:
            return False
    independent = perimeter / _CORRELATION_LENGTH
    ratio = (other.fit.cost + _COST_FLOOR) / (best.fit.cost + _COST_FLOOR)
    return bool(0.5 * independent * np.log(ratio) < _SURE_LOG_RATIO)


def _name_difference(best: _Candidate, other: _Candidate) -> str:
    """How another answer differs: "COLLAR", "POCKET face down", "POCKET turned by 180 deg"."""
    name = other.piece.name if other.piece.name != best.piece.name else f"{other.piece.name} {other.piece.size}".strip()
    if best.piece is not other.piece:
        return name
    if best.fit.pose.mirrored != other.fit.pose.mirrored:
        return f"{other.piece.name} face {'down' if other.fit.pose.mirrored else 'up'}"
    turn = abs(float(wrap_angle(other.fit.pose.theta - best.fit.pose.theta)))
    return f"{other.piece.name} turned by {turn / DEG:.0f} deg"


def _is_inside(point: Array, polygon: Array) -> bool:
    """Whether (2,) lies in the polygon (K, 2); in millimetres, as OpenCV calculates in single precision."""
    x, y = point / MM
    return bool(
        cv2.pointPolygonTest((polygon / MM).astype(np.float32).reshape(-1, 1, 2), (float(x), float(y)), False) >= 0
    )


def require_one(result: LocateResult, piece_name: str, max_residual: float, min_confidence: float) -> LocatedPiece:
    """The one piece of that name, or a sentence that says why there is no sure answer.

    Args: max_residual [m]; min_confidence 0 to 1.

    Raises: VisionError when it is missing, present twice, ambiguous, or fits too badly.
    """
    found = [piece for piece in result.pieces if piece.piece == piece_name]
    if not found:
        raise VisionError(_explain_missing(result, piece_name))
    if len(found) > 1:
        raise VisionError(f"{len(found)} pieces '{piece_name}' lie in the zone: leave only one there")
    piece = found[0]
    where = f"the piece '{piece_name}'"
    if piece.ambiguous_with:
        raise VisionError(
            f"{where} could as well be {' or '.join(piece.ambiguous_with)}: add a notch that tells them apart, or "
            "allow only one face or piece"
        )
    if piece.residual > max_residual:
        raise VisionError(
            f"{where} lies {piece.residual / MM:.2f} mm rms off its outline, more than the {max_residual / MM:.2f} mm "
            "allowed: smooth it out, or check its size and the camera calibration"
        )
    if piece.confidence < min_confidence:
        cause = f" ({', '.join(piece.flags)})" if piece.flags else ""
        raise VisionError(
            f"{where} is found with a confidence of only {piece.confidence:.2f}, less than the {min_confidence:.2f} "
            f"asked for{cause}: lay it flat and free, and check the light"
        )
    return piece


def _explain_missing(result: LocateResult, piece_name: str) -> str:
    if result.unknown:
        blob = result.unknown[0]
        x, y = blob.centre / MM
        return f"no piece '{piece_name}' found: the object at x {x:.0f} mm, y {y:.0f} mm {blob.reason}"
    if result.pieces:
        names = ", ".join(sorted({f"'{piece.piece}'" for piece in result.pieces}))
        return f"no piece '{piece_name}' found: only {names} in the zone; lay the right piece there"
    elsewhere = f" ({result.outside} object(s) lie outside it)" if result.outside else ""
    return f"nothing lies in the zone where piece '{piece_name}' is looked for{elsewhere}: lay one there"
