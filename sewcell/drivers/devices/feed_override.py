"""The controller's feed override as the host knows it: in whole percent, by bytes that noise takes or makes."""

from collections import deque

from sewcell.drivers.protocols.grbl import RealTime

LOWEST, HIGHEST = 10, 200
"""What the controller takes [%]."""
CONFIRMATION_TIME = 0.15
"""A report tells an override that was asked for at most this long before it came [s]."""


class FeedOverride:
    """Finds the bytes that lead from the present override to another. `percent`: what was asked for last."""

    def __init__(self) -> None:
        self.percent = 100
        self._asked: deque[tuple[float, int]] = deque([(0.0, 100)])
        self._corrected_at = 0.0

    def reset(self, at: float) -> list[RealTime]:
        """The bytes for 100 %, whatever it is now."""
        self._ask(100, at)
        return [RealTime.FEED_100_PERCENT]

    def change(self, fraction: float, at: float) -> list[RealTime]:
        """The bytes for `fraction` times the planned speed, in steps of 1 %, at loop time `at` [s].

        On the way the override stays between the old and the new one.
        """
        goal = min(HIGHEST, max(LOWEST, round(100.0 * fraction)))
        difference = goal - self.percent
        self._ask(goal, at)
        tens, ones = divmod(abs(difference), 10)
        if difference > 0:
            return [RealTime.FEED_PLUS_10_PERCENT] * tens + [RealTime.FEED_PLUS_1_PERCENT] * ones
        return [RealTime.FEED_MINUS_10_PERCENT] * tens + [RealTime.FEED_MINUS_1_PERCENT] * ones

    def confirm(self, reported: int, at: float) -> list[RealTime]:
        """What was `reported` at loop time `at` [s]; the bytes that set it right when it cannot be what was asked for.

        A report that came sooner than CONFIRMATION_TIME after a correction may not know of it.
        """
        while len(self._asked) > 1 and self._asked[1][0] <= at - CONFIRMATION_TIME:
            self._asked.popleft()
        possible = [percent for _, percent in self._asked]
        if min(possible) <= reported <= max(possible) or at < self._corrected_at + CONFIRMATION_TIME:
            return []
        goal, self.percent, self._corrected_at = self.percent, reported, at
        return self.change(goal / 100.0, at)

    def _ask(self, percent: int, at: float) -> None:
        if percent != self.percent:
            self._asked.append((at, percent))
        self.percent = percent
