"""How sure an estimate is, by leaving out parts of the data: groups to hold out, and the jackknife."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sewcell.geometry.poses import Array

MOST_GROUPS = 12


def split_groups(count: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Indices (kept, held out) for each of at most MOST_GROUPS groups: neighbours go to different groups."""
    groups = min(count, MOST_GROUPS)
    index = np.arange(count)
    for group in range(groups):
        out = index % groups == group
        yield index[~out], index[out]


def jackknife_sigma(estimates: Array) -> Array:
    """Standard deviation (k,) of an estimate from those made without one group each, (G, k).

    sigma^2 = (G - 1) / G sum (x_g - mean)^2 (Tukey 1958; Efron and Tibshirani 1993, eq. 11.5).
    """
    x = np.asarray(estimates, dtype=np.float64)
    return np.asarray(np.sqrt((len(x) - 1) / len(x) * np.sum((x - x.mean(axis=0)) ** 2, axis=0)))
