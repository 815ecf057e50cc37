"""How the search for a posture ended."""

from dataclasses import dataclass
from enum import Enum

from sewcell.geometry.poses import Array


class IkStatus(Enum):
    """How the search for a posture ended."""

    OK = "ok"
    SINGULAR = "singular"
    """A posture was found, but there the flange cannot move in every direction; `reason` says why."""
    JOINT_LIMIT = "joint limit"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, eq=False)
class IkResult:
    """A posture `q` (6,) [rad] for statuses OK and SINGULAR; None, with the `reason` in words, for the others."""

    status: IkStatus
    q: Array | None
    reason: str
