"""What is printed on a calibration board: kind, counts and sizes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from sewcell.errors import ConfigError
from sewcell.geometry.poses import Array
from sewcell.units import MM

BoardKind = Literal["chessboard", "charuco"]
EXAMPLES = "chessboard:9x6:25 (inner corners, side of a square in mm) or charuco:11x8:30:22 (squares, square, marker)"
DICTIONARY = "DICT_4X4_250"
"""The markers of ChArUco boards and fiducials: 4 x 4 bits, 250 of them, as OpenCV numbers them."""
DICTIONARY_SIZE = 250


@dataclass(frozen=True, slots=True)
class BoardPattern:
    """A flat board.

    `columns`, `rows`: inner corners, as the trade counts them on a chessboard and as they are found on either kind.
    `square`: side of a square [m]. `marker`: side of a ChArUco marker [m], 0 on a chessboard. The board's frame: x
    along the columns, y up along the rows, z out of the printed face, origin in the outer corner of the lower left
    square. That square is black on a chessboard; a ChArUco board has its first marker at the upper left.
    """

    kind: BoardKind
    columns: int
    rows: int
    square: float
    marker: float = 0.0

    @property
    def has_one_way_up(self) -> bool:
        """False for a chessboard that looks the same after half a turn."""
        return self.kind == "charuco" or (self.columns + self.rows) % 2 == 1

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of all squares together [m]."""
        return (self.columns + 1) * self.square, (self.rows + 1) * self.square

    @property
    def markers(self) -> int:
        """How many markers a ChArUco board has: one in every white square."""
        return (self.columns + 1) * (self.rows + 1) // 2

    def corners(self) -> Array:
        """Inner corners in the board's frame, row by row from the uppermost, each from the left: (N, 3) [m]."""
        column, row = np.meshgrid(np.arange(1, self.columns + 1), np.arange(self.rows, 0, -1))
        flat = np.column_stack((column.ravel(), row.ravel())) * self.square
        return np.column_stack((flat, np.zeros(len(flat))))

    def __str__(self) -> str:
        if self.kind == "chessboard":
            return f"chessboard of {self.columns} x {self.rows} inner corners, {self.square / MM:g} mm squares"
        return f"ChArUco board of {self.columns + 1} x {self.rows + 1} squares of {self.square / MM:g} mm"


def parse_board(text: str) -> BoardPattern:
    """The board that a person names as `chessboard:9x6:25` or `charuco:11x8:30:22`, lengths in mm.

    Raises: ConfigError that shows the two forms, or says which size is impossible.
    """
    kind, *parts = text.strip().lower().split(":")
    try:
        across, up = (int(count) for count in parts[0].split("x"))
        lengths = [float(part) * MM for part in parts[1:]]
    except (ValueError, IndexError) as error:
        raise ConfigError(f"no board '{text}': write {EXAMPLES}") from error
    if (kind, len(lengths)) not in (("chessboard", 1), ("charuco", 2)) or not all(0 < s < 1 for s in lengths):
        raise ConfigError(f"no board '{text}': write {EXAMPLES}")
    if kind == "chessboard":
        board = BoardPattern("chessboard", across, up, lengths[0])
    else:
        board = BoardPattern("charuco", across - 1, up - 1, lengths[0], lengths[1])
        if not board.marker < 0.95 * board.square:
            raise ConfigError(f"the board '{text}' has markers that fill their squares: a marker must be smaller")
        if board.markers > DICTIONARY_SIZE:
            raise ConfigError(f"the board '{text}' has {board.markers} markers, the dictionary only {DICTIONARY_SIZE}")
    if min(board.columns, board.rows) < 3 or board.columns * board.rows > 2000:
        raise ConfigError(f"the board '{text}' has too few or too many squares: 3 inner corners each way at least")
    return board
