"""Pictures of meshes: what rests is drawn once, what moves is drawn over it in the region that it touches."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import is_

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sewcell.errors import ConfigError
from sim.camera.lens import View, project_rays
from sim.camera.mesh import Mesh
from sim.camera.rasteriser import Region, rasterise
from sim.camera.shading import shade
from sim.camera.shadows import Light, ShadowMap, cast_shadows, cover_ground, shadow_points
from sim.camera.textures import TEXTURES
from sim.camera.triangles import project_meshes

Picture = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Layer:
    """A picture that more can be drawn over.

    `light` (H, W, 3): red, green, blue, 1 is white in full light. `lamp_part` (H, W): share of it that the key lamp
    gives. `nearness` (H, W): 1 / depth [1/m], 0 where nothing is. `shadows`: map of all that is drawn.
    """

    light: Picture
    lamp_part: Picture
    nearness: Picture
    shadows: ShadowMap


def make_light(
    towards: ArrayLike = (-0.42, 0.30, 0.86), key: float = 0.62, ambient: float = 0.42, spread: float = 0.07
) -> Light:
    """Lamp over the cell; `towards` need not be a unit vector."""
    direction = np.asarray(towards, dtype=np.float64)
    return Light(direction / np.linalg.norm(direction), key, ambient, spread)


class Renderer:
    """Renders lists of meshes as one camera sees them, before a `background` that fits (H, W, 3).

    Meshes that are the same objects as in the list before are taken to rest: they are drawn once and kept, with their
    depth. The kept set only shrinks, so a body that moves now and then does not cost a new picture each time. It begins
    with those of `rest`, or else with all of the first list.
    """

    def __init__(self, view: View, light: Light, background: ArrayLike = (0.03, 0.03, 0.035), texel: float = 1.5e-3):
        width, height = view.image_size_px
        self._view, self._light, self._texel = view, light, texel
        backdrop = np.asarray(background, dtype=np.float32)
        self._empty = Layer(
            np.ascontiguousarray(np.broadcast_to(backdrop, (height, width, 3))),
            np.zeros((height, width), dtype=np.float32),
            np.zeros((height, width), dtype=np.float32),
            cast_shadows([], light, texel),
        )
        self._resting: list[Mesh] | None = None
        self._base = self._empty
        self._last: tuple[list[Mesh], Layer] | None = None

    def render(self, meshes: Sequence[Mesh]) -> Layer:
        """The picture of `meshes`; the arrays belong to the caller only until the next call."""
        if self._resting is None:
            self.rest(list(meshes))
        if self._last is not None and len(meshes) == len(self._last[0]) and all(map(is_, meshes, self._last[0])):
            return self._last[1]
        present = {id(mesh) for mesh in meshes}
        still = [mesh for mesh in self._resting or [] if id(mesh) in present]
        if len(still) < len(self._resting or []):
            self.rest(still)
        resting = {id(mesh) for mesh in still}
        drawn = self._draw([mesh for mesh in meshes if id(mesh) not in resting], self._base)
        self._last = list(meshes), drawn
        return drawn

    def rest(self, meshes: list[Mesh]) -> None:
        """Draw and keep these, and no others, as what rests."""
        self._resting = meshes
        self._base = self._draw(meshes, self._empty)

    def _draw(self, meshes: Sequence[Mesh], base: Layer) -> Layer:
        view, light = self._view, self._light
        drawn = [mesh for mesh in meshes if len(mesh.faces)]
        for mesh in drawn:
            if mesh.texture not in TEXTURES:
                raise ConfigError(f"mesh '{mesh.name}': no texture '{mesh.texture}'; known: {', '.join(TEXTURES)}")
        if not drawn:
            return base
        triangles = project_meshes(drawn, view)
        region = self._region(triangles.screen, drawn)
        if 0 in region.shape:
            return base
        seen = rasterise(triangles, region, base.nearness[region.window])
        shadows = cast_shadows(drawn, light, self._texel)
        picture, lamp_part, nearness = base.light.copy(), base.lamp_part.copy(), base.nearness.copy()
        part, part_lamp = picture[region.window].copy(), lamp_part[region.window].copy()
        shade(
            region.x0,
            region.y0,
            seen.triangle,
            seen.nearness,
            seen.slot,
            seen.sample_triangle,
            seen.sample_nearness,
            triangles.screen,
            triangles.nearness,
            triangles.corners,
            triangles.mesh,
            np.array([mesh.colour for mesh in drawn], dtype=np.float64),
            np.array([TEXTURES.index(mesh.texture) for mesh in drawn], dtype=np.int64),
            np.array([mesh.two_sided for mesh in drawn], dtype=np.bool_),
            np.array([*light.direction, light.key, light.ambient]),
            np.array([*view.T_camera_base[:3, :3].ravel(), *view.eye, view.lens[0]], dtype=np.float64),
            view.lens,
            shadows.heights,
            shadows.hulls,
            shadows.frame,
            base.shadows.heights,
            base.shadows.hulls,
            base.shadows.frame,
            cover_ground(drawn, light, view, region),
            part,
            part_lamp,
        )
        picture[region.window], lamp_part[region.window] = part, part_lamp
        nearness[region.window] = seen.nearness
        return Layer(picture, lamp_part, nearness, shadows)

    def _region(self, screen: NDArray[np.float64], meshes: Sequence[Mesh]) -> Region:
        """Pixels that the triangles or their shadows on the ground may touch."""
        whole = Region(0, 0, *self._view.image_size_px)
        T = self._view.T_camera_base
        fallen = shadow_points(meshes, self._light)
        depth = fallen @ T[2, :3] + T[2, 3]
        if np.any(depth < 0.05):
            return whole
        rays = (fallen @ T[:2, :3].T + T[:2, 3]) / depth[:, None]
        left, right, top, bottom = self._view.window()
        inside = np.clip(rays, [left, top], [right, bottom])
        touched = np.concatenate([project_rays(inside, self._view.lens), screen.reshape(-1, 2)])
        return whole.cut(touched.min(axis=0) - 1.0, touched.max(axis=0) + 1.0)
