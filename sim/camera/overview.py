"""Pictures of the cell for people, from any side: soft room light, contact shade, a film-like tone curve."""

from collections.abc import Sequence

import cv2
import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from sim.camera.lens import View
from sim.camera.mesh import Mesh
from sim.camera.renderer import Layer, Renderer, make_light
from sim.camera.shadows import make_probes
from sim.camera.textures import hash_unit, turn_of_pixel

Array = NDArray[np.float64]

CONTACT_REACH = 0.06
"""How far apart [m] surfaces still shade each other from the light of the room."""
PROBES = make_probes(16)
SKY = np.array([0.62, 0.68, 0.76])
FLOOR = np.array([0.10, 0.11, 0.13])
"""Light of the floor behind the cell; SKY: of the wall."""


def look_at(
    eye: ArrayLike, target: ArrayLike, image_size_px: tuple[int, int] = (1280, 720), field_deg: float = 40.0
) -> View:
    """Pinhole view from `eye` to `target` (3,) [m] in base, z up in the picture; `field_deg`: its width as an angle."""
    origin, aim = np.asarray(eye, dtype=np.float64), np.asarray(target, dtype=np.float64)
    z = (aim - origin) / np.linalg.norm(aim - origin)
    x = np.cross(z, [0.0, 0.0, 1.0] if abs(z[2]) < 0.999 else [0.0, 1.0, 0.0])
    x /= np.linalg.norm(x)
    R = np.array([x, np.cross(z, x), z])
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = R, -R @ origin
    width, height = image_size_px
    focal = 0.5 * width / np.tan(np.deg2rad(field_deg) / 2.0)
    matrix = np.array([[focal, 0.0, (width - 1) / 2.0], [0.0, focal, (height - 1) / 2.0], [0.0, 0.0, 1.0]])
    return View(image_size_px, matrix, np.zeros(5), T)


class Overview:
    """Draws the cell from one place; call `draw` for every frame of a video.

    `fine`: four times the work for smoother edges and shadows, as single pictures deserve.
    """

    def __init__(self, view: View, fine: bool = False):
        self._size_px = view.image_size_px
        self._view = _refine(view) if fine else view
        light = make_light((-0.40, -0.45, 0.80), key=0.80, ambient=0.50, spread=0.09)
        self._renderer = Renderer(self._view, light, _paint_backdrop(self._view))

    def draw(self, meshes: Sequence[Mesh]) -> NDArray[np.uint8]:
        """Pixels (H, W, 3) blue-green-red of `meshes` as they are now."""
        layer: Layer = self._renderer.render(meshes)
        pixels = np.empty(layer.light.shape, dtype=np.uint8)
        _develop(layer.light, layer.lamp_part, layer.nearness, self._view.lens[0], pixels)
        if self._view.image_size_px == self._size_px:
            return pixels
        return np.asarray(cv2.resize(pixels, self._size_px, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _refine(view: View) -> View:
    """The same view with twice as many pixels across and down."""
    width, height = view.image_size_px
    matrix = view.matrix * 2.0
    matrix[:2, 2] += 0.5
    matrix[2, 2] = 1.0
    return View((2 * width, 2 * height), matrix, view.distortion, view.T_camera_base)


def _paint_backdrop(view: View) -> Array:
    """Light of each row where nothing stands, (H, 1, 3): floor below the horizon, brightening wall above."""
    height = view.image_size_px[1]
    R, lens = view.T_camera_base[:3, :3], view.lens
    climb = np.array([R[:, 2] @ [0.0, (row - lens[3]) / lens[1], 1.0] for row in range(height)])
    share = np.clip(0.6 + 0.8 * climb, 0.0, 1.0)[:, None, None] ** 1.5
    return np.asarray(FLOOR + share * (SKY - FLOOR))


@njit(cache=True, error_model="numpy")
def _develop(
    light: NDArray[np.float32],
    lamp_part: NDArray[np.float32],
    nearness: NDArray[np.float32],
    focal: float,
    pixels: NDArray[np.uint8],
) -> None:
    """Shade corners from the light of the room, then map light to levels.

    Contact shade after M. Mittring, "Finding next gen: CryEngine 2" (2007), with the surface's own slope taken out:
    probes left and right of a point, pairwise, so that a plane does not shade itself.
    """
    h, w, _ = light.shape
    for y in range(h):
        for x in range(w):
            near = nearness[y, x]
            depth = 1.0 / near if near > 0.0 else 0.0
            reach = min(90.0, focal * CONTACT_REACH * near)
            turn = turn_of_pixel(x, y)
            c, s = reach * np.cos(turn), reach * np.sin(turn)
            hidden = 0.0
            for i in range(len(PROBES) if near > 0.0 else 0):
                a, b = PROBES[i, 0], PROBES[i, 1]
                dx, dy = int(np.rint(c * a - s * b)), int(np.rint(s * a + c * b))
                if not (0 <= x + dx < w and 0 <= x - dx < w and 0 <= y + dy < h and 0 <= y - dy < h):
                    continue
                na, nb = nearness[y + dy, x + dx], nearness[y - dy, x - dx]
                if na <= 0.0 or nb <= 0.0:
                    continue
                # Both at once, relative to the plane through the point: above zero where the surface is hollow.
                rise = (0.5 * (na + nb) - near) * depth * depth
                if rise > 0.0:
                    hidden += min(1.0, rise / (0.25 * CONTACT_REACH)) / (1.0 + (rise / CONTACT_REACH) ** 2)
            open_part = 1.0 - 0.75 * min(1.0, 1.6 * hidden / len(PROBES))
            dither = hash_unit(x, y)
            room = (1.0 - lamp_part[y, x]) * open_part + lamp_part[y, x]
            for k in range(3):
                value = max(0.0, light[y, x, 2 - k] * room)
                value = value * (1.0 + value / 6.0) / (1.0 + 0.55 * value) * 1.32
                pixels[y, x, k] = np.uint8(min(255.0, 255.0 * min(1.0, value) ** (1.0 / 1.6) + dither))
