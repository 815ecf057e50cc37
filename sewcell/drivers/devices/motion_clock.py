"""How far the arm has come in a motion, by the host's clock."""


class MotionClock:
    """Time of the motion that is done: it stands while the arm is held, and runs at the rate of the feed override."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._done = 0.0
        self._rate = 1.0
        self._held_since: float | None = None

    @property
    def running(self) -> bool:
        """True from `start` on."""
        return self._since is not None

    def start(self, at: float) -> None:
        """The motion began at loop time `at` [s]."""
        self._since = at

    def set_rate(self, rate: float, at: float) -> None:
        """From loop time `at` [s] on the motion runs at `rate` times its planned speed."""
        if self._since is not None:
            self._done, self._since = self.elapsed(at), max(at, self._since)
        self._rate = rate

    def shift(self, seconds: float) -> None:
        """So much more of the motion has been done than was believed [s]."""
        self._done += seconds

    def hold(self, at: float) -> None:
        """The arm has stood since `at` [s]; a repeated call changes nothing."""
        if self._held_since is None:
            self._held_since = at

    def resume(self, at: float) -> None:
        """The arm was moving at `at` [s]; without an earlier hold nothing changes."""
        if self._held_since is None or at < self._held_since:
            return
        if self._since is not None:
            self._since += max(0.0, at - max(self._held_since, self._since))
        self._held_since = None

    def elapsed(self, at: float) -> float:
        """Time of the motion done at `at` [s]; 0 before the start."""
        if self._since is None:
            return 0.0
        until = at if self._held_since is None else min(at, self._held_since)
        return self._done + self._rate * max(0.0, until - self._since)
