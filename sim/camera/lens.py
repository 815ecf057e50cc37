"""The lens of a simulated camera: where a point of the world falls on the picture."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from sewcell.errors import ConfigError

Array = NDArray[np.float64]

UNDISTORT_STEPS = 12


@njit(cache=True, error_model="numpy")
def project_ray(x: float, y: float, lens: Array) -> tuple[float, float]:
    """Pixel of the ray (x, y, 1) of the camera frame.

    `lens` (9,): fx, fy, cx, cy, k1, k2, p1, p2, k3. Brown's model (D. C. Brown, "Decentering distortion of lenses",
    1966) in the order of coefficients that OpenCV made common; pixel centres lie at whole numbers.
    """
    r2 = x * x + y * y
    radial = 1.0 + r2 * (lens[4] + r2 * (lens[5] + r2 * lens[8]))
    xd = x * radial + 2.0 * lens[6] * x * y + lens[7] * (r2 + 2.0 * x * x)
    yd = y * radial + lens[6] * (r2 + 2.0 * y * y) + 2.0 * lens[7] * x * y
    return lens[0] * xd + lens[2], lens[1] * yd + lens[3]


@njit(cache=True, error_model="numpy")
def ray_of_pixel(u: float, v: float, lens: Array, steps: int) -> tuple[float, float]:
    """Ray (x, y, 1) of the camera frame that falls on pixel (u, v): fixed-point iteration of the model above."""
    x = x0 = (u - lens[2]) / lens[0]
    y = y0 = (v - lens[3]) / lens[1]
    for _ in range(steps):
        r2 = x * x + y * y
        radial = 1.0 + r2 * (lens[4] + r2 * (lens[5] + r2 * lens[8]))
        dx = 2.0 * lens[6] * x * y + lens[7] * (r2 + 2.0 * x * x)
        dy = lens[6] * (r2 + 2.0 * y * y) + 2.0 * lens[7] * x * y
        x = (x0 - dx) / radial
        y = (y0 - dy) / radial
    return x, y


@njit(cache=True, error_model="numpy")
def project_rays(rays: Array, lens: Array) -> Array:
    """Pixels (N, 2) of rays (N, 2)."""
    pixels = np.empty((len(rays), 2))
    for i in range(len(rays)):
        pixels[i, 0], pixels[i, 1] = project_ray(rays[i, 0], rays[i, 1], lens)
    return pixels


@dataclass(frozen=True, slots=True)
class View:
    """A camera at its place.

    `image_size_px`: (width, height). `matrix`: (3, 3) camera matrix without skew [px]. `distortion`: k1 k2 p1 p2 k3.
    `T_camera_base`: (4, 4) pose of base in the optical camera frame (z forward, x right, y down) [m].

    Raises: ConfigError for a matrix with skew or a distortion that folds the picture over.
    """

    image_size_px: tuple[int, int]
    matrix: Array
    distortion: Array
    T_camera_base: Array

    def __post_init__(self) -> None:
        if self.matrix.shape != (3, 3) or self.matrix[0, 1] != 0.0 or len(self.distortion) != 5:
            raise ConfigError(
                "a simulated camera takes a 3 x 3 camera matrix without skew and five distortion values: k1 k2 p1 p2 k3"
            )
        k1, k2, _, _, k3 = self.distortion
        r2 = np.linspace(0.0, float(np.max(np.abs(self.window()))) ** 2 * 2.0, 50)
        if np.any(1.0 + r2 * (3.0 * k1 + r2 * (5.0 * k2 + r2 * 7.0 * k3)) <= 0.0):
            raise ConfigError("the distortion k1 k2 k3 folds the picture over itself: check the camera file's values")

    @property
    def lens(self) -> Array:
        """fx, fy, cx, cy, k1, k2, p1, p2, k3."""
        K = self.matrix
        return np.array([K[0, 0], K[1, 1], K[0, 2], K[1, 2], *self.distortion], dtype=np.float64)

    @property
    def eye(self) -> Array:
        """Optical centre in base [m], (3,)."""
        T = self.T_camera_base
        return np.asarray(-T[:3, :3].T @ T[:3, 3], dtype=np.float64)

    def window(self) -> Array:
        """Bounds of the picture's rays: least x, greatest x, least y, greatest y, a little beyond the rim, (4,)."""
        width, height = self.image_size_px
        across, down = np.linspace(-2.0, width + 1.0, 9), np.linspace(-2.0, height + 1.0, 9)
        rim = [(u, v) for u in across for v in (down[0], down[-1])] + [
            (u, v) for v in down for u in (across[0], across[-1])
        ]
        rays = np.array([ray_of_pixel(u, v, self.lens, UNDISTORT_STEPS) for u, v in rim])
        low, high = rays.min(axis=0), rays.max(axis=0)
        margin = 0.01 * (high - low)
        return np.array([low[0] - margin[0], high[0] + margin[0], low[1] - margin[1], high[1] + margin[1]])

    def project(self, points: ArrayLike) -> Array:
        """Pixels (N, 2) of points (N, 3) [m] in base that lie before the camera."""
        T = self.T_camera_base
        seen = np.asarray(points, dtype=np.float64) @ T[:3, :3].T + T[:3, 3]
        pixels: Array = project_rays(np.ascontiguousarray(seen[:, :2] / seen[:, 2:]), self.lens)
        return pixels
