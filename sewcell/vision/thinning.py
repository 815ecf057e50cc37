"""A picture thinned to a grid on which its light and its objects are judged, and how much detail it shows."""

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

_STRIDED_PIXELS = 120_000
_PATCH = 48

Pixels = NDArray[np.uint8]


@njit(cache=True, error_model="numpy")
def thin(pixels: Pixels, step: int) -> Pixels:
    """Every `step`-th pixel of every `step`-th row."""
    height, width = (pixels.shape[0] + step - 1) // step, (pixels.shape[1] + step - 1) // step
    grid = np.empty((height, width, 3), np.uint8)
    for y in range(height):
        for x in range(width):
            for k in range(3):
                grid[y, x, k] = pixels[y * step, x * step, k]
    return grid


def choose_stride(pixels: Pixels) -> int:
    """Step that leaves about 120,000 pixels."""
    return max(1, round(float(np.sqrt(pixels.shape[0] * pixels.shape[1] / _STRIDED_PIXELS))))


def measure_sharpness(pixels: Pixels) -> float:
    """Median, over patches of the picture, of the variance of the Laplacian."""
    height, width = pixels.shape[:2]
    patches = [
        pixels[row : row + _PATCH, column : column + _PATCH, 1]
        for row in np.linspace(0, max(0, height - _PATCH), 3, dtype=int)
        for column in np.linspace(0, max(0, width - _PATCH), 4, dtype=int)
    ]
    return float(np.median([cv2.meanStdDev(cv2.Laplacian(patch, cv2.CV_16S))[1][0, 0] ** 2 for patch in patches]))


def measure_spread(picture: NDArray[np.uint8] | NDArray[np.float32]) -> float:
    """Standard deviation of the brightness [levels]."""
    return float(picture[..., 1].std())
