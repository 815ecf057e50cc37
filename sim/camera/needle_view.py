"""Pictures of cloth on the throat plate beside the needle, as a small fast camera there takes them, with the truth."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from sim.camera.fabric_patterns import draw_fabric
from sim.camera.sensor import Sensor

FINE = 3
"""Fine pixels along each side of a pixel."""
SIZE_PX = 200
PIXEL = 0.25e-3
"""Width of a pixel on the throat plate [m]."""
NEEDLE_PX = (184.0, 140.0)
"""Column and row of the needle."""
FOOT = (-0.012, 0.006, -0.006, 0.006)
"""The presser foot, which hides what is below it: x from, x to, y from, y to [m]."""

Array = NDArray[np.float64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ClothEdge:
    """The edge of cloth: an arc through (0, `offset`) in the needle frame [m] with `heading` [rad] there and signed
    `curvature` [1/m], positive when it bends left along +x; the cloth lies to the right of it."""

    offset: float
    heading: float = 0.0
    curvature: float = 0.0

    def distance(self, x: Array, y: Array) -> Array:
        """Signed distance of points from the edge [m], positive on the cloth."""
        c, s, k = np.cos(self.heading), np.sin(self.heading), self.curvature
        along, left = c * x + s * (y - self.offset), c * (y - self.offset) - s * x
        # Distance from a circle of radius 1 / k through the origin, written so that k = 0 gives the straight line.
        square = along**2 + left**2
        bend = 2.0 * left - k * square
        return np.asarray(-bend / (1.0 + np.sqrt(np.maximum(1.0 - k * bend, 0.0))))

    def at(self, x: float) -> tuple[float, float]:
        """Height y [m] and heading [rad] of the edge at x, where it has one."""
        heading = float(np.arcsin(np.sin(self.heading) + self.curvature * x))
        if self.curvature == 0.0:
            return self.offset + float(np.tan(self.heading)) * x, heading
        return self.offset + float(np.cos(self.heading) - np.cos(heading)) / self.curvature, heading


@dataclass(frozen=True, slots=True)
class NeedleScene:
    """How a picture comes about; colours are red-green-blue from 0 to 1.

    `shift` (2,) [m]: how far the cloth has been fed, so that its pattern moves. `travel`: its way during the exposure
    [m]. `light`: factor on all light, `slope`: change of the light from left to right, `shadow`: depth of the cloth's
    own shadow on the plate; `fray`: roughness of the edge, standard deviation [m].
    """

    fabric: str = "plain"
    colours: tuple[tuple[float, float, float], ...] = ((0.20, 0.30, 0.55),)
    shift: tuple[float, float] = (0.0, 0.0)
    travel: float = 0.0
    light: float = 1.0
    slope: float = 0.0
    shadow: float = 0.15
    fray: float = 0.02e-3
    blur_px: float = 0.7
    noise: float = 2.0
    stripe: tuple[float, float] = (6e-3, 0.6)
    foot: bool = False


def draw_needle_view(edge: ClothEdge | None, scene: NeedleScene, seed: int) -> NDArray[np.uint8]:
    """The picture (SIZE_PX, SIZE_PX, 3), blue-green-red, of cloth with `edge`, or of the bare plate.

    Columns run along x and rows against y of the needle frame. Every pixel is the mean of FINE x FINE points.
    """
    rng = np.random.default_rng(seed)
    x, y = _points()
    light = _plate()
    if edge is not None:
        inside = edge.distance(x, y) + scene.fray * _roughness(rng, x.shape)
        cover = np.clip(inside * (FINE / PIXEL) + 0.5, 0.0, 1.0).astype(np.float32)
        shade = 1.0 - np.float32(scene.shadow) * cv2.GaussianBlur(
            np.roll(cover, (FINE, FINE), axis=(0, 1)), (0, 0), 1.5 * FINE
        )
        u, v = x - scene.shift[0], y - scene.shift[1]
        cloth = draw_fabric(u, v, scene.fabric, scene.colours, scene.stripe, rng)
        light = cover[..., None] * cloth + (1.0 - cover[..., None]) * shade[..., None] * light
    steps = max(1, round(scene.travel / PIXEL * FINE))
    if steps > 1:
        light = cv2.blur(light, (steps, 1))
    if scene.foot:
        low_x, high_x, low_y, high_y = FOOT
        light = light.copy()
        light[(x > low_x) & (x < high_x) & (y > low_y) & (y < high_y)] = 0.62
    light = cv2.resize(light, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_AREA)
    columns = np.linspace(-0.5, 0.5, SIZE_PX, dtype=np.float32)[None, :, None]
    sensor = Sensor(noise=scene.noise, blur_px=scene.blur_px, exposure=scene.light, vignetting=0.0)
    return sensor.expose(np.ascontiguousarray(light * (1.0 + np.float32(scene.slope) * columns)), rng)


@cache
def _points() -> tuple[Array, Array]:
    """Coordinates x, y (n, n) [m] of the fine pixels."""
    fine = (np.arange(SIZE_PX * FINE) + 0.5) / FINE - 0.5
    columns, rows = np.meshgrid(fine, fine)
    return (columns - NEEDLE_PX[0]) * PIXEL, (NEEDLE_PX[1] - rows) * PIXEL


@cache
def _plate() -> Floats:
    """Brushed steel with the needle hole, the slots of the feed dog and two screws, (n, n, 3)."""
    x, y = _points()
    rng = np.random.default_rng(17)
    brushed = cv2.GaussianBlur(rng.standard_normal(x.shape, dtype=np.float32), (0, 0), 30.0, sigmaY=1.2) * 6.0
    tone = 0.55 + 0.03 * brushed + 0.05 * np.exp(-(((y - 0.012) / 0.02) ** 2))
    for low in (-0.005, 0.003):
        tone = np.where((np.abs(x + 0.004) < 0.011) & (y > low) & (y < low + 0.002), 0.12, tone)
    tone = np.where(x**2 + y**2 < 0.0011**2, 0.05, tone)
    for centre in ((-0.030, 0.022), (-0.034, -0.008)):
        radius = np.hypot(x - centre[0], y - centre[1])
        tone = np.where(np.abs(radius - 0.0028) < 0.00025, 0.2, tone)
        tone = np.where((radius < 0.0026) & (np.abs(y - centre[1] - 0.3 * (x - centre[0])) < 0.0004), 0.15, tone)
    return np.asarray(tone[..., None] * np.array([0.98, 1.0, 1.0]), dtype=np.float32)


def _roughness(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Loose threads: noise (n, n) of standard deviation 1 that changes over about 0.5 mm."""
    noise = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), 0.5e-3 / PIXEL * FINE / 2.0)
    return np.asarray(noise / noise.std(), dtype=np.float32)
