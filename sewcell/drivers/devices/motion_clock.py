"""How far the arm has come in a motion, by the host's clock."""


class MotionClock:
    """Time since the motion's start, without the time that it was held."""

    def __init__(self) -> None:
        self._started: float | None = None
        self._held_since: float | None = None

    @property
    def running(self) -> bool:
        """True from `start` on."""
        return self._started is not None

    def start(self, at: float) -> None:
        """The motion began at loop time `at` [s]."""
        self._started = at

    def hold(self, at: float) -> None:
        """The arm has stood since `at` [s]; a repeated call changes nothing."""
        if self._held_since is None:
            self._held_since = at

    def resume(self, at: float) -> None:
        """The arm was moving at `at` [s]; without an earlier hold nothing changes."""
        if self._held_since is None or at < self._held_since:
            return
        if self._started is not None:
            self._started += max(0.0, at - max(self._held_since, self._started))
        self._held_since = None

    def elapsed(self, at: float) -> float:
        """Time of the motion done at `at` [s]; 0 before the start."""
        if self._started is None:
            return 0.0
        return max(0.0, (at if self._held_since is None else min(at, self._held_since)) - self._started)
