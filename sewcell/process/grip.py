"""Where the gripper plate takes a piece so that its sew line runs straight under the needle.

The machine feeds the cloth along +x of the needle frame, so the needle walks along the sew line towards -x. The body
of the piece and the gripper plate lie at +y, left of the needle; the column of the head is at the right.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array, invert_pose, make_pose, transform_points
from sewcell.pattern.piece import Piece
from sewcell.process.recipe import SeamRecipe


@dataclass(frozen=True, slots=True)
class SeamGrip:
    """How one seam is held and led.

    `line` (2, 2): the sew line in pattern coordinates, in the sense of sewing. `needle_piece`: pose of the piece in the
    needle frame at the first stitch. `piece_tool`: T_piece_tool (4, 4), tool z into the fabric, origin in the plane
    of the fabric. `length` [m].
    """

    line: Array
    needle_piece: PlanarPose
    piece_tool: Array
    length: float

    def needle_tool(self, height: float, travelled: float = 0.0, aside: float = 0.0) -> Array:
        """T_needle_tool (4, 4): pin face `height` over the bed, seam `travelled` on, `aside` to the left [m]."""
        T = self.needle_piece.matrix() @ self.piece_tool
        T[:3, 3] += (travelled, aside, height)
        return T


def plan_grip(piece: Piece, seam: SeamRecipe, plate_size: ArrayLike) -> SeamGrip:
    """The grip for `seam` with a plate of `plate_size` (along the seam, across it) [m], centred along the seam."""
    start, end = line = orient_line(piece, seam)
    along = end - start
    length = float(np.hypot(*along))

    turn = float(np.pi - np.arctan2(along[1], along[0]))
    x, y = -PlanarPose(0.0, 0.0, turn).apply(start[None])[0]
    needle_piece = PlanarPose(float(x), float(y), turn)

    across = float(np.asarray(plate_size)[1])
    T_needle_tool = make_pose((-length / 2.0, seam.grip_distance + across / 2.0, 0.0), (np.pi, 0.0, 0.0))
    return SeamGrip(line, needle_piece, invert_pose(needle_piece.matrix()) @ T_needle_tool, length)


def orient_line(piece: Piece, seam: SeamRecipe) -> Array:
    """The sew line (2, 2) in the sense of sewing: the body of the piece lies to its right."""
    start, end = seam.line
    return np.stack([end, start] if _body_is_left_of(start, end, piece.outline) else [start, end])


def measure_flap(piece: Piece, grip: SeamGrip, plate_size: ArrayLike) -> float:
    """How far the piece reaches beyond the gripper plate of `plate_size` (along the seam, across it) [m]."""
    outline = transform_points(invert_pose(grip.piece_tool), np.pad(piece.outline, ((0, 0), (0, 1))))[:, :2]
    beyond = np.maximum(np.abs(outline) - np.asarray(plate_size, dtype=np.float64) / 2.0, 0.0)
    return float(np.hypot(*beyond.T).max())


def count_stitches(length: float, stitch_length: float) -> tuple[int, float]:
    """Whole stitches that cover a seam, and their exact length [m], as near to `stitch_length` as possible."""
    stitches = max(1, round(length / stitch_length))
    return stitches, length / stitches


def _body_is_left_of(start: Array, end: Array, outline: Array) -> bool:
    (dx, dy), (px, py) = end - start, _centroid(outline) - start
    return bool(dx * py - dy * px > 0.0)


def _centroid(outline: Array) -> Array:
    """Centre of area of a polygon (N, 2)."""
    following = np.roll(outline, -1, axis=0)
    cross = outline[:, 0] * following[:, 1] - following[:, 0] * outline[:, 1]
    centre: Array = ((outline + following) * cross[:, None]).sum(axis=0) / (3.0 * cross.sum())
    return centre
