"""What stopped the cell or soon will, in words for the person who stands before it."""

from dataclasses import dataclass

from sewcell.errors import SewcellError

WARNING = "warning"
"""Kind of an alarm that stops nothing."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """`time`: loop time [s]. `kind`: the family of the error, or WARNING. `step`: what the cell was doing."""

    time: float
    kind: str
    step: str
    text: str


def alarm_from_error(error: SewcellError, step: str, time: float) -> Alarm:
    """The alarm for an error that ended a run."""
    return Alarm(time, type(error).__name__, step, str(error))
