"""Small parts that the Modbus modules share: an actuator's stroke, a late sensor, a watch over the host's heartbeat."""

from collections import deque
from dataclasses import dataclass, field
from math import copysign, inf


@dataclass(slots=True)
class Stroke:
    """An actuator that takes `duration` [s] for its full stroke from 0 to 1, at constant speed."""

    duration: float
    _from: float = 0.0
    _to: float = 0.0
    _since: float = -inf

    def move(self, to: float, now: float) -> None:
        """Begin to move towards `to`; repeating a command changes nothing."""
        if to != self._to:
            self._from = self.at(now)
            self._to = to
            self._since = now

    @property
    def arrival(self) -> float:
        """When the present move ends or ended [s]."""
        return self._since + abs(self._to - self._from) * self.duration

    def at(self, now: float) -> float:
        """Position within the stroke, 0 to 1."""
        if now >= self.arrival:
            return self._to
        return self._from + copysign((now - self._since) / self.duration, self._to - self._from)


@dataclass(slots=True)
class LateSensor:
    """A value that is seen `delay` [s] after it was true."""

    delay: float
    _changes: deque[tuple[float, float]] = field(default_factory=lambda: deque([(-inf, 0.0)]))

    def observe(self, value: float, now: float) -> None:
        """The value is now this."""
        if value != self._changes[-1][1]:
            self._changes.append((now, value))
        while len(self._changes) > 1 and self._changes[1][0] <= now - self.delay:
            self._changes.popleft()

    def at(self, now: float) -> float:
        """What was true `delay` ago."""
        return next(value for time, value in reversed(self._changes) if time <= now - self.delay)


@dataclass(slots=True)
class HeartbeatWatch:
    """Since when the host has been silent; without a change of HEARTBEAT for `timeout` [s] it counts as silent."""

    timeout: float = 0.3
    value: int = 0
    changed_at: float = 0.0

    def observe(self, value: int, now: float) -> None:
        """The host wrote `value`."""
        if value != self.value:
            self.value = value
            self.changed_at = now

    def is_silent(self, now: float) -> bool:
        """Whether no change has come for longer than the timeout."""
        return now - self.changed_at > self.timeout
