"""Whether a line still answers: connected, degraded or lost, by the time for which the peer was asked in vain."""

from enum import Enum

DEGRADED_AFTER = 0.5
"""Without an answer for this long a line is degraded [s]."""
LOST_AFTER = 1.0
"""Without an answer for this long a line is lost [s]."""
REOPEN_PERIOD = 0.5
"""Time between two attempts to open a port that is gone [s]."""


class LinkState(Enum):
    """How well a line answers."""

    CONNECTED = "connected"
    DEGRADED = "degraded"
    LOST = "lost"


class LinkWatch:
    """Adds up the time of waiting in vain.

    The time is that of the waiting, not that of the clock: after the host itself was frozen, the answers that came
    meanwhile are still to be read.
    """

    def __init__(self) -> None:
        self.silence = 0.0

    @property
    def state(self) -> LinkState:
        """The state of the line."""
        # Sums of periods are compared: half a millisecond for their rounding.
        if self.silence > LOST_AFTER - 5e-4:
            return LinkState.LOST
        return LinkState.DEGRADED if self.silence > DEGRADED_AFTER - 5e-4 else LinkState.CONNECTED

    def wait(self, seconds: float) -> None:
        """The peer was asked and did not answer for another `seconds`."""
        self.silence += seconds

    def hear(self) -> None:
        """The peer answered."""
        self.silence = 0.0
