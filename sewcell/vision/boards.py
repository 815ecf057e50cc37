"""Finds calibration boards and fiducial markers in pictures, to a few hundredths of a pixel."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sewcell.errors import VisionError
from sewcell.geometry.board_pattern import DICTIONARY, BoardPattern
from sewcell.geometry.poses import Array

Picture = NDArray[np.uint8]

REFINE_SHARE = 0.25
"""Half the side of the window in which a corner is refined, as a share of the shortest distance of two corners."""
REFINE_RANGE_PX = (2, 5)
MARKER_REFINE_SHARE = 0.7
"""The same for the outer corners of a marker, as a share of one of its cells: the black rim is one cell wide."""
FEWEST_CORNERS = 12
"""Of a ChArUco board that is partly hidden."""
REFINE_STOP = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 60, 1e-3)


@dataclass(frozen=True, slots=True)
class BoardView:
    """One board as one picture shows it.

    `name`: of the picture. `points` (N, 3): found corners in the board's frame [m]. `pixels` (N, 2): where they are.
    `image_size_px`: width, height of the picture.
    """

    name: str
    points: Array
    pixels: Array
    image_size_px: tuple[int, int]


def find_board(name: str, picture: Picture, board: BoardPattern) -> BoardView:
    """The corners of `board` in a picture (H, W, 3) blue-green-red or (H, W) grey.

    A chessboard must be seen whole; of a ChArUco board a part of FEWEST_CORNERS corners is enough.

    Raises: VisionError when the picture does not show the board.
    """
    grey = _to_grey(picture)
    if board.kind == "chessboard":
        points, pixels = _find_chessboard(name, grey, board)
    else:
        points, pixels = _find_charuco(name, grey, board)
    return BoardView(name, points, pixels, (grey.shape[1], grey.shape[0]))


def find_fiducials(picture: Picture) -> dict[int, Array]:
    """Centres (2,) [px] of all markers of the dictionary in a picture, by number.

    The centre is where the diagonals of the marker cross: as a projection keeps lines, it is the picture of the
    marker's true centre. A number that is seen twice is left out.
    """
    found, numbers, _ = cv2.aruco.ArucoDetector(_dictionary(), _marker_parameters()).detectMarkers(_to_grey(picture))
    centres: dict[int, Array] = {}
    seen_twice: set[int] = set()
    for corners, number in zip(found, [] if numbers is None else numbers.ravel(), strict=True):
        if int(number) in centres:
            seen_twice.add(int(number))
        centres[int(number)] = _cross_diagonals(corners.reshape(4, 2).astype(np.float64))
    return {number: centre for number, centre in centres.items() if number not in seen_twice}


def _to_grey(picture: Picture) -> Picture:
    return picture if picture.ndim == 2 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def _dictionary() -> cv2.aruco.Dictionary:
    return cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, DICTIONARY))


def _marker_parameters() -> cv2.aruco.DetectorParameters:
    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    parameters.cornerRefinementWinSize = REFINE_RANGE_PX[1]
    parameters.relativeCornerRefinmentWinSize = MARKER_REFINE_SHARE
    return parameters


def _cross_diagonals(corners: Array) -> Array:
    a, b = corners[2] - corners[0], corners[3] - corners[1]
    share = np.linalg.solve(np.column_stack((a, -b)), corners[1] - corners[0])[0]
    return np.asarray(corners[0] + share * a)


def _find_chessboard(name: str, grey: Picture, board: BoardPattern) -> tuple[Array, Array]:
    found, rough = cv2.findChessboardCorners(grey, (board.columns, board.rows))
    if not found:
        raise VisionError(
            f"{name} shows no {board}: all of it must be in the picture, flat, sharp and evenly lit, with a white rim"
        )
    grid = rough.reshape(board.rows, board.columns, 2).astype(np.float64)
    grid = _refine(grey, grid.reshape(-1, 2), _shortest_step(grid)).reshape(grid.shape)
    return board.corners(), _turn_upright(grey, grid).reshape(-1, 2)


def _find_charuco(name: str, grey: Picture, board: BoardPattern) -> tuple[Array, Array]:
    squares = (board.columns + 1, board.rows + 1)
    printed = cv2.aruco.CharucoBoard(squares, board.square, board.marker, _dictionary())
    corners, numbers, _, _ = cv2.aruco.CharucoDetector(printed).detectBoard(grey)
    count = 0 if numbers is None else len(numbers)
    if count < FEWEST_CORNERS:
        raise VisionError(
            f"{name} shows {count} corners of the {board}, at least {FEWEST_CORNERS} are needed: show more of it, "
            f"flat, sharp and evenly lit, and check that its markers are of {DICTIONARY}"
        )
    drawn, pixels = printed.matchImagePoints(corners, numbers)
    points = drawn.reshape(-1, 3).astype(np.float64)
    # OpenCV's board has its origin at the upper left and y down: half a turn about x brings z out of the face.
    points[:, 1] = board.size[1] - points[:, 1]
    rough = pixels.reshape(-1, 2).astype(np.float64)
    return points, _refine(grey, rough, _nearest_distance(rough))


def _shortest_step(grid: Array) -> float:
    across, down = np.diff(grid, axis=1), np.diff(grid, axis=0)
    return float(min(np.hypot(*across.T).min(), np.hypot(*down.T).min()))


def _nearest_distance(pixels: Array) -> float:
    distance = np.hypot(*(pixels[:, None] - pixels[None]).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    return float(distance.min())


def _refine(grey: Picture, pixels: Array, step: float) -> Array:
    """Saddle points near `pixels` (N, 2), whose shortest distance is `step` [px] (Foerstner and Guelch 1987)."""
    half = int(np.clip(REFINE_SHARE * step, *REFINE_RANGE_PX))
    corners = np.ascontiguousarray(pixels, dtype=np.float32).reshape(-1, 1, 2)
    refined = cv2.cornerSubPix(grey, corners, (half, half), (-1, -1), REFINE_STOP)
    return np.asarray(refined, dtype=np.float64).reshape(-1, 2)


def _turn_upright(grey: Picture, grid: Array) -> Array:
    """The grid (rows, columns, 2) with its first row uppermost: seen from the printed face, lower left square black."""
    across, down = np.diff(grid, axis=1).mean(axis=(0, 1)), np.diff(grid, axis=0).mean(axis=(0, 1))
    if across[0] * down[1] - across[1] * down[0] < 0.0:
        grid = grid[:, ::-1]
    upside_up = grid[::-1]  # first row lowest
    centres = (upside_up[:-1, :-1] + upside_up[1:, :-1] + upside_up[:-1, 1:] + upside_up[1:, 1:]) / 4.0
    x, y = np.rint(centres).astype(int).transpose(2, 0, 1)
    levels = grey[y, x].astype(np.float64)
    row, column = np.indices(levels.shape)
    alike = (row + column) % 2 == 0  # the squares of the colour of the one outside the lower left corner
    return grid if levels[alike].mean() <= levels[~alike].mean() else grid[::-1, ::-1]
