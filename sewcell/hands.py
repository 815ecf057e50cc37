"""What a calibration asks a person to do with boards, labels and the arm; in a simulated cell the backend does it."""

from dataclasses import dataclass
from typing import Protocol

from sewcell.geometry.board_pattern import BoardPattern
from sewcell.geometry.planar import PlanarPose
from sewcell.units import DEG, MM


@dataclass(frozen=True, slots=True)
class ShowBoard:
    """Hold a board before the camera; `number` counts from 1."""

    board: BoardPattern
    number: int

    def __str__(self) -> str:
        return (
            f"Picture {self.number}: hold the {self.board} before the camera, a third to two thirds of the picture "
            "wide, at another place of the picture than before, tilted by 20 to 45 degrees to another side."
        )


@dataclass(frozen=True, slots=True)
class LayBoard:
    """Lay a board on the table: at `place` (T_table_board), or anywhere."""

    board: BoardPattern
    thickness: float
    number: int
    place: PlanarPose | None

    def __str__(self) -> str:
        if self.place is None:
            return f"Picture {self.number}: lay the {self.board} flat anywhere else on the table, turned differently."
        return (
            f"Picture {self.number}: lay the {self.board} flat on the table, the outer corner of its lower left square "
            f"at x {self.place.x / MM:g} mm, y {self.place.y / MM:g} mm, turned by {self.place.theta / DEG:g} degrees."
        )


@dataclass(frozen=True, slots=True)
class StickFiducials:
    """Markers `numbers` of side `size` [m] are to be stuck to the table where nothing covers them."""

    numbers: tuple[int, ...]
    size: float

    def __str__(self) -> str:
        return (
            f"Markers {', '.join(map(str, self.numbers))} of {self.size / MM:g} mm must stick to the table at the rim "
            "of the camera's picture. Clear the table and move the arm out of the picture."
        )


@dataclass(frozen=True, slots=True)
class TurnHand:
    """Bring the arm to another posture in which the camera sees the board."""

    board: BoardPattern
    number: int

    def __str__(self) -> str:
        return (
            f"Picture {self.number}: jog the arm so that the camera sees the {self.board}, the hand tilted by 10 to 40 "
            "degrees to another side than before. Let it stand still."
        )


@dataclass(frozen=True, slots=True)
class TouchTip:
    """Bring the tool's touching point to the fixed tip, with the hand turned otherwise than before."""

    number: int

    def __str__(self) -> str:
        return (
            f"Touch {self.number}: jog the arm so that the point of the tool just touches the fixed tip, the hand "
            "tilted by 10 to 40 degrees to another side than before. Let it stand still."
        )


Task = ShowBoard | LayBoard | StickFiducials | TurnHand | TouchTip


class Hands(Protocol):
    """Carries out tasks. At the hardware a person does, who is asked on the screen."""

    async def carry_out(self, task: Task) -> None:
        """Returns when it is done."""
        ...
