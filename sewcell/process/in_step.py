"""Keeps the arm in step with the machine: the arm's feed follows the turns that the machine has counted."""

from sewcell.motion.shaft import ShaftMotion

CATCH_UP_TIME = 0.2
"""The arm makes up for an error within about this time [s]."""
LEARNING_RATE = 6.0
"""How fast a lasting difference of the speeds is learned [1/s2]; CATCH_UP_TIME without overshoot needs at most
1 / (4 CATCH_UP_TIME^2)."""
LARGEST_CHANGE = 0.3
"""The feed stays within this of the planned one: a larger difference is a fault, not a matter of keeping in step."""


class StitchFollower:
    """Finds the feed of the arm from the turns of the shaft, by a proportional and an integral part.

    The error is the time by which the arm is behind: the planned time of the place where the shaft is, less the time
    of the arm's motion that is done. `first`: planned time [s] of the shaft at which the arm's motion begins.
    """

    def __init__(self, shaft: ShaftMotion, first: float) -> None:
        self._shaft = shaft
        self._first = first
        self._learned = 0.0
        self._judged_at: float | None = None

    def plan_feed(self, turns: float, elapsed: float, at: float) -> float:
        """The feed, as a fraction of the planned one.

        Args:
            turns: of the shaft since the start of the seam, at loop time `at` [s].
            elapsed: time of the arm's motion that was done at that time [s].
        """
        planned = float(self._shaft.times_at(turns))
        if elapsed <= 0.0 or planned >= self._shaft.duration:
            return 1.0 + self._learned
        behind = planned - self._first - elapsed
        since = 0.0 if self._judged_at is None else at - self._judged_at
        self._judged_at = at
        self._learned = _limit(self._learned + LEARNING_RATE * behind * min(since, CATCH_UP_TIME))
        return 1.0 + _limit(self._learned + behind / CATCH_UP_TIME)


def _limit(change: float) -> float:
    return min(LARGEST_CHANGE, max(-LARGEST_CHANGE, change))
