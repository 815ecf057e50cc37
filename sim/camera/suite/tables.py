"""Cameras over tables: how large the picture is, what the empty table looks like and how the light falls."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from sim.camera.lens import View

Picture = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Rig:
    """A camera over a table: `size_px` and the millimetres of table that a pixel sees."""

    name: str
    size_px: tuple[int, int]
    mm_per_px: float


RIGS = {
    rig.name: rig
    for rig in (
        Rig("5 MP wide", (2448, 2048), 0.50),
        Rig("5 MP near", (2448, 2048), 0.25),
        Rig("20 MP", (5472, 3648), 0.23),
        Rig("2 MP", (1600, 1200), 0.50),
    )
}
HEIGHT = 1.2
"""Of the cameras over the table [m]."""


def make_view(rig: Rig) -> View:
    """The camera of a rig: looks down, a little tilted, through a lens with some distortion; base is the table."""
    width, height = rig.size_px
    focal = HEIGHT / (rig.mm_per_px * 1e-3)
    matrix = np.array([[focal, 0.0, 0.503 * width], [0.0, 1.0004 * focal, 0.496 * height], [0.0, 0.0, 1.0]])
    tilt_x, tilt_y, turn = 0.012, -0.008, 0.01
    cx, sx, cy, sy, cz, sz = (f(a) for a in (tilt_x, tilt_y, turn) for f in (np.cos, np.sin))
    R = (
        np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
        @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        @ np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
        @ np.diag([1.0, -1.0, -1.0])
    )
    T = np.eye(4)
    T[:3, :3] = R
    T[:3, 3] = R @ -np.array([*(0.5e-3 * rig.mm_per_px * np.array(rig.size_px)), HEIGHT])
    return View(rig.size_px, matrix, np.array([-0.09, 0.11, 0.0004, -0.0003, 0.0]), T)


@cache
def paint_table(rig_name: str, surface: str, blur_px: float) -> Picture:
    """Light from the empty table (H, W, 3) [levels], blue-green-red: "wood", "grey", "white" or "dark"."""
    width, height = RIGS[rig_name].size_px
    rng = np.random.default_rng(99)
    v, u = np.mgrid[0:height, 0:width].astype(np.float32)
    colour = {
        "wood": (105.0, 150.0, 185.0),
        "grey": (120.0, 121.0, 119.0),
        "white": (204.0, 208.0, 210.0),
        "dark": (36.0, 33.0, 32.0),
    }[surface]
    specks = cv2.GaussianBlur(rng.standard_normal((height, width), dtype=np.float32), (0, 0), 2.0)
    tone = 1.0 + 0.05 * specks
    if surface == "wood":
        step = max(1, width // 1200)
        shape = (height // step + 1, width // step + 1)
        grain = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), 40.0, sigmaY=1.0) * 11.0
        grain = cv2.resize(grain, (width, height), interpolation=cv2.INTER_CUBIC)
        tone += 0.06 * grain + 0.05 * np.sin(v / (9.0 * step) + 3.0 * np.sin(u / (260.0 * step)) + 2.0 * grain)
        tone[(v.astype(int) % (170 * step)) < 2 * step] *= 0.6
    tone *= light_field(u, v, (width, height))
    return np.asarray(cv2.GaussianBlur(tone[..., None] * np.array(colour, np.float32), (0, 0), blur_px))


def light_field(u: Picture, v: Picture, size_px: tuple[int, int]) -> Picture:
    """Share of the light at pixels: lamps that do not stand evenly, and vignetting."""
    x, y = u / np.float32(size_px[0]) - np.float32(0.5), v / np.float32(size_px[1]) - np.float32(0.5)
    return np.asarray(1.0 + 0.08 * x - 0.05 * y - 0.16 * (x * x + y * y), dtype=np.float32)
