"""The rigid pose of an outline from the edges of the picture, by robust least squares."""

from dataclasses import dataclass

import numpy as np

from sewcell.geometry.planar import PlanarPose, wrap_angle
from sewcell.geometry.poses import Array
from sewcell.units import MM, UM
from sewcell.vision.edges import Edges, Scene, measure_edges
from sewcell.vision.outline import EdgeModel

_ROUNDS = ((12.0, 4), (6.0, 4), (4.0, 2), (2.5, 1))
"""Reach of the search [px] and how many points to pass over, from round to round."""
_REWEIGHTINGS = 4
_TUKEY = 4.685  # 95 % efficiency at the normal distribution
_SCALE_FLOOR = 50.0 * UM
_INLIER = 0.6 * MM
_INLIER_PX = 1.5
_COST_LIMIT = 1.5 * MM


@dataclass(frozen=True, slots=True)
class EdgeFit:
    """Where the outline lies and how well it fits.

    `residual` [m]: rms distance of the inlier edges from the outline. `inlier_ratio`: share of the outline whose edge
    was seen where it belongs. `cost` [m2]: mean square distance, each at most 1.5 mm, a missing edge counting as that.
    `sigma_position` [m], `sigma_angle` [rad]: standard deviations of the centre of the outline, in its worst direction,
    and of the angle. `missing`, `added`: shares of the outline where cloth is missing, or goes on, instead of ending.
    """

    pose: PlanarPose
    residual: float
    inlier_ratio: float
    cost: float
    sigma_position: float
    sigma_angle: float
    missing: float
    added: float


def fit_outline(scene: Scene, model: EdgeModel, start: PlanarPose) -> EdgeFit:
    """Refine `start` until the outline sits on the edges.

    The edge at offset e along the normal n of a point p (seen from the centre of the outline) asks for
    n . t + (p x n) angle = e; solved by Gauss and Newton with Tukey's weights, while the reach of the search shrinks.
    Fewer than a quarter of the edges found leaves the pose as it is and the inlier ratio 0.
    """
    pose = start
    for reach, every in _ROUNDS:
        part = EdgeModel(model.points[::every], model.normals[::every], model.spacing * every)
        edges, rows = _observe(scene, part, pose, reach)
        if edges.valid.sum() < len(part.points) / 4:
            return _fail(pose)
        step = _solve(rows, edges)
        pose = _move(pose, pose.apply(part.points).mean(axis=0), step)
    edges, rows = _observe(scene, model, pose, _ROUNDS[-1][0])
    return _judge(pose, edges, rows, max(_INLIER, _INLIER_PX * scene.camera.mm_per_px * MM))


def _observe(scene: Scene, model: EdgeModel, pose: PlanarPose, reach_px: float) -> tuple[Edges, Array]:
    """The edges at a pose, and the rows (N, 3) of d offset / d(x, y, angle) about the centre of the points."""
    points = pose.apply(model.points)
    normals = model.normals @ pose.linear_part().T
    arm = points - points.mean(axis=0)
    rows = np.column_stack((normals, arm[:, 0] * normals[:, 1] - arm[:, 1] * normals[:, 0]))
    return measure_edges(scene, points, normals, reach_px), rows


def _solve(rows: Array, edges: Edges) -> Array:
    """Robust solution (3,) of rows @ step = offset."""
    A, e, base = rows[edges.valid], edges.offset[edges.valid], edges.weight[edges.valid]
    step: Array = np.zeros(3)
    for _ in range(_REWEIGHTINGS):
        left = e - A @ step
        weight = base * _tukey(left)
        normal = A.T @ (weight[:, None] * A)
        step = np.asarray(np.linalg.lstsq(normal, A.T @ (weight * e), rcond=1e-12)[0])
    return step


def _tukey(residuals: Array) -> Array:
    """Tukey's biweight of residuals (N,), about their median, with the scale from the median deviation."""
    centred = residuals - np.median(residuals)
    scale = max(1.4826 * float(np.median(np.abs(centred))), _SCALE_FLOOR)
    return np.asarray(np.clip(1.0 - (centred / (_TUKEY * scale)) ** 2, 0.0, None) ** 2)


def _move(pose: PlanarPose, centre: Array, step: Array) -> PlanarPose:
    """`pose` turned by step[2] about `centre` and shifted by step[:2]."""
    turn = PlanarPose(0.0, 0.0, float(step[2]))
    x, y = centre + step[:2] + turn.apply([[pose.x - centre[0], pose.y - centre[1]]])[0]
    return PlanarPose(float(x), float(y), float(wrap_angle(pose.theta + step[2])), pose.mirrored)


def _fail(pose: PlanarPose) -> EdgeFit:
    """A fit that found no edges to speak of."""
    return EdgeFit(pose, np.inf, 0.0, _COST_LIMIT**2, np.inf, np.inf, 0.0, 0.0)


def _judge(pose: PlanarPose, edges: Edges, rows: Array, inlier_limit: float) -> EdgeFit:
    """Residual, share of inliers and uncertainty at the end of a fit."""
    inlier = edges.valid & (np.abs(edges.offset) < inlier_limit)
    if inlier.sum() < len(inlier) / 4:
        return _fail(pose)
    offset = edges.offset[inlier]
    residual = float(np.sqrt(np.mean(offset**2)))
    square = np.where(edges.valid, np.minimum(edges.offset**2, _COST_LIMIT**2), _COST_LIMIT**2)
    A = rows[inlier]
    covariance = np.linalg.pinv(A.T @ A) * residual**2 * _correlation_length(offset)
    return EdgeFit(
        pose,
        residual,
        float(inlier.mean()),
        float(square.mean()),
        float(np.sqrt(np.linalg.eigvalsh(covariance[:2, :2])[-1])),
        float(np.sqrt(covariance[2, 2])),
        float((~inlier & (edges.cover < 0.5)).mean()),
        float((~inlier & (edges.cover >= 0.5)).mean()),
    )


def _correlation_length(offset: Array) -> float:
    """How many neighbouring edges (N,) err together: 1 + 2 sum of the autocorrelation up to its first zero, at least 1.

    Source: Sokal 1997, "Monte Carlo Methods in Statistical Mechanics", section 3, integrated autocorrelation time.
    """
    spectrum = np.abs(np.fft.rfft(offset - offset.mean())) ** 2
    correlation = np.fft.irfft(spectrum, len(offset))
    if correlation[0] <= 0.0:
        return 1.0
    correlation = correlation[: len(offset) // 2] / correlation[0]
    negative = np.flatnonzero(correlation <= 0.0)
    end = negative[0] if len(negative) else len(correlation)
    return float(1.0 + 2.0 * correlation[1:end].sum())
