"""What was found on the table: located pieces, unknown objects, and the demand for one sure answer."""

from dataclasses import dataclass

import numpy as np

from sewcell.errors import VisionError
from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array
from sewcell.units import DEG, MM, PERCENT

FOLDED, OCCLUDED, STRETCHED, OUT_OF_VIEW = "folded", "occluded", "stretched", "out of view"


@dataclass(frozen=True, slots=True)
class LocatedPiece:
    """A piece on the table.

    `pose`: piece -> table. `sigma_position` [m], `sigma_angle` [rad]: standard deviations of the outline's centre and
    of the angle. `residual` [m]: rms distance of the inlier edges from the outline. `inlier_ratio`: share of the
    outline whose edge was seen where it belongs. `confidence` 0 to 1. `shear` [rad]: how much smaller the right angle
    from the piece's x to its y has become; the pose leaves it out; `sigma_shear` [rad]: standard deviation of what the
    outline shows of it, infinite where it was not looked for. `ambiguous_with`: other answers that the picture
    allows.
    `flags`: "folded" (cloth is missing along part of the outline), "occluded" (something covers it or adds to it),
    "stretched" (its lengths differ from the pattern's), "out of view" (a part lies beyond the picture).
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
    shear: float
    ambiguous_with: tuple[str, ...]
    flags: tuple[str, ...]
    outline_px: Array
    sigma_shear: float = np.inf


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

    def to_dict(self) -> dict[str, list[dict[str, object]]]:
        """The result in millimetres, degrees and percent, ready for JSON."""
        return {
            "pieces": [_piece_to_dict(piece) for piece in self.pieces],
            "unknown": [
                {
                    "x_mm": round(float(blob.centre[0]) / MM, 2),
                    "y_mm": round(float(blob.centre[1]) / MM, 2),
                    "area_cm2": round(blob.area / (100.0 * MM**2), 2),
                    "reason": f"the object {blob.reason}",
                }
                for blob in self.unknown
            ],
        }


def _piece_to_dict(located: LocatedPiece) -> dict[str, object]:
    pose = located.pose
    return {
        "piece": located.piece,
        "size": located.size,
        "mirrored": pose.mirrored,
        "x_mm": round(pose.x / MM, 4),
        "y_mm": round(pose.y / MM, 4),
        "theta_deg": round(pose.theta / DEG, 5),
        "sigma_mm": round(located.sigma_position / MM, 4),
        "sigma_deg": round(located.sigma_angle / DEG, 5),
        "residual_mm": round(located.residual / MM, 4),
        "inlier_ratio": round(located.inlier_ratio, 4),
        "confidence": round(located.confidence, 4),
        "shear_percent": round(located.shear / PERCENT, 4),
        "sigma_shear_percent": round(located.sigma_shear / PERCENT, 4) if np.isfinite(located.sigma_shear) else None,
        "ambiguous_with": list(located.ambiguous_with),
        "flags": list(located.flags),
    }


def require_one(result: LocateResult, piece_name: str, max_residual: float, min_confidence: float) -> LocatedPiece:
    """The one piece of that name, or a sentence that says why there is no sure answer.

    Args: max_residual [m]; min_confidence 0 to 1.

    Raises: VisionError when it is missing, present twice, partly out of view, ambiguous, or fits too badly.
    """
    found = [piece for piece in result.pieces if piece.piece == piece_name]
    if not found:
        raise VisionError(_explain_missing(result, piece_name))
    if len(found) > 1:
        raise VisionError(f"{len(found)} pieces '{piece_name}' lie in the zone: leave only one there")
    piece = found[0]
    where = f"the piece '{piece_name}'"
    if OUT_OF_VIEW in piece.flags:
        raise VisionError(f"{where} is cut by the border of the picture: move it into view")
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
