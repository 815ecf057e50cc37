"""The surroundings of a planned seam, straightened: along the seam and across it, out of the raw picture."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d

from sewcell.errors import VisionError
from sewcell.geometry.poses import Array
from sewcell.image import Image
from sewcell.units import MM
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.edge_kernels import STEP_TABLE, TABLE_STEP, fit_steps, score_columns

_STEP_PX = 0.5
_FINEST_STEP = 0.075 * MM
_BAND = 1.0 * MM
_GROUND = 10.0 * MM
_NEIGHBOURS = 1.0 * MM
_NOISE_LEVELS = 2.0
_SHADOW = 0.1
_BLUR_PX = 0.75
_STEPS = (3.0, 3.0, 5.0)
"""Reach, inner and outer part of the step fit, in samples."""
_MIN_CONTRAST = 9.0


@dataclass(frozen=True, slots=True)
class SeamStrip:
    """`colours` (S, T, 3): the picture at `along` (S,) and `across` (T,) [m] of the planned seam; across grows towards
    the edge of the cloth. `pixel` [m]: size of a pixel of the picture there."""

    colours: NDArray[np.float32]
    along: Array
    across: Array
    pixel: float

    @property
    def step(self) -> float:
        """Distance of the samples, along and across [m]."""
        return float(self.across[1] - self.across[0])


def straighten(
    image: Image,
    camera: CameraModel,
    line: Array,
    edge_on_left: bool,
    span: tuple[float, float],
    beyond: float,
    height: float,
) -> SeamStrip:
    """Sample the picture every half pixel, but not finer than 0.075 mm, along `line` and across it.

    Args: line (K, 2) [m, table]; span: across from, to [m]; beyond: how far to go on straight past both ends, as far as
    the picture shows it [m]; height [m] of the cloth's upper surface.

    Raises: VisionError when the line, or the strip beside it, leaves the picture.
    """
    middle = camera.project_plane(line[[len(line) // 2]], height)[0]
    here, there = camera.table_points(middle + np.array([[0.0, 0.0], [0.6, 0.8]]), height)
    pixel = float(np.linalg.norm(there - here))
    step = max(_STEP_PX * pixel, _FINEST_STEP)
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    corner = np.concatenate(([0.0], np.cumsum(steps)))
    length = float(corner[-1])
    first, last = line[1] - line[0], line[-1] - line[-2]
    knots = np.concatenate(([-beyond], corner, [length + beyond]))
    longer = np.vstack(
        (
            line[0] - beyond * first / np.linalg.norm(first),
            line,
            line[-1] + beyond * last / np.linalg.norm(last),
        )
    )
    along = np.arange(-np.floor(beyond / step), np.ceil((length + beyond) / step)) * step
    centre = np.column_stack([np.interp(along, knots, longer[:, k]) for k in (0, 1)])
    tangent = np.gradient(centre, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    side = 1.0 if edge_on_left else -1.0
    normal = side * np.column_stack((-tangent[:, 1], tangent[:, 0]))
    across = np.arange(np.floor(span[0] / step), np.ceil(span[1] / step) + 1) * step
    points = centre[:, None, :] + across[None, :, None] * normal[:, None, :]
    maps = camera.project_plane(points.reshape(-1, 2), height).reshape(len(along), len(across), 2)
    limit = np.array(image.pixels.shape[1::-1], dtype=np.float64) - 1.0
    shown: NDArray[np.bool_] = np.asarray(((maps >= 0.0) & (maps <= limit)).all(axis=(1, 2)))
    planned = (along >= 0.0) & (along <= length)
    if not shown[planned].all():
        raise VisionError(
            f"the picture shows only {shown[planned].mean():.0%} of the seam and the edge beside it: move the piece or "
            "the camera until all of it is in view"
        )
    inside = np.flatnonzero(planned)
    low, high = inside[0], inside[-1]
    while low > 0 and shown[low - 1]:
        low -= 1
    while high < len(along) - 1 and shown[high + 1]:
        high += 1
    part = slice(low, high + 1)
    colours = cv2.remap(image.pixels, maps[part].astype(np.float32), None, cv2.INTER_LINEAR).astype(np.float32)
    return SeamStrip(colours, along[part], across, pixel)


def find_edge(strip: SeamStrip, expected: float, reach: float) -> Array:
    """Where the cloth ends, `across` (S,) [m]; NaN where no end is seen within `reach` of `expected` [m].

    As at the needle: the change-point against the ground, whose look is learned just beyond, averaged over neighbours;
    then a blurred step, which uses only the outermost part of the cloth.
    """
    across, step = strip.across, strip.step
    ground_band = (across >= expected + reach) & (across < expected + reach + _BAND)
    search = (across > expected - reach - _BAND) & (across < expected + reach + _BAND)
    ground = cv2.blur(strip.colours[:, ground_band].mean(axis=1), (1, max(1, round(_GROUND / step))))  # (S, 3)
    noise = float(np.hypot((strip.colours[:, ground_band] - ground[:, None]).std(), _NOISE_LEVELS))
    pixels = np.ascontiguousarray(np.round(strip.colours[:, search]).astype(np.uint8).transpose(1, 0, 2))
    bare = np.ascontiguousarray(np.broadcast_to(ground, pixels.shape), dtype=np.float32)
    blind = np.zeros(pixels.shape[:2], dtype=np.bool_)
    gain = np.ones((pixels.shape[1], 3), dtype=np.float32)
    total = score_columns(pixels, bare, blind, gain, noise, _SHADOW, 0, 1, 1)
    near = max(1, round(_NEIGHBOURS / step))
    expected_row = median_filter(uniform_filter1d(total, near, axis=1).argmax(axis=0).astype(np.float64), near) - 0.5
    steps = np.zeros((pixels.shape[1], 2))
    fit_steps(
        pixels, bare, blind, gain, noise, _SHADOW, 0, 1, 1, expected_row, _BLUR_PX * strip.pixel / step, *_STEPS, steps,
        STEP_TABLE, TABLE_STEP,
    )  # fmt: skip
    weight = np.where(steps[:, 1] > _MIN_CONTRAST, steps[:, 1] / (steps[:, 1] + 100.0), 0.0)
    mass = uniform_filter1d(weight, near)
    row = np.divide(
        uniform_filter1d(weight * steps[:, 0], near), mass, out=np.full(len(mass), np.nan), where=mass > 0.2
    )
    edge = across[search][0] + row * step
    return np.where(np.abs(edge - expected) < reach, edge, np.nan)
