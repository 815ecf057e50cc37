"""Which other answers a picture allows, and how they differ from the best one."""

from dataclasses import dataclass

import cv2
import numpy as np

from sewcell.geometry.planar import PlanarPose, wrap_angle
from sewcell.pattern.piece import Piece
from sewcell.units import DEG, MM
from sewcell.vision.edge_fit import EdgeFit
from sewcell.vision.outline import EdgeModel, closed_length

_SAME_POSE = (5.0 * MM, 5.0 * DEG)
_CORRELATION_LENGTH = 20.0 * MM
_KNIFE = 0.3 * MM
"""No cut can be told from another that lies nearer."""
_COST_FLOOR = (0.05 * MM) ** 2
_SURE_LOG_RATIO = 9.0  # 1 : 8,000
_HIDDEN_LOG_RATIO = 15.0
_WHOLE_INLIERS = 0.9
HOPELESS_LOG_RATIO = 20.0
FAINT_CONTRAST = 0.75


@dataclass(frozen=True, slots=True)
class Candidate:
    """A refined hypothesis."""

    piece: Piece
    model: EdgeModel
    fit: EdgeFit


def is_doubtful(best: Candidate) -> bool:
    """Whether the edges were seen too faintly, or along too little of the outline, to believe what the contour says."""
    return best.fit.contrast < FAINT_CONTRAST or best.fit.inlier_ratio <= _WHOLE_INLIERS


def is_same_answer(known: Candidate, piece: Piece, pose: PlanarPose) -> bool:
    """Whether `piece` at `pose` is what the candidate says: the same piece and face, within 5 mm and 5 degrees."""
    own = known.fit.pose
    if known.piece is not piece or own.mirrored != pose.mirrored:
        return False
    middle = piece.outline.mean(axis=0, keepdims=True)
    turn = abs(float(wrap_angle(own.theta - pose.theta)))
    return turn < _SAME_POSE[1] and float(np.linalg.norm(own.apply(middle) - pose.apply(middle))) < _SAME_POSE[0]


def is_rival(best: Candidate, other: Candidate) -> bool:
    """Whether the picture allows `other` as well: the log likelihood ratio of the two fits is small, or the outlines
    lie on each other as nearly as a knife cuts."""
    if is_same_answer(best, other.piece, other.fit.pose):
        return False
    sure = _SURE_LOG_RATIO if best.fit.inlier_ratio > _WHOLE_INLIERS else _HIDDEN_LOG_RATIO
    if best.fit.contrast < FAINT_CONTRAST:
        sure = HOPELESS_LOG_RATIO
    return log_ratio(best, other) < sure or _coincide(best, other)


def _coincide(best: Candidate, other: Candidate) -> bool:
    """Whether all corners of the other outline lie on that of the best."""
    ring = (best.fit.pose.apply(best.piece.outline) / MM).astype(np.float32).reshape(-1, 1, 2)
    corners = other.fit.pose.apply(other.piece.outline) / MM
    return all(abs(cv2.pointPolygonTest(ring, (float(x), float(y)), True)) < _KNIFE / MM for x, y in corners)


def log_ratio(best: Candidate, other: Candidate) -> float:
    """Logarithm of how much better the first of two fits explains the picture.

    For n independent normal errors of unknown size it is (n / 2) log(cost ratio); edges err together over about 20 mm.
    """
    independent = closed_length(best.piece.outline) / _CORRELATION_LENGTH
    ratio = (other.fit.cost + _COST_FLOOR) / (best.fit.cost + _COST_FLOOR)
    return float(0.5 * independent * np.log(ratio))


def name_difference(best: Candidate, other: Candidate) -> str:
    """How another answer differs: "COLLAR", "POCKET face down", "POCKET turned by 180 deg"."""
    name = other.piece.name if other.piece.name != best.piece.name else f"{other.piece.name} {other.piece.size}".strip()
    if best.piece is not other.piece:
        return name
    if best.fit.pose.mirrored != other.fit.pose.mirrored:
        return f"{other.piece.name} face {'down' if other.fit.pose.mirrored else 'up'}"
    turn = abs(float(wrap_angle(other.fit.pose.theta - best.fit.pose.theta)))
    return f"{other.piece.name} turned by {turn / DEG:.0f} deg"
