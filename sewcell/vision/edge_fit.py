"""The rigid pose of an outline from the edges of the picture, by robust least squares."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from sewcell.geometry.planar import PlanarPose, wrap_angle
from sewcell.geometry.poses import Array
from sewcell.units import MM
from sewcell.vision.correlated_fit import Solution, solve_edges
from sewcell.vision.edges import Edges, Scene, is_hidden, measure_edges, middle
from sewcell.vision.outline import EdgeModel

_ROUGH_ROUNDS = ((12.0, 8, 1.0), (6.0, 8, 1.0))
"""Reach of the search [px], how many points to pass over, and the step [px], from round to round."""
_FINE_ROUNDS = ((4.0, 2, 1.0), (2.5, 1, 0.5))
_FIRST_REACH = 4.0 * MM
_STRAIN_SIGMAS = np.array([5.0, 5.0, 3.0])
_LEAST_STRAIN = np.array([0.003, 0.003, 0.0015])
"""Stretch along x, stretch along y and shear count from here on."""
_LARGEST_STRAIN = 0.012
_TELLING_STRAIN = 0.0015
"""An outline with a larger standard deviation cannot tell strain from a print or a careless cut."""
_DEFORMED_INLIERS = 0.85
_DEFORMED_CONTRAST = 0.9
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
    and of the angle. `missing`, `added`: shares of the outline where the bare table shows instead of cloth, or where
    cloth goes on or something else lies. `missing_densest`, `added_densest`: the same where they are largest, over
    15 mm of the outline.
    `contrast`: 0 to 1, how well cloth and table can be told apart.
    `shear` [rad] and `stretched`: how the cloth differs from the drawing, apart from the pose. `sigma_shear` [rad]:
    standard deviation of the shear that the outline shows, whether it is believed or not.
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
    sigma_shear: float = np.inf
    stretched: bool = False


def fit_roughly(scene: Scene, model: EdgeModel, start: PlanarPose) -> EdgeFit:
    """The first rounds of a fit, on few points: enough to tell which of several rivals is worth the rest."""
    return _fit(scene, model, start, _ROUGH_ROUNDS).fit


def fit_outline(scene: Scene, model: EdgeModel, start: PlanarPose) -> EdgeFit:
    """Refine `start`, the answer of `fit_roughly`, until the outline sits on the edges.

    The edge at offset e along the normal n of a point p (seen from the centre of the outline) asks for
    n . t + (p x n) angle = e; solved by Gauss and Newton, while the reach of the search shrinks.
    Fewer than a quarter of the edges found leaves the pose as it is and the inlier ratio 0.

    When the picture says for sure that the cloth is sheared or stretched, three more unknowns, the symmetric strain E
    of the piece about the centre of its outline, ask for n . (E p) more; the pose then is what is left of the motion
    without E (its polar decomposition), so that shear is no rotation. The cost stays that of the rigid outline.
    """
    rigid = _fit(scene, model, start, _FINE_ROUNDS)
    fit = rigid.fit
    if fit.inlier_ratio < _DEFORMED_INLIERS or fit.contrast < _DEFORMED_CONTRAST:
        return fit
    arm, normal = model.points - model.points.mean(axis=0), model.normals
    both = 0.5 * (normal[:, 0] * arm[:, 1] + normal[:, 1] * arm[:, 0])
    wide = np.column_stack((rigid.look.rows, normal * arm, both))  # (N, 6): x, y, angle, e_xx, e_yy, shear
    solution = _solve(model, rigid.look.edges, wide)
    strain, sigma = solution.step[3:], np.sqrt(np.diag(solution.covariance)[3:])
    fit = replace(fit, sigma_shear=float(sigma[2]))
    sure = np.abs(strain) > np.maximum(_STRAIN_SIGMAS * sigma, _LEAST_STRAIN)
    sure &= sigma < _TELLING_STRAIN
    if not sure.any() or np.abs(strain).max() > _LARGEST_STRAIN:
        return fit
    strain = np.where(sure, strain, 0.0)
    E = np.array([[strain[0], strain[2] / 2.0], [strain[2] / 2.0, strain[1]]])
    deformed = replace(model, points=model.points + arm @ E)
    again = _fit(scene, deformed, _move(rigid.look.pose, rigid.look.centre, solution.step[:3]), _FINE_ROUNDS[-1:]).fit
    return replace(
        again,
        cost=fit.cost,
        shear=float(strain[2]),
        sigma_shear=fit.sigma_shear,
        stretched=bool(sure[:2].any()),
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """The edges at a pose, and the rows (N, 3) of d offset / d(x, y, angle) about the `centre` (2,) of the points."""

    pose: PlanarPose
    centre: Array
    rows: Array
    edges: Edges


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A fit, and the last look at the picture that led to it."""

    fit: EdgeFit
    look: _Look


def _fit(scene: Scene, model: EdgeModel, start: PlanarPose, rounds: Sequence[tuple[float, int, float]]) -> _Fitted:
    """The fit after some rounds of looking; the last look also tells how well the outline fits."""
    pose = start
    for number, (reach, every, step) in enumerate(rounds):
        part = model.thin(every)
        first = (reach, every, step) == _ROUGH_ROUNDS[0]
        look = _observe(scene, part, pose, max(reach, _FIRST_REACH / scene.pixel) if first else reach, step)
        if look.edges.valid.sum() < len(part.points) / 4:
            return _Fitted(_fail(pose), look)
        solution = _solve(part, look.edges, look.rows)
        pose = _move(pose, look.centre, solution.plain if number < len(rounds) - 1 else solution.step)
    return _Fitted(_judge(scene, pose, look, solution, max(_INLIER, _INLIER_PX * scene.pixel), part.spacing), look)


def _solve(model: EdgeModel, edges: Edges, rows: Array) -> Solution:
    return solve_edges(rows, edges.offset, np.where(edges.valid, edges.weight, 0.0), model.along, model.side)


def _observe(scene: Scene, model: EdgeModel, pose: PlanarPose, reach_px: float, step_px: float) -> _Look:
    points = pose.apply(model.points)
    normals = model.normals @ pose.linear_part().T
    centre = points.mean(axis=0)
    arm = points - centre
    rows = np.column_stack((normals, arm[:, 0] * normals[:, 1] - arm[:, 1] * normals[:, 0]))
    return _Look(pose, centre, rows, measure_edges(scene, points, normals, reach_px, step_px))


def _move(pose: PlanarPose, centre: Array, step: Array) -> PlanarPose:
    """`pose` turned by step[2] about `centre` and shifted by step[:2]."""
    turn = PlanarPose(0.0, 0.0, float(step[2]))
    x, y = centre + step[:2] + turn.apply([[pose.x - centre[0], pose.y - centre[1]]])[0]
    return PlanarPose(float(x), float(y), float(wrap_angle(pose.theta + step[2])), pose.mirrored)


def _fail(pose: PlanarPose) -> EdgeFit:
    """A fit that found no edges to speak of."""
    return EdgeFit(pose, np.inf, 0.0, _COST_LIMIT**2, np.inf, np.inf, 0.0, 0.0)


def _judge(
    scene: Scene, pose: PlanarPose, look: _Look, solution: Solution, inlier_limit: float, spacing: float
) -> EdgeFit:
    """Residual, share of inliers and uncertainty at the end of a fit."""
    edges = look.edges
    left = edges.offset - look.rows @ solution.plain
    contrast = middle(edges.weight)
    present = edges.weight > _PRESENT * contrast  # else the table goes on inside the outline
    inlier = edges.valid & present & (np.abs(left) < inlier_limit)
    if inlier.sum() < len(inlier) / 4:
        return _fail(pose)
    missing = ~inlier & (~present | (edges.cover < 0.5))
    suspect = np.flatnonzero(missing)
    if len(suspect):
        missing[suspect] = ~is_hidden(scene, edges, suspect)
    added = ~inlier & ~missing
    square = np.where(edges.valid, np.minimum(left**2, _COST_LIMIT**2), _COST_LIMIT**2)
    return EdgeFit(
        pose,
        float(np.sqrt(np.mean(left[inlier] ** 2))),
        float(inlier.mean()),
        float(square.mean()),
        float(np.sqrt(np.linalg.eigvalsh(solution.covariance[:2, :2])[-1])),
        float(np.sqrt(solution.covariance[2, 2])),
        float(missing.mean()),
        float(added.mean()),
        _densest(missing, spacing),
        _densest(added, spacing),
        contrast,
    )


def _densest(marked: NDArray[np.bool_], spacing: float) -> float:
    """The largest share of marked neighbours (N,) along any _STRETCH of a closed outline."""
    window = min(len(marked), max(3, round(_STRETCH / spacing)))
    return float(uniform_filter1d(marked.astype(np.float64), window, mode="wrap").max())
