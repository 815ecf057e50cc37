"""Robust least squares for edges of cut cloth, whose errors are alike along a side of the outline."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sewcell.geometry.poses import Array
from sewcell.units import MM, UM

KNIFE_REACH = 50.0 * MM
"""Over this length the error of a knife fades to a third (1 / e)."""
KNIFE_SIGMA = 0.1 * MM
"""Standard deviation of what a knife cuts beside the line: at least this is reckoned with."""
_LEAST_WHITE = 20.0 * UM
_REWEIGHTINGS = 3
_TUKEY = 4.685  # 95 % efficiency at the normal distribution
_SCALE_FLOOR = 50.0 * UM
_MAD_TO_SIGMA = 1.4826
_TINY = 1e-9
_GOOD_SHARE, _LEAST_SHARE = 0.3, 0.01
"""Edges with a smaller robust weight do not speak for the size of the errors, or not at all."""


@dataclass(frozen=True, slots=True)
class Solution:
    """`step` (K,): the most likely unknowns when errors are alike along a side; `covariance` (K, K) of them.

    `plain` (K,): the unknowns when every edge errs by itself, which fits the edges as closely as can be.
    """

    step: Array
    covariance: Array
    plain: Array


def solve_edges(rows: Array, offset: Array, weight: Array, along: Array, side: NDArray[np.int64]) -> Solution:
    """Unknowns u such that rows (N, K) @ u = offset (N,) [m], robustly.

    The error of edge i is k(s_i) + w_i. k is what the knife did: along a side it fades as exp(-|s - s'| / KNIFE_REACH),
    and each side is a cut of its own. w_i is fray, weave and noise, from edge to edge. Both sizes are taken from the
    picture: w from the differences of neighbours, k from what the errors exceed that by. Knowing that errors go
    together, the answer relies less on what a single side says about the angle and more on how the sides lie to each
    other. The errors are made independent by their one-step predictions, in one pass along the outline (Harvey 1989,
    "Forecasting, Structural Time Series Models and the Kalman Filter", section 3.4).

    Args: weight (N,): of each edge, 0 where there is none; along (N,) [m]: where it lies on the outline; side (N,).
    """
    plain, shares = _solve_plain(rows, offset, weight)
    white, knife = _split_error(rows, offset, plain, shares, side)
    normal = _accumulate(rows, offset, shares, white**2, along, side, knife**2, KNIFE_REACH)
    count = rows.shape[1]
    covariance = np.linalg.inv(normal[:count, :count])
    return Solution(covariance @ normal[:count, count], covariance, plain)


@njit(cache=True, error_model="numpy")
def _solve_plain(rows: Array, offset: Array, weight: Array) -> tuple[Array, Array]:
    """Tukey's biweight about the median, with the scale from the median deviation: unknowns (K,), weights (N,)."""
    n, count = rows.shape
    valid = np.flatnonzero(weight > 0.0)
    step: Array = np.zeros(count)
    shares: Array = np.zeros(n)
    left = np.empty(len(valid))
    for _ in range(_REWEIGHTINGS):
        for i in range(len(valid)):
            left[i] = offset[valid[i]]
            for k in range(count):
                left[i] -= rows[valid[i], k] * step[k]
        left -= np.median(left)
        scale = _TUKEY * max(_MAD_TO_SIGMA * np.median(np.abs(left)), _SCALE_FLOOR)
        normal, right = np.zeros((count, count)), np.zeros(count)
        for i in range(len(valid)):
            share = max(0.0, 1.0 - (left[i] / scale) ** 2) ** 2 * weight[valid[i]]
            shares[valid[i]] = share
            for k in range(count):
                right[k] += share * rows[valid[i], k] * offset[valid[i]]
                for other in range(count):
                    normal[k, other] += share * rows[valid[i], k] * rows[valid[i], other]
        _hold(normal)
        step = np.linalg.solve(normal, right).astype(np.float64)
    return step, shares


@njit(cache=True, error_model="numpy")
def _hold(normal: Array) -> None:
    """Lets unknowns that no edge speaks of, such as the angle of a disc, stay where they are."""
    most = 1.0
    for k in range(len(normal)):
        most = max(most, normal[k, k])
    for k in range(len(normal)):
        normal[k, k] += _TINY * most


@njit(cache=True, error_model="numpy")
def _split_error(
    rows: Array, offset: Array, step: Array, shares: Array, side: NDArray[np.int64]
) -> tuple[float, float]:
    """Standard deviations [m] of what neighbours do not share, and of what they do."""
    jumps = np.empty(len(offset))
    count, total, square, before, last = 0, 0, 0.0, 0.0, -1
    for i in range(len(offset)):
        if shares[i] <= _GOOD_SHARE:
            continue
        left = offset[i]
        for k in range(len(step)):
            left -= rows[i, k] * step[k]
        if last >= 0 and side[last] == side[i]:
            jumps[count] = abs(left - before)
            count += 1
        before, last = left, i
        square += left * left
        total += 1
    white = _LEAST_WHITE
    if count:
        white = max(white, _MAD_TO_SIGMA * np.median(jumps[:count]) / np.sqrt(2.0))
    return white, np.sqrt(max(square / max(total, 1) - white**2, KNIFE_SIGMA**2))


@njit(cache=True, error_model="numpy")
def _accumulate(
    rows: Array,
    offset: Array,
    shares: Array,
    white: float,
    along: Array,
    side: NDArray[np.int64],
    knife: float,
    reach: float,
) -> Array:
    """Normal matrix (K + 1, K + 1) of the whitened rows with the whitened offsets as last column; `white`, `knife`:
    the two variances."""
    n, count = rows.shape
    normal = np.zeros((count + 1, count + 1))
    mean, row = np.zeros(count + 1), np.empty(count + 1)
    spread, last = knife, -1
    for i in range(n):
        if shares[i] <= _LEAST_SHARE:
            continue
        fade = 0.0
        if last >= 0 and side[last] == side[i]:
            fade = np.exp(-(along[i] - along[last]) / reach)
        last = i
        spread = fade * fade * spread + knife * (1.0 - fade * fade)
        total = spread + white / shares[i]
        gain = spread / total
        for k in range(count + 1):
            mean[k] *= fade
            row[k] = (rows[i, k] if k < count else offset[i]) - mean[k]
            mean[k] += gain * row[k]
        for k in range(count + 1):
            for other in range(count + 1):
                normal[k, other] += row[k] * row[other] / total
        spread *= 1.0 - gain
    _hold(normal[:count, :count])
    return normal
