"""The motion of the sewing machine's main shaft in a seam: turns, pierces and feed as functions of time."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sewcell.errors import MotionError

Array = NDArray[np.float64]

# docs/protocols/sewing_head.md, "Shaft, needle and feed": shaft angles in turns.
PIERCE = 75.0 / 360.0
NEEDLE_DOWN_STOP = 135.0 / 360.0
FEED_START = 225.0 / 360.0
FEED_END = 345.0 / 360.0


@dataclass(frozen=True, slots=True)
class SeamProgram:
    """What the sewing head is told to sew.

    `stitches`: turns of the main part. `stitch_length`: feed of a turn [m]. `speed`, `backtack_speed`: of the shaft
    [turns/s]. `acceleration` [turns/s2]. `backtack_start`, `backtack_end`: turns of one leg of each backtack.
    `needle_stop_down`: the seam ends with the needle down. `needle_start_down`: it begins with the needle down.
    `thread_tension`: of the needle thread [N].
    """

    stitches: int
    stitch_length: float
    speed: float
    backtack_start: int
    backtack_end: int
    backtack_speed: float
    acceleration: float
    needle_stop_down: bool = False
    needle_start_down: bool = False
    thread_tension: float = 1.2

    def __post_init__(self) -> None:
        if self.stitches < 1 or min(self.backtack_start, self.backtack_end) < 0:
            raise MotionError(
                f"a seam needs at least 1 stitch and no negative backtack; it has {self.stitches} stitches and "
                f"backtacks of {self.backtack_start} and {self.backtack_end}"
            )
        if not min(self.stitch_length, self.speed, self.backtack_speed, self.acceleration) > 0.0:
            raise MotionError(
                "stitch length, speed, backtack speed and acceleration of a seam must be positive: correct the garment "
                "or the machine section of the cell file"
            )

    @property
    def sections(self) -> list[tuple[int, int, float]]:
        """The sections in the order of sewing: (turns, direction of the feed, limit of the speed [turns/s])."""
        start, end, slow = self.backtack_start, self.backtack_end, self.backtack_speed
        sections = [
            (start, 1, slow), (start, -1, slow), (self.stitches, 1, self.speed), (end, -1, slow), (end, 1, slow)
        ]  # fmt: skip
        return [section for section in sections if section[0]]

    @property
    def turns(self) -> int:
        """Turns of all sections, N."""
        return sum(turns for turns, _, _ in self.sections)


class ShaftMotion:
    """The exact motion phi(t) of the shaft in a seam; phi in turns counts from the needle-up stop before turn 1.

    The law is v(phi) = min over p of sqrt(lim(p)^2 + 2 a |phi - p|), so v^2 is piecewise linear in phi and phi(t) is
    made of pieces of constant acceleration -a, 0 or a. Time 0: the shaft starts.

    Source: docs/protocols/sewing_head.md, "Shaft, needle and feed".
    """

    def __init__(self, program: SeamProgram) -> None:
        self.program = program
        self.start_turns = NEEDLE_DOWN_STOP if program.needle_start_down else 0.0
        self.end_turns = program.turns - 1 + NEEDLE_DOWN_STOP if program.needle_stop_down else float(program.turns)
        if self.end_turns <= self.start_turns:
            raise MotionError("a seam of one turn that starts and ends with the needle down is empty: add a stitch")
        self._directions = np.repeat([d for _, d, _ in program.sections], [n for n, _, _ in program.sections])  # (N,)
        # (N + 1,) distance fed at the end of each turn
        self._fed = program.stitch_length * np.concatenate([[0.0], np.cumsum(self._directions)])
        self._turns = self._find_borders()
        self._speeds = np.sqrt(self._square_speed(self._turns))
        steps = 2.0 * np.diff(self._turns) / (self._speeds[:-1] + self._speeds[1:])
        self._times = np.concatenate([[0.0], np.cumsum(steps)])
        self._accelerations = np.diff(self._speeds) / steps

    @property
    def duration(self) -> float:
        """Time from the shaft's start to its stop [s]."""
        return float(self._times[-1])

    @property
    def total_turns(self) -> float:
        """Turns from the shaft's start to its stop."""
        return self.end_turns - self.start_turns

    def turns_at(self, times: ArrayLike) -> Array:
        """phi [turns] at the `times` [s], same shape; standing before 0 and after the duration."""
        t = np.clip(np.asarray(times, dtype=np.float64), 0.0, self.duration)
        piece, u = self._locate(t, self._times)
        turns: Array = self._turns[piece] + u * (self._speeds[piece] + u * self._accelerations[piece] / 2.0)
        return turns

    def times_at(self, turns: ArrayLike) -> Array:
        """Time [s] at which the shaft passes phi [turns], same shape: 2 d / (v_k + v(phi)) after the piece's start."""
        phi = np.clip(np.asarray(turns, dtype=np.float64), self.start_turns, self.end_turns)
        piece, d = self._locate(phi, self._turns)
        speed: Array = np.sqrt(np.interp(phi, self._turns, self._speeds**2))
        total = self._speeds[piece] + speed
        later = np.divide(2.0 * d, total, out=np.zeros_like(phi), where=total > 0.0)
        return np.asarray(self._times[piece] + later, dtype=np.float64)

    @cached_property
    def pierce_turns(self) -> Array:
        """phi [turns] of every place where the needle enters the cloth, (M,)."""
        turns = np.arange(self.program.turns, dtype=np.float64) + PIERCE
        return turns[(turns >= self.start_turns) & (turns <= self.end_turns)]

    @cached_property
    def pierce_times(self) -> Array:
        """Time [s] of every pierce, (M,)."""
        return self.times_at(self.pierce_turns)

    def feed_position(self, turns: ArrayLike) -> Array:
        """Distance [m] that the feed dog has moved the cloth at phi [turns], forward positive, same shape.

        Within a turn it grows as (1 - cos u)/2 with u from 0 to pi over 225 to 345 deg.
        """
        phi = np.clip(np.asarray(turns, dtype=np.float64), self.start_turns, self.end_turns)
        turn = np.minimum(phi.astype(np.int64), self.program.turns - 1)
        u = np.pi * np.clip((phi - turn - FEED_START) / (FEED_END - FEED_START), 0.0, 1.0)
        fed: Array = self._fed[turn] + self._directions[turn] * self.program.stitch_length * (1.0 - np.cos(u)) / 2.0
        return fed

    def mean_feed(self, turns: ArrayLike) -> Array:
        """Piecewise-linear mean [m] of the stepped feed at phi [turns], same shape.

        It joins the places at which the cloth stands at every pierce, so that a guide that follows it does not pull
        the cloth at the instant of a pierce; at both ends it rests with the feed.
        """
        borders = np.concatenate([[self.start_turns], self.pierce_turns, [self.end_turns]])
        return np.interp(np.asarray(turns, dtype=np.float64), borders, self.feed_position(borders))

    def _locate(self, values: Array, borders: Array) -> tuple[NDArray[np.int64], Array]:
        piece = np.clip(np.searchsorted(borders, values, side="right") - 1, 0, len(borders) - 2)
        return piece, values - borders[piece]

    def _square_speed(self, phi: Array) -> Array:
        """v^2 [turns2/s2] at phi (M,): the lower envelope of lim^2 + 2 a |phi - p| over the sections and both ends."""
        borders, limits = self._stretches()
        outside = np.maximum(borders[:-1, None] - phi, phi - borders[1:, None])
        slope = 2.0 * self.program.acceleration
        ends = slope * np.minimum(phi - self.start_turns, self.end_turns - phi)
        square: Array = np.minimum(
            np.min(limits[:, None] ** 2 + slope * np.maximum(outside, 0.0), axis=0), np.maximum(ends, 0.0)
        )
        return square

    def _stretches(self) -> tuple[Array, Array]:
        """Borders (S + 1,) [turns] of the sections that the shaft passes, and their speeds (S,) [turns/s]."""
        borders = np.cumsum([0, *(n for n, _, _ in self.program.sections)]).astype(np.float64)
        limits = np.array([limit for _, _, limit in self.program.sections])
        borders[0], borders[-1] = self.start_turns, self.end_turns
        return borders, limits

    def _find_borders(self) -> Array:
        """phi [turns] at which the acceleration changes, ends included, (K + 1,)."""
        borders, limits = self._stretches()
        slope = 2.0 * self.program.acceleration
        # Each line is v^2 = c + m phi; the envelope can only bend at a border or where two lines cross.
        lines = [(0.0, limit**2) for limit in limits]
        lines += [(slope, limit**2 - slope * end) for limit, end in zip(limits, borders[1:], strict=True)]
        lines += [(-slope, limit**2 + slope * start) for limit, start in zip(limits, borders[:-1], strict=True)]
        lines += [(slope, -slope * self.start_turns), (-slope, slope * self.end_turns)]
        crossings = [(c2 - c1) / (m1 - m2) for m1, c1 in lines for m2, c2 in lines if m1 > m2]
        candidates = np.unique(np.concatenate([borders, crossings]))
        candidates = candidates[np.diff(candidates, prepend=-np.inf) > 1e-12]
        inside = (candidates > self.start_turns + 1e-12) & (candidates < self.end_turns - 1e-12)
        return np.concatenate([[self.start_turns], candidates[inside], [self.end_turns]])
