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
from sewcell.vision.bands import check_bands
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.thinning import Pixels, choose_stride, measure_sharpness, measure_spread, thin

SHADOW_SIGMA = 0.10
"""A soft shadow darkens the table by this share of its brightness (one standard deviation)."""

_STATISTICS_STRIDE = 4
_THRESHOLD_SIGMAS = 5.0
_NOISE_FLOOR_LEVELS = 0.7
_BLURRED_NOISE_FLOOR_LEVELS = 1.0
_BLANK_SPREAD_LEVELS = 1.0
_BLANK_SPREAD_RATIO = 0.3
_MM_PER_PX = (0.005, 10.0)
_DARK_LEVEL = 8.0
_BLURRED_RATIO = 0.3
_SATURATED_LEVEL = 253
_SATURATED_SHARE = 0.3
_GAIN_LIMITS = (0.6, 1.6)
_NOISE_LIMIT_LEVELS = 12.0
_CHANGED_LIMIT = 0.7
_CHANGE_FROM, _CHANGE_STEP, _CHANGE_CELLS = -2.0, 0.02, 150
"""Logarithms of how much brighter the picture is than the empty table, and into how many cells they are sorted."""
_LIGHT_STEP, _LIGHT_CELLS, _LIGHT_WINDOW = 0.01, 80, 5
_GROUP_CELLS = 8
_SHADED_GAIN = 0.75
_LIT_SHARE = 0.1
_SAME_COLOUR = 0.2
_QUARTILE_OF_ABSOLUTE_NORMAL = 0.3186  # a quarter of |N(0, 1)| lies below

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
        object.__setattr__(self, "grid", thin(self.pixels, choose_stride(self.pixels)))
        object.__setattr__(self, "sharpness", measure_sharpness(self.pixels))


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
    step = _STATISTICS_STRIDE * choose_stride(pixels)
    small = thin(pixels, step)
    if float(small.mean()) < _DARK_LEVEL:
        raise VisionError("the picture is dark: switch on the light, open the lens or take off its cap")
    blue, green, red = np.moveaxis(small, 2, 0)
    saturated = float((np.minimum(np.minimum(blue, green), red) >= _SATURATED_LEVEL).mean())
    if saturated > _SATURATED_SHARE:
        raise VisionError(f"the picture is overexposed ({saturated:.0%} of it is white): shorten the exposure")
    if measure_spread(small) < _BLANK_SPREAD_LEVELS:
        raise VisionError("the picture is blank: check that the camera delivers and that its lens is free")


def compare(pixels: Pixels, background: Background) -> Comparison:
    """Set a picture against the empty table, on a grid of about 120,000 pixels.

    Raises: VisionError when the picture is unusable, in flickering light, or too different from the background.
    """
    check_exposure(pixels)
    if pixels.shape != background.pixels.shape:
        raise VisionError(
            f"the picture has {pixels.shape[1]} x {pixels.shape[0]} pixels and the empty table "
            f"{background.pixels.shape[1]} x {background.pixels.shape[0]}: take both with the same settings"
        )
    stride = choose_stride(pixels)
    picture = thin(pixels, stride)
    few_seen, few_bare = thin(picture, _STATISTICS_STRIDE), thin(background.grid, _STATISTICS_STRIDE)
    if measure_spread(few_seen) < _BLANK_SPREAD_RATIO * measure_spread(few_bare):
        raise VisionError("the picture is blank where the empty table has structure: check the camera and its lens")
    if measure_sharpness(pixels) < _BLURRED_RATIO * background.sharpness:
        raise VisionError("the picture is blurred: focus the lens, clean it, and let camera and table come to rest")
    seen, bare = (np.ascontiguousarray(few.reshape(-1, 3).T, np.float32) for few in (few_seen, few_bare))  # (3, n)
    gain, noise = _measure_light(seen, bare)
    if gain.min() < _GAIN_LIMITS[0] or gain.max() > _GAIN_LIMITS[1]:
        raise VisionError(
            f"the light has changed: the picture is {gain.mean():.2f} times as bright as the empty table was; "
            "restore the light or take a new picture of the empty table"
        )
    check_bands(picture, background.grid)
    comparison = Comparison(picture, background.grid, stride, gain, noise)
    changed = float(mask_objects(replace(comparison, picture=few_seen, empty=few_bare), SHADOWED).mean())
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
    seen, bare = (
        cv2.boxFilter(pixels, cv2.CV_16U, (look.window, look.window), normalize=False)
        for pixels in (comparison.picture, comparison.empty)
    )
    bend = _fit_light(comparison) if look.level else np.zeros(6, np.float32)
    # Half of the noise instead of a third (for 3 x 3) leaves room for texture that moved a little.
    share = 1.5 / look.window
    scale = (1.0 / np.maximum(comparison.noise * share, _BLURRED_NOISE_FLOOR_LEVELS)).astype(np.float32)
    raw = np.empty(comparison.picture.shape[:2], np.uint8)
    scale /= np.float32(look.window**2)
    _judge(seen, bare, scale, gain * scale, bend, np.float32(look.shadow**2), np.float32(look.glow**2), raw)
    kernel = np.ones((3, 3), np.uint8)
    return np.asarray(cv2.morphologyEx(cv2.morphologyEx(raw, cv2.MORPH_OPEN, kernel), cv2.MORPH_CLOSE, kernel))


def _measure_light(seen: NDArray[np.float32], bare: NDArray[np.float32]) -> tuple[Array, Array]:
    """Gain (3,) and noise (3,) of the table where it is lit, from pixels (3, n) of a picture and of the empty table.

    The table is the largest group of pixels whose brightness has changed alike. When that is dark, it may lie in a hard
    shadow: then a brighter group of the same colour, if there is one of some size, is the table in the light.
    """
    change = np.log((seen[0] + seen[1] + seen[2] + 3.0) / (bare[0] + bare[1] + bare[2] + 3.0))
    cells = np.clip((change - _CHANGE_FROM) * (1.0 / _CHANGE_STEP), 0, _CHANGE_CELLS - 1).astype(np.int64)
    alike = np.convolve(np.bincount(cells, minlength=_CHANGE_CELLS), np.ones(5), "same")
    ratio = (seen + 1.0) / (bare + 1.0)

    def measure(cell: int) -> tuple[Array, NDArray[np.int64]]:
        group = np.flatnonzero(np.abs(cells - cell) <= _GROUP_CELLS)
        return _quantile(ratio.take(group, axis=1), 0.5), group

    largest = int(np.argmax(alike))
    gain, group = measure(largest)
    brighter = largest + 2 * _GROUP_CELLS
    if gain.mean() < _SHADED_GAIN and brighter < _CHANGE_CELLS:
        lit = brighter + int(np.argmax(alike[brighter:]))
        lit_gain, lit_group = measure(lit) if alike[lit] > 0 else (gain, group)
        alike_in_colour = np.ptp(lit_gain / gain) < _SAME_COLOUR * lit_gain.mean() / gain.mean()
        if len(lit_group) > _LIT_SHARE * len(cells) and alike_in_colour:
            gain, group = lit_gain, lit_group
    off = np.abs(seen - bare * gain.astype(np.float32)[:, None]).take(group, axis=1)
    noise = _quantile(off, 0.25) / _QUARTILE_OF_ABSOLUTE_NORMAL
    return gain, np.maximum(noise, _NOISE_FLOOR_LEVELS)


def is_table(
    difference: NDArray[np.float32], table: NDArray[np.float32], noise: Array, look: Look
) -> NDArray[np.bool_]:
    """Whether colours that differ by `difference` (N, 3) from the empty `table` (N, 3) may be table, (N,): the
    judgement of `mask_objects` for averages of a few pixels."""
    scale = 1.0 / np.maximum(0.5 * noise, _BLURRED_NOISE_FLOOR_LEVELS)
    d, b = difference * scale, table * scale
    along = (d * b).sum(axis=1)
    s = np.where(along < 0.0, look.shadow**2, look.glow**2)
    return np.asarray((d * d).sum(axis=1) - s * along**2 / (1.0 + s * (b * b).sum(axis=1)) < _THRESHOLD_SIGMAS**2)


def _fit_light(comparison: Comparison) -> NDArray[np.float32]:
    """How much brighter the light has become from place to place, as a share: factors (6,) of 1, u, v, u^2, u v, v^2,
    where u and v run from -1 to 1 across and down the picture.

    Found by least squares over what has changed like the largest group of pixels, and then, three times over, without
    what lies far off: the objects.
    """
    step = _STATISTICS_STRIDE
    height, width = comparison.picture.shape[:2]
    y, x = np.linspace(-1.0, 1.0, height, dtype=np.float32), np.linspace(-1.0, 1.0, width, dtype=np.float32)
    v, u = (grid.ravel() for grid in np.meshgrid(y[::step], x[::step], indexing="ij"))
    terms = np.stack((np.ones_like(u), u, v, u * u, u * v, v * v), axis=1)
    window = (_LIGHT_WINDOW, _LIGHT_WINDOW)
    expected = cv2.blur(comparison.empty, window)[::step, ::step].reshape(-1, 3) * comparison.gain
    difference = cv2.blur(comparison.picture, window)[::step, ::step].reshape(-1, 3) - expected
    change = (difference / np.maximum(expected, 1.0)).mean(axis=1)
    cells = np.clip(change / _LIGHT_STEP + 0.5 * _LIGHT_CELLS, 0, _LIGHT_CELLS - 1).astype(np.int64)
    alike = np.convolve(np.bincount(cells, minlength=_LIGHT_CELLS), np.ones(3), "same")
    common = (int(np.argmax(alike)) + 0.5 - 0.5 * _LIGHT_CELLS) * _LIGHT_STEP
    noise = float(comparison.noise.mean() / expected.mean()) / _LIGHT_WINDOW
    kept = np.abs(change - common) < _LIGHT_STEP + 3.0 * noise
    for _ in range(4):
        factors = np.linalg.lstsq(terms[kept], change[kept], rcond=None)[0]
        left = np.abs(change - terms @ factors)
        kept = left < 2.5 * 1.4826 * float(np.median(left)) + 1e-4
    return np.asarray(factors, np.float32)


@njit(cache=True, error_model="numpy")
def _judge(
    seen: NDArray[np.uint16],
    bare: NDArray[np.uint16],
    scale: NDArray[np.float32],
    bare_scale: NDArray[np.float32],
    bend: NDArray[np.float32],
    shadow: float,
    glow: float,
    raw: Mask,
) -> None:
    """Sherman and Morrison's inverse of N + s^2 B B', against the square of the threshold.

    `seen` and `bare`: sums of the two pictures over windows, `scale` and `bare_scale` their factors; `shadow`, `glow`:
    the two s^2.
    """
    h, w, _ = seen.shape
    zero, one, limit = np.float32(0.0), np.float32(1.0), np.float32(_THRESHOLD_SIGMAS * _THRESHOLD_SIGMAS)
    across, down = np.float32(2.0 / max(w - 1, 1)), np.float32(2.0 / max(h - 1, 1))
    light, dd = np.empty(w, np.float32), np.empty(w, np.float32)
    db, bb = np.empty(w, np.float32), np.empty(w, np.float32)
    for y in range(h):
        v = np.float32(y) * down - one
        start, slope, curve = one + bend[0] + bend[2] * v + bend[5] * v * v, bend[1] + bend[4] * v, bend[3]
        for x in range(w):
            u = np.float32(x) * across - one
            light[x] = start + (slope + curve * u) * u
        dd[:], db[:], bb[:] = zero, zero, zero
        row = raw[y]
        for k in range(3):
            own, empty, seen_row, bare_row = scale[k], bare_scale[k], seen[y, :, k], bare[y, :, k]
            for x in range(w):
                b = empty * np.float32(bare_row[x])
                d = own * np.float32(seen_row[x]) - light[x] * b
                dd[x] += d * d
                db[x] += d * b
                bb[x] += b * b
        for x in range(w):
            s = shadow if db[x] < zero else glow
            row[x] = (dd[x] - limit) * (one + s * bb[x]) > s * db[x] * db[x]


def _quantile(rows: NDArray[np.float32], share: float) -> Array:
    """The value (K,) below which a share of each row (K, n) lies."""
    middle = int(share * rows.shape[1])
    return np.asarray(np.partition(rows, middle, axis=1)[:, middle], np.float64)
