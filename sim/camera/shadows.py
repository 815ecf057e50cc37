"""Shadows: a depth map seen from the key light, and the exact shadow of cloth on the ground."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.camera.lens import View
from sim.camera.mesh import Mesh
from sim.camera.rasteriser import Region, cover_bits, rasterise
from sim.camera.triangles import project_meshes

Array = NDArray[np.float64]

GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))
NO_CASTER = np.float32(-1e9)
FLAT_HEIGHT = 2e-3
"""Cloth lower than this [m] throws so narrow a penumbra that one direction of light is enough."""


@dataclass(frozen=True, slots=True)
class Light:
    """One lamp and the light of the room.

    `direction` (3,): unit vector in base towards the lamp. `key`, `ambient`: their strengths; a level white surface
    has the brightness ambient + key * direction[2]. `spread`: tangent of half the angle under which the lamp is seen.
    """

    direction: Array
    key: float
    ambient: float
    spread: float


@dataclass(frozen=True, slots=True)
class ShadowMap:
    """Height of the casters towards the lamp. `heights` (h, w) [m]; `axes` (3, 3): across, up, to the lamp, in base;
    `origin` (2,) [m] of the first texel; `texel` [m]; `top`: the greatest height.
    """

    heights: NDArray[np.float32]
    axes: Array
    origin: Array
    texel: float
    top: float


def light_axes(direction: Array) -> Array:
    """Right-handed rows (3, 3): two axes across the light, and `direction`."""
    helper = np.array([0.0, 1.0, 0.0]) if abs(direction[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    a = np.cross(helper, direction)
    a /= np.linalg.norm(a)
    return np.array([a, np.cross(direction, a), direction])


def cast_shadows(meshes: Sequence[Mesh], light: Light, texel: float) -> ShadowMap:
    """Shadow map of the bodies; cloth (two-sided meshes) is left to `cover_ground`."""
    axes = light_axes(light.direction)
    solids = [mesh for mesh in meshes if not mesh.two_sided]
    if not solids:
        return ShadowMap(np.full((1, 1), NO_CASTER, np.float32), axes, np.zeros(2), texel, float(NO_CASTER))
    turned = [np.ascontiguousarray(mesh.vertices @ axes.T) for mesh in solids]
    low = np.min([v.min(axis=0) for v in turned], axis=0)
    high = np.max([v.max(axis=0) for v in turned], axis=0)
    w, h = np.ceil((high[:2] - low[:2]) / texel).astype(int) + 1
    heights = np.full((h, w), NO_CASTER, dtype=np.float32)
    for mesh, points in zip(solids, turned, strict=True):
        _draw_heights(points, np.ascontiguousarray(mesh.faces, dtype=np.int32), low[0], low[1], texel, heights)
    return ShadowMap(heights, axes, low[:2], texel, float(high[2]))


def cover_ground(meshes: Sequence[Mesh], light: Light, view: View, region: Region) -> NDArray[np.uint16]:
    """Which samples of the ground z = 0 lie in the shadow of cloth, (L, h, w) bit masks, one for each of L rays.

    The cloth is projected onto the ground along L directions spread over the lamp, and drawn as the camera sees it.
    """
    cloth = [mesh for mesh in meshes if mesh.two_sided]
    if not cloth:
        return np.zeros((1, 1, 1), dtype=np.uint16)
    masks = []
    for direction in _sample_lamp(light, 1 if max(mesh.vertices[:, 2].max() for mesh in cloth) < FLAT_HEIGHT else 12):
        fallen = [replace(mesh, vertices=_fall(mesh.vertices, direction)) for mesh in cloth]
        seen = rasterise(project_meshes(fallen, view), region)
        masks.append(cover_bits(seen.triangle, seen.slot, seen.sample_triangle))
    return np.array(masks)


def shadow_points(meshes: Sequence[Mesh], light: Light) -> Array:
    """Where the vertices' shadows fall on the ground, and a rim as wide as the penumbra, (N, 3) [m]."""
    points = np.concatenate([mesh.vertices for mesh in meshes])
    fallen = _fall(points, light.direction)
    rim = light.spread * np.maximum(points[:, 2], 0.0) / light.direction[2] ** 2 + 2e-3
    corners = np.array([[-1.0, -1.0, 0.0], [1.0, -1.0, 0.0], [1.0, 1.0, 0.0], [-1.0, 1.0, 0.0]])
    return np.asarray((fallen[:, None, :] + rim[:, None, None] * corners).reshape(-1, 3))


def _fall(points: Array, direction: Array) -> Array:
    height = np.maximum(points[:, 2:], 0.0)
    fallen = points - height * (direction / direction[2])
    fallen[:, 2] = 0.0
    return np.asarray(fallen)


def _sample_lamp(light: Light, count: int) -> list[Array]:
    if count == 1:
        return [light.direction]
    across, up, _ = light_axes(light.direction)
    angles, radii = np.arange(count) * GOLDEN_ANGLE, light.spread * np.sqrt((np.arange(count) + 0.5) / count)
    rays = [light.direction + r * (np.cos(a) * across + np.sin(a) * up) for a, r in zip(angles, radii, strict=True)]
    return [ray / np.linalg.norm(ray) for ray in rays]


@njit(cache=True)
def _draw_heights(
    points: Array, faces: NDArray[np.int32], left: float, low: float, texel: float, heights: NDArray[np.float32]
) -> None:
    h, w = heights.shape
    for f in range(len(faces)):
        i, j, k = faces[f]
        ax, ay = (points[i, 0] - left) / texel, (points[i, 1] - low) / texel
        bx, by = (points[j, 0] - left) / texel, (points[j, 1] - low) / texel
        cx, cy = (points[k, 0] - left) / texel, (points[k, 1] - low) / texel
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area <= 0.0:
            continue
        for y in range(int(np.ceil(min(ay, by, cy))), int(np.floor(max(ay, by, cy))) + 1):
            for x in range(int(np.ceil(min(ax, bx, cx))), int(np.floor(max(ax, bx, cx))) + 1):
                a = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
                b = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
                c = 1.0 - a - b
                if a >= 0.0 and b >= 0.0 and c >= 0.0 and 0 <= x < w and 0 <= y < h:
                    z = np.float32(a * points[i, 2] + b * points[j, 2] + c * points[k, 2])
                    if z > heights[y, x]:
                        heights[y, x] = z


@njit(cache=True)
def lamp_share(
    heights: NDArray[np.float32],
    axes: Array,
    frame: Array,
    spread: float,
    px: float,
    py: float,
    pz: float,
    turn: float,
) -> float:
    """Share of the lamp, 0 to 1, that a surface point sees past the casters of a shadow map.

    `frame` (4,): origin (2), texel, top of the map. Percentage-closer soft shadows (R. Fernando 2005): the mean
    height of the casters found near gives the width of the penumbra. `turn` [rad] rotates the pattern of probes.
    """
    d = axes[2, 0] * px + axes[2, 1] * py + axes[2, 2] * pz
    texel = frame[2]
    bias = 1.5 * texel
    if d + bias >= frame[3]:
        return 1.0
    s = (axes[0, 0] * px + axes[0, 1] * py + axes[0, 2] * pz - frame[0]) / texel
    t = (axes[1, 0] * px + axes[1, 1] * py + axes[1, 2] * pz - frame[1]) / texel
    reach = max(1.0, min(40.0, (frame[3] - d) * spread / texel))
    h, w = heights.shape
    if s < -reach or t < -reach or s > w + reach or t > h + reach:
        return 1.0
    radius = reach
    for stage in range(2):
        probes = 9 if stage == 0 else 20
        found, total = 0, 0.0
        for i in range(probes):
            r = radius * np.sqrt((i + 0.5) / probes)
            a = turn + i * GOLDEN_ANGLE
            x, y = int(np.floor(s + r * np.cos(a) + 0.5)), int(np.floor(t + r * np.sin(a) + 0.5))
            if 0 <= x < w and 0 <= y < h and heights[y, x] > d + bias:
                found += 1
                total += heights[y, x]
        if stage == 1:
            return 1.0 - found / probes
        if found == 0:
            return 1.0
        radius = max(1.0, min(reach, (total / found - d) * spread / texel))
    return 1.0
