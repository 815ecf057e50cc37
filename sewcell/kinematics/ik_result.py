"""How the search for a posture ended."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from numpy.typing import ArrayLike

from sewcell.geometry.poses import Array


class IkStatus(Enum):
    """How the search for a posture ended."""

    OK = "ok"
    SINGULAR = "singular"
    """A posture was found, but there the flange cannot move in every direction; `reason` says why."""
    JOINT_LIMIT = "joint limit"
    UNREACHABLE = "unreachable"


@dataclass(slots=True, eq=False)
class IkResult:
    """A posture `q` (6,) [rad] for statuses OK and SINGULAR; None, with the `reason` in words, for the others.

    Not frozen, which would take a third of the time of an answer; nothing of sewcell changes it.
    """

    q: Array | None
    status: IkStatus = IkStatus.OK
    reason: str = ""


class SolveAll(Protocol):
    """Every posture that reaches a pose."""

    def __call__(self, T: ArrayLike) -> Array: ...


class Solve(Protocol):
    """The posture inside the limits that reaches a pose soonest."""

    def __call__(self, T: ArrayLike, near: ArrayLike) -> IkResult: ...
