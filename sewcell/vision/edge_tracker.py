"""Where the edge of the cloth runs at the needle and before it, from a small picture of the throat plate."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from sewcell.errors import VisionError
from sewcell.geometry.poses import Array
from sewcell.image import Image
from sewcell.units import DEG, MM
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.edge_kernels import STEP_TABLE, TABLE_STEP, find_curve, fit_polynomial, fit_steps, score_columns
from sewcell.vision.thinning import Pixels

AHEAD = (0.0, 20.0 * MM, 30.0 * MM, 40.0 * MM)
"""Distances before the needle at which the edge is told [m]."""

_BORDER_ROWS = 8
_GAIN_LIMITS = (0.4, 1.8)
_BARE_SHARE = 0.6
_SHADOW = 0.08
_NOISE_FLOOR_LEVELS = 1.5
_TEXTURE_LEVELS = 2.0
_EVERY, _HYPOTHESES = 4, 120
_STEPS = ((2, 2.0, 2.0, 4.0), (1, 1.0, 1.5, 3.0))
"""From round to round: which columns; reach, inner and outer part [px] of the step fits."""
_ROUNDS = 6
_SCALE_FLOOR, _SCALE_FLOOR_PX = 0.01 * MM, 0.04
_LAGS = 30
_SYSTEMATIC = 0.01 * MM
_MIN_SCORE = 60.0
_MIN_CONTRAST = 9.0
_MIN_INLIERS = 0.4
_EXTRAPOLATION = 15.0 * MM
_SIGMA_LIMIT = 0.3 * MM
_BENT = 1.15
_HALF_LENGTH = 25.0 * MM
_BENT_PICTURE = 0.02 * MM

Side = Literal["top", "bottom"]


@dataclass(frozen=True, slots=True)
class ThroatPlate:
    """The bare plate as the camera at the needle sees it, and how the camera sees.

    `pixels` (H, W, 3) float32: the mean picture. `noise`: standard deviation of a pixel [levels]. `H_needle_px` (3, 3):
    homography from (column, row, 1) to the plate's plane in the needle frame [m]. `cloth_side`: the border of the
    picture on which the cloth lies; columns have to cross its edge. `blind` (H, W): where the plate cannot be compared,
    as under the presser foot or over the feed dog. `blur_px`: standard deviation of the lens's blur.
    """

    pixels: NDArray[np.float32]
    noise: float
    H_needle_px: Array
    cloth_side: Side
    blind: NDArray[np.bool_]
    blur_px: float


@dataclass(frozen=True, slots=True)
class EdgeSighting:
    """The edge in one picture, at the places `ahead` (K,) [m] before the needle, where x = -ahead in the needle frame.

    `offset` (K,) [m]: y of the edge; `heading` (K,) [rad]: its direction against the feed; `sigma` (K,) [m]: standard
    deviation of the offset. `inlier_ratio`: share of the picture's columns that show the edge where it was found.
    `lost`: why there is no answer, continuing "the edge is lost: "; empty when there is one, else all numbers are NaN.
    """

    taken_at: float
    ahead: Array
    offset: Array
    heading: Array
    sigma: Array
    inlier_ratio: float
    lost: str = ""

    @property
    def found(self) -> bool:
        """Whether the edge was found."""
        return not self.lost

    def to_dict(self) -> dict[str, object]:
        """The same in millimetres and degrees, ready for JSON; None for the numbers of an edge that is lost."""
        if not self.found:
            return {"found": False, "lost": self.lost, "edge": None}
        rows = zip(self.ahead, self.offset, self.heading, self.sigma, strict=True)
        return {
            "found": True,
            "lost": "",
            "inlier_ratio": round(self.inlier_ratio, 4),
            "edge": [
                {
                    "ahead_mm": round(float(ahead) / MM, 3),
                    "offset_mm": round(float(offset) / MM, 4),
                    "heading_deg": round(float(heading) / DEG, 4),
                    "sigma_mm": round(float(sigma) / MM, 4),
                }
                for ahead, offset, heading, sigma in rows
            ],
        }


def make_needle_homography(camera: CameraModel) -> Array:
    """H_needle_px (3, 3) for `learn_plate`, from a camera whose "table" is the needle frame: origin at the penetration
    point, x along the feed, z up, z = 0 the throat plate.

    Raises: VisionError when the lens bends the picture by more than 0.02 mm: a homography does not describe that.
    """
    width, height = camera.image_size_px
    u, v = np.meshgrid(np.linspace(0.0, width - 1.0, 9), np.linspace(0.0, height - 1.0, 9))
    pixels = np.column_stack((u.ravel(), v.ravel()))
    points = camera.table_points(pixels)
    H, _ = cv2.findHomography(pixels, points)
    again = np.column_stack((pixels, np.ones(len(pixels)))) @ H.T
    bent = float(np.abs(again[:, :2] / again[:, 2:] - points).max())
    if bent > _BENT_PICTURE:
        raise VisionError(
            f"the lens bends the picture of the throat plate by {bent / MM:.2f} mm, {_BENT_PICTURE / MM:.2f} mm is the "
            "most: read out a smaller region, or choose a lens with less distortion"
        )
    return np.asarray(H, dtype=np.float64)


def learn_plate(
    images: Sequence[Image],
    H_needle_px: Array,
    cloth_side: Side,
    blind: NDArray[np.bool_] | None = None,
    blur_px: float = 0.7,
) -> ThroatPlate:
    """The plate from pictures without cloth; two or more also tell the noise of the camera.

    Raises: VisionError when there is no picture, sizes differ, or a picture is not an 8-bit colour picture.
    """
    if not images:
        raise VisionError("no picture of the bare throat plate was given: take at least one without cloth")
    shape = images[0].pixels.shape
    for image in images:
        if image.pixels.dtype != np.uint8 or image.pixels.ndim != 3 or image.pixels.shape[2] != 3:
            raise VisionError(
                f"a picture of the bare throat plate has shape {image.pixels.shape} and type {image.pixels.dtype}: "
                "8-bit blue-green-red pictures are needed"
            )
        if image.pixels.shape != shape:
            raise VisionError("the pictures of the bare throat plate differ in size: take all of one region")
    stack = np.stack([image.pixels for image in images]).astype(np.float32)
    noise = float(np.sqrt(stack.var(axis=0, ddof=1).mean())) if len(images) > 1 else _NOISE_FLOOR_LEVELS
    hidden = np.zeros(shape[:2], dtype=np.bool_) if blind is None else np.ascontiguousarray(blind, dtype=np.bool_)
    if hidden.shape != shape[:2]:
        raise VisionError(f"the blind region has {hidden.shape} pixels and the throat plate {shape[:2]}: draw it anew")
    return ThroatPlate(
        stack.mean(axis=0),
        max(noise, _NOISE_FLOOR_LEVELS),
        np.asarray(H_needle_px, dtype=np.float64),
        cloth_side,
        hidden,
        blur_px,
    )


@dataclass(slots=True)
class EdgeTracker:
    """Finds the edge in one picture after the other; each answer stands for itself.

    First, against the known plate, the change-point of all columns together: a print cannot lead it astray, as it asks
    where the plate begins and not where the picture changes. Then a blurred step in each column near it, which uses
    only the outermost pixels of the cloth, and a robust polynomial of second or, for a bent edge, fourth degree.
    """

    plate: ThroatPlate
    ahead: Array = field(default_factory=lambda: np.array(AHEAD))

    def find(self, image: Image) -> EdgeSighting:
        """The edge in a picture of the plate's region, or why it is lost.

        Raises: VisionError when the picture does not have the size and kind of the plate's.
        """
        plate = self.plate
        if image.pixels.shape != plate.pixels.shape or image.pixels.dtype != np.uint8:
            raise VisionError(
                f"the picture at the needle has shape {image.pixels.shape}, that of the bare throat plate "
                f"{plate.pixels.shape}: read out the same region"
            )
        pixels = np.ascontiguousarray(image.pixels)
        gain = _measure_gain(pixels, plate)
        if isinstance(gain, str):
            return self._lose(image, gain)
        rows, columns = pixels.shape[:2]
        first, step = (0, 1) if plate.cloth_side == "top" else (rows - 1, -1)
        noise = float(np.hypot(plate.noise, _TEXTURE_LEVELS))
        total = score_columns(pixels, plate.pixels, plate.blind, gain, noise, _SHADOW, first, step, _EVERY)
        curve, score = find_curve(total, _EVERY, _HYPOTHESES)
        if score < _MIN_SCORE:
            return self._lose(image, "no cloth, or cloth that looks like the plate, lies in the picture")

        at = np.arange(columns, dtype=np.float64)
        expected = curve[0] + at * (curve[1] + at * curve[2]) - 0.5
        middle, half = 0.5 * (columns - 1), 0.5 * columns
        blur = float(np.hypot(plate.blur_px, 12.0**-0.5))
        steps = np.zeros((columns, 2))
        for every, reach, inner, outer in _STEPS:
            fit_steps(
                pixels, plate.pixels, plate.blind, gain, noise, _SHADOW, first, step, every, expected, blur, reach,
                inner, outer, steps, STEP_TABLE, TABLE_STEP,
            )  # fmt: skip
            seen = steps[:, 1] > _MIN_CONTRAST
            if seen.sum() < _MIN_INLIERS * columns / every:
                return self._lose(image, "too few columns of the picture show a step from the plate to the cloth")
            weight = np.where(seen, steps[:, 1] / (steps[:, 1] + 100.0), 0.0)[seen]
            u = (at - middle) / half
            curve, *_ = _fit_curve(u[seen], steps[seen, 0], weight, _SCALE_FLOOR_PX)
            expected = _evaluate(curve, u)
        return self._describe(image, at[seen], first + step * steps[seen, 0], weight)

    def _describe(self, image: Image, column: Array, row: Array, weight: Array) -> EdgeSighting:
        """The edge from its points in the picture, by a polynomial in the needle frame."""
        points = np.column_stack((column, row, np.ones(len(column)))) @ self.plate.H_needle_px.T
        x, y = points[:, 0] / points[:, 2], points[:, 1] / points[:, 2]
        reach = float(-self.ahead.max()) + _EXTRAPOLATION, float(-self.ahead.min()) - _EXTRAPOLATION
        if x.min() > reach[0] or x.max() < reach[1]:
            return self._lose(image, "it leaves the picture before the places where it is asked for")
        centre = -0.5 * (self.ahead.min() + self.ahead.max())
        u = (x - centre) / _HALF_LENGTH
        fit, covariance, residual, scale = _fit_curve(u, y, weight, _SCALE_FLOOR)
        inlier = np.abs(residual) < 4.0 * scale
        ratio = float(inlier.sum() / self.plate.pixels.shape[1])
        if ratio < _MIN_INLIERS:
            return self._lose(image, f"only {ratio:.0%} of the picture's columns agree on it")
        at = (-self.ahead - centre) / _HALF_LENGTH
        power = at[:, None] ** np.arange(len(fit))  # (K, degree + 1)
        slope = _evaluate(fit[1:] * np.arange(1, len(fit)), at) / _HALF_LENGTH
        together = _correlation_length(residual[inlier])
        variance = np.einsum("ki,ij,kj->k", power, covariance, power) * together * scale**2
        sigma = np.sqrt(variance + _SYSTEMATIC**2)
        if sigma.max() > _SIGMA_LIMIT:
            return self._lose(image, f"it is known to {sigma.max() / MM:.2f} mm only")
        return EdgeSighting(image.taken_at, self.ahead, power @ fit, np.arctan(slope), sigma, ratio)

    def _lose(self, image: Image, why: str) -> EdgeSighting:
        nothing = np.full(len(self.ahead), np.nan)
        return EdgeSighting(image.taken_at, self.ahead, nothing, nothing, nothing, 0.0, why)


def _measure_gain(pixels: Pixels, plate: ThroatPlate) -> NDArray[np.float32] | str:
    """Picture over plate (W, 3) in the rows farthest from the cloth, straight from left to right; or what is wrong."""
    far = slice(-_BORDER_ROWS, None) if plate.cloth_side == "top" else slice(None, _BORDER_ROWS)
    few = slice(None, None, _EVERY)
    picture, bare = pixels[far, few].astype(np.float32), plate.pixels[far, few]
    ratio = (picture + 1.0) / (bare + 1.0)
    half = ratio.shape[1] // 2
    left = np.median(ratio[:, :half].reshape(-1, 3), axis=0)
    right = np.median(ratio[:, half:].reshape(-1, 3), axis=0)
    columns = pixels.shape[1]
    place = ((np.arange(columns) - columns / 4) / (columns / 2))[:, None]
    gain = np.asarray(left + place * (right - left), dtype=np.float32)
    if gain.min() < _GAIN_LIMITS[0] or gain.max() > _GAIN_LIMITS[1]:
        return "the light differs too much from that on the bare plate, or cloth covers the whole picture"
    wrong = np.abs(picture - gain[few] * bare).max(axis=2) > 5.0 * plate.noise + 2.0 * _SHADOW * bare.mean(axis=2)
    if 1.0 - wrong.mean() < _BARE_SHARE:
        return "the border of the picture, where the bare plate should be, does not look like it"
    return gain


def _fit_curve(x: Array, y: Array, weight: Array, floor: float) -> tuple[Array, Array, Array, float]:
    """The parabola, or the polynomial of fourth degree where that leaves clearly less, as `fit_polynomial` tells it."""
    parabola = fit_polynomial(x, y, weight, 2, floor, _ROUNDS)
    quartic = fit_polynomial(x, y, weight, 4, floor, _ROUNDS)
    best: tuple[Array, Array, Array, float] = quartic if parabola[3] > _BENT * quartic[3] else parabola
    return best


def _evaluate(polynomial: Array, x: Array) -> Array:
    """Values (N,) at x (N,) of the polynomial (K,), lowest coefficient first."""
    value = np.zeros_like(x)
    for coefficient in polynomial[::-1]:
        value = value * x + coefficient
    return value


def _correlation_length(residual: Array) -> float:
    """How many neighbouring points err together: 1 + 2 sum of the autocorrelation up to its first zero.

    Source: Sokal 1997, "Monte Carlo Methods in Statistical Mechanics", section 3, integrated autocorrelation time.
    """
    count = min(_LAGS, len(residual) - 1)
    square = max(float(residual @ residual), 1e-30)
    total = 1.0
    for lag in range(1, count):
        r = float(residual[lag:] @ residual[:-lag]) / square
        if r <= 0.0:
            break
        total += 2.0 * r
    return total
