"""Sub-pixel edges of cloth on a known background, measured along the normals of an outline in the raw picture."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from sewcell.geometry.poses import Array
from sewcell.units import MM
from sewcell.vision.background import SHADOW_SIGMA, Pixels
from sewcell.vision.camera_model import CameraModel

_STEP_PX = 0.5
_BAND_PX = 5.0
_RIM_PX = 2.5
_RIM_LIGHT = (0.4, 1.15)
_SMOOTHING_POINTS = 15
_END_SAMPLES = 2
_INSIDE_COVER = 0.6
_OUTSIDE_COVER = 0.4


@dataclass(frozen=True, slots=True)
class Scene:
    """What the edges are measured in: the picture, the empty table (both (H, W, 3)), and how they compare.

    `gain` (3,) and `noise` (3,) as in `Difference`; `height` [m] of the plane on which the outline lies.
    """

    pixels: Pixels
    empty: Pixels
    gain: Array
    noise: Array
    camera: CameraModel
    height: float


@dataclass(frozen=True, slots=True)
class Edges:
    """`offset` (N,) [m] from each point along its normal to the edge; `valid` (N,) where there is one;
    `weight` (N,) up to 1, smaller where cloth and table look alike; `cover` (N,): share of the search range that cloth
    covers."""

    offset: Array
    valid: NDArray[np.bool_]
    weight: Array
    cover: Array


def measure_edges(scene: Scene, points: Array, normals: Array, reach_px: float) -> Edges:
    """Look for the edge within `reach_px` of each point (N, 2) [m, table] along its outward unit normal (N, 2).

    Each sample is a mixture I = a F + (1 - a) B of the cloth's colour F, taken further inside and smoothed along the
    outline, and the empty table's B at that very pixel, dimmed as the table is just outside, where the cloth's own
    shadow falls. The cover a follows from Fisher's discriminant w = S^-1 (F - B), a = w'(I - B) / w'(F - B), where S
    holds the noise, the cloth's texture and soft shadow (SHADOW_SIGMA^2 B B'). The edge lies where the covered length,
    the sum of a, ends: the blur of the lens is symmetric and cancels (Tabatabai and Mitchell 1984, "Edge Location to
    Subpixel Values in Digital Imagery").
    """
    probe = 1.0 * MM
    start_px = scene.camera.project_plane(points, scene.height)
    direction = scene.camera.project_plane(points + probe * normals, scene.height) - start_px
    px_per_m = np.linalg.norm(direction, axis=1) / probe
    direction /= np.maximum(px_per_m * probe, 1e-12)[:, None]

    half = round(reach_px / _STEP_PX)
    band, rim = round(_BAND_PX / _STEP_PX), round(_RIM_PX / _STEP_PX)
    offsets = (np.arange(-half - band - 2, half + rim) + 0.5) * _STEP_PX
    maps = (start_px[:, None, :] + offsets[None, :, None] * direction[:, None, :]).astype(np.float32)
    inside = _visible(maps, scene.pixels)
    picture = cv2.remap(scene.pixels, maps, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    empty = cv2.remap(scene.empty, maps, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    table = empty.astype(np.float32) * scene.gain.astype(np.float32)  # (N, M, 3)

    inner = picture[:, :band]
    cloth = _smooth(inner.mean(axis=1))  # (N, 3)
    texture = (inner - cloth[:, None]).reshape(-1, 3)
    spread = np.diag(scene.noise**2) + 0.5 * (texture.T @ texture) / len(texture)

    outside, bare = _smooth(picture[:, -rim:].mean(axis=1)), _smooth(table[:, -rim:].mean(axis=1))
    light = np.einsum("ij,ij->i", outside, bare) / np.maximum(np.einsum("ij,ij->i", bare, bare), 1.0)
    search = slice(-rim - 2 * half, -rim)
    picture, table = picture[:, search], table[:, search] * np.clip(light, *_RIM_LIGHT)[:, None, None]
    local = table.mean(axis=1)  # (N, 3)
    axis = _discriminant(cloth - local, local, spread)
    signal = np.einsum("ijk,ik->ij", picture - table, axis)
    contrast = np.einsum("ijk,ik->ij", cloth[:, None] - table, axis)
    separation = np.einsum("ij,ij->i", cloth - local, axis)  # squared signal to noise
    floor = 0.1 * np.abs(separation)[:, None] + 1e-6
    cover = np.clip(signal * contrast / (contrast**2 + floor**2), -0.3, 1.3)

    offset_px = cover.sum(axis=1) * _STEP_PX - half * _STEP_PX
    valid = (
        inside
        & (cover[:, :_END_SAMPLES].mean(axis=1) > _INSIDE_COVER)
        & (cover[:, -_END_SAMPLES:].mean(axis=1) < _OUTSIDE_COVER)
    )
    weight = separation / (separation + 10.0)
    return Edges(
        np.asarray(offset_px / px_per_m, np.float64),
        valid,
        np.asarray(weight, np.float64),
        np.asarray(cover.mean(axis=1), np.float64),
    )


def _smooth(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Moving average of rows (N, 3) along the closed outline."""
    return np.asarray(uniform_filter1d(rows, min(_SMOOTHING_POINTS, len(rows)), axis=0, mode="wrap"))


def _discriminant(contrast: Array, table: Array, spread: Array) -> Array:
    """(spread + SHADOW_SIGMA^2 B B')^-1 contrast for each row (N, 3), by Sherman and Morrison."""
    inverse = np.linalg.inv(spread)
    plain, shadow = contrast @ inverse, table @ inverse
    share = np.einsum("ij,ij->i", table, plain) / (SHADOW_SIGMA**-2 + np.einsum("ij,ij->i", table, shadow))
    return np.asarray(plain - share[:, None] * shadow)


def _visible(maps: NDArray[np.float32], pixels: Pixels) -> NDArray[np.bool_]:
    """Which profiles (N, M, 2) lie in the picture from end to end, (N,)."""
    ends = maps[:, (0, -1)]
    limit = np.array([pixels.shape[1] - 1, pixels.shape[0] - 1], dtype=np.float32)
    return np.asarray(((ends >= 0.0) & (ends <= limit)).all(axis=(1, 2)))
