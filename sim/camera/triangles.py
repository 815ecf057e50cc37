"""Meshes as triangles on the picture: clipped to the view, cut small enough for the lens, projected."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.camera.lens import View, project_ray
from sim.camera.mesh import Mesh

Array = NDArray[np.float64]

NEAR = 0.03
"""Distance [m] before the camera where surfaces are cut off."""
BEND_PX = 0.02
"""How far a projected edge may stray from its chord before it is halved."""
ATTRIBUTES = 8
"""Per corner: position in base (3), normal in base (3), texture coordinates (2)."""
STACK = 96


@dataclass(frozen=True, slots=True)
class Triangles:
    """`screen` (T, 3, 2) [px], `nearness` (T, 3) = 1 / depth [1/m], `corners` (T, 3, 8), `mesh` (T,) index."""

    screen: Array
    nearness: Array
    corners: Array
    mesh: NDArray[np.int32]


def project_meshes(meshes: Sequence[Mesh], view: View) -> Triangles:
    """Triangles of all meshes that face the camera of `view` and may fall on its picture."""
    left, right, top, bottom = view.window()
    planes = np.array(
        [
            [0.0, 0.0, 1.0, -NEAR],
            [1.0, 0.0, -left, 0.0],
            [-1.0, 0.0, right, 0.0],
            [0.0, 1.0, -top, 0.0],
            [0.0, -1.0, bottom, 0.0],
        ]
    )
    lens, T = view.lens, np.ascontiguousarray(view.T_camera_base, dtype=np.float64)
    parts = []
    for mesh in meshes:
        points = np.ascontiguousarray(mesh.vertices, dtype=np.float64)
        faces = np.ascontiguousarray(mesh.faces, dtype=np.int32)
        normals = compute_normals(points, faces) if mesh.smooth else points
        uv = np.full((1, 2), np.nan) if mesh.uv is None else np.ascontiguousarray(mesh.uv, dtype=np.float64)
        parts.append(_cut_and_project(points, normals, uv, faces, mesh.smooth, mesh.two_sided, T, lens, planes))
    index = [np.full(len(part[0]), i, dtype=np.int32) for i, part in enumerate(parts)]
    if not parts:
        return Triangles(np.zeros((0, 3, 2)), np.zeros((0, 3)), np.zeros((0, 3, ATTRIBUTES)), np.zeros(0, np.int32))
    return Triangles(
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1][:, :, 0] for part in parts]),
        np.concatenate([part[2] for part in parts]),
        np.concatenate(index),
    )


@njit(cache=True, error_model="numpy")
def compute_normals(points: Array, faces: NDArray[np.int32]) -> Array:
    """Unit normals (V, 3): mean of the faces around each vertex, weighted by area."""
    normals = np.zeros(points.shape)
    for f in range(len(faces)):
        i, j, k = faces[f]
        ax, ay, az = points[j, 0] - points[i, 0], points[j, 1] - points[i, 1], points[j, 2] - points[i, 2]
        bx, by, bz = points[k, 0] - points[i, 0], points[k, 1] - points[i, 1], points[k, 2] - points[i, 2]
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        for c in range(3):
            v = faces[f, c]
            normals[v, 0] += nx
            normals[v, 1] += ny
            normals[v, 2] += nz
    for v in range(len(points)):
        length = np.sqrt(normals[v, 0] ** 2 + normals[v, 1] ** 2 + normals[v, 2] ** 2)
        if length > 0.0:
            for c in range(3):
                normals[v, c] /= length
    return normals


@njit(cache=True, error_model="numpy")
def _cut_and_project(
    points: Array,
    normals: Array,
    uv: Array,
    faces: NDArray[np.int32],
    smooth: bool,
    two_sided: bool,
    T: Array,
    lens: Array,
    planes: Array,
) -> tuple[Array, Array, Array]:
    width = 3 + ATTRIBUTES
    room = max(64, 2 * len(faces))
    screen, nearness, corners = np.empty((room, 3, 2)), np.empty((room, 3, 1)), np.empty((room, 3, ATTRIBUTES))
    count = 0
    polygon, clipped = np.empty((10, width)), np.empty((10, width))
    stack = np.empty((STACK, 3, width))
    tri, middle = np.empty((3, width)), np.empty((3, width))
    pixel = np.empty((3, 2))
    split = np.zeros(3, dtype=np.bool_)
    for f in range(len(faces)):
        for c in range(3):
            v = faces[f, c]
            for k in range(3):
                polygon[c, k] = T[k, 0] * points[v, 0] + T[k, 1] * points[v, 1] + T[k, 2] * points[v, 2] + T[k, 3]
                polygon[c, 3 + k] = points[v, k]
                polygon[c, 6 + k] = normals[v, k]
            polygon[c, 9] = uv[v, 0] if len(uv) > 1 else np.nan
            polygon[c, 10] = uv[v, 1] if len(uv) > 1 else np.nan
        outside = False
        whole = True
        for p in range(5):
            inside = 0
            for c in range(3):
                if _distance(planes[p], polygon[c]) >= 0.0:
                    inside += 1
            outside = outside or inside == 0
            whole = whole and inside == 3
        if outside:
            continue
        ux, uy, uz = polygon[1, 3] - polygon[0, 3], polygon[1, 4] - polygon[0, 4], polygon[1, 5] - polygon[0, 5]
        vx, vy, vz = polygon[2, 3] - polygon[0, 3], polygon[2, 4] - polygon[0, 4], polygon[2, 5] - polygon[0, 5]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        length = np.sqrt(nx * nx + ny * ny + nz * nz)
        if length == 0.0:
            continue
        facing = 0.0
        for k in range(3):
            facing += (T[k, 0] * nx + T[k, 1] * ny + T[k, 2] * nz) * polygon[0, k]
        if facing >= 0.0 and not two_sided:
            continue
        turn = 1.0 if facing < 0.0 else -1.0
        for c in range(3):
            if smooth:
                for k in range(6, 9):
                    polygon[c, k] *= turn
            else:
                polygon[c, 6], polygon[c, 7], polygon[c, 8] = turn * nx / length, turn * ny / length, turn * nz / length
        n = 3
        if not whole:
            for p in range(5):
                n = _clip(planes[p], polygon, n, clipped)
                polygon, clipped = clipped, polygon
        depth = 0
        for c in range(1, n - 1):
            depth = _push(stack, depth, polygon[0], polygon[c], polygon[c + 1])
        while depth > 0:
            depth -= 1
            for c in range(3):
                _mix(stack[depth, c], stack[depth, c], 0.0, tri[c])
                pixel[c, 0], pixel[c, 1] = project_ray(tri[c, 0] / tri[c, 2], tri[c, 1] / tri[c, 2], lens)
            cuts = 0
            for c in range(3):
                d = (c + 1) % 3
                _mix(tri[c], tri[d], 0.5, middle[c])
                mu, mv = project_ray(middle[c, 0] / middle[c, 2], middle[c, 1] / middle[c, 2], lens)
                za, zb = tri[c, 2], tri[d, 2]
                du = mu - (pixel[c, 0] * za + pixel[d, 0] * zb) / (za + zb)
                dv = mv - (pixel[c, 1] * za + pixel[d, 1] * zb) / (za + zb)
                split[c] = du * du + dv * dv > BEND_PX * BEND_PX and depth + 4 < STACK
                cuts += split[c]
            if cuts == 3:
                for c in range(3):
                    depth = _push(stack, depth, tri[c], middle[c], middle[(c + 2) % 3])
                depth = _push(stack, depth, middle[0], middle[1], middle[2])
            elif cuts == 2:
                c = 0 if not split[0] else (1 if not split[1] else 2)  # the edge that stays whole: c to d
                d, e = (c + 1) % 3, (c + 2) % 3
                depth = _push(stack, depth, tri[e], middle[e], middle[d])
                depth = _push(stack, depth, tri[c], tri[d], middle[d])
                depth = _push(stack, depth, tri[c], middle[d], middle[e])
            elif cuts == 1:
                c = 0 if split[0] else (1 if split[1] else 2)
                d, e = (c + 1) % 3, (c + 2) % 3
                depth = _push(stack, depth, tri[c], middle[c], tri[e])
                depth = _push(stack, depth, middle[c], tri[d], tri[e])
            else:
                if count == room:
                    room *= 2
                    screen, nearness, corners = _grow(screen, room), _grow(nearness, room), _grow(corners, room)
                for c in range(3):
                    screen[count, c, 0], screen[count, c, 1] = pixel[c, 0], pixel[c, 1]
                    nearness[count, c, 0] = 1.0 / tri[c, 2]
                    for k in range(ATTRIBUTES):
                        corners[count, c, k] = tri[c, 3 + k]
                count += 1
    return screen[:count], nearness[:count], corners[:count]


@njit(cache=True, error_model="numpy")
def _distance(plane: Array, corner: Array) -> float:
    return float(plane[0] * corner[0] + plane[1] * corner[1] + plane[2] * corner[2] + plane[3])


@njit(cache=True, error_model="numpy")
def _mix(a: Array, b: Array, share: float, out: Array) -> None:
    """`out` = (1 - share) a + share b; halves come out the same whichever end is first."""
    for k in range(len(out)):
        out[k] = (1.0 - share) * a[k] + share * b[k]


@njit(cache=True, error_model="numpy")
def _push(stack: Array, depth: int, a: Array, b: Array, c: Array) -> int:
    _mix(a, a, 0.0, stack[depth, 0])
    _mix(b, b, 0.0, stack[depth, 1])
    _mix(c, c, 0.0, stack[depth, 2])
    return depth + 1


@njit(cache=True, error_model="numpy")
def _clip(plane: Array, polygon: Array, n: int, clipped: Array) -> int:
    """The part of `polygon` on the inner side of `plane` (Sutherland and Hodgman 1974); returns its corner count.

    New corners are computed from the inner towards the outer corner, so that neighbours get the same ones.
    """
    count = 0
    for i in range(n):
        j = (i + 1) % n
        a, b = _distance(plane, polygon[i]), _distance(plane, polygon[j])
        if a >= 0.0:
            _mix(polygon[i], polygon[i], 0.0, clipped[count])
            count += 1
            if b < 0.0:
                _mix(polygon[i], polygon[j], a / (a - b), clipped[count])
                count += 1
        elif b >= 0.0:
            _mix(polygon[j], polygon[i], b / (b - a), clipped[count])
            count += 1
    return count


@njit(cache=True, error_model="numpy")
def _grow(values: Array, room: int) -> Array:
    """A copy of `values` (N, 3, K) with room for `room` rows."""
    larger = np.empty((room, values.shape[1], values.shape[2]))
    for i in range(len(values)):
        for c in range(values.shape[1]):
            for k in range(values.shape[2]):
                larger[i, c, k] = values[i, c, k]
    return larger
