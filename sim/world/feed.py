"""How the shaft angle drives feed dog and needle; see docs/protocols/sewing_head.md."""

import numpy as np
from numba import njit

PIERCE = 75.0 / 360.0
LEAVE = 195.0 / 360.0
FEED_START = 225.0 / 360.0
FEED_END = 345.0 / 360.0


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
def needle_is_down(turns: float) -> bool:
    """The point of the needle is below the throat plate: 75 to 195 deg."""
    return bool(PIERCE <= turns - np.floor(turns) < LEAVE)


@njit(cache=True, error_model="numpy")
def passages(turns: float) -> int:
    """Number of the last turn whose passage at 75 deg lies at or before `turns`."""
    return int(np.floor(turns - PIERCE))
