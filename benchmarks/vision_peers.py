"""Other ways to find a piece whose name and face are known: what a first afternoon with OpenCV gives."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from sewcell.geometry.planar import PlanarPose
from sim.camera.suite.cases import Case

Array = NDArray[np.float64]
_SCALE = 4.0
"""Millimetres to pixels of the small upright pictures, inverse: 4 mm a pixel for template matching, 2 for ECC."""


def seen_contour(case: Case) -> Array:
    """Outer contour (N, 2) [m, table] of the largest thing that differs from the empty table."""
    difference = cv2.absdiff(case.pixels, case.empty).max(axis=2)
    _, mask = cv2.threshold(difference, 25, 255, cv2.THRESH_BINARY)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return to_table(case, max(contours, key=cv2.contourArea).reshape(-1, 2).astype(float))


def to_table(case: Case, pixels: Array) -> Array:
    """Pixels (N, 2) -> the table plane [m]."""
    view = case.view
    rays = cv2.undistortPoints(pixels.reshape(-1, 1, 2), view.matrix, view.distortion).reshape(-1, 2)
    T = view.T_camera_base
    directions = np.column_stack((rays, np.ones(len(rays)))) @ T[:3, :3]
    eye = -T[:3, :3].T @ T[:3, 3]
    return eye[:2] - directions[:, :2] * (eye[2] / directions[:, 2])[:, None]


def fit_rectangle(case: Case, drawn: Array) -> PlanarPose:
    """minAreaRect of the contour on that of the outline; of the four turns the one whose contour lies nearest."""
    contour = seen_contour(case)
    seen, model = (cv2.minAreaRect((1e3 * points).astype(np.float32)) for points in (contour, drawn))
    tree, best = cKDTree(contour), (np.inf, PlanarPose(0.0, 0.0, 0.0))
    for quarter in range(4):
        turn = np.radians(seen[2] - model[2] + 90.0 * quarter)
        R = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        shift = 1e-3 * np.array(seen[0]) - R @ (1e-3 * np.array(model[0]))
        distance = float(np.mean(tree.query(drawn @ R.T + shift)[0]))
        if distance < best[0]:
            best = (distance, PlanarPose(float(shift[0]), float(shift[1]), float(turn)))
    return best[1]


def fit_icp(case: Case, drawn: Array) -> PlanarPose:
    """Contour and outline by iterated closest points from the rectangle's answer."""
    contour, pose = seen_contour(case), fit_rectangle(case, drawn)
    tree = cKDTree(_resample(drawn, 4000))
    model = tree.data
    for _ in range(40):
        _, nearest = tree.query(pose.apply_inverse(contour))
        a, b = model[nearest], contour
        am, bm = a.mean(axis=0), b.mean(axis=0)
        H = (a - am).T @ (b - bm)
        turn = float(np.arctan2(H[0, 1] - H[1, 0], H[0, 0] + H[1, 1]))
        R = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        x, y = bm - R @ am
        pose = PlanarPose(float(x), float(y), turn)
    return pose


def match_template(case: Case, drawn: Array) -> PlanarPose:
    """The outline's filled shape at every 2 degrees over the mask of the picture at 4 mm a pixel."""
    cell = 1e-3 * _SCALE
    mask, corner = _draw(seen_contour(case), cell, 80)
    best = (-np.inf, PlanarPose(0.0, 0.0, 0.0))
    for turn in np.radians(np.arange(0.0, 360.0, 2.0)):
        turned = PlanarPose(0.0, 0.0, float(turn)).apply(drawn)
        shape, origin = _draw(turned, cell, 2)
        if shape.shape[0] > mask.shape[0] or shape.shape[1] > mask.shape[1]:
            continue
        _, peak, _, at = cv2.minMaxLoc(cv2.matchTemplate(mask, shape, cv2.TM_CCOEFF_NORMED))
        if peak > best[0]:
            x, y = corner + cell * np.array(at) - origin
            best = (peak, PlanarPose(float(x), float(y), float(turn)))
    return best[1]


def fit_ecc(case: Case, drawn: Array) -> PlanarPose:
    """cv2.findTransformECC on filled shapes at 1 mm a pixel, from the rectangle's answer."""
    cell, start = 1e-3, fit_rectangle(case, drawn)
    mask, corner = _draw(seen_contour(case), cell, 20)
    shape, origin = _draw(start.apply(drawn), cell, 20)
    warp = np.eye(2, 3, dtype=np.float32)
    warp[:, 2] = (origin - corner) / cell
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-6)
    try:
        _, warp = cv2.findTransformECC(
            shape.astype(np.float32), mask.astype(np.float32), warp, cv2.MOTION_EUCLIDEAN, criteria, None, 5
        )
    except cv2.error:
        return start
    return _chain(warp.astype(float), start, cell, corner, origin)


def match_sift(case: Case, drawn: Array) -> PlanarPose:
    """SIFT points of the drawn shape and of the picture's mask, and a partial affine transform between them."""
    cell, start = 1e-3, PlanarPose(0.0, 0.0, 0.0)
    mask, corner = _draw(seen_contour(case), cell, 20)
    shape, origin = _draw(drawn, cell, 20)
    sift = cv2.SIFT_create()
    (points, a), (others, b) = sift.detectAndCompute(shape, None), sift.detectAndCompute(mask, None)
    if a is None or b is None or min(len(a), len(b)) < 3:
        return start
    pairs = cv2.BFMatcher(cv2.NORM_L2, crossCheck=True).match(a, b)
    if len(pairs) < 3:
        return start
    source = np.array([points[pair.queryIdx].pt for pair in pairs])
    target = np.array([others[pair.trainIdx].pt for pair in pairs])
    warp, _ = cv2.estimateAffinePartial2D(source, target, ransacReprojThreshold=3.0)
    return start if warp is None else _chain(warp, start, cell, corner, origin)


PEERS: Mapping[str, Callable[[Case, Array], PlanarPose]] = {
    "contour + ICP": fit_icp,
    "minAreaRect": fit_rectangle,
    "template matching": match_template,
    "SIFT + affine": match_sift,
    "findTransformECC": fit_ecc,
}


def _chain(warp: Array, start: PlanarPose, cell: float, corner: Array, origin: Array) -> PlanarPose:
    """`start` followed by a warp (2, 3) of one small picture (first pixel at `origin`) to the other (at `corner`)."""
    turn = float(np.arctan2(warp[1, 0], warp[0, 0]))
    moved = PlanarPose(0.0, 0.0, turn).apply([[start.x - origin[0], start.y - origin[1]]])[0]
    x, y = corner + cell * warp[:, 2] + moved
    return PlanarPose(float(x), float(y), start.theta + turn)


def _draw(points: Array, cell: float, margin: int) -> tuple[NDArray[np.uint8], Array]:
    """The filled shape as a small picture, and where its first pixel lies (2,) [m]."""
    corner = points.min(axis=0) - margin * cell
    width, height = (np.ceil((points.max(axis=0) - corner) / cell).astype(int) + margin).tolist()
    picture = np.zeros((height, width), np.uint8)
    fixed = np.round((points - corner) / cell * 16).astype(np.int32)
    cv2.fillPoly(picture, [fixed.reshape(-1, 1, 2)], 255, cv2.LINE_AA, 4)
    return picture, corner


def _resample(outline: Array, count: int) -> Array:
    closed = np.vstack((outline, outline[:1]))
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))))
    wanted = np.linspace(0.0, along[-1], count, endpoint=False)
    return np.column_stack((np.interp(wanted, along, closed[:, 0]), np.interp(wanted, along, closed[:, 1])))
