"""Virtual time: an asyncio event loop whose clock jumps to the next timer instead of waiting."""

import asyncio
import math
import selectors
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")


LONGEST_LAG = 0.05
"""Time [s] that a paced cell makes up for after the computer was too slow; what is more is given up."""

LOOKS_EVERY = 64
"""A loop that has no file but its own, which tells of signals, looks at it once in so many turns: it costs time."""


class SimDeadlockError(RuntimeError):
    """Every task of a simulation waits, and no timer is set that could wake one."""


class _JumpingSelector(selectors.DefaultSelector):
    """Polls I/O without waiting, then moves the virtual clock on by the time that the loop wanted to wait."""

    def __init__(self, rate: float, start: float, name_waiting: Callable[[], str]) -> None:
        super().__init__()
        self.now = start
        self._turns = 0
        self._rate = rate
        self._name_waiting = name_waiting
        self._wall_start = time.monotonic() - (start / rate if math.isfinite(rate) else 0.0)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            events = super().select(0.0)
            if not events:
                raise SimDeadlockError(
                    f"virtual time stands still at {self.now:.6f} s: no timer is set and these tasks wait: "
                    f"{self._name_waiting()}; something must answer, sleep or time out"
                )
            return events
        due = self.now + max(0.0, timeout)
        self._turns += 1
        if math.isinf(self._rate) and len(self.get_map()) <= 1 and self._turns % LOOKS_EVERY:
            self.now = due
            return []
        events = super().select(self._wall_time_until(due) if timeout > 0.0 else 0.0)
        if not events:
            self.now = due
        elif math.isfinite(self._rate):
            self.now = max(self.now, min(due, (time.monotonic() - self._wall_start) * self._rate))
        self._give_up_lag()
        return events

    def _give_up_lag(self) -> None:
        """A computer that is too slow makes the cell slow, but never hurried."""
        if math.isfinite(self._rate):
            latest_start = time.monotonic() - self.now / self._rate - LONGEST_LAG
            self._wall_start = max(self._wall_start, latest_start)

    def _wall_time_until(self, due: float) -> float:
        if math.isinf(self._rate):
            return 0.0
        return max(0.0, self._wall_start + due / self._rate - time.monotonic())


class SimLoop(asyncio.SelectorEventLoop):
    """Event loop of the simulated cell; `time()` starts at `start` [s].

    `rate`: seconds of cell time per second of wall time, fewer when the computer is too slow; infinite runs as fast as
    the computer can. With an infinite rate a run depends on nothing but the program, so two runs are identical.
    """

    def __init__(self, rate: float = math.inf, start: float = 0.0) -> None:
        self._clock = _JumpingSelector(rate, start, self._name_waiting)
        super().__init__(self._clock)

    def time(self) -> float:
        """Cell time [s]."""
        return self._clock.now

    @property
    def _clock_resolution(self) -> float:
        # asyncio runs timers with `when < time() + resolution`: one ulp runs those that are due and none early,
        # so that whoever sleeps until t finds time() >= t.
        return math.ulp(self._clock.now)

    @_clock_resolution.setter
    def _clock_resolution(self, value: float) -> None:
        """BaseEventLoop writes the resolution of the wall clock here; it has no meaning for this one."""

    def run_in_executor(  # type: ignore[override]  # typeshed's signature ties func to args; see asyncio docs
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run `func(*args)` here and now; its result arrives after `func.expected` seconds of cell time (default 0)."""
        future: asyncio.Future[T] = self.create_future()
        try:
            result = func(*args)
        except Exception as error:
            self.call_later(getattr(func, "expected", 0.0), self._unless_done, future, future.set_exception, error)
        else:
            self.call_later(getattr(func, "expected", 0.0), self._unless_done, future, future.set_result, result)
        return future

    @staticmethod
    def _unless_done(future: asyncio.Future[T], deliver: Callable[[Any], None], outcome: object) -> None:
        if not future.done():
            deliver(outcome)

    def _name_waiting(self) -> str:
        return ", ".join(sorted(task.get_name() for task in asyncio.all_tasks(self))) or "none"


def run_virtual(main: Coroutine[Any, Any, T], rate: float = math.inf) -> T:
    """Like `asyncio.run`, in virtual time.

    Raises:
        SimDeadlockError: nothing can ever happen again, and `main` is not done.
    """
    if not rate > 0.0:
        main.close()
        raise ValueError(f"rate must be positive, not {rate}; 1.0 is real time, inf as fast as possible")
    with asyncio.Runner(loop_factory=lambda: SimLoop(rate)) as runner:
        return runner.run(main)
