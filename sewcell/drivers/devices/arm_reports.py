"""What the arm tells about itself: its state, where it is, how a motion went."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class ArmState(Enum):
    """What the arm is ready for."""

    DISCONNECTED = "disconnected"
    READY = "ready"
    MOVING = "moving"
    HELD = "held"
    FAULT = "fault"
    LOST = "lost"


@dataclass(frozen=True, slots=True, eq=False)
class JointReport:
    """Where the arm said it was: `joints` (6,) [rad] at loop time `at` [s]."""

    joints: Array
    at: float


@dataclass(frozen=True, slots=True)
class MoveReport:
    """Loop times [s] of a motion: its start as foreseen and as measured from the controller's answer, its end.

    `latency`: estimated time from the host to the controller [s].
    """

    foreseen_start: float
    start: float
    end: float
    latency: float
