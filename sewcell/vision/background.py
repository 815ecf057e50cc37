"""The picture of the empty table, and where another picture differs from it by more than noise and soft shadow."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sewcell.errors import VisionError
from sewcell.geometry.poses import Array
from sewcell.image import Image
from sewcell.vision.camera_model import CameraModel

SHADOW_SIGMA = 0.10
"""A soft shadow darkens the table by this share of its brightness (one standard deviation)."""
FAINT_SHADOW_SIGMA = 0.03
"""The same where no shadow is expected: then a piece may have the table's colour and be a little darker."""
GLOW_SIGMA = 0.03
"""Reflected light brightens it by this share."""

_STRIDED_PIXELS = 120_000
_STATISTICS_STRIDE = 3
_THRESHOLD_SIGMAS = 5.0
_NOISE_FLOOR_LEVELS = 0.7
_BLURRED_NOISE_FLOOR_LEVELS = 1.0
_BLANK_SPREAD_LEVELS = 1.0
_BLANK_SPREAD_RATIO = 0.3
_DARK_LEVEL = 8.0
_SATURATED_LEVEL = 253
_SATURATED_SHARE = 0.3
_GAIN_LIMITS = (0.6, 1.6)
_NOISE_LIMIT_LEVELS = 12.0
_CHANGED_LIMIT = 0.7
_QUARTILE_OF_ABSOLUTE_NORMAL = 0.3186  # a quarter of |N(0, 1)| lies below

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Background:
    """The empty table. `pixels`: (H, W, 3) uint8, blue-green-red, the mean of the pictures it was made of."""

    pixels: Pixels


@dataclass(frozen=True, slots=True)
class Difference:
    """How a picture differs from the background.

    `mask` (h, w) bool: pixel (i, j) speaks for pixel (i, j) * `stride` of the picture.
    `gain` (3,): picture over background, per channel, where nothing lies. `noise` (3,): standard deviation [levels] of
    picture - gain * background there.
    """

    mask: NDArray[np.bool_]
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


def compare(pixels: Pixels, background: Background, shadow: float = SHADOW_SIGMA) -> Difference:
    """Find what does not look like the empty table.

    The difference d = picture - gain * background, B = gain * background, is judged by the Mahalanobis distance
    d' (N + s^2 B B')^-1 d, where N is the noise of the picture itself and s the share by which `shadow` (d along -B) or
    glow (d along +B) may change the brightness: a shadow keeps the colour, a piece does not, or changes it more.

    Raises: VisionError when the picture is unusable or too different from the background to be compared with it.
    """
    check_exposure(pixels)
    if pixels.shape != background.pixels.shape:
        raise VisionError(
            f"the picture has {pixels.shape[1]} x {pixels.shape[0]} pixels and the empty table "
            f"{background.pixels.shape[1]} x {background.pixels.shape[0]}: take both with the same settings"
        )
    stride = _stride(pixels)
    picture = pixels[::stride, ::stride].astype(np.float32)
    empty = background.pixels[::stride, ::stride].astype(np.float32)
    few = (slice(None, None, _STATISTICS_STRIDE), slice(None, None, _STATISTICS_STRIDE))
    if _spread(picture[few]) < _BLANK_SPREAD_RATIO * _spread(empty[few]):
        raise VisionError("the picture is blank where the empty table has structure: check the camera and its lens")

    gain = np.median((picture[few] + 1.0) / (empty[few] + 1.0), axis=(0, 1))  # (3,)
    if gain.min() < _GAIN_LIMITS[0] or gain.max() > _GAIN_LIMITS[1]:
        raise VisionError(
            f"the light has changed: the picture is {gain.mean():.2f} times as bright as the empty table was; "
            "restore the light or take a new picture of the empty table"
        )
    expected = empty * gain.astype(np.float32)
    difference = picture - expected
    noise = np.quantile(np.abs(difference[few]), 0.25, axis=(0, 1)) / _QUARTILE_OF_ABSOLUTE_NORMAL
    noise = np.maximum(noise, _NOISE_FLOOR_LEVELS)
    distance = _squared_distance(cv2.blur(difference, (3, 3)), expected, noise, shadow)
    raw = (distance > _THRESHOLD_SIGMAS**2).astype(np.uint8)
    changed = float(raw.mean())
    if noise.max() > _NOISE_LIMIT_LEVELS or changed > _CHANGED_LIMIT:
        raise VisionError(
            f"the picture differs from the empty table nearly everywhere ({changed:.0%} of it): the camera, the light "
            "or the table has changed; restore it or take a new picture of the empty table"
        )
    kernel = np.ones((3, 3), np.uint8)
    mask = cv2.morphologyEx(cv2.morphologyEx(raw, cv2.MORPH_OPEN, kernel), cv2.MORPH_CLOSE, kernel)
    return Difference(mask.astype(bool), stride, np.asarray(gain, np.float64), np.asarray(noise, np.float64))


def _squared_distance(
    difference: NDArray[np.float32], expected: NDArray[np.float32], noise: Array, shadow: float
) -> NDArray[np.float32]:
    """Mahalanobis distance, squared, (h, w): Sherman and Morrison's inverse of N + s^2 B B'."""
    # Nine pixels were averaged; half of the noise instead of a third leaves room for texture that moved a little.
    scale = (1.0 / np.maximum(noise / 2.0, _BLURRED_NOISE_FLOOR_LEVELS)).astype(np.float32)
    d, b = difference * scale, expected * scale
    along = np.einsum("ijk,ijk->ij", d, b)
    variance = np.where(along < 0.0, np.float32(shadow**2), np.float32(GLOW_SIGMA**2))
    explained = variance * along**2 / (1.0 + variance * np.einsum("ijk,ijk->ij", b, b))
    return np.asarray(np.einsum("ijk,ijk->ij", d, d) - explained, dtype=np.float32)


def _stride(pixels: Pixels) -> int:
    """Step that leaves about 120,000 pixels."""
    return max(1, round(float(np.sqrt(pixels.shape[0] * pixels.shape[1] / _STRIDED_PIXELS))))


def _spread(picture: NDArray[np.uint8] | NDArray[np.float32]) -> float:
    """Standard deviation of the brightness [levels]."""
    return float(picture[..., 1].std())
