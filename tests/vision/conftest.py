"""Pictures of cloth on a table, made by other means than the locator's: a polygon, supersampled, through the lens."""

from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from ruamel.yaml import YAML

from sewcell.geometry.planar import PlanarPose
from sewcell.image import Image
from sewcell.pattern.piece import Piece
from sewcell.vision.background import make_background
from sewcell.vision.camera_model import CameraModel

ROOT = Path(__file__).parents[2]
SUPERSAMPLING = 8
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """How a picture is made: colours are blue-green-red, `light` multiplies the exposure, `shadow` is the depth of the
    soft shadow that the piece casts to its lower right."""

    wood: bool = True
    cloth: tuple[float, float, float] = (190.0, 138.0, 108.0)
    light: float = 1.0
    shadow: float = 0.2
    noise: float = 2.0
    blur: float = 0.6
    height: float = 0.0003


@dataclass(frozen=True)
class Bench:
    """The overhead camera of the cell and the pictures that it takes."""

    camera: CameraModel
    raw: dict

    def project(self, points: Array, height: float) -> Array:
        T = np.array(self.raw["T_camera_table"], dtype=float)
        world = np.column_stack((points, np.full(len(points), height)))
        in_camera = world @ T[:3, :3].T + T[:3, 3]
        pixels, _ = cv2.projectPoints(
            in_camera.reshape(-1, 1, 3),
            np.zeros(3),
            np.zeros(3),
            np.array(self.raw["camera_matrix"], dtype=float),
            np.array(self.raw["distortion"], dtype=float),
        )
        return pixels.reshape(-1, 2)

    def picture(self, placed, seed: int, **conditions) -> Image:
        """Picture of `placed` = [(outline (N, 2) [m], PlanarPose), ...] on the table; `conditions`: as in Table."""
        table = Table(**conditions)
        width, height = self.raw["image_size_px"]
        canvas = surface(width, height, table.wood).copy()
        for outline, pose in placed:
            self._lay(canvas, outline, pose, table)
        rng = np.random.default_rng(seed)
        canvas = cv2.GaussianBlur(canvas, (0, 0), table.blur) * table.light
        canvas += table.noise * rng.standard_normal(canvas.shape, dtype=np.float32)
        return Image(np.clip(np.round(canvas), 0, 255).astype(np.uint8), "overhead", 0.0)

    def _lay(self, canvas: NDArray[np.float32], outline: Array, pose: PlanarPose, table: Table) -> None:
        """Blend one piece into the canvas: shadow, then woven cloth under its cover."""
        turn = np.array([[np.cos(pose.theta), -np.sin(pose.theta)], [np.sin(pose.theta), np.cos(pose.theta)]])
        drawn = outline * (1.0, -1.0) if pose.mirrored else outline
        closed = np.vstack((drawn, drawn[:1]))
        fine = np.vstack([np.linspace(a, b, 20, endpoint=False) for a, b in pairwise(closed)])
        pixels = self.project(fine @ turn.T + (pose.x, pose.y), table.height)

        low = np.floor(pixels.min(axis=0)).astype(int) - 20
        high = np.ceil(pixels.max(axis=0)).astype(int) + 20
        columns, rows = high - low
        grid = ((pixels - low + 0.5) * SUPERSAMPLING - 0.5) * 16
        mask = np.zeros((rows * SUPERSAMPLING, columns * SUPERSAMPLING), np.uint8)
        cv2.fillPoly(mask, [np.round(grid).astype(np.int32).reshape(-1, 1, 2)], 255, cv2.LINE_8, 4)
        cover = cv2.resize(mask, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
        shade = cv2.GaussianBlur(np.roll(cover, (2, 3), axis=(0, 1)), (0, 0), 2.0)

        v, u = np.mgrid[0:rows, 0:columns].astype(np.float32) * 0.41
        along, across = u * turn[0, 0] - v * turn[1, 0], -u * turn[1, 0] - v * turn[0, 0]
        weave = 1.0 + 0.05 * np.sin(2 * np.pi * along / 1.1) * np.sin(2 * np.pi * across / 0.9)
        slub = np.random.default_rng(7).standard_normal((rows, columns), dtype=np.float32)
        weave += 0.03 * cv2.GaussianBlur(slub, (0, 0), 6.0, sigmaY=0.8) * 5.0
        cloth = weave[..., None] * np.array(table.cloth, np.float32)

        top, left = max(low[1], 0), max(low[0], 0)
        bottom, right = min(high[1], canvas.shape[0]), min(high[0], canvas.shape[1])
        cut = (slice(top - low[1], bottom - low[1]), slice(left - low[0], right - low[0]))
        part = canvas[top:bottom, left:right]
        a = cover[cut][..., None]
        part[:] = a * cloth[cut] + (1 - a) * part * (1.0 - table.shadow * shade[cut][..., None])


@cache
def surface(width: int, height: int, wood: bool) -> NDArray[np.float32]:
    """An empty table under uneven light: planks with grain, or plain grey, (height, width, 3)."""
    rng = np.random.default_rng(99)
    v, u = np.mgrid[0:height, 0:width].astype(np.float32)
    light = 1.0 - 0.15 * (((u - width / 2) / width) ** 2 + ((v - height / 2) / height) ** 2)
    if wood:
        grain = (
            cv2.GaussianBlur(rng.standard_normal((height, width), dtype=np.float32), (0, 0), 40.0, sigmaY=1.0) * 11.0
        )
        rings = np.sin(v / 9.0 + 3.0 * np.sin(u / 260.0) + 2.0 * grain)
        tone = 1.0 + 0.06 * grain + 0.05 * rings
        tone[(v.astype(int) % 170) < 2] *= 0.6
        colour = np.array([110.0, 155.0, 190.0], np.float32)
    else:
        tone = np.ones_like(u)
        colour = np.array([120.0, 120.0, 120.0], np.float32)
    return (light * tone)[..., None] * colour


@pytest.fixture(scope="session")
def bench() -> Bench:
    raw = YAML(typ="safe").load((ROOT / "configs/cameras/bench-overhead.yaml").read_text())
    camera = CameraModel(
        tuple(raw["image_size_px"]),
        np.array(raw["camera_matrix"], dtype=float),
        np.array(raw["distortion"], dtype=float),
        np.array(raw["T_camera_table"], dtype=float),
    )
    return Bench(camera, raw)


@pytest.fixture(scope="session")
def empty(bench):
    """The empty wooden table, of three pictures."""
    return make_background([bench.picture([], seed) for seed in (1001, 1002, 1003)])


@pytest.fixture(scope="session")
def pocket() -> Piece:
    """A pocket whose point lies off its middle by 8 mm, so that both faces differ, with one slanted corner."""
    outline = np.array([[-60, 0], [-52, -12], [-60, -120], [8, -140], [60, -112], [60, 0]], dtype=float) * 1e-3
    lines = (np.array([[-55, -25], [55, -25]], dtype=float) * 1e-3,)
    return Piece("POCKET", "M", outline, sew_lines=lines)


@pytest.fixture(scope="session")
def symmetric_pocket(pocket) -> Piece:
    outline = np.array([[-60, 0], [-60, -120], [0, -140], [60, -120], [60, 0]], dtype=float) * 1e-3
    return replace(pocket, outline=outline)
