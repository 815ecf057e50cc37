"""The picture of the empty table, and where another picture differs from it by more than noise and soft shadow."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from sewcell.errors import VisionError
from sewcell.geometry.poses import Array
from sewcell.image import Image
from sewcell.vision.camera_model import CameraModel

SHADOW_SIGMA = 0.10
"""A soft shadow darkens the table by this share of its brightness (one standard deviation)."""

_STRIDED_PIXELS = 120_000
_STATISTICS_STRIDE = 3
_THRESHOLD_SIGMAS = 5.0
_NOISE_FLOOR_LEVELS = 0.7
_BLURRED_NOISE_FLOOR_LEVELS = 1.0
_BLANK_SPREAD_LEVELS = 1.0
_BLANK_SPREAD_RATIO = 0.3
_MM_PER_PX = (0.005, 10.0)
_DARK_LEVEL = 8.0
_PATCH = 48
_BLURRED_RATIO = 0.3
_SATURATED_LEVEL = 253
_SATURATED_SHARE = 0.3
_GAIN_LIMITS = (0.6, 1.6)
_NOISE_LIMIT_LEVELS = 12.0
_CHANGED_LIMIT = 0.7
_QUARTILE_OF_ABSOLUTE_NORMAL = 0.3186  # a quarter of |N(0, 1)| lies below

Pixels = NDArray[np.uint8]
Mask = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Background:
    """The empty table. `pixels`: (H, W, 3) uint8, blue-green-red, the mean of the pictures it was made of.

    `grid`: every n-th pixel of it, about 120,000; `sharpness`: how much detail it shows.
    """

    pixels: Pixels
    grid: Pixels = field(init=False, repr=False)
    sharpness: float = field(init=False)

    def __post_init__(self) -> None:
        stride = _stride(self.pixels)
        object.__setattr__(self, "grid", np.ascontiguousarray(self.pixels[::stride, ::stride]))
        object.__setattr__(self, "sharpness", _sharpness(self.pixels))


@dataclass(frozen=True, slots=True)
class Look:
    """A way to tell objects from the table: `shadow` and `glow`, the shares (one standard deviation) by which the light
    may differ; `window`: pixels of the grid averaged, across; `level`: a smooth change of the light is taken out."""

    shadow: float
    glow: float
    window: int = 3
    level: bool = False


ORDINARY = Look(SHADOW_SIGMA, 0.03)
SHADOWED = Look(0.6, 0.03)
"""Under a hard shadow only the colour tells."""
FAINT = Look(0.007, 0.007, window=5, level=True)
"""Cloth of the table's colour differs by a few percent in brightness, as no shadow may do here."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A picture set against the empty table.

    `picture`, `empty` (h, w, 3): pixel (i, j) is pixel (i, j) * `stride` of the pictures. `gain` (3,): picture over
    background, per channel, where nothing lies. `noise` (3,): standard deviation [levels] of picture - gain *
    background there.
    """

    picture: Pixels
    empty: Pixels
    stride: int
    gain: Array
    noise: Array


def make_background(images: Sequence[Image]) -> Background:
    """Mean of one or several pictures of the empty table.

    Raises: VisionError when there is no picture, sizes differ, or a picture is blank, dark or overexposed.
    """
    if not images:
        raise VisionError("no picture of the empty table was given: take at least one before looking for pieces")
    if len({image.pixels.shape for image in images}) > 1:
        raise VisionError("the pictures of the empty table differ in size: take all with one camera and one resolution")
    for image in images:
        check_exposure(image.pixels)
    total = np.zeros(images[0].pixels.shape, dtype=np.float32)
    for image in images:
        cv2.accumulate(image.pixels, total)
    return Background(np.round(total / len(images)).astype(np.uint8))


def check_size(image: Image, camera: CameraModel) -> None:
    """Raises: VisionError when a picture does not have the size for which the camera was calibrated."""
    height, width = image.pixels.shape[:2]
    if (width, height) != tuple(camera.image_size_px):
        raise VisionError(
            f"the picture of camera '{image.camera}' has {width} x {height} pixels but its camera file says "
            f"{camera.image_size_px[0]} x {camera.image_size_px[1]}: set the camera to the calibrated resolution"
        )
    rim = np.array([[0.0, 0.0], [width - 1.0, 0.0], [width - 1.0, height - 1.0], [0.0, height - 1.0]])
    corners = camera.table_points(rim)
    seen = camera.T_camera_table[2, :2] @ corners.T + camera.T_camera_table[2, 3]
    if not np.isfinite(corners).all() or seen.min() <= 0.0 or not _MM_PER_PX[0] < camera.mm_per_px < _MM_PER_PX[1]:
        raise VisionError(
            f"the camera file of '{image.camera}' does not match: by its T_camera_table and camera_matrix the picture "
            "does not show the table; calibrate the camera over the table"
        )


def check_exposure(pixels: Pixels) -> None:
    """Raises: VisionError when a picture (H, W, 3) is not a colour picture, blank, dark or overexposed."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise VisionError(
            f"the picture has shape {pixels.shape} and type {pixels.dtype}: 8-bit blue-green-red pictures are needed"
        )
    step = _STATISTICS_STRIDE * _stride(pixels)
    small = pixels[::step, ::step]
    if float(small.mean()) < _DARK_LEVEL:
        raise VisionError("the picture is dark: switch on the light, open the lens or take off its cap")
    saturated = float((small.min(axis=2) >= _SATURATED_LEVEL).mean())
    if saturated > _SATURATED_SHARE:
        raise VisionError(f"the picture is overexposed ({saturated:.0%} of it is white): shorten the exposure")
    if _spread(small) < _BLANK_SPREAD_LEVELS:
        raise VisionError("the picture is blank: check that the camera delivers and that its lens is free")


def compare(pixels: Pixels, background: Background) -> Comparison:
    """Set a picture against the empty table, on a grid of about 120,000 pixels.

    Raises: VisionError when the picture is unusable or too different from the background to be compared with it.
    """
    check_exposure(pixels)
    if pixels.shape != background.pixels.shape:
        raise VisionError(
            f"the picture has {pixels.shape[1]} x {pixels.shape[0]} pixels and the empty table "
            f"{background.pixels.shape[1]} x {background.pixels.shape[0]}: take both with the same settings"
        )
    stride = _stride(pixels)
    picture = np.ascontiguousarray(pixels[::stride, ::stride])
    empty = background.grid
    few = (slice(None, None, _STATISTICS_STRIDE), slice(None, None, _STATISTICS_STRIDE))
    seen, bare = picture[few].astype(np.float32), empty[few].astype(np.float32)
    if _spread(seen) < _BLANK_SPREAD_RATIO * _spread(bare):
        raise VisionError("the picture is blank where the empty table has structure: check the camera and its lens")

    if _sharpness(pixels) < _BLURRED_RATIO * background.sharpness:
        raise VisionError("the picture is blurred: focus the lens, clean it, and let camera and table come to rest")
    ratio = ((seen + 1.0) / (bare + 1.0)).reshape(-1, 3)
    gain = np.median(ratio, axis=0)  # (3,)
    if gain.min() < _GAIN_LIMITS[0] or gain.max() > _GAIN_LIMITS[1]:
        raise VisionError(
            f"the light has changed: the picture is {gain.mean():.2f} times as bright as the empty table was; "
            "restore the light or take a new picture of the empty table"
        )
    noise = np.quantile(np.abs(seen - bare * gain).reshape(-1, 3), 0.25, axis=0) / _QUARTILE_OF_ABSOLUTE_NORMAL
    noise = np.maximum(noise, _NOISE_FLOOR_LEVELS)
    comparison = Comparison(picture, empty, stride, np.asarray(gain, np.float64), np.asarray(noise, np.float64))
    coarse = replace(comparison, picture=np.ascontiguousarray(picture[few]), empty=np.ascontiguousarray(empty[few]))
    changed = float(mask_objects(coarse, ORDINARY).mean())
    if noise.max() > _NOISE_LIMIT_LEVELS or changed > _CHANGED_LIMIT:
        raise VisionError(
            f"the picture differs from the empty table nearly everywhere ({changed:.0%} of it): the camera, the light "
            "or the table has changed; restore it or take a new picture of the empty table"
        )
    return comparison


def mask_objects(comparison: Comparison, look: Look) -> Mask:
    """What does not look like the empty table, (h, w) uint8, 1 where something lies.

    The difference d = picture - gain * background, B = gain * background, is judged by the Mahalanobis distance
    d' (N + s^2 B B')^-1 d, where N is the noise of the picture itself and s the share by which a shadow (d along -B) or
    a glow (d along +B) may change the brightness: a shadow keeps the colour, a piece does not, or changes it more.
    """
    gain = comparison.gain.astype(np.float32)
    difference = np.empty(comparison.picture.shape, np.float32)
    _subtract(comparison.picture, comparison.empty, gain, difference)
    if look.level:
        _level_light(difference, comparison)
    blurred = cv2.blur(difference, (look.window, look.window))
    # Half of the noise instead of a third (for 3 x 3) leaves room for texture that moved a little.
    share = 1.5 / look.window
    scale = (1.0 / np.maximum(comparison.noise * share, _BLURRED_NOISE_FLOOR_LEVELS)).astype(np.float32)
    raw = np.empty(comparison.picture.shape[:2], np.uint8)
    _judge(blurred, comparison.empty, gain, scale, np.float32(look.shadow), np.float32(look.glow), raw)
    kernel = np.ones((3, 3), np.uint8)
    return np.asarray(cv2.morphologyEx(cv2.morphologyEx(raw, cv2.MORPH_OPEN, kernel), cv2.MORPH_CLOSE, kernel))


def _level_light(difference: NDArray[np.float32], comparison: Comparison) -> None:
    """Takes a smooth change of the light, a polynomial of second degree in the place, out of the difference.

    Found by least squares that leave out, three times over, what lies far off: the objects.
    """
    height, width = difference.shape[:2]
    y, x = np.linspace(-1.0, 1.0, height, dtype=np.float32), np.linspace(-1.0, 1.0, width, dtype=np.float32)
    step = _STATISTICS_STRIDE
    v, u = (grid.ravel() for grid in np.meshgrid(y[::step], x[::step], indexing="ij"))
    terms = np.stack((np.ones_like(u), u, v, u * u, u * v, v * v), axis=1)
    expected = comparison.empty[::step, ::step].reshape(-1, 3) * comparison.gain
    change = (difference[::step, ::step].reshape(-1, 3) / np.maximum(expected, 1.0)).mean(axis=1)
    kept = np.ones(len(change), dtype=bool)
    for _ in range(4):
        factors = np.linalg.lstsq(terms[kept], change[kept], rcond=None)[0]
        left = np.abs(change - terms @ factors)
        kept = left < 2.5 * 1.4826 * float(np.median(left)) + 1e-4
    v_full, u_full = y[:, None], x[None, :]
    a, b, c, d, e, f = (np.float32(factor) for factor in factors)
    surface = a + b * u_full + c * v_full + d * u_full**2 + e * u_full * v_full + f * v_full**2
    difference -= surface[..., None] * (comparison.empty * comparison.gain.astype(np.float32))


@njit(cache=True, error_model="numpy")
def _subtract(picture: Pixels, empty: Pixels, gain: NDArray[np.float32], difference: NDArray[np.float32]) -> None:
    h, w, _ = picture.shape
    for y in range(h):
        for x in range(w):
            for k in range(3):
                difference[y, x, k] = np.float32(picture[y, x, k]) - gain[k] * np.float32(empty[y, x, k])


@njit(cache=True, error_model="numpy")
def _judge(
    difference: NDArray[np.float32],
    empty: Pixels,
    gain: NDArray[np.float32],
    scale: NDArray[np.float32],
    shadow: float,
    glow: float,
    raw: Mask,
) -> None:
    """Sherman and Morrison's inverse of N + s^2 B B', against the square of the threshold."""
    h, w, _ = difference.shape
    for y in range(h):
        for x in range(w):
            dd, db, bb = np.float32(0.0), np.float32(0.0), np.float32(0.0)
            for k in range(3):
                d = difference[y, x, k] * scale[k]
                b = np.float32(empty[y, x, k]) * gain[k] * scale[k]
                dd += d * d
                db += d * b
                bb += b * b
            s = shadow if db < 0.0 else glow
            distance = dd - s * s * db * db / (np.float32(1.0) + s * s * bb)
            raw[y, x] = 1 if distance > _THRESHOLD_SIGMAS * _THRESHOLD_SIGMAS else 0


def _stride(pixels: Pixels) -> int:
    """Step that leaves about 120,000 pixels."""
    return max(1, round(float(np.sqrt(pixels.shape[0] * pixels.shape[1] / _STRIDED_PIXELS))))


def _sharpness(pixels: Pixels) -> float:
    """Median, over patches of the picture, of the variance of the Laplacian."""
    height, width = pixels.shape[:2]
    patches = [
        pixels[row : row + _PATCH, column : column + _PATCH, 1]
        for row in np.linspace(0, max(0, height - _PATCH), 3, dtype=int)
        for column in np.linspace(0, max(0, width - _PATCH), 4, dtype=int)
    ]
    return float(np.median([cv2.Laplacian(patch, cv2.CV_32F).var() for patch in patches]))


def _spread(picture: NDArray[np.uint8] | NDArray[np.float32]) -> float:
    """Standard deviation of the brightness [levels]."""
    return float(picture[..., 1].std())
