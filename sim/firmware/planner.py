"""The controller's queue of straight joint moves, run along a time scale that holds and overrides stretch."""

from collections import deque
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

CAPACITY = 100
"""Blocks that the queue holds, the running one included."""
BRAKING_TIME = 0.1
"""Time [s] in which a hold brings the time scale from 1 to 0, and a resume from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Block:
    """A straight line from `start` to `target`, (6,) [deg] each, that lasts `duration` [s] at time scale 1."""

    start: NDArray[np.float64]
    target: NDArray[np.float64]
    duration: float


class Planner:
    """Runs its blocks one after the other without a stop between them.

    The progress tau within a block obeys d tau / dt = override * scale, where `scale` is 1 in undisturbed motion and
    changes linearly, by 1 in BRAKING_TIME, towards 0 in a hold and back to 1 after it. Every stretch of this is
    integrated in closed form, so the position does not depend on how often `advance` is called.
    """

    def __init__(self, position: NDArray[np.float64]) -> None:
        self.override = 1.0
        self.idle_since = 0.0
        self._blocks: deque[Block] = deque()
        self._standing = position.copy()
        self._elapsed = 0.0
        self._time = 0.0
        self._scale = 1.0
        self._goal = 1.0

    @property
    def free(self) -> int:
        """Blocks that can still be pushed."""
        return CAPACITY - len(self._blocks)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is queued or running."""
        return not self._blocks

    @property
    def stands(self) -> bool:
        """Whether the arm is at rest."""
        return not self._blocks or (self._scale == 0.0 and self._goal == 0.0)

    @property
    def position(self) -> NDArray[np.float64]:
        """Where the arm is at the time last advanced to, (6,) [deg]."""
        if not self._blocks:
            return self._standing.copy()
        block = self._blocks[0]
        return block.start + (block.target - block.start) * (self._elapsed / block.duration)

    @property
    def end(self) -> NDArray[np.float64]:
        """Where the arm will be when the queue has run, (6,) [deg]."""
        return (self._blocks[-1].target if self._blocks else self._standing).copy()

    @property
    def speed(self) -> float:
        """Length of the present joint velocity [deg/s]."""
        if not self._blocks:
            return 0.0
        block = self._blocks[0]
        return float(np.linalg.norm(block.target - block.start)) / block.duration * self.override * self._scale

    def push(self, target: NDArray[np.float64], duration: float) -> None:
        """Append a move from the end of the queue; one that takes no time takes no block."""
        if duration > 0.0:
            self._blocks.append(Block(self.end, target, duration))
        elif not self._blocks:
            self._standing = target.copy()

    def hold(self) -> None:
        """Begin to brake; the queue is kept."""
        self._head_for(0.0)

    def release(self) -> None:
        """Begin to go on."""
        self._head_for(1.0)

    def clear(self) -> None:
        """Stand here at once, with an empty queue, ready for the next block."""
        self._standing = self.position
        self._blocks.clear()
        self._elapsed = 0.0
        self._scale = self._goal = 1.0
        self.idle_since = self._time

    def advance(self, now: float) -> None:
        """Run the queue up to the time `now` [s]."""
        while self._blocks and self._time < now:
            slope = (self._goal - self._scale) and (1.0 if self._goal > self._scale else -1.0) / BRAKING_TIME
            ramp = (self._goal - self._scale) / slope if slope else inf
            block = self._blocks[0]
            needed = _time_to_cover(block.duration - self._elapsed, self.override * self._scale, self.override * slope)
            stretch = min(needed, ramp, now - self._time)
            self._elapsed += self.override * (self._scale + 0.5 * slope * stretch) * stretch
            self._scale = self._goal if stretch == ramp else self._scale + slope * stretch
            self._time += stretch
            if stretch == needed:
                self._blocks.popleft()
                self._elapsed = 0.0
                self._standing = block.target
                self.idle_since = self._time
        if not self._blocks:
            self._scale = self._goal
        self._time = max(self._time, now)

    def _head_for(self, goal: float) -> None:
        self._goal = goal
        if not self._blocks:
            self._scale = goal


def _time_to_cover(rest: float, speed: float, acceleration: float) -> float:
    """The first t >= 0 with speed t + acceleration t^2 / 2 = rest; infinite when the motion turns before."""
    if rest <= 0.0:
        return 0.0
    discriminant = speed * speed + 2.0 * acceleration * rest
    if discriminant < 0.0:
        return inf
    divisor = speed + sqrt(discriminant)
    return 2.0 * rest / divisor if divisor > 0.0 else inf
