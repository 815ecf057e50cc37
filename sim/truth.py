"""What really happened in the simulated cell. Read by tests, benchmarks and the run report, never by the controller."""

import hashlib
import struct
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pierce:
    """The needle passed the throat plate: `x`, `y` [m] in the coordinates of the piece's pattern,
    or NaN beside the fabric. `skipped`: the hook missed the loop, so that the thread lies loose over this hole.
    """

    piece: int
    turn: int
    time: float
    x: float
    y: float
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class TruePose:
    """How a piece lay on the table, as `PlanarPose`: best fit of its material points, in table coordinates [m, rad]."""

    piece: int
    time: float
    x: float
    y: float
    theta: float
    mirrored: bool


@dataclass(slots=True)
class Truth:
    """The log of the world.

    `laid`: pose of each piece when the loader had laid it and it had come to rest.
    `largest_strain`: principal stretch minus 1 of any triangle of cloth so far, looked at five times a second.
    """

    pierces: list[Pierce] = field(default_factory=list)
    laid: list[TruePose] = field(default_factory=list)
    picked: dict[int, bool] = field(default_factory=dict)
    events: list[tuple[float, str]] = field(default_factory=list)
    largest_strain: float = 0.0

    def digest(self) -> str:
        """sha256 of the needle log, bit for bit."""
        sha = hashlib.sha256()
        for p in self.pierces:
            sha.update(struct.pack("<iiddd?", p.piece, p.turn, p.time, p.x, p.y, p.skipped))
        return sha.hexdigest()
