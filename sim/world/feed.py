"""How the shaft angle drives feed dog, needle and micro-lift; see docs/protocols/sewing_head.md."""

from itertools import pairwise

import numpy as np
from numba import njit

PIERCE = 75.0 / 360.0
LEAVE = 195.0 / 360.0
FEED_START = 225.0 / 360.0
FEED_END = 345.0 / 360.0
TURN_PER_SOLVE = 0.1
RAMP = 12.0 / 360.0
"""Turn of the shaft in which the teeth come up through the throat plate, go down, or the micro-lift acts."""


@njit(cache=True, error_model="numpy")
def feed_progress(turns: float) -> float:
    """Feeds made since turn 0, in stitch lengths: whole turns plus (1 - cos u)/2 over 225 to 345 deg."""
    whole = np.floor(turns)
    u = (turns - whole - FEED_START) / (FEED_END - FEED_START)
    if u <= 0.0:
        return float(whole)
    if u >= 1.0:
        return float(whole + 1.0)
    return float(whole + 0.5 * (1.0 - np.cos(np.pi * u)))


@njit(cache=True, error_model="numpy")
def dog_share(turns: float) -> float:
    """Part of the load that stands on the teeth: all of it from 225 to 345 deg, rising before and falling after."""
    return float(_window(turns, FEED_START, FEED_END))


@njit(cache=True, error_model="numpy")
def needle_is_in(turns: float) -> float:
    """1 while the needle is in the cloth, 75 to 195 deg, with ramps outside of it that micro-lift follows."""
    return float(_window(turns, PIERCE, LEAVE))


@njit(cache=True, error_model="numpy")
def needle_is_down(turns: float) -> bool:
    """The point of the needle is below the throat plate: 75 to 195 deg."""
    return bool(PIERCE <= turns - np.floor(turns) < LEAVE)


@njit(cache=True, error_model="numpy")
def passages(turns: float) -> int:
    """Number of the last turn whose passage at 75 deg lies at or before `turns`."""
    return int(np.floor(turns - PIERCE))


def cut_turn(start: float, end: float) -> list[float]:
    """Fractions of the way from `start` to `end` [turns] between which the dog either feeds or rests, 0 and 1 included;
    at most TURN_PER_SOLVE apart.
    """
    way = end - start
    if way <= 0.0:
        return [0.0, 1.0]
    whole = np.arange(np.floor(start), np.floor(end) + 1.0)
    places = np.concatenate([whole + FEED_START, whole + FEED_END])
    borders = np.sort((places - start) / way)
    cuts = [0.0, *borders[(borders > 1e-9) & (borders < 1.0 - 1e-9)].tolist(), 1.0]
    fractions = [0.0]
    for a, b in pairwise(cuts):
        parts = int(np.ceil((b - a) * way / TURN_PER_SOLVE - 1e-9))
        fractions += [a + (b - a) * n / parts for n in range(1, parts + 1)]
    return fractions


@njit(cache=True, error_model="numpy")
def _window(turns: float, start: float, end: float) -> float:
    part = turns - np.floor(turns)
    return float(min(max(min(part - start, end - part) / RAMP + 1.0, 0.0), 1.0))
