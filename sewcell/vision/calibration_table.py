"""Where the camera stands over the table: from a board or fiducials that lie on it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sewcell.errors import VisionError
from sewcell.geometry.planar import PlanarPose, planar_from_matrix
from sewcell.geometry.poses import Array, invert_pose, transform_points
from sewcell.vision.boards import BoardView
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.fiducials import FEWEST, view_fiducials
from sewcell.vision.lens import Lens, locate_board, minimise, root_mean_square, turn
from sewcell.vision.resampling import jackknife_sigma, split_groups

WORST_RMS_PX = 1.0
GRID = 5
"""Points across and down the working area at which the accuracy is stated."""


@dataclass(frozen=True, slots=True)
class TableCalibration:
    """The camera over the table and what is known of its errors.

    `rms_px`: of all residuals. `held_out`: rms error on the table of corners that the fit did not see [m].
    `sigma`: standard deviation of a table point found by the camera, rms over the area [m], without that of the lens.
    `flatness`: rms height of the boards' corners over or under the plane that they share [m], None for one board.
    `views`: how many boards or fiducials.
    """

    camera: CameraModel
    rms_px: float
    held_out: float
    sigma: float
    flatness: float | None
    views: int


def calibrate_table(
    lens: Lens, reference: BoardView, others: Sequence[BoardView], placed: PlanarPose, thickness: float, area: Array
) -> TableCalibration:
    """Pose of the camera from boards that lie on the table.

    `reference` shows the board at the known place `placed`, T_table_board; the `others` show it anywhere on the table:
    they make the plane surer and its error known. All share one plane, `thickness` [m] above z = 0. `area` (2, 2):
    two corners of the working area [m], where the accuracy is stated.

    Minimises the squared residuals [px] over T_camera_table and three numbers for each other board.

    Raises: VisionError when a picture does not fit the lens, or the boards do not lie on one plane (named).
    """
    T_plane_board = placed.matrix()
    T_plane_board[2, 3] = thickness
    start = locate_board(lens, reference).T_camera_board @ invert_pose(T_plane_board)
    fit = _fit_plane(lens, start, T_plane_board, reference, others)
    rms = root_mean_square(np.concatenate(fit.residuals))
    names = [reference.name, *(view.name for view in others)]
    per_view = [root_mean_square(residuals) for residuals in fit.residuals]
    worst = int(np.argmax(per_view))
    if per_view[worst] > WORST_RMS_PX:
        raise VisionError(
            f"{names[worst]} fits the table to {per_view[worst]:.1f} px only, {WORST_RMS_PX:g} px is the most: the "
            "board must lie flat on the table, and the lens file must be of this camera"
        )
    camera = lens.at(fit.T_camera_table)
    parts, errors = [], []
    for kept, out in _splits(reference, others):
        part = _fit_plane(lens, fit.T_camera_table, T_plane_board, kept[0], kept[1:])
        parts.append(_area_points(lens.at(part.T_camera_table), camera, area))
        errors += [_error_on_table(lens.at(part.T_camera_table), view, thickness) for view in out]
    return TableCalibration(
        camera=camera,
        rms_px=rms,
        held_out=root_mean_square(np.concatenate(errors)),
        sigma=root_mean_square(jackknife_sigma(np.array([part.ravel() for part in parts])).reshape(-1, 2)),
        flatness=_measure_flatness(lens, fit.T_camera_table, [reference, *others], thickness) if others else None,
        views=1 + len(others),
    )


def calibrate_table_from_fiducials(
    lens: Lens, seen: dict[int, Array], known: dict[int, Array], picture: str, area: Array
) -> TableCalibration:
    """Pose of the camera from markers at known places of the table, `known` (2,) [m], seen at `seen` (2,) [px].

    Raises: VisionError when fewer than four of them are seen, they lie on one line, or one contradicts the others.
    """
    numbers, view = view_fiducials(seen, known, picture, lens.image_size_px)
    points = view.points
    found = locate_board(lens, view)
    T, residuals = found.T_camera_board, found.residuals
    sizes = np.hypot(*residuals.T)
    if sizes.max() > WORST_RMS_PX:
        raise VisionError(
            f"fiducial {numbers[int(sizes.argmax())]} lies {sizes.max():.1f} px beside its place: one has been moved "
            "or replaced, or the lens file is of another camera"
        )
    camera, parts, errors = lens.at(T), [], []
    for kept, out in split_groups(len(numbers)):
        if len(kept) < FEWEST:
            raise VisionError(
                f"{picture} shows {len(numbers)} known fiducials: a fifth is needed to tell the accuracy; add one"
            )
        part = lens.at(locate_board(lens, replace(view, points=points[kept], pixels=view.pixels[kept])).T_camera_board)
        parts.append(_area_points(part, camera, area))
        errors.append(part.table_points(view.pixels[out]) - points[out, :2])
    sigma = root_mean_square(jackknife_sigma(np.array([part.ravel() for part in parts])).reshape(-1, 2))
    held_out = root_mean_square(np.concatenate(errors))
    return TableCalibration(camera, root_mean_square(residuals), held_out, sigma, None, len(numbers))


@dataclass(frozen=True, slots=True)
class _PlaneFit:
    T_camera_table: Array
    residuals: list[Array]


def _fit_plane(
    lens: Lens, start: Array, T_plane_board: Array, reference: BoardView, others: Sequence[BoardView]
) -> _PlaneFit:
    height = T_plane_board[2, 3]
    places = []
    for view in others:
        found = planar_from_matrix(invert_pose(start) @ locate_board(lens, view).T_camera_board)
        places += [found.x, found.y, found.theta]

    def residuals_of(x: Array) -> list[Array]:
        T = turn(start, x[:6])
        parts = [lens.project(T @ T_plane_board, reference.points) - reference.pixels]
        for view, (along, up, angle) in zip(others, x[6:].reshape(-1, 3), strict=True):
            T_board = PlanarPose(along, up, angle).matrix()
            T_board[2, 3] = height
            parts.append(lens.project(T @ T_board, view.points) - view.pixels)
        return parts

    result = minimise(lambda x: np.concatenate(residuals_of(x)).ravel(), np.array([0.0] * 6 + places))
    return _PlaneFit(turn(start, result.x[:6]), residuals_of(result.x))


def _splits(reference: BoardView, others: Sequence[BoardView]) -> list[tuple[list[BoardView], list[BoardView]]]:
    """What is kept (the reference first) and held out: whole boards, or bands of corners of a single one."""
    if len(others) >= 2:
        return [
            ([reference, *(others[i] for i in kept)], [others[i] for i in out])
            for kept, out in split_groups(len(others))
        ]
    bands = []
    order = np.lexsort((reference.points[:, 0], reference.points[:, 1]))
    for k in range(4):
        out = order[k * len(order) // 4 : (k + 1) * len(order) // 4]
        kept = np.setdiff1d(order, out)
        bands.append(([_select(reference, kept), *others], [_select(reference, out)]))
    return bands


def _select(view: BoardView, index: NDArray[np.intp]) -> BoardView:
    return replace(view, points=view.points[index], pixels=view.pixels[index])


def _error_on_table(camera: CameraModel, view: BoardView, thickness: float) -> Array:
    """Differences (N, 2) [m] between corners measured on the table and the board laid over them as well as it fits."""
    found = camera.table_points(view.pixels, thickness)
    drawn = view.points[:, :2] - view.points[:, :2].mean(axis=0)
    centred = found - found.mean(axis=0)
    cross = drawn[:, 0] @ centred[:, 1] - drawn[:, 1] @ centred[:, 0]
    angle = float(np.arctan2(cross, np.sum(drawn * centred)))
    return np.asarray(centred - PlanarPose(0.0, 0.0, angle).apply(drawn))


def _area_points(camera: CameraModel, reference: CameraModel, area: Array) -> Array:
    """Where `camera` finds the points of a grid over `area` that `reference` sees, (GRID^2, 2) [m]."""
    share = np.linspace(0.0, 1.0, GRID)
    x, y = np.meshgrid(*(area[0] + share[:, None] * (area[1] - area[0])).T)
    return camera.table_points(reference.project_plane(np.column_stack((x.ravel(), y.ravel()))))


def _measure_flatness(lens: Lens, T_camera_table: Array, views: Sequence[BoardView], thickness: float) -> float:
    heights = [
        transform_points(invert_pose(T_camera_table) @ locate_board(lens, view).T_camera_board, view.points)[:, 2]
        - thickness
        for view in views
    ]
    return float(np.sqrt(np.mean(np.concatenate(heights) ** 2)))
