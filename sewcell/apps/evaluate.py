"""Compares what the cell believes with what the simulated world witnessed; on hardware there is no witness."""

from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from sewcell.backend import Witness
from sewcell.geometry.planar import wrap_angle
from sewcell.geometry.poses import Array
from sewcell.pattern.piece import Piece
from sewcell.process.looking import Verdict
from sewcell.process.worklog import PieceLog, SewnSeam
from sewcell.units import DEG, MM


@dataclass(frozen=True, slots=True)
class SeamQuality:
    """Where the needle really went.

    `points` (S, 2) [m] in pattern coordinates in the order of sewing, without those beside the fabric (`missed`).
    `along`, `deviations` (S,) [m]: distance along the planned line and signed distance from it (left positive).
    `distances` (S,) [m] from the line between its ends. `duration` [s] from the first to the last of the points.
    `skipped`: at how many of the points no stitch was formed.
    """

    points: Array
    along: Array
    deviations: Array
    distances: Array
    duration: float
    missed: int
    skipped: int


@dataclass(frozen=True, slots=True)
class PieceQuality:
    """Truth about one piece; None where nothing is known."""

    picked: bool | None
    pose_error: float | None
    pose_error_angle: float | None
    seams: tuple[SeamQuality, ...]


def evaluate_piece(log: PieceLog, piece: Piece, witness: Witness) -> PieceQuality:
    """The truth about the piece of `log`."""
    pose_error = angle_error = None
    if log.found is not None and log.index < len(witness.laid):
        true, found = witness.laid[log.index], log.found.located.pose
        centre = piece.outline.mean(axis=0, keepdims=True)
        pose_error = float(np.linalg.norm(true.apply(centre) - found.apply(centre)))
        angle_error = float(abs(wrap_angle(true.theta - found.theta)))
    picked = witness.picked[log.index] if log.index < len(witness.picked) else False
    return PieceQuality(picked, pose_error, angle_error, tuple(evaluate_seam(s, log.index, witness) for s in log.seams))


def evaluate_seam(seam: SewnSeam, piece: int, witness: Witness) -> SeamQuality:
    """Needle points of one seam against its planned line."""
    rows = [
        (point.x, point.y, point.time, point.skipped)
        for point in witness.needle_points
        if point.piece == piece and seam.started <= point.time <= seam.ended
    ]
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    table = table[np.isfinite(table).all(axis=1)]
    points, times = table[:, :2], table[:, 2]
    start, end = seam.line
    length = float(np.linalg.norm(end - start))
    direction = (end - start) / length
    offset = points - start
    along = offset @ direction
    deviations = direction[0] * offset[:, 1] - direction[1] * offset[:, 0]
    beyond = along - np.clip(along, 0.0, length)
    duration = float(np.ptp(times)) if len(times) else 0.0
    distances, missed = np.hypot(deviations, beyond), len(rows) - len(points)
    return SeamQuality(points, along, deviations, distances, duration, missed, int(table[:, 3].sum()))


def describe_seam(seam: SewnSeam, quality: SeamQuality | None, verdict: Verdict | None) -> dict[str, object]:
    """One entry of `seams` in the line for machines; figures that only the truth knows are null on hardware, those of
    the inspection (`good` to `skipped_seen`) are null where the camera did not tell them."""
    described: dict[str, object] = {
        "name": seam.name,
        "stitches": seam.stitches,
        "length_mm": _round(float(np.linalg.norm(seam.line[1] - seam.line[0])) / MM),
        "tolerance_mm": _round(seam.tolerance / MM),
        "rms_mm": None,
        "p99_mm": None,
        "max_mm": None,
        "deviation_mean_mm": None,
        "deviation_max_mm": None,
        "stitch_length_mean_mm": None,
        "stitch_length_sd_mm": None,
        "speed_mm_s": None,
        "missed_stitches": None,
        "skipped_stitches": None,
        "good": None,
        "margin_mean_mm": None,
        "margin_least_mm": None,
        "margin_largest_mm": None,
        "stitch_length_seen_mm": None,
        "skipped_seen": None,
    }
    if verdict is not None and verdict.inspection is not None:
        seen = verdict.inspection
        described |= {
            "good": seen.ok,
            "margin_mean_mm": _round(float(np.nanmean(seen.margin)) / MM),
            "margin_least_mm": _round(float(np.nanmin(seen.margin)) / MM),
            "margin_largest_mm": _round(float(np.nanmax(seen.margin)) / MM),
            "stitch_length_seen_mm": _round(seen.stitch_length / MM),
            "skipped_seen": len(seen.skipped),
        }
    if quality is None:
        return described
    described |= {"missed_stitches": quality.missed, "skipped_stitches": quality.skipped}
    if len(quality.points) >= 2:
        steps = np.linalg.norm(np.diff(quality.points, axis=0), axis=1)
        described |= {
            "rms_mm": _round(float(np.sqrt(np.mean(quality.distances**2))) / MM),
            "p99_mm": _round(float(np.percentile(quality.distances, 99)) / MM),
            "max_mm": _round(float(quality.distances.max()) / MM),
            "deviation_mean_mm": _round(float(quality.deviations.mean()) / MM),
            "deviation_max_mm": _round(float(np.abs(quality.deviations).max()) / MM),
            "stitch_length_mean_mm": _round(float(steps.mean()) / MM),
            "stitch_length_sd_mm": _round(float(steps.std()) / MM),
            "speed_mm_s": _round(float(steps.sum()) / MM / quality.duration),
        }
    return described


def describe_piece(log: PieceLog, quality: PieceQuality | None) -> dict[str, object]:
    """One entry of `pieces` in the line for machines."""
    qualities: tuple[SeamQuality | None, ...] = quality.seams if quality else (None,) * len(log.seams)
    error = quality.pose_error if quality else None
    angle = quality.pose_error_angle if quality else None
    return {
        "piece": log.name,
        "picked": quality.picked if quality and quality.picked is not None else log.picked,
        "pose_error_mm": None if error is None else _round(error / MM),
        "pose_error_deg": None if angle is None else _round(angle / DEG),
        "flags": log.flags,
        "seams": [
            describe_seam(seam, q, inspected.verdict if inspected else None)
            for seam, q, inspected in zip_longest(log.seams, qualities, log.inspected)
        ],
    }


def _round(value: float) -> float:
    return round(value, 4)
