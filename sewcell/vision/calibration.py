"""Lens calibration from pictures of a board: camera matrix, distortion, and how far to trust them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from sewcell.errors import VisionError
from sewcell.geometry.poses import Array
from sewcell.vision.boards import BoardView
from sewcell.vision.calibration_checks import check_fitted, check_views, measure_coverage
from sewcell.vision.lens import Lens, locate_board, root_mean_square
from sewcell.vision.resampling import jackknife_sigma, split_groups

FIT_STOP = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 100, 1e-9)
RAYS = 100
"""About so many rays are compared between calibrations."""


@dataclass(frozen=True, slots=True)
class LensCalibration:
    """A lens and what is known of its errors.

    `rms_px`: of the residuals of all corners. `view_rms_px`: by view. `held_out_px`: rms in views that the fit did not
    see, their pose fitted. `sigma` (4,): standard deviations of fx, fy, cx, cy [px]. `ray_sigma_px`: standard
    deviation of where a ray falls, rms over the places where corners were seen, without the part that a later
    calibration of the camera's pose takes away. `coverage`: share of the picture's fields with corners.
    """

    lens: Lens
    rms_px: float
    view_rms_px: dict[str, float]
    held_out_px: float
    sigma: Array
    ray_sigma_px: float
    coverage: float


def calibrate_lens(
    views: Sequence[BoardView], progress: Callable[[int, int], None] = lambda _, __: None
) -> LensCalibration:
    """Fit Brown's lens model (Zhang 2000, as in OpenCV's calibrateCamera) to views of one board from many sides.

    The errors are estimated by fitting again without each of up to twelve groups of views (jackknife and
    cross-validation); `progress` is told how many of these fits are done, and of how many.

    Raises: VisionError for views that cannot give a sure answer: too few, of different sizes, taken twice, all at the
    same tilt, not covering the picture, or with one that contradicts the others (named).
    """
    check_views(views)
    splits = list(split_groups(len(views)))
    progress(0, len(splits))
    lens, poses, view_rms = _fit(views)
    check_fitted(views, poses, view_rms)
    fits, held_out = [], []
    for done, (kept, out) in enumerate(splits, start=1):
        part, _, _ = _fit([views[i] for i in kept])
        fits.append(part)
        held_out += [locate_board(part, views[i]).residuals for i in out]
        progress(done, len(splits))
    parameters = np.array([[f.matrix[0, 0], f.matrix[1, 1], f.matrix[0, 2], f.matrix[1, 2]] for f in fits])
    sigma = jackknife_sigma(parameters)
    if sigma[0] > 0.02 * lens.matrix[0, 0]:
        raise VisionError(
            f"the pictures leave the focal length open by {100 * sigma[0] / lens.matrix[0, 0]:.1f} %: add pictures "
            "with the board tilted by 20 to 45 degrees, some to each side"
        )
    counts = np.array([len(view.points) for view in views])
    return LensCalibration(
        lens=lens,
        rms_px=float(np.sqrt(np.average(view_rms**2, weights=counts))),
        view_rms_px={view.name: float(rms) for view, rms in zip(views, view_rms, strict=True)},
        held_out_px=root_mean_square(np.concatenate(held_out)),
        sigma=sigma,
        ray_sigma_px=_spread_of_rays(lens, fits, views),
        coverage=measure_coverage(views),
    )


def _fit(views: Sequence[BoardView]) -> tuple[Lens, list[Array], Array]:
    """Lens, T_camera_board of every view, and the rms residual of every view [px]."""
    size = views[0].image_size_px
    try:
        _, matrix, distortion, rvecs, tvecs, _, _, per_view = cv2.calibrateCameraExtended(
            [np.asarray(view.points, dtype=np.float32) for view in views],
            [np.asarray(view.pixels, dtype=np.float32).reshape(-1, 1, 2) for view in views],
            size,
            None,
            None,
            criteria=FIT_STOP,
        )
    except cv2.error as cause:
        raise VisionError(
            "no lens fits these pictures: take new ones with the board tilted to all sides and all over the picture"
        ) from cause
    lens = Lens(size, np.asarray(matrix, dtype=np.float64), np.asarray(distortion, dtype=np.float64).ravel()[:5])
    poses = []
    for rvec, tvec in zip(rvecs, tvecs, strict=True):
        T = np.eye(4)
        T[:3, :3], T[:3, 3] = cv2.Rodrigues(rvec)[0], np.ravel(tvec)
        poses.append(T)
    return lens, poses, np.ravel(per_view)


def _spread_of_rays(lens: Lens, fits: Sequence[Lens], views: Sequence[BoardView]) -> float:
    """Compares the fits where corners were seen, on a plane before the camera whose pose is fitted anew each time."""
    pixels = np.concatenate([view.pixels for view in views])
    pixels = pixels[:: max(1, len(pixels) // RAYS)]
    rays = lens.at(np.eye(4)).rays(pixels)
    plane = rays / rays[:, 2:] * (1.0, 1.0, 0.0)
    seen = BoardView("plane", plane, pixels, lens.image_size_px)
    shifts = np.array([locate_board(fit, seen).residuals.ravel() for fit in fits])
    return root_mean_square(jackknife_sigma(shifts).reshape(-1, 2))
