"""The sewn thread: short raised segments from one hole of the needle to the next, wherever the cloth goes."""

import numpy as np

from sewcell.geometry.poses import Array
from sim.camera.mesh import Mesh
from sim.truth import Pierce
from sim.world.cloth import Cloth
from sim.world.looks import THREAD

WIDTH = 0.6e-3
HEIGHT = 0.35e-3
"""Width of the thread on the cloth and its height above it [m]."""
PATH = np.array([[0.06, 0.0], [0.16, 0.8], [0.5, 1.0], [0.84, 0.8], [0.94, 0.0]])
"""How a segment rises and dips again: share of the way between two holes, share of its height."""
SIDES = np.array([[-1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, -0.4]])
"""Section of the thread: half widths across, heights."""


class Stitches:
    """Thread on one cloth. Holes are kept as triangle and barycentric coordinates: the thread bends with the cloth."""

    def __init__(self, cloth: Cloth) -> None:
        self._cloth = cloth
        self._turns: list[int] = []  # of the shaft, without those that formed no stitch
        self._skipped = 0
        self._triangles: list[int] = []
        self._shares: list[Array] = []

    def add(self, pierces: list[Pierce]) -> None:
        """Holes in the order in which they were made; those beside the fabric (NaN) end the thread, and over skipped
        ones it goes straight on."""
        for pierce in pierces:
            if np.isnan(pierce.x):
                continue
            if pierce.skipped:
                self._skipped += 1
                continue
            triangle, share = _locate(self._cloth, pierce.x, pierce.y)
            self._turns.append(pierce.turn - self._skipped)
            self._triangles.append(triangle)
            self._shares.append(share)

    def mesh(self, name: str) -> Mesh | None:
        """All segments on the upper face of the cloth as it lies now; None before the first whole stitch."""
        chained = np.flatnonzero(np.diff(np.array(self._turns, dtype=np.int64)) == 1)
        if not len(chained):
            return None
        corners = self._cloth.x[self._cloth.triangles[np.array(self._triangles)]]
        holes = np.einsum("hk,hkc->hc", np.array(self._shares), corners)
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals *= np.where(normals[:, 2:] < 0.0, -1.0, 1.0) / np.linalg.norm(normals, axis=1)[:, None]
        holes[:, 2] += self._cloth.material.thickness / 2.0
        return _draw_segments(name, holes[chained], holes[chained + 1], normals[chained] + normals[chained + 1])


def _draw_segments(name: str, start: Array, end: Array, up: Array) -> Mesh:
    """Segments from `start` to `end` (S, 3), raised along `up` (S, 3), each a closed skin of five rings."""
    along = end - start
    across = np.cross(along, up)
    across /= np.maximum(np.linalg.norm(across, axis=1), 1e-12)[:, None]
    up = np.cross(across, along)
    up /= np.maximum(np.linalg.norm(up, axis=1), 1e-12)[:, None]
    way, rise = PATH[:, 0], HEIGHT * PATH[:, 1]
    size = 0.4 + 0.6 * PATH[:, 1]
    lifts = rise[:, None] * 0.5 + SIDES[None, :, 1] * size[:, None] * HEIGHT * 0.5
    halves = SIDES[None, :, 0] * size[:, None] * WIDTH / 2.0
    spine = start[:, None] + way[None, :, None] * along[:, None]
    vertices = (
        spine[:, :, None]
        + halves[None, :, :, None] * across[:, None, None]
        + lifts[None, :, :, None] * up[:, None, None]
    )
    faces = _segment_faces(len(PATH), len(SIDES))
    offsets = np.arange(len(start)) * len(PATH) * len(SIDES)
    every = (faces[None] + offsets[:, None, None]).reshape(-1, 3).astype(np.int32)
    return Mesh(name, vertices.reshape(-1, 3), every, THREAD, smooth=True)


def _segment_faces(rings: int, corners: int) -> Array:
    """Skin of one segment (F, 3), with its ends."""
    faces = []
    for k in range(rings - 1):
        for i in range(corners):
            a, b = k * corners + i, k * corners + (i + 1) % corners
            faces += [(a, b, b + corners), (a, b + corners, a + corners)]
    last = (rings - 1) * corners
    faces += [(0, i + 1, i) for i in range(1, corners - 1)]
    faces += [(last, last + i, last + i + 1) for i in range(1, corners - 1)]
    return np.array(faces, dtype=np.int64)


def _locate(cloth: Cloth, x: float, y: float) -> tuple[int, Array]:
    """Triangle of the pattern around (x, y) and barycentric coordinates (3,); on the rim, the nearest one."""
    a, b, c = (cloth.pattern[cloth.triangles[:, k]] for k in range(3))
    p = np.array([x, y])
    area = _cross(b - a, c - a)
    shares = np.column_stack([_cross(b - p, c - p), _cross(c - p, a - p), _cross(a - p, b - p)]) / area[:, None]
    triangle = int(np.argmax(shares.min(axis=1)))
    return triangle, np.asarray(shares[triangle])


def _cross(u: Array, v: Array) -> Array:
    return np.asarray(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
