"""Bands across a picture: what a rolling shutter makes of lamps that flicker."""

import numpy as np
from scipy.ndimage import uniform_filter1d

from sewcell.errors import VisionError
from sewcell.vision.thinning import Pixels

SWING_LIMIT = 0.08
"""Brightest over darkest band, minus 1, from which on bands look like objects: a glow of 3 % is one standard deviation
of what a picture may differ in."""
_STEP, _STRIPS = 4, 16
"""Every so manyth pixel of a row is looked at, in so many strips."""
_AGREEING = 0.7
"""Share of the width that must become brighter or darker alike: the rest may be covered by pieces."""
_SMOOTHING = 5
_FEWEST_CHANGES = 3
"""How often rows change between bright and dark: an edge of a shadow makes one change, a ruler across the table two."""


def check_bands(picture: Pixels, empty: Pixels) -> None:
    """Raises: VisionError when the light of a picture goes up and down from row to row against the empty table's."""
    swing = measure_bands(picture, empty)
    if swing > SWING_LIMIT:
        raise VisionError(
            f"the light flickers: bands across the picture differ by {swing:.0%} in brightness; have lamps and ballast "
            "looked at, or set the exposure to a whole number of half periods of the mains (10 ms at 50 Hz)"
        )


def measure_bands(picture: Pixels, empty: Pixels) -> float:
    """By how much the brightest band is brighter than the darkest, as a share; 0 where there are no bands.

    `picture`, `empty` (h, w, 3): with and without pieces on the table.

    The change of a row against the empty table is that to which most of its width agrees. Flicker shows as a change
    that swings: a rolling shutter exposes the rows over several periods of it.
    """
    seen, bare = (p[:, ::_STEP].sum(axis=2, dtype=np.int32) + np.float32(3.0) for p in (picture, empty))
    change = np.log(seen / bare)
    change -= np.median(change)
    strips = np.stack([np.median(strip, axis=1) for strip in np.array_split(change, _STRIPS, axis=1)])
    low, high = np.quantile(strips, (1.0 - _AGREEING, _AGREEING), axis=0)
    row = uniform_filter1d(np.where(low > 0.0, low, np.minimum(high, 0.0)), _SMOOTHING)
    swing = float(np.ptp(row))
    away = row - (row.max() + row.min()) / 2.0
    sides = np.sign(away[np.abs(away) > swing / 4.0])
    return float(np.expm1(swing)) if np.count_nonzero(np.diff(sides)) >= _FEWEST_CHANGES else 0.0
