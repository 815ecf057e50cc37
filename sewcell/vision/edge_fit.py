"""The rigid pose of an outline from the edges of the picture, by robust least squares."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from sewcell.geometry.planar import PlanarPose, wrap_angle
from sewcell.geometry.poses import Array
from sewcell.units import MM, UM
from sewcell.vision.edges import Edges, Scene, measure_edges
from sewcell.vision.outline import EdgeModel

_ROUGH_ROUNDS = ((12.0, 6), (6.0, 6))
"""Reach of the search [px] and how many points to pass over, from round to round."""
_FINE_ROUNDS = ((4.0, 2), (2.5, 1))
_FIRST_REACH = 4.0 * MM
_STRAIN_SIGMAS = np.array([5.0, 5.0, 3.0])
_LEAST_STRAIN = np.array([0.003, 0.003, 0.0015])
"""Stretch along x, stretch along y and shear count from here on."""
_LARGEST_STRAIN = 0.012
_DEFORMED_INLIERS = 0.85
_DEFORMED_CONTRAST = 0.6
_REWEIGHTINGS = 3
_TUKEY = 4.685  # 95 % efficiency at the normal distribution
_SCALE_FLOOR = 50.0 * UM
_INLIER = 0.6 * MM
_INLIER_PX = 1.5
_COST_LIMIT = 1.5 * MM
_STRETCH = 15.0 * MM
_PRESENT = 0.4


@dataclass(frozen=True, slots=True)
class EdgeFit:
    """Where the outline lies and how well it fits.

    `residual` [m]: rms distance of the inlier edges from the outline. `inlier_ratio`: share of the outline whose edge
    was seen where it belongs. `cost` [m2]: mean square distance, each at most 1.5 mm, a missing edge counting as that.
    `sigma_position` [m], `sigma_angle` [rad]: standard deviations of the centre of the outline, in its worst direction,
    and of the angle. `missing`, `added`: shares of the outline where cloth is missing, or goes on, instead of ending.
    `missing_densest`, `added_densest`: the same where they are largest, over 15 mm of the outline.
    `contrast`: 0 to 1, how well cloth and table can be told apart.
    `shear` [rad] and `stretched`: how the cloth differs from the drawing, apart from the pose.
    """

    pose: PlanarPose
    residual: float
    inlier_ratio: float
    cost: float
    sigma_position: float
    sigma_angle: float
    missing: float
    added: float
    missing_densest: float = 0.0
    added_densest: float = 0.0
    contrast: float = 0.0
    shear: float = 0.0
    stretched: bool = False


def fit_roughly(scene: Scene, model: EdgeModel, start: PlanarPose) -> EdgeFit:
    """The first rounds of a fit, on few points: enough to tell which of several rivals is worth the rest."""
    fit, _, _ = _fit(scene, model, start, _ROUGH_ROUNDS)
    return fit


def fit_outline(scene: Scene, model: EdgeModel, start: PlanarPose) -> EdgeFit:
    """Refine `start`, the answer of `fit_roughly`, until the outline sits on the edges.

    The edge at offset e along the normal n of a point p (seen from the centre of the outline) asks for
    n . t + (p x n) angle = e; solved by Gauss and Newton with Tukey's weights, while the reach of the search shrinks.
    Fewer than a quarter of the edges found leaves the pose as it is and the inlier ratio 0.

    When the picture says for sure that the cloth is sheared or stretched, three more unknowns, the symmetric strain E
    of the piece about the centre of its outline, ask for n . (E p) more; the pose then is what is left of the motion
    without E (its polar decomposition), so that shear is no rotation. The cost stays that of the rigid outline.
    """
    rigid, edges, rows = _fit(scene, model, start, _FINE_ROUNDS)
    if rigid.inlier_ratio < _DEFORMED_INLIERS or rigid.contrast < _DEFORMED_CONTRAST:
        return rigid
    arm, normal = model.points - model.points.mean(axis=0), model.normals
    both = 0.5 * (normal[:, 0] * arm[:, 1] + normal[:, 1] * arm[:, 0])
    wide = np.column_stack((rows, normal * arm, both))  # (N, 6): x, y, angle, e_xx, e_yy, shear
    step = _solve(wide, edges)
    left = edges.offset - wide @ step
    seen = edges.valid & (np.abs(left) < _INLIER)
    covariance = np.linalg.pinv(wide[seen].T @ wide[seen]) * np.mean(left[seen] ** 2) * _correlation_length(left[seen])
    strain, sigma = step[3:], np.sqrt(np.diag(covariance)[3:])
    sure = np.abs(strain) > np.maximum(_STRAIN_SIGMAS * sigma, _LEAST_STRAIN)
    if not sure.any() or np.abs(strain).max() > _LARGEST_STRAIN:
        return rigid
    strain = np.where(sure, strain, 0.0)
    E = np.array([[strain[0], strain[2] / 2.0], [strain[2] / 2.0, strain[1]]])
    deformed = EdgeModel(model.points + arm @ E, normal, model.spacing)
    pose = _move(rigid.pose, rigid.pose.apply(model.points).mean(axis=0), step[:3])
    fit, _, _ = _fit(scene, deformed, pose, _FINE_ROUNDS[-1:])
    return replace(fit, cost=rigid.cost, shear=float(strain[2]), stretched=bool(sure[:2].any()))


def _fit(
    scene: Scene, model: EdgeModel, start: PlanarPose, rounds: Sequence[tuple[float, int]]
) -> tuple[EdgeFit, Edges, Array]:
    """The fit after some rounds, and the edges and rows of its last look."""
    pose, pixel = start, scene.camera.mm_per_px * MM
    part = model
    for reach, every in rounds:
        part = EdgeModel(model.points[::every], model.normals[::every], model.spacing * every)
        reach_px = max(reach, _FIRST_REACH / pixel) if (reach, every) == _ROUGH_ROUNDS[0] else reach
        edges, rows = _observe(scene, part, pose, reach_px)
        if edges.valid.sum() < len(part.points) / 4:
            return _fail(pose), edges, rows
        pose = _move(pose, pose.apply(part.points).mean(axis=0), _solve(rows, edges))
    edges, rows = _observe(scene, part, pose, rounds[-1][0])
    return _judge(pose, edges, rows, max(_INLIER, _INLIER_PX * pixel), part.spacing), edges, rows


def _observe(scene: Scene, model: EdgeModel, pose: PlanarPose, reach_px: float) -> tuple[Edges, Array]:
    """The edges at a pose, and the rows (N, 3) of d offset / d(x, y, angle) about the centre of the points."""
    points = pose.apply(model.points)
    normals = model.normals @ pose.linear_part().T
    arm = points - points.mean(axis=0)
    rows = np.column_stack((normals, arm[:, 0] * normals[:, 1] - arm[:, 1] * normals[:, 0]))
    return measure_edges(scene, points, normals, reach_px), rows


def _solve(rows: Array, edges: Edges) -> Array:
    """Robust solution (K,) of rows (N, K) @ step = offset."""
    A, e, base = rows[edges.valid], edges.offset[edges.valid], edges.weight[edges.valid]
    step: Array = np.zeros(rows.shape[1])
    for _ in range(_REWEIGHTINGS):
        left = e - A @ step
        weight = base * _tukey(left)
        normal = A.T @ (weight[:, None] * A)
        step = np.asarray(np.linalg.lstsq(normal, A.T @ (weight * e), rcond=1e-12)[0])
    return step


def _tukey(residuals: Array) -> Array:
    """Tukey's biweight of residuals (N,), about their median, with the scale from the median deviation."""
    middle = len(residuals) // 2
    centred = residuals - np.partition(residuals, middle)[middle]
    scale = max(1.4826 * float(np.partition(np.abs(centred), middle)[middle]), _SCALE_FLOOR)
    return np.asarray(np.clip(1.0 - (centred / (_TUKEY * scale)) ** 2, 0.0, None) ** 2)


def _move(pose: PlanarPose, centre: Array, step: Array) -> PlanarPose:
    """`pose` turned by step[2] about `centre` and shifted by step[:2]."""
    turn = PlanarPose(0.0, 0.0, float(step[2]))
    x, y = centre + step[:2] + turn.apply([[pose.x - centre[0], pose.y - centre[1]]])[0]
    return PlanarPose(float(x), float(y), float(wrap_angle(pose.theta + step[2])), pose.mirrored)


def _fail(pose: PlanarPose) -> EdgeFit:
    """A fit that found no edges to speak of."""
    return EdgeFit(pose, np.inf, 0.0, _COST_LIMIT**2, np.inf, np.inf, 0.0, 0.0)


def _judge(pose: PlanarPose, edges: Edges, rows: Array, inlier_limit: float, spacing: float) -> EdgeFit:
    """Residual, share of inliers and uncertainty at the end of a fit."""
    present = edges.weight > _PRESENT * np.median(edges.weight)  # else the table goes on inside the outline
    inlier = edges.valid & present & (np.abs(edges.offset) < inlier_limit)
    if inlier.sum() < len(inlier) / 4:
        return _fail(pose)
    missing = ~inlier & (~present | (edges.cover < 0.5))
    added = ~inlier & ~missing
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
        float(missing.mean()),
        float(added.mean()),
        _densest(missing, spacing),
        _densest(added, spacing),
        float(np.median(edges.weight)),
    )


def _densest(marked: NDArray[np.bool_], spacing: float) -> float:
    """The largest share of marked neighbours (N,) along any _STRETCH of a closed outline."""
    window = min(len(marked), max(3, round(_STRETCH / spacing)))
    return float(uniform_filter1d(marked.astype(np.float64), window, mode="wrap").max())


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
