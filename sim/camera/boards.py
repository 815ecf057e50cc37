"""Calibration boards and fiducial markers as bodies of the simulated world."""

import cv2
import numpy as np
from numpy.typing import NDArray

from sewcell.geometry.board_pattern import DICTIONARY, BoardPattern
from sewcell.geometry.poses import Array, make_pose, transform_points
from sim.camera.mesh import Mesh

WHITE = (0.86, 0.86, 0.85)
BLACK = (0.05, 0.05, 0.055)
RIM = 0.7
"""White margin around the squares, in squares."""
INK = 20e-6
"""How far black surfaces lie above the white plate [m]."""
PAPER = 2.0 * INK
"""A board or label that lies on a table is at least so thick [m]."""
MARKER_CELLS = 6
"""Cells along a marker's side: four bits and the black rim on both sides."""


def make_board(board: BoardPattern, T_base_board: Array) -> list[Mesh]:
    """A flat plate, white with black squares and markers, whose frame (see BoardPattern) lies at the pose given."""
    width, height = board.size
    rim = RIM * board.square
    black = []
    number = 0
    for row in range(board.rows + 1):  # from the uppermost
        for column in range(board.columns + 1):
            x, y = column * board.square, (board.rows - row) * board.square
            first_black = board.rows if board.kind == "chessboard" else 0  # lower left, or upper left
            if (row + column) % 2 == first_black % 2:
                black.append((x, y, x + board.square, y + board.square))
            elif board.kind == "charuco":
                gap = (board.square - board.marker) / 2.0
                black += _marker_bars(number, x + gap, y + gap, board.marker)
                number += 1
    return _make_plate("board", (-rim, -rim, width + rim, height + rim), black, T_base_board)


def make_fiducial(number: int, size: float, T_base_fiducial: Array) -> list[Mesh]:
    """A marker of `size` [m] on a white label, its centre at the origin of the pose given, x to its right, y up."""
    half, rim = size / 2.0, size / MARKER_CELLS * 1.5
    bars = _marker_bars(number, -half, -half, size)
    on_table = T_base_fiducial @ make_pose((0.0, 0.0, PAPER))
    return _make_plate(f"fiducial {number}", (-half - rim, -half - rim, half + rim, half + rim), bars, on_table)


def _marker_bars(number: int, x: float, y: float, size: float) -> list[tuple[float, float, float, float]]:
    """The black cells of a marker with its lower left corner at (x, y), joined to bars along its rows."""
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, DICTIONARY))
    cells = dictionary.generateImageMarker(number, MARKER_CELLS, borderBits=1) < 128
    cell = size / MARKER_CELLS
    bars = []
    for row in range(MARKER_CELLS):
        ends = np.flatnonzero(np.diff(np.concatenate(([False], cells[row], [False]))))
        low = y + (MARKER_CELLS - 1 - row) * cell
        bars += [(x + a * cell, low, x + b * cell, low + cell) for a, b in ends.reshape(-1, 2)]
    return bars


def _make_plate(
    name: str, plate: tuple[float, float, float, float], black: list[tuple[float, float, float, float]], T: Array
) -> list[Mesh]:
    parts = (("plate", [plate], -INK, WHITE), ("ink", black, 0.0, BLACK))
    meshes = []
    for part, rectangles, z, colour in parts:
        vertices, faces = _make_rectangles(rectangles, z)
        meshes.append(Mesh(f"{name} {part}", transform_points(T, vertices), faces, colour))
    return meshes


def _make_rectangles(rectangles: list[tuple[float, float, float, float]], z: float) -> tuple[Array, NDArray[np.int32]]:
    x0, y0, x1, y1 = np.array(rectangles, dtype=np.float64).T
    corners = np.stack([np.stack(p, axis=1) for p in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))], axis=1)
    vertices = np.concatenate((corners, np.full((*corners.shape[:2], 1), z)), axis=2).reshape(-1, 3)
    first = 4 * np.arange(len(rectangles), dtype=np.int32)[:, None]
    faces = np.concatenate((first + np.array([0, 1, 2]), first + np.array([0, 2, 3])))
    return vertices, faces.astype(np.int32)
