"""Shadows: a height map along the light for bodies, and the exact shadow of cloth on the ground."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import ndimage

from sim.camera.lens import View
from sim.camera.mesh import Mesh
from sim.camera.rasteriser import Region, cover_bits, rasterise
from sim.camera.triangles import project_meshes

Array = NDArray[np.float64]

GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))
NO_CASTER = np.float32(-1e9)
BLOCK = 16
"""Texels along the side of a block whose greatest height is known."""
REACH = 2 * BLOCK
"""How far from a point casters are looked for [texels]."""
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
    """Greatest height z of what casts a shadow on each point of the ground (points slide along the light to z = 0).

    `heights` (h, w) [m]; `hulls`: the greatest height within reach of each block of texels; `frame` (6,): x and y of
    the first texel, texel [m], how far x and y slide per height, spread of the lamp's light on the ground per height.
    """

    heights: NDArray[np.float32]
    hulls: NDArray[np.float32]
    frame: Array


def make_probes(count: int) -> Array:
    """Points (count, 2) spread evenly over the unit disk (H. Vogel 1979)."""
    angle, radius = np.arange(count) * GOLDEN_ANGLE, np.sqrt((np.arange(count) + 0.5) / count)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


SEARCH_PROBES = make_probes(10)
SHARE_PROBES = make_probes(24)


def _light_axes(direction: Array) -> Array:
    """Right-handed rows (3, 3): two axes across the light, and `direction`."""
    helper = np.array([0.0, 1.0, 0.0]) if abs(direction[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    a = np.cross(helper, direction)
    a /= np.linalg.norm(a)
    return np.array([a, np.cross(direction, a), direction])


def cast_shadows(meshes: Sequence[Mesh], light: Light, texel: float) -> ShadowMap:
    """Shadow map of the bodies; cloth (two-sided meshes) is left to `cover_ground`."""
    lx, ly, lz = light.direction
    slide, spread = np.array([lx / lz, ly / lz]), light.spread / lz
    solids = [mesh for mesh in meshes if not mesh.two_sided]
    if not solids:
        nothing = np.full((1, 1), NO_CASTER, np.float32)
        return ShadowMap(nothing, nothing, np.array([0.0, 0.0, texel, *slide, spread]))
    sheared = [np.column_stack([v[:, :2] - v[:, 2:] * slide, v[:, 2]]) for v in (mesh.vertices for mesh in solids)]
    low = np.floor(np.min([v.min(axis=0) for v in sheared], axis=0) / texel) * texel
    high = np.max([v.max(axis=0) for v in sheared], axis=0)
    w, h = np.ceil((high[:2] - low[:2]) / texel).astype(int) + 1
    heights = np.full((h, w), NO_CASTER, dtype=np.float32)
    for mesh, points in zip(solids, sheared, strict=True):
        _draw_heights(points, np.ascontiguousarray(mesh.faces, dtype=np.int32), low[0], low[1], texel, heights)
    return ShadowMap(heights, _find_hulls(heights), np.array([low[0], low[1], texel, *slide, spread]))


def _find_hulls(heights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Greatest height in each block and its neighbours up to REACH, with a rim of empty blocks around the map."""
    ring = 1 + REACH // BLOCK
    h, w = (-(-n // BLOCK) * BLOCK for n in heights.shape)
    padded = np.full((h + 2 * ring * BLOCK, w + 2 * ring * BLOCK), NO_CASTER, dtype=np.float32)
    padded[ring * BLOCK :, ring * BLOCK :][: heights.shape[0], : heights.shape[1]] = heights
    blocks = padded.reshape(padded.shape[0] // BLOCK, BLOCK, -1, BLOCK).max(axis=(1, 3))
    return np.asarray(ndimage.maximum_filter(blocks, size=2 * ring + 1, mode="nearest"), dtype=np.float32)


def cover_ground(meshes: Sequence[Mesh], light: Light, view: View, region: Region) -> NDArray[np.uint32]:
    """Which samples of the ground z = 0 lie in the shadow of cloth, (L, h, w) bit masks, one for each of L rays.

    The cloth is projected onto the ground along L directions spread over the lamp, and drawn as the camera sees it.
    """
    cloth = [mesh for mesh in meshes if mesh.two_sided]
    if not cloth:
        return np.zeros((1, 1, 1), dtype=np.uint32)
    masks = []
    for direction in _sample_lamp(light, 1 if max(mesh.vertices[:, 2].max() for mesh in cloth) < FLAT_HEIGHT else 12):
        fallen = [replace(mesh, vertices=_fall(mesh.vertices, direction)) for mesh in cloth]
        triangles = project_meshes(fallen, view)
        mask = np.zeros(region.shape, dtype=np.uint32)
        if len(triangles.mesh):
            points = triangles.screen.reshape(-1, 2)
            part = region.cut(points.min(axis=0) - 1.0, points.max(axis=0) + 1.0)
            seen = rasterise(triangles, part)
            rows, columns = part.window
            inside = mask[rows.start - region.y0 : rows.stop - region.y0, columns.start - region.x0 :]
            inside[:, : part.shape[1]] = cover_bits(seen.triangle, seen.slot, seen.sample_triangle)
        masks.append(mask)
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
    across, up, _ = _light_axes(light.direction)
    angles, radii = np.arange(count) * GOLDEN_ANGLE, light.spread * np.sqrt((np.arange(count) + 0.5) / count)
    rays = [light.direction + r * (np.cos(a) * across + np.sin(a) * up) for a, r in zip(angles, radii, strict=True)]
    return [ray / np.linalg.norm(ray) for ray in rays]


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
def lamp_share(
    heights: NDArray[np.float32],
    hulls: NDArray[np.float32],
    frame: Array,
    px: float,
    py: float,
    pz: float,
    rise_x: float,
    rise_y: float,
    turn: float,
) -> float:
    """Share of the lamp, 0 to 1, that a surface point sees past the casters of a shadow map.

    Percentage-closer soft shadows (R. Fernando 2005): the mean height of the casters found near gives the width of
    the penumbra. `rise_x`, `rise_y`: how the surface itself climbs across the map; `turn` [rad] rotates the probes.
    """
    texel = frame[2]
    bias = (1.0 + min(2.0, np.sqrt(rise_x * rise_x + rise_y * rise_y))) * texel
    s, t = (px - pz * frame[3] - frame[0]) / texel, (py - pz * frame[4] - frame[1]) / texel
    ring = 1 + REACH // BLOCK
    row, column = int(np.floor(t / BLOCK)) + ring, int(np.floor(s / BLOCK)) + ring
    if not (0 <= row < hulls.shape[0] and 0 <= column < hulls.shape[1]) or hulls[row, column] <= pz + bias:
        return 1.0
    h, w = heights.shape
    c, sn = np.cos(turn), np.sin(turn)
    reach = max(1.0, min(float(REACH), (hulls[row, column] - pz) * frame[5] / texel))
    rise_x, rise_y = max(-3.0, min(3.0, rise_x)) * texel, max(-3.0, min(3.0, rise_y)) * texel
    found, total = 0, 0.0
    for i in range(len(SEARCH_PROBES)):
        a, b = reach * SEARCH_PROBES[i, 0], reach * SEARCH_PROBES[i, 1]
        dx, dy = c * a - sn * b, sn * a + c * b
        x, y = int(np.floor(s + dx + 0.5)), int(np.floor(t + dy + 0.5))
        if 0 <= x < w and 0 <= y < h and heights[y, x] > pz + bias + max(0.0, rise_x * dx + rise_y * dy):
            found += 1
            total += heights[y, x]
    if found == 0:
        return 1.0
    radius = max(1.0, min(reach, (total / found - pz) * frame[5] / texel))
    found = 0
    for i in range(len(SHARE_PROBES)):
        a, b = radius * SHARE_PROBES[i, 0], radius * SHARE_PROBES[i, 1]
        dx, dy = c * a - sn * b, sn * a + c * b
        x, y = int(np.floor(s + dx + 0.5)), int(np.floor(t + dy + 0.5))
        if 0 <= x < w and 0 <= y < h and heights[y, x] > pz + bias + max(0.0, rise_x * dx + rise_y * dy):
            found += 1
    return 1.0 - found / len(SHARE_PROBES)
