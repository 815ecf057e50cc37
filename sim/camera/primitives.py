"""Surfaces of simple bodies: box, loft, body of revolution, cylinder, capsule, sphere and grid."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sewcell.geometry.poses import transform_points
from sim.camera.mesh import Mesh

Array = NDArray[np.float64]
Colour = tuple[float, float, float]


def place_mesh(mesh: Mesh, T_base_body: Array) -> Mesh:
    """The body of `mesh`, whose vertices are given in its own frame, at pose `T_base_body`."""
    return replace(mesh, vertices=transform_points(T_base_body, mesh.vertices))


def join_meshes(name: str, meshes: Sequence[Mesh]) -> Mesh:
    """One body of several that look alike; colour, texture and shading are those of the first, uv is left out."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    return replace(
        meshes[0],
        name=name,
        vertices=np.concatenate([mesh.vertices for mesh in meshes]),
        faces=np.concatenate([mesh.faces + n for mesh, n in zip(meshes, starts, strict=True)]).astype(np.int32),
        uv=None,
    )


def make_box(
    name: str, low: ArrayLike, high: ArrayLike, colour: Colour, texture: str = "plain", bevel: float = 0.0
) -> Mesh:
    """Box between the corners `low` and `high` (3,) [m]; `bevel` [m] cuts its edges at 45 degrees.

    It is the convex hull of three boxes, each drawn in by the bevel along two axes: 6 faces, 12 bevels, 8 corners.
    """
    centre = (np.asarray(low, dtype=np.float64) + np.asarray(high, dtype=np.float64)) / 2.0
    half = np.abs(np.asarray(high, dtype=np.float64) - centre)
    bevel = min(bevel, 0.45 * float(half.min()))
    vertices: list[Array] = []
    faces: list[tuple[int, int, int]] = []
    uv: list[Array] = []

    def add(polygon: list[Array], normal: Array) -> None:
        corners = np.array(polygon)
        if np.cross(corners[1] - corners[0], corners[2] - corners[0]) @ normal < 0.0:
            corners = corners[::-1]
        flat = np.delete(np.arange(3), int(np.argmax(np.abs(normal))))
        start = len(vertices)
        vertices.extend(corners + centre)
        uv.extend(corners[:, flat] + centre[flat])
        faces.extend((start, start + i, start + i + 1) for i in range(1, len(corners) - 1))

    def corner(signs: Array, full: int) -> Array:
        """Corner of the box that keeps its full size along axis `full` only."""
        inner = half - bevel
        inner[full] = half[full]
        return np.asarray(signs * inner)

    for axis in range(3):
        b, c = (axis + 1) % 3, (axis + 2) % 3
        for side in (-1.0, 1.0):
            signs = [np.zeros(3) for _ in range(4)]
            for s, (sb, sc) in zip(signs, ((-1, -1), (1, -1), (1, 1), (-1, 1)), strict=True):
                s[axis], s[b], s[c] = side, sb, sc
            normal = np.eye(3)[axis] * side
            add([corner(s, axis) for s in signs], normal)
        if bevel > 0.0:
            for sb, sc in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                low_end, high_end = np.zeros(3), np.zeros(3)
                low_end[[axis, b, c]], high_end[[axis, b, c]] = (-1, sb, sc), (1, sb, sc)
                slope = low_end + high_end
                add([corner(low_end, b), corner(high_end, b), corner(high_end, c), corner(low_end, c)], slope)
    if bevel > 0.0:
        for index in range(8):
            signs_of_corner = np.array([1.0 if index >> k & 1 else -1.0 for k in range(3)])
            add([corner(signs_of_corner, axis) for axis in range(3)], signs_of_corner)
    return Mesh(name, np.array(vertices), np.array(faces, dtype=np.int32), colour, np.array(uv), texture)


def make_loft(name: str, rings: ArrayLike, colour: Colour, texture: str = "plain", smooth: bool = True) -> Mesh:
    """Skin over the closed `rings` (K, N, 3) [m], N corners each, with flat ends.

    Corners go round counter-clockwise seen against the way from the first ring to the last. The ends are fans about
    the mean of their corners, which must see all of them. Triangles without area are left out.
    """
    body = np.asarray(rings, dtype=np.float64)
    count, corners = body.shape[:2]
    ends = np.concatenate([body[0], body[0].mean(axis=0)[None], body[-1], body[-1].mean(axis=0)[None]])
    vertices = np.concatenate([body.reshape(-1, 3), ends])
    i, j = np.arange(corners), np.roll(np.arange(corners), -1)
    row = corners * np.arange(count - 1)[:, None]
    first, last = count * corners, count * corners + corners + 1
    faces = np.concatenate(
        [
            np.stack([row + i, row + j, row + corners + j], axis=-1).reshape(-1, 3),
            np.stack([row + i, row + corners + j, row + corners + i], axis=-1).reshape(-1, 3),
            np.column_stack([first + j, first + i, np.full(corners, first + corners)]),
            np.column_stack([last + i, last + j, np.full(corners, last + corners)]),
        ]
    )
    p = vertices[faces]
    area = np.linalg.norm(np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]), axis=1)
    return Mesh(name, vertices, faces[area > 1e-14].astype(np.int32), colour, None, texture, smooth=smooth)


def round_rectangle(half_a: float, half_b: float, radius: float, per_corner: int = 6) -> Array:
    """Outline (4 per_corner, 2) of a rectangle about the origin with rounded corners [m], counter-clockwise."""
    turns = np.linspace(0.0, np.pi / 2.0, per_corner)
    quarter = radius * np.column_stack([np.cos(turns), np.sin(turns)])
    parts = []
    for k, (sa, sb) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        c, s = np.cos(k * np.pi / 2.0), np.sin(k * np.pi / 2.0)
        parts.append(quarter @ np.array([[c, s], [-s, c]]) + (sa * (half_a - radius), sb * (half_b - radius)))
    return np.concatenate(parts)


def make_lathe(
    name: str, profile: ArrayLike, colour: Colour, texture: str = "plain", segments: int = 32, crease: bool = False
) -> Mesh:
    """Body of revolution about z. `profile` (K, 2) [m]: radius and height, from the bottom up.

    `crease`: every ring of the profile keeps a sharp edge.
    """
    ring = np.asarray(profile, dtype=np.float64)
    rows = np.repeat(ring, 2, axis=0)[1:-1] if crease else ring
    angles = np.linspace(0.0, 2.0 * np.pi, segments, endpoint=False)
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    vertices = np.concatenate([np.column_stack([r * circle, np.full(segments, z)]) for r, z in rows])
    faces = []
    for k in range(0, len(rows) - 1, 2 if crease else 1):
        for i in range(segments):
            j = (i + 1) % segments
            low, high = k * segments, (k + 1) * segments
            if rows[k, 0] > 0.0:
                faces.append((low + i, low + j, high + j))
            if rows[k + 1, 0] > 0.0:
                faces.append((low + i, high + j, high + i))
    return Mesh(name, vertices, np.array(faces, dtype=np.int32), colour, None, texture, smooth=True)


def make_cylinder(
    name: str,
    radius: float,
    height: float,
    colour: Colour,
    texture: str = "plain",
    bevel: float = 0.0,
    segments: int = 32,
) -> Mesh:
    """Cylinder about z from z = 0 to `height` [m], with bevelled rims."""
    r, h, b = radius, height, max(bevel, 1e-6)
    profile = [(0.0, 0.0), (r - b, 0.0), (r, b), (r, h - b), (r - b, h), (0.0, h)]
    return make_lathe(name, profile, colour, texture, segments, crease=True)


def make_capsule(
    name: str,
    start: ArrayLike,
    end: ArrayLike,
    radius: float,
    colour: Colour,
    texture: str = "plain",
    segments: int = 32,
) -> Mesh:
    """Cylinder with half spheres at its ends, from `start` to `end` (3,) [m]; a sphere where they are equal."""
    a, b = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    length = float(np.linalg.norm(b - a))
    bend = np.linspace(0.0, np.pi / 2.0, segments // 4 + 1)
    low = np.column_stack([radius * np.sin(bend), -radius * np.cos(bend)])
    high = np.column_stack([radius * np.cos(bend), length + radius * np.sin(bend)])
    low[0, 0] = high[-1, 0] = 0.0
    profile = np.concatenate([low, high if length > 0.0 else high[1:]])
    return place_mesh(make_lathe(name, profile, colour, texture, segments), _pose_along(a, b - a))


def make_grid(
    name: str,
    low: ArrayLike,
    high: ArrayLike,
    z: float,
    colour: Colour,
    texture: str = "plain",
    cells: tuple[int, int] = (1, 1),
    two_sided: bool = False,
) -> Mesh:
    """Level rectangle between the corners `low` and `high` (2,) [m] at height `z`, facing up; uv = x, y."""
    (x0, y0), (x1, y1) = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    nx, ny = cells
    x, y = np.meshgrid(np.linspace(x0, x1, nx + 1), np.linspace(y0, y1, ny + 1))
    plane = np.column_stack([x.ravel(), y.ravel()])
    corner = (np.arange(ny)[:, None] * (nx + 1) + np.arange(nx)[None, :]).ravel()
    up = nx + 1
    faces = np.concatenate(
        [
            np.column_stack([corner, corner + 1, corner + up + 1]),
            np.column_stack([corner, corner + up + 1, corner + up]),
        ]
    ).astype(np.int32)
    vertices = np.column_stack([plane, np.full(len(plane), z)])
    return Mesh(name, vertices, faces, colour, plane.copy(), texture, two_sided, smooth=two_sided)


def _pose_along(origin: Array, direction: Array) -> Array:
    """Pose at `origin` whose z axis points along `direction`."""
    length = np.linalg.norm(direction)
    z = direction / length if length > 0.0 else np.array([0.0, 0.0, 1.0])
    helper = np.array([1.0, 0.0, 0.0]) if abs(z[0]) < 0.9 else np.array([0.0, 1.0, 0.0])
    y = np.cross(z, helper)
    y /= np.linalg.norm(y)
    T = np.eye(4)
    T[:3, :3] = np.column_stack([np.cross(y, z), y, z])
    T[:3, 3] = origin
    return T
