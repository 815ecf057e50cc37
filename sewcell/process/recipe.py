"""What is to be sewn: pieces and their seams, as the process needs them."""

from dataclasses import dataclass

from sewcell.geometry.poses import Array
from sewcell.pattern.piece import Piece


@dataclass(frozen=True, slots=True)
class SeamRecipe:
    """One straight seam.

    `line` (2, 2): start and end [m] in pattern coordinates. `speed`, `backtack_speed`: turns of the main shaft [1/s].
    `grip_distance`: between the sew line and the near edge of the gripper plate [m]. `tolerance` [m].
    `thread_tension` [N].
    """

    name: str
    line: Array
    stitch_length: float
    speed: float
    backtack_start: int
    backtack_end: int
    backtack_speed: float
    grip_distance: float
    tolerance: float
    thread_tension: float = 1.2


@dataclass(frozen=True, slots=True)
class PieceRecipe:
    """A piece and the seams to sew on it."""

    piece: Piece
    seams: tuple[SeamRecipe, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A garment's worth of work.

    Of the fabric: `thickness` [m], `areal_mass` [kg/m2], `bending` rigidity per width [N m] in its softer direction;
    limits below which vision's answer is not used.
    """

    garment: str
    pieces: tuple[PieceRecipe, ...]
    thickness: float
    areal_mass: float
    bending: float
    max_residual: float
    min_confidence: float
