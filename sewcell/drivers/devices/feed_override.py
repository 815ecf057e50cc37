"""The controller's feed override as the host knows it: in whole percent, by bytes that may get lost."""

from sewcell.drivers.protocols.grbl import RealTime

LOWEST, HIGHEST = 10, 200
"""What the controller takes [%]."""
CONFIRMATION_TIME = 0.15
"""A report that comes later than this after a change knows of it [s]."""


class FeedOverride:
    """Finds the bytes that lead from the present override to another."""

    def __init__(self) -> None:
        self.percent = 100
        self._changed_at = 0.0

    def reset(self, at: float) -> list[RealTime]:
        """The bytes for 100 %, whatever it is now."""
        self.percent, self._changed_at = 100, at
        return [RealTime.FEED_100_PERCENT]

    def change(self, fraction: float, at: float) -> list[RealTime]:
        """The bytes for `fraction` times the planned speed, in steps of 1 %, at loop time `at` [s]."""
        goal = min(HIGHEST, max(LOWEST, round(100.0 * fraction)))
        difference, self.percent = goal - self.percent, goal
        if difference == 0:
            return []
        self._changed_at = at
        tens = round(difference / 10)
        ones = difference - 10 * tens
        ten = RealTime.FEED_PLUS_10_PERCENT if tens > 0 else RealTime.FEED_MINUS_10_PERCENT
        one = RealTime.FEED_PLUS_1_PERCENT if ones > 0 else RealTime.FEED_MINUS_1_PERCENT
        # Small steps first where the large ones would run into a limit.
        steps = [one] * abs(ones) + [ten] * abs(tens)
        return steps if LOWEST <= goal - 10 * tens <= HIGHEST else steps[::-1]

    def confirm(self, reported: int, at: float) -> list[RealTime]:
        """What was `reported` at loop time `at` [s]; the bytes that set it right when a byte was lost."""
        if reported == self.percent or at < self._changed_at + CONFIRMATION_TIME:
            return []
        goal, self.percent = self.percent, reported
        return self.change(goal / 100.0, at)
