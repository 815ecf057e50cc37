"""Stacks of plies in the pick zone: how many plies are left, and whether what the camera sees agrees with the count."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from sewcell.errors import DeviceFaultError
from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array, transform_points
from sewcell.kinematics.collision import Box
from sewcell.pattern.piece import Piece
from sewcell.process.worklog import PieceLog
from sewcell.units import MM

STACK = "stack"
"""What the plies under the one that is picked are called in messages about clearances."""
UNEVEN = 3.0 * MM
"""Plies stick out of the outline that was found by this at most: five standard deviations of a badly laid stack [m]."""

SPREAD = 0.5 * MM
"""The outline of five plies that lie 0.4 mm beside their place (one standard deviation) sticks out by half their range,
1.16 standard deviations, on every side [m]."""


@dataclass(frozen=True, slots=True)
class Stacks:
    """The loader brings stacks of `plies` pieces; the first of a run has `first` plies left. One ply: single pieces."""

    plies: int = 1
    first: int = 1

    def count(self, piece: int) -> int:
        """Plies that lie in the pick zone when `piece` of a run, counted from 0, is to be picked, itself included."""
        return self.first - piece if piece < self.first else self.plies - (piece - self.first) % self.plies

    def count_left(self, pieces: Sequence[PieceLog]) -> int | None:
        """Plies of the last stack that are left after these pieces of a run; None where pieces come one by one."""
        if self.plies == 1:
            return None
        if not pieces:
            return self.first
        last = pieces[-1]
        if last.more_to_pick is False:
            return 0
        if last.found is None and not last.picked:
            return self.count_left(pieces[:-1])
        return self.count(last.index) - last.picked

    def tell(self, last: PieceLog) -> str:
        """What is left of the stack after this piece, in words."""
        left = self.count_left([last])
        return f"{_name_plies(left)} of the stack left" if left else "the stack is used up"

    def require_agreement(self, pieces: Sequence[PieceLog]) -> None:
        """Make sure, before the last of `pieces` is asked for, that the stack was used up when it should have been.

        Raises: DeviceFaultError when it had fewer or more plies than were counted.
        """
        if len(pieces) < 2 or pieces[-2].more_to_pick is None:
            return
        left, more = self.count(pieces[-2].index) - 1, pieces[-2].more_to_pick
        if left > 0 and not more:
            raise DeviceFaultError(
                f"the stack is empty though {_name_plies(left)} should be left: it did not have the height that was "
                f"expected; load {self.plies} plies and run again for the pieces that are missing"
            )
        if left == 0 and more:
            raise DeviceFaultError(
                "the stack should be used up, but cloth lies in the pick zone: the stack had more plies than were "
                "counted; take the rest away, or run again and tell how many there are with --plies-left"
            )

    def explain_empty(self) -> str:
        """What a person is told when the loader has nothing to present."""
        if self.plies == 1:
            return "the loader has no piece left: fill it, or ask for fewer pieces with --count"
        return (
            f"the stack is empty: load {self.plies} plies and run again for the pieces that are missing, or ask for "
            "fewer with --count"
        )


def enclose_stack(T_base_table: Array, piece: Piece, T_table_piece: PlanarPose, height: float) -> Box:
    """The room that a stack `height` [m] high takes, whose outline was found at `T_table_piece`, in base."""
    low, high = piece.outline.min(axis=0), piece.outline.max(axis=0)
    x, y = T_table_piece.apply((low + high)[None] / 2.0)[0]
    pose = T_base_table @ T_table_piece.matrix()
    pose[:3, 3] = transform_points(T_base_table, np.array([[x, y, height / 2.0]]))[0]
    return Box(STACK, pose, np.array([*((high - low) / 2.0 + UNEVEN), height / 2.0]))


def list_shapes(piece: Piece, plies: int) -> tuple[Piece, ...]:
    """What the outline of `plies` on one another may look like: `piece` as drawn, and a stack larger by SPREAD."""
    return (piece,) if plies == 1 else (piece, _grow(piece, SPREAD))


def _grow(piece: Piece, by: float) -> Piece:
    """The piece with its outline moved outwards by `by` [m]; its frame and all else stay."""
    drawn = shapely.LinearRing(piece.outline)
    grown = shapely.Polygon(drawn).buffer(by, join_style="mitre").exterior
    ring = grown if grown.is_ccw == drawn.is_ccw else grown.reverse()
    return replace(piece, outline=np.asarray(ring.coords)[:-1])


def _name_plies(count: int) -> str:
    return f"{count} {'ply' if count == 1 else 'plies'}"
