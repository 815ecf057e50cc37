"""What the process did and saw: steps with their times, where pieces lay, which seams were sewn."""

from dataclasses import dataclass, field, replace

from sewcell.geometry.poses import Array
from sewcell.image import Image
from sewcell.motion.trajectory import Certificate
from sewcell.process.looking import Verdict
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.located import LocatedPiece

MOST_PICTURED = 10
"""Pieces of a run whose pictures are kept for the report."""


@dataclass(frozen=True, slots=True)
class StepTime:
    """One step of one piece: loop time at its start and its duration [s]; what it `told` the person who watches."""

    piece: int
    name: str
    started: float
    seconds: float
    told: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A piece as the camera found it, the picture unless it was given away, and the camera as it stood.

    `height` [m]: over the table, at which its outline was seen.
    """

    image: Image | None
    located: LocatedPiece
    camera: CameraModel
    height: float


@dataclass(frozen=True, slots=True)
class SewnSeam:
    """A seam that the machine reported as sewn: planned `line` (2, 2) [m] in pattern coordinates; loop times [s]."""

    name: str
    line: Array
    stitch_length: float
    stitches: int
    started: float
    ended: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class InspectedSeam:
    """What the camera made of a sewn seam, and the picture unless it was given away."""

    image: Image | None
    verdict: Verdict


@dataclass(slots=True, eq=False)
class PieceLog:
    """Everything about one piece. `finished` is the sighting after it was put down.

    `inspected`: one for each of the `seams`, in their order, as far as the work got. `more_to_pick`: whether cloth was
    seen in the pick zone when the piece was finished, or False when the loader had none to present; None where nobody
    looked, for only stacks are looked at.
    """

    index: int
    name: str
    found: Sighting | None = None
    picked: bool = False
    seams: list[SewnSeam] = field(default_factory=list)
    inspected: list[InspectedSeam] = field(default_factory=list)
    finished: Sighting | None = None
    more_to_pick: bool | None = None

    @property
    def flags(self) -> list[str]:
        """Why the piece is to be looked at by a person: each seam that is out of tolerance or could not be judged."""
        return [seam.verdict.text for seam in self.inspected if not seam.verdict.good]

    def give_pictures_away(self) -> None:
        """Keep the figures alone: a shift of pictures fills no memory, and the recording has them all."""
        self.found = self.found and replace(self.found, image=None)
        self.finished = self.finished and replace(self.finished, image=None)
        self.inspected = [replace(seam, image=None) for seam in self.inspected]


@dataclass(slots=True)
class Worklog:
    """The log of a run, filled by the steps. `news`: what the present step has to tell the person who watches."""

    pieces: list[PieceLog] = field(default_factory=list)
    steps: list[StepTime] = field(default_factory=list)
    certificates: dict[str, Certificate] = field(default_factory=dict)
    news: str = ""

    def begin_piece(self, name: str) -> PieceLog:
        """Open the log of the next piece; those before it keep their pictures if they are among the last MOST_PICTURED,
        or the first so many that are flagged."""
        flagged = [log for log in self.pieces if log.flags][:MOST_PICTURED]
        for log in self.pieces[:-MOST_PICTURED]:
            if log not in flagged:
                log.give_pictures_away()
        piece = PieceLog(len(self.pieces), name)
        self.pieces.append(piece)
        return piece
