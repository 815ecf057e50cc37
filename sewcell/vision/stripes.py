"""Stripes of a located piece: their direction, period and phase in the piece, so that stripes can be matched."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import Array
from sewcell.image import Image
from sewcell.units import DEG, MM
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.outline import signed_area

_CELL_PX = 0.8
_MOST_CELLS = 512
_MARGIN = 4.0 * MM
_LONGEST_PERIODS = 3.0
_SHORTEST_PX = 4.0
"""Shorter waves in the picture are the weave, or an image of it."""
_OVERTONES, _OVERTONE = 4, 0.5
"""Up to which overtone, and how strong a longer wave must be against a found one to take its place."""
_LEAST_SHARE = 0.14
"""Prints explain up to 0.11, thin stripes (an eighth of the period) 0.2, broad ones 0.5 to 0.9."""


@dataclass(frozen=True, slots=True)
class Stripes:
    """A plane wave on the cloth in coordinates of the piece.

    `direction` [rad]: along the stripes, counter-clockwise from the piece's x, in [0, pi). `period` [m]. `phase`: of
    the brightest line at the piece's origin, as a share of a period in [0, 1), counted across the stripes, towards
    `direction` - 90 degrees. `strength`: share of the brightness variance that the wave explains.
    """

    direction: float
    period: float
    phase: float
    strength: float

    def to_dict(self) -> dict[str, float]:
        """The same in degrees and millimetres, ready for JSON."""
        return {
            "direction_deg": round(self.direction / DEG, 4),
            "period_mm": round(self.period / MM, 4),
            "phase": round(self.phase, 4),
            "strength": round(self.strength, 4),
        }


def measure_stripes(
    image: Image, camera: CameraModel, outline: Array, pose: PlanarPose, thickness: float = 0.0
) -> Stripes | None:
    """The strongest wave in the brightness of a piece that lies at `pose`, or None when it has no stripes.

    The cloth is resampled in coordinates of the piece, its highest peak in the spectrum refined to the maximum of
    |sum w(p) I(p) exp(-i k . p)|, with a Gaussian window w over the piece.

    Args: outline (N, 2) [m], counter-clockwise, of the piece; thickness [m] of the cloth.
    """
    low, high = outline.min(axis=0), outline.max(axis=0)
    cell = max(_CELL_PX * camera.mm_per_px * MM, float((high - low).max()) / _MOST_CELLS)
    columns, rows = (np.ceil((high - low) / cell).astype(int) + 1).tolist()
    x, y = low[0] + cell * np.arange(columns), low[1] + cell * np.arange(rows)
    points = np.stack(np.meshgrid(x, y), axis=-1)  # (rows, columns, 2)
    seen_at = camera.project_plane(pose.apply(points.reshape(-1, 2)), thickness)
    maps = seen_at.astype(np.float32).reshape(rows, columns, 2)
    seen = cv2.remap(image.pixels, maps, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    window = _window(outline, low, cell, (rows, columns))
    brightness = seen.astype(np.float64).mean(axis=2)
    brightness -= np.average(brightness, weights=window)
    spectrum = np.abs(np.fft.rfft2(brightness * window))
    fy, fx = np.fft.fftfreq(rows, cell)[:, None], np.fft.rfftfreq(columns, cell)[None, :]
    frequency = np.hypot(fx, fy)
    lowest = _LONGEST_PERIODS / float(np.sqrt(abs(signed_area(outline))))
    spectrum[frequency < lowest] = 0.0
    spectrum[frequency > 1.0 / (_SHORTEST_PX * camera.mm_per_px * MM)] = 0.0
    row, column = np.unravel_index(int(np.argmax(spectrum)), spectrum.shape)
    start = np.array([fx[0, column], fy[row, 0]])
    weighted, scale = brightness * window, 1.0 / (cell * max(rows, columns))

    def transform(wave: Array) -> complex:
        """On a grid the exponential is a product of one along x and one along y."""
        return complex(np.exp(-2j * np.pi * wave[1] * y) @ (weighted @ np.exp(-2j * np.pi * wave[0] * x)))

    def refine(near: Array) -> Array:
        found = minimize(lambda step: -abs(transform(near + step * scale)), np.zeros(2), method="Nelder-Mead")
        return np.asarray(near + found.x * scale)

    wave = refine(start)
    # Thin stripes have overtones as strong as their own wave: the longest of them is meant.
    for part in range(_OVERTONES, 1, -1):
        if np.hypot(*wave) / part > lowest and abs(transform(wave / part)) > _OVERTONE * abs(transform(wave)):
            wave = refine(wave / part)
            break
    direction = float(np.arctan2(wave[1], wave[0]) + np.pi / 2.0)
    if not 0.0 <= direction < np.pi:
        wave = -wave
        direction = float(np.arctan2(wave[1], wave[0]) + np.pi / 2.0) % np.pi
    value = transform(wave)
    total = float((brightness**2 * window).sum())
    strength = 2.0 * abs(value) ** 2 / (float(window.sum()) * total) if total > 0.0 else 0.0
    if strength < _LEAST_SHARE:
        return None
    return Stripes(direction, float(1.0 / np.hypot(*wave)), float(-np.angle(value) / (2.0 * np.pi)) % 1.0, strength)


def _window(outline: Array, low: Array, cell: float, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Weights of the cells: 0 outside and near the edge of the piece, a Gaussian about its middle."""
    inside = np.zeros(shape, np.uint8)
    cv2.fillPoly(inside, [np.round((outline - low) / cell).astype(np.int32).reshape(-1, 1, 2)], 1)
    deep = cv2.distanceTransform(np.pad(inside, 1), cv2.DIST_L2, 3)[1:-1, 1:-1] * cell > _MARGIN
    v, u = np.mgrid[0 : shape[0], 0 : shape[1]]
    if not deep.any():
        deep = inside.astype(bool)
    middle, spread = (u[deep].mean(), v[deep].mean()), (u[deep].std() + 1.0, v[deep].std() + 1.0)
    bell = np.exp(-0.5 * (((u - middle[0]) / spread[0]) ** 2 + ((v - middle[1]) / spread[1]) ** 2))
    return np.asarray(np.where(deep, bell, 0.0))
