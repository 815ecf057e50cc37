"""Motion of the sewing machine's main shaft: the fastest profile under speed limits, as an exact function of time."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, sqrt

POSITIONING_SPEED = 200.0 / 60.0
"""Top speed [turns/s] of single moves to a stop position (docs/protocols/sewing_head.md)."""
STOPPING_SPEED = 1000.0 / 60.0
BRAKING = 20000.0 / 60.0
"""A stop goes on to the needle-up stop at this speed at most [turns/s], and brakes with this [turns/s2]."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Constant acceleration from time `begin` [s] on: place [turns], speed [turns/s], acceleration [turns/s2]."""

    begin: float
    place: float
    speed: float
    acceleration: float


@dataclass(frozen=True, slots=True)
class ShaftMove:
    """A motion that comes to rest at `end` [turns] at the time `end_time` [s]."""

    pieces: tuple[Piece, ...]
    end: float
    end_time: float

    def at(self, time: float) -> tuple[float, float]:
        """Place [turns] and speed [turns/s]; before the motion it stands at its start, after it exactly at its end."""
        if time >= self.end_time:
            return self.end, 0.0
        if time <= self.pieces[0].begin:
            return self.pieces[0].place, 0.0 if time < self.pieces[0].begin else self.pieces[0].speed
        piece = self.pieces[bisect_right(self.pieces, time, key=lambda p: p.begin) - 1]
        t = time - piece.begin
        place = piece.place + (piece.speed + 0.5 * piece.acceleration * t) * t
        return min(place, self.end), max(0.0, piece.speed + piece.acceleration * t)


def plan_move(
    start: float, speed: float, sections: Sequence[tuple[float, float]], acceleration: float, begin: float
) -> ShaftMove:
    """The fastest motion through `sections` that ends at rest.

    v(phi)^2 = min over every point p of lim(p)^2 + 2 a |phi - p|, with lim = `speed` at the start and 0 at the end
    (docs/protocols/sewing_head.md). Between the borders of the sections, v^2 rises with 2 a, is constant and falls with
    2 a; the squares at the borders follow from a pass forwards and a pass backwards.

    Args:
        start: place at `begin` [turns].
        speed: speed there [turns/s].
        sections: (end [turns], speed limit [turns/s]) of each, in the order of the motion.
        acceleration: of speeding up and slowing down [turns/s2].
        begin: time at which the motion starts [s].
    """
    sections = [section for section in sections if section[0] > start]
    if not sections:
        return ShaftMove((Piece(begin, start, 0.0, 0.0),), start, begin)
    borders = [start, *(end for end, _ in sections)]
    lengths = [b - a for a, b in pairwise(borders)]
    squares = [speed**2, *(min(a, b) ** 2 for (_, a), (_, b) in pairwise(sections)), 0.0]
    for i, length in enumerate(lengths):
        squares[i + 1] = min(squares[i + 1], squares[i] + 2.0 * acceleration * length)
    for i in reversed(range(len(lengths))):
        squares[i] = min(squares[i], squares[i + 1] + 2.0 * acceleration * lengths[i])

    pieces: list[Piece] = []
    time = begin
    for i, length in enumerate(lengths):
        low, high = squares[i], squares[i + 1]
        top = min(sections[i][1] ** 2, 0.5 * (low + high) + acceleration * length)
        top = max(top, low, high)
        rise, fall = (top - low) / (2.0 * acceleration), (top - high) / (2.0 * acceleration)
        flat = max(0.0, length - rise - fall)
        steps = (
            (borders[i], sqrt(low), acceleration, (sqrt(top) - sqrt(low)) / acceleration),
            (borders[i] + rise, sqrt(top), 0.0, flat / sqrt(top)),
            (borders[i] + rise + flat, sqrt(top), -acceleration, (sqrt(top) - sqrt(high)) / acceleration),
        )
        for place, v, a, duration in steps:
            if duration > 0.0:
                pieces.append(Piece(time, place, v, a))
                time += duration
    return ShaftMove(tuple(pieces), borders[-1], time)


def plan_stop(start: float, speed: float, now: float) -> ShaftMove:
    """Brake as hard as the drive can and go on, at no more than STOPPING_SPEED, to the next needle-up stop."""
    # 1e-9 turns: rounding must not cost a whole turn.
    end = float(ceil(start + speed**2 / (2.0 * BRAKING) - 1e-9))
    sections = [(end, STOPPING_SPEED)]
    if speed > STOPPING_SPEED:
        slowed = start + (speed**2 - STOPPING_SPEED**2) / (2.0 * BRAKING)
        sections.insert(0, (slowed, speed))
    return plan_move(start, speed, sections, BRAKING, now)
