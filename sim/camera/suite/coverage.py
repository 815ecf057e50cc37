"""Which share of each pixel a polygon covers: exact areas, so that no edge of a picture lies off by its sampling."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]


def cover(polygon_px: Array, shape: tuple[int, int], corner: tuple[int, int]) -> NDArray[np.float32]:
    """Covered shares (h, w) of the window whose first pixel is `corner` (column, row); the polygon (N, 2) lies inside.

    Pixel (i, j) is the unit square about its centre at whole numbers.
    """
    local = np.ascontiguousarray(polygon_px - corner + 0.5)
    areas = np.zeros((shape[0], shape[1] + 2), dtype=np.float32)
    _accumulate(local, areas)
    return np.clip(np.abs(np.cumsum(areas, axis=1)[:, : shape[1]]), 0.0, 1.0)


@njit(cache=True, error_model="numpy")
def _accumulate(polygon: Array, areas: NDArray[np.float32]) -> None:
    """Adds the signed area to the right of each side, pixel by pixel of a row.

    Source: R. Levien, "Inside the fastest font renderer in the world" (2016), the accumulation buffer.
    """
    h, w = areas.shape[0], areas.shape[1] - 2
    n = len(polygon)
    for i in range(n):
        x0, y0 = polygon[i]
        x1, y1 = polygon[(i + 1) % n]
        if y0 == y1:
            continue
        sign = 1.0
        if y0 > y1:
            x0, y0, x1, y1, sign = x1, y1, x0, y0, -1.0
        slope = (x1 - x0) / (y1 - y0)
        x = x0 - y0 * slope if y0 < 0.0 else x0
        for row in range(max(0, int(y0)), min(h, int(np.ceil(y1)))):
            dy = min(row + 1.0, y1) - max(float(row), y0)
            if dy <= 0.0:
                continue
            after = x + slope * dy
            d = sign * dy
            a, b = min(max(min(x, after), 0.0), float(w)), min(max(max(x, after), 0.0), float(w))
            first, last = int(a), int(np.ceil(b))
            if last <= first + 1:
                middle = 0.5 * (a + b) - first
                areas[row, first] += d * (1.0 - middle)
                areas[row, first + 1] += d * middle
            else:
                before = 0.0  # sum of what this side has added to the row so far
                passed = 0.0  # share of dy that lies left of the column
                for column in range(first, last):
                    left, right = max(a, float(column)), min(b, column + 1.0)
                    share = (right - left) / (b - a)
                    total = d * (passed + share * (column + 1.0 - 0.5 * (left + right)))
                    areas[row, column] += total - before
                    before = total
                    passed += share
                areas[row, last] += d - before
            x = after
